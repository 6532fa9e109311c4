"""Accuracy against parameters or multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes

from reports.analysis.search.pareto import ConfirmedPoint, Front, Measure, PublishedPoint, SizePoint, size_of
from reports.figures.axes import error_axis, error_limits, error_scale, log_ticks, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.labels import Box, Label, box_of_text, place_labels
from reports.figures.theme_colours import Ink, order_colour

_LONGEST_NAME = 28

_AXIS = {
    "parameters": ("trainable parameters", 1),
    "multiply_adds": ("multiply-adds of one image, thousands", 1000),
}
"""Measure → label, and the unit of its ticks."""

_WIDE_RANGE = 3
"""Sizes that lie so many times apart stand on a logarithmic axis: small networks beside large published ones."""

_EDGE_SHARE = 0.12
"""A share of the axis: nearer to its ends the cap's words don't stand across its line."""

_LOW_SHARE = 0.15
"""The worst share of the trials may lie below the axis: they would squeeze the front."""


def front_figure(
    found: Front,
    label: str,
    *,
    name: str = "pareto",
    target: float | None = None,
    best: str = "winner",
    width: int = 720,
    height: int = 400,
) -> Drawing:
    """Trials, front, finalists, cap, published references, and the accuracy that the search was to reach; `best` names the large mark."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(right=20, top=20)
        shown, hidden = visible(found)
        accuracies = [
            *(point.accuracy for point in found.points if point.accuracy >= shown),
            *(value for point in found.confirmed for value in (point.low, point.high)),
            *(point.accuracy for point in found.published),
        ]
        level = near_target(target, accuracies)
        error_axis(ax, accuracies if level is None else [*accuracies, level])
        _sizes(ax, found)
        _cap(ax, found)
        _target(ax, level)
        _points(canvas, ax, found, shown)
        _front_line(ax, found)
        _published(ax, found.published, found.measure)
        _confirmed(canvas, ax, found)
        _labels(canvas, ax, found, level, best)
        if hidden:
            ax.annotate(
                f"{hidden} trial{'s' if hidden > 1 else ''} below",
                (0, 0),
                xycoords="axes fraction",
                xytext=(6, 5),
                textcoords="offset points",
                fontsize=11,
                color=Ink.MUTED,
            )

    return Drawing(name, width, height, label, paint)


def visible(found: Front) -> tuple[float, int]:
    """The lowest accuracy that is drawn, and how many trials lie below it."""
    scores = sorted(point.accuracy for point in found.points)
    if len(scores) < 8:
        return (0.0, 0)
    lowest = scores[int(_LOW_SHARE * len(scores))]
    on_front = min((point.accuracy for point in found.front), default=lowest)
    lowest = min(lowest, on_front)
    return lowest, sum(score < lowest for score in scores)


def near_target(target: float | None, accuracies: Sequence[float]) -> float | None:
    """The target, if the axis need grow by half at most to show it; None otherwise."""
    if target is None:
        return None
    low, high = error_limits(accuracies)
    room = (high - low) / 2
    return target if low - room <= error_scale(target) <= high + room else None


def _x(point: SizePoint | ConfirmedPoint | PublishedPoint, measure: Measure) -> float:
    return float(size_of(point, measure) or 0)


