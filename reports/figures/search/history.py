"""The course of a search: best so far over trials and over time, the workers' days, and the rungs of each bracket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.analysis.search.search import ConfigurationPath, History, RungOutcome
from reports.analysis.search.timeline import Moment, Timeline, TrialSpan, busy_shares
from reports.figures.axes import error_axis, error_limits, error_scale, floored, spread_labels, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink, order_colour


def history_figure(found: History, label: str) -> Drawing:
    """Every trial's score in the order in which they ended, and the best so far."""
    marks = [_Mark(point.number, point.accuracy, point.best, point.epochs, point.trial) for point in found.points]

    def paint(canvas: Canvas) -> None:
        ax = _best_so_far(canvas, marks, float(found.trials))
        ax.set_xlim(0.3, found.trials + 0.7)
        ticks = [tick for tick in whole_ticks(1, found.trials) if tick > 0]
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.set_xlabel("trials that ended, in order")

    return Drawing("history", 960, 320, label, paint)


def time_figure(moments: Sequence[Moment], label: str) -> Drawing:
    """Return the same over time."""
    unit = time_unit(moments[-1].time_s)
    marks = [_Mark(item.time_s / unit.seconds, item.accuracy, item.best, item.epochs, item.trial) for item in moments]

    def paint(canvas: Canvas) -> None:
        ax = _best_so_far(canvas, marks, marks[-1].x)
        _time_axis(ax, marks[-1].x, unit, "since the first trial began")

    return Drawing("history-time", 960, 320, label, paint)


@dataclass(frozen=True)
class TimeUnit:
    """The unit of an axis of time."""

    name: str
    seconds: float


def time_unit(span_s: float) -> TimeUnit:
    """Seconds, minutes or hours, whichever gives an axis of readable numbers."""
    if span_s < 180:
        return TimeUnit("seconds", 1.0)
    return TimeUnit("minutes", 60.0) if span_s < 3 * 3600 else TimeUnit("hours", 3600.0)


def timeline_figure(found: Timeline, label: str) -> Drawing:
    """One lane a worker, one bar a trial, coloured by its epochs."""

    def paint(canvas: Canvas, ax: Axes, width: float, unit: TimeUnit) -> None:
        lengths = sorted({bar.epochs for bar in found.bars if bar.completed})
        lane = {worker: row for row, worker in enumerate(found.workers)}
        # A hairline of paper between two trials, but never more than a fifth of a bar.
        gap = found.span_s / unit.seconds / 800
        for place, epochs in enumerate([*lengths, None]):
            bars = [bar for bar in found.bars if (bar.epochs if bar.completed else None) == epochs]
            lines = [_bar(bar, lane[bar.worker], unit, gap) for bar in bars]
            colour = Ink.FAINT if epochs is None else order_colour(place, len(lengths))
            canvas.lines(ax, lines, [bar.trial for bar in bars], colors=colour, linewidths=width)
        names = [(f"{epochs} epochs", order_colour(place, len(lengths))) for place, epochs in enumerate(lengths)]
        failed = [("failed", Ink.FAINT)] if any(not bar.completed for bar in found.bars) else []
        _beside(ax, [*names, *failed])

    return _lanes(found, label, paint)


def busy_figure(found: Timeline, steps: int, label: str) -> Drawing:
    """One lane a worker; the height in each of so many stretches of time is the share of it that the worker trained."""
    shares = busy_shares(found, steps)

    def paint(canvas: Canvas, ax: Axes, width: float, unit: TimeUnit) -> None:
        edges = [step * found.span_s / steps / unit.seconds for step in range(steps + 1)]
        for row, worker in enumerate(found.workers):
            tops = [row + 0.4 - 0.8 * share for share in shares[worker]]
            ax.stairs(tops, edges, baseline=row + 0.4, fill=True, color=Ink.ORDER[3], linewidth=0)

    return _lanes(found, label, paint)


@dataclass(frozen=True)
class _Mark:
    x: float
    accuracy: float
    best: float
    epochs: float
    trial: str


