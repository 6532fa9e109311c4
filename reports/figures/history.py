"""How the search went: best so far, and the rungs of each bracket."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.search import ConfigurationPath, History, RungOutcome
from reports.figures.canvas import (
    Canvas,
    Ink,
    draw,
    error_axis,
    error_limits,
    error_scale,
    floored,
    order_colour,
    spread_labels,
    whole_ticks,
)


def history_figure(found: History, label: str) -> str:
    """Every trial's score in the order in which they ended, and the best so far."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(right=96)
        points = found.points
        ax.step(
            [point.number for point in points] + [found.trials],
            [error_scale(point.best) for point in points] + [error_scale(points[-1].best)],
            where="post",
            color=Ink.WINNER,
            linewidth=2,
            gid="best-so-far",
        )
        lengths = sorted({point.epochs for point in points})
        ends = []
        for place, epochs in enumerate(lengths):
            members = [point for point in points if point.epochs == epochs]
            canvas.points(
                ax,
                [point.number for point in members],
                [error_scale(point.accuracy) for point in members],
                [point.trial for point in members],
                color=order_colour(place, len(lengths)),
                markersize=7 if len(points) < 100 else 5,
            )
            ends.append(error_scale(max(point.accuracy for point in members)))
        accuracies = [point.accuracy for point in points]
        error_axis(ax, accuracies)
        ax.set_xlim(0.3, found.trials + 0.7)
        ticks = [tick for tick in whole_ticks(1, found.trials) if tick > 0]
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.set_xlabel("trials that ended, in order")
        low, high = error_limits(accuracies)
        heights = spread_labels(ends, 0.06 * (high - low))
        for place, (epochs, height) in enumerate(zip(lengths, heights, strict=True)):
            ax.annotate(
                f"● {epochs} epochs",
                (1, height),
                xycoords=("axes fraction", "data"),
                xytext=(10, 0),
                textcoords="offset points",
                va="center",
                fontsize=11,
                color=order_colour(place, len(lengths)),
                annotation_clip=False,
            )

    return draw("history", 960, 320, label, paint)


def bracket_figure(
    bracket: int,
    found: Sequence[ConfigurationPath],
    rungs: Sequence[RungOutcome],
    all_scores: Sequence[float],
    label: str,
) -> str:
    """One bracket: a line for each configuration from rung to rung, on the scale of all brackets."""
    lengths = sorted({rung.epochs for rung in rungs} | {epochs for path in found for epochs in path.epochs})
    column = {epochs: place for place, epochs in enumerate(lengths)}

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=48, right=16)
        # The slowest part of a page with many brackets: one line a promoted path, one set of marks for all.
        for path in found:
            if len(path.trials) > 1:
                ax.plot(
                    [column[epochs] for epochs in path.epochs],
                    floored(path.accuracy, all_scores),
                    color=Ink.MUTED,
                    linewidth=1.25,
                    gid=canvas.trial_gid(path.trials[-1]),
                    zorder=2,
                )
        for promoted in (False, True):
            marks = [
                (column[epochs], value, trial)
                for path in found
                for k, (epochs, value, trial) in enumerate(zip(path.epochs, path.accuracy, path.trials, strict=True))
                if (k + 1 < len(path.trials)) == promoted
            ]
            colour = Ink.TEXT if promoted else Ink.FAINT
            heights = floored([m[1] for m in marks], all_scores)
            canvas.points(ax, [m[0] for m in marks], heights, [m[2] for m in marks], color=colour)
        error_axis(ax, all_scores, label="", ticks=5)
        ax.set_xlim(-0.4, max(len(lengths) - 0.6, 0.4))
        ax.set_xticks(range(len(lengths)), [str(epochs) for epochs in lengths])
        ax.set_xlabel("epochs")

    return draw(f"bracket-{bracket}", 240, 224, label, paint)
