"""The course of a search: best so far, the workers' timeline, the rungs of each bracket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.analysis.search.search import ConfigurationPath, History, RungOutcome
from reports.analysis.search.timeline import Timeline, TrialSpan, busy_shares
from reports.figures.axes import ACCURACY, error_axis, error_limits, error_scale, floored, spread_labels, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink, order_colour, text_colour
from reports.formatting import plural


def history_figure(history: History, label: str, score_name: str = ACCURACY) -> Drawing:
    """Draw every trial's score in the order in which they ended, and the best so far."""
    marks = [_Mark(point.number, point.accuracy, point.best, point.epochs, point.trial) for point in history.points]

    def paint(canvas: Canvas) -> None:
        ax = _best_so_far(canvas, marks, float(history.trials), score_name)
        ax.set_xlim(0.3, history.trials + 0.7)
        ticks = [tick for tick in whole_ticks(1, history.trials) if tick > 0]
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.set_xlabel("trials that ended, in order")

    return Drawing("history", 960, 320, label, paint)


@dataclass(frozen=True)
class TimeUnit:
    """The unit of an axis of time."""

    name: str
    seconds: float


def time_unit(span_s: float) -> TimeUnit:
    """Return seconds, minutes or hours, whichever gives readable ticks."""
    if span_s < 180:
        return TimeUnit("seconds", 1.0)
    return TimeUnit("minutes", 60.0) if span_s < 3 * 3600 else TimeUnit("hours", 3600.0)


def timeline_figure(timeline: Timeline, label: str) -> Drawing:
    """Draw a lane for each worker, with a bar for each trial, coloured by its epochs."""

    def paint(canvas: Canvas, ax: Axes, width: float, unit: TimeUnit) -> None:
        lengths = sorted({bar.epochs for bar in timeline.bars if bar.completed})
        lane = {worker: row for row, worker in enumerate(timeline.workers)}
        # A thin gap between two trials, at most a fifth of a bar.
        gap = timeline.span_s / unit.seconds / 800
        for place, epochs in enumerate([*lengths, None]):
            bars = [bar for bar in timeline.bars if (bar.epochs if bar.completed else None) == epochs]
            lines = [_bar(bar, lane[bar.worker], unit, gap) for bar in bars]
            colour = Ink.FAINT if epochs is None else order_colour(place, len(lengths))
            canvas.lines(ax, lines, [bar.trial for bar in bars], colors=colour, linewidths=width)
        names = [(plural(epochs, "epoch"), order_colour(place, len(lengths))) for place, epochs in enumerate(lengths)]
        failed = [("failed", Ink.FAINT)] if any(not bar.completed for bar in timeline.bars) else []
        _beside(ax, [*names, *failed])

    return _lanes(timeline, label, paint)


def busy_figure(timeline: Timeline, steps: int, label: str) -> Drawing:
    """Draw a lane for each worker: the height is the share of each of `steps` intervals in which it trained."""
    shares = busy_shares(timeline, steps)

    def paint(canvas: Canvas, ax: Axes, width: float, unit: TimeUnit) -> None:
        edges = [step * timeline.span_s / steps / unit.seconds for step in range(steps + 1)]
        for row, worker in enumerate(timeline.workers):
            tops = [row + 0.4 - 0.8 * share for share in shares[worker]]
            ax.stairs(tops, edges, baseline=row + 0.4, fill=True, color=Ink.ORDER[3], linewidth=0)

    return _lanes(timeline, label, paint)


@dataclass(frozen=True)
class _Mark:
    x: float
    accuracy: float
    best: float
    epochs: float
    trial: str


def _best_so_far(canvas: Canvas, marks: Sequence[_Mark], end: float, score_name: str) -> Axes:
    """Draw marks coloured by their epochs, and the line of the best so far."""
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
    error_axis(ax, accuracies, label=f"{score_name}, %")
    low, high = error_limits(accuracies)
    heights = spread_labels(ends, 0.06 * (high - low))
    for place, (epochs, height) in enumerate(zip(lengths, heights, strict=True)):
        _label(ax, plural(epochs, "epoch"), height, "data", order_colour(place, len(lengths)))
    return ax


def _label(ax: Axes, text: str, height: float, scale: str, colour: str) -> None:
    """Write a label right of the axes, at a height in data units or in pixels below their top."""
    ax.annotate(
        f"● {text}",
        (1, height if scale == "data" else 1),
        xycoords=("axes fraction", "data" if scale == "data" else "axes fraction"),
        xytext=(10, 0 if scale == "data" else height),
        textcoords="offset points",
        va="center",
        fontsize=11,
        color=text_colour(colour),
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
"""The height that the labels beside the lanes need, however few the lanes are."""


def _lanes(timeline: Timeline, label: str, paint: Callable[[Canvas, Axes, float, TimeUnit], None]) -> Drawing:
    """Draw a lane for each worker over time; `paint` gets the width of a bar in pixels."""
    unit = time_unit(timeline.span_s)
    pitch = min(_LANE_PX, _MOST_LANES_PX / len(timeline.workers))
    height = max(_FEWEST_PX, round(pitch * len(timeline.workers))) + 56

    def lanes(canvas: Canvas) -> None:
        ax = canvas.axes(left=76, right=96)
        ax.set_ylim(len(timeline.workers) - 0.5, -0.5)
        every = -(-len(timeline.workers) // 24)
        rows = range(0, len(timeline.workers), every)
        ax.set_yticks(rows, [f"worker {timeline.workers[row]}" for row in rows])
        ax.tick_params(axis="y", length=0)
        _time_axis(ax, timeline.span_s / unit.seconds, unit, "since the first trial began")
        paint(canvas, ax, min(_THICKEST_PX, 0.7 * (height - 56) / len(timeline.workers)), unit)

    return Drawing("timeline", 960, height, label, lanes)


def bracket_figure(
    bracket: int,
    paths: Sequence[ConfigurationPath],
    rungs: Sequence[RungOutcome],
    all_scores: Sequence[float],
    label: str,
) -> Drawing:
    """Draw one bracket: a line for each configuration from rung to rung, on the scale of all brackets."""
    lengths = sorted({rung.epochs for rung in rungs} | {epochs for path in paths for epochs in path.epochs})
    column = {epochs: place for place, epochs in enumerate(lengths)}

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=48, right=16)
        # One set of marks for all paths: this is the slowest part of a page with many brackets.
        for path in paths:
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
                for path in paths
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