def _sizes(ax: Axes, found: Front) -> None:
    points: list[SizePoint | ConfirmedPoint | PublishedPoint] = [*found.points, *found.confirmed, *found.published]
    sizes = [_x(point, found.measure) for point in points]
    low, high = min(sizes), max([*sizes, found.cap or 0])
    label, unit = _AXIS[found.measure]
    ticks: Sequence[float]
    if 0 < _WIDE_RANGE * low <= high:
        margin = (high / low) ** 0.05
        limits = low / margin, high * margin
        ticks = log_ticks(*limits)
        ax.set_xscale("log")
    else:
        margin = max(0.05 * (high - low), 0.02 * high, 1)
        limits = max(0, low - margin), high + margin
        ticks = whole_ticks(*limits, 6)
    ax.set_xlim(*limits)
    ax.set_xticks(ticks, [f"{tick / unit:,.10g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlabel(label)


def _cap(ax: Axes, found: Front) -> None:
    if found.cap is None:
        return
    ax.axvline(found.cap, color=Ink.MUTED, linewidth=1, linestyle=(0, (4, 3)), gid="cap")
    ax.annotate(
        _format_cap(found.cap, found.measure),
        (found.cap, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha=_side_of_cap(ax, found.cap),
        fontsize=11,
        color=Ink.MUTED,
        annotation_clip=False,
    )


def _format_cap(cap: float, measure: Measure) -> str:
    return f"cap {cap / _AXIS[measure][1]:,.10g}"


def _side_of_cap(ax: Axes, cap: float) -> Literal["left", "center", "right"]:
    """Return what of its words stands at the cap: its end, where the axis ends, else larger letters of a narrow page would be cut off."""
    place = float(ax.transAxes.inverted().transform(ax.transData.transform((cap, 0)))[0])
    return "right" if place > 1 - _EDGE_SHARE else "left" if place < _EDGE_SHARE else "center"


def _target(ax: Axes, level: float | None) -> None:
    if level is None:
        return
    ax.axhline(error_scale(level), color=Ink.MUTED, linewidth=1, linestyle=(0, (1, 2)), gid="target")
    ax.annotate(
        _format_target(level),
        (0, error_scale(level)),
        xycoords=("axes fraction", "data"),
        xytext=(6, 4),
        textcoords="offset points",
        fontsize=11,
        color=Ink.MUTED,
    )


def _format_target(level: float) -> str:
    return f"target {100 * level:.6g}%"


def _points(canvas: Canvas, ax: Axes, found: Front, lowest: float) -> None:
    lengths = sorted({point.epochs for point in found.points})
    for place, epochs in enumerate(lengths):
        members = [p for p in found.points if p.epochs == epochs and p.accuracy >= lowest]
        canvas.points(
            ax,
            [_x(point, found.measure) for point in members],
            [error_scale(point.accuracy) for point in members],
            [point.trial for point in members],
            color=order_colour(place, len(lengths)),
            markersize=6 if len(found.points) < 100 else 5,
        )


def _front_line(ax: Axes, found: Front) -> None:
    if len(found.front) > 1:
        ax.step(
            [_x(point, found.measure) for point in found.front],
            [error_scale(point.accuracy) for point in found.front],
            where="post",
            color=Ink.ORDER[-1],
            linewidth=1.5,
            gid="front",
        )


def _published(ax: Axes, published: Sequence[PublishedPoint], measure: Measure) -> None:
    if not published:
        return
    ax.plot(
        [_x(point, measure) for point in published],
        [error_scale(point.accuracy) for point in published],
        linestyle="none",
        marker="D",
        markersize=7,
        markerfacecolor="none",
        markeredgecolor=Ink.PUBLISHED,
        markeredgewidth=1.5,
        gid="published",
    )


def _labels(canvas: Canvas, ax: Axes, found: Front, level: float | None, best: str) -> None:
    """The winner's first; the table has those that find no room."""
    known = (*found.published, *_means(found.confirmed))
    marks = [_pixel(ax, _x(point, found.measure), point.accuracy) for point in known]
    taken = [Box(x - 5, y - 5, 10, 10) for x, y in marks]
    if found.cap is not None:
        x, top = (float(place) for place in ax.get_xaxis_transform().transform((found.cap, 1)))
        words = box_of_text(_format_cap(found.cap, found.measure), x, top)
        before = {"left": 0.0, "center": 0.5, "right": 1.0}[_side_of_cap(ax, found.cap)]
        taken.append(Box(x - before * words.width, top, words.width, 20))
    if level is not None:
        left, line = (float(place) for place in ax.get_yaxis_transform().transform((0, error_scale(level))))
        taken.append(box_of_text(_format_target(level), left + 6, line + 2))
    place_labels(ax, _wanted(found, best), taken, canvas.width)


def _wanted(found: Front, best: str) -> list[Label]:
    winners = [point for point in found.confirmed if point.winner]
    labels = [
        Label(
            _x(point, found.measure),
            error_scale(point.mean),
            f"{best}, mean of {point.seeds}" if point.seeds > 1 else best,
            Ink.WINNER,
            strong=True,
        )
        for point in winners
    ]
    best_first = sorted(found.published, key=lambda point: -point.accuracy)
    return labels + [
        Label(_x(point, found.measure), error_scale(point.accuracy), point.name[:_LONGEST_NAME], Ink.PUBLISHED)
        for point in best_first
    ]


def _means(confirmed: Sequence[ConfirmedPoint]) -> list[PublishedPoint]:
    return [PublishedPoint(point.trial, point.parameters, point.mean, point.multiply_adds) for point in confirmed]


def _pixel(ax: Axes, parameters: float, accuracy: float) -> tuple[float, float]:
    x, y = ax.transData.transform((parameters, error_scale(accuracy)))
    return float(x), float(y)


def _confirmed(canvas: Canvas, ax: Axes, found: Front) -> None:
    for point in reversed(found.confirmed):
        colour = Ink.WINNER if point.winner else Ink.TEXT
        ends = [error_scale(point.low), error_scale(point.high)]
        x = _x(point, found.measure)
        ax.plot([x] * 2, ends, color=colour, linewidth=2, zorder=4)
        size = 11 if point.winner else 8
        canvas.points(ax, [x], [error_scale(point.mean)], [point.trial], color=colour, markersize=size, zorder=5)