def _best_so_far(canvas: Canvas, marks: Sequence[_Mark], end: float) -> Axes:
    """Mark coloured by their epochs, and the line of the best until then."""
    ax = canvas.axes(right=96)
    ax.step(
        [mark.x for mark in marks] + [end],
        [error_scale(mark.best) for mark in marks] + [error_scale(marks[-1].best)],
        where="post",
        color=Ink.WINNER,
        linewidth=2,
        gid="best-so-far",
    )
    lengths = sorted({mark.epochs for mark in marks})
    ends = []
    for place, epochs in enumerate(lengths):
        members = [mark for mark in marks if mark.epochs == epochs]
        canvas.points(
            ax,
            [mark.x for mark in members],
            [error_scale(mark.accuracy) for mark in members],
            [mark.trial for mark in members],
            color=order_colour(place, len(lengths)),
            markersize=7 if len(marks) < 100 else 5,
        )
        ends.append(error_scale(max(mark.accuracy for mark in members)))
    accuracies = [mark.accuracy for mark in marks]
    error_axis(ax, accuracies)
    low, high = error_limits(accuracies)
    heights = spread_labels(ends, 0.06 * (high - low))
    for place, (epochs, height) in enumerate(zip(lengths, heights, strict=True)):
        _label(ax, f"{epochs} epochs", height, "data", order_colour(place, len(lengths)))
    return ax


def _label(ax: Axes, text: str, height: float, scale: str, colour: str) -> None:
    """Right of the axes: in data, or in pixels below their top."""
    ax.annotate(
        f"● {text}",
        (1, height if scale == "data" else 1),
        xycoords=("axes fraction", "data" if scale == "data" else "axes fraction"),
        xytext=(10, 0 if scale == "data" else height),
        textcoords="offset points",
        va="center",
        fontsize=11,
        color=colour,
        annotation_clip=False,
    )


def _beside(ax: Axes, names: Sequence[tuple[str, str]]) -> None:
    for row, (name, colour) in enumerate(names):
        _label(ax, name, -6.0 - 16 * row, "pixels", colour)


def _time_axis(ax: Axes, last: float, unit: TimeUnit, since: str) -> None:
    ax.set_xlim(-0.01 * last, 1.01 * last or 1.0)
    ticks = whole_ticks(0, last)
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.set_xlabel(f"{unit.name} {since}")


def _bar(bar: TrialSpan, row: int, unit: TimeUnit, gap: float) -> list[tuple[float, float]]:
    start, end = bar.start_s / unit.seconds, bar.end_s / unit.seconds
    return [(start, row), (end - min(gap, 0.2 * (end - start)), row)]


_MOST_LANES_PX = 480
_LANE_PX = 26
_THICKEST_PX = 24
_FEWEST_PX = 96
"""The words beside the lanes need so much, however few the lanes are."""


def _lanes(found: Timeline, label: str, paint: Callable[[Canvas, Axes, float, TimeUnit], None]) -> Drawing:
    """A lane a worker over time; `paint` gets the width of a bar in pixels."""
    unit = time_unit(found.span_s)
    pitch = min(_LANE_PX, _MOST_LANES_PX / len(found.workers))
    height = max(_FEWEST_PX, round(pitch * len(found.workers))) + 56

    def lanes(canvas: Canvas) -> None:
        ax = canvas.axes(left=76, right=96)
        ax.set_ylim(len(found.workers) - 0.5, -0.5)
        every = -(-len(found.workers) // 24)
        rows = range(0, len(found.workers), every)
        ax.set_yticks(rows, [f"worker {found.workers[row]}" for row in rows])
        ax.tick_params(axis="y", length=0)
        _time_axis(ax, found.span_s / unit.seconds, unit, "since the first trial began")
        paint(canvas, ax, min(_THICKEST_PX, 0.7 * (height - 56) / len(found.workers)), unit)

    return Drawing("timeline", 960, height, label, lanes)


def bracket_figure(
    bracket: int,
    found: Sequence[ConfigurationPath],
    rungs: Sequence[RungOutcome],
    all_scores: Sequence[float],
    label: str,
) -> Drawing:
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

    return Drawing(f"bracket-{bracket}", 240, 224, label, paint)
