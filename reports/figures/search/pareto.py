"""Accuracy against parameters, multiply-adds, RAM or flash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes

from reports.analysis.search.pareto import ConfirmedPoint, Front, Measure, SizePoint, size_of
from reports.figures.axes import ACCURACY, error_axis, error_limits, error_scale, log_ticks, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.labels import Box, Label, box_of_text, place_labels
from reports.figures.search.published_marks import (
    KEY_PX,
    PlacedReference,
    draw_references,
    placed_references,
    reference_labels,
)
from reports.figures.theme_colours import Ink, order_colour

_AXIS = {
    "parameters": ("trainable parameters", 1),
    "multiply_adds": ("multiply-adds of one image, thousands", 1000),
    "ram": ("RAM of the int8 network, kB", 1000),
    "flash": ("flash of the int8 network, kB", 1000),
}
"""Measure → axis label, and the unit of its ticks."""

_WIDE_RANGE = 3
"""The ratio of the largest to the smallest size from which the axis is logarithmic."""

_LEFT, _RIGHT = 56, 20
"""The room beside the axes in pixels."""

_EDGE_SHARE = 0.12
"""The share of the axis at each end within which the cap's label is beside its line, not centred on it."""

_LOW_SHARE = 0.15
"""The share of the trials, the worst, that may lie below the axis, so that the front has room."""


def front_figure(
    front: Front,
    label: str,
    *,
    name: str = "pareto",
    target: float | None = None,
    best: str = "winner",
    score_name: str = ACCURACY,
    width: int = 720,
    height: int = 400,
) -> Drawing:
    """Draw trials, front, finalists, cap, published references and target; `best` is the label of the large mark.

    The axes fit the run's trials and finalists. References beyond them are ticks at the edge.
    """

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=_LEFT, right=_RIGHT, top=_top(front))
        shown, hidden = visible(front)
        accuracies = [
            *(point.accuracy for point in front.points if point.accuracy >= shown),
            *(value for point in front.confirmed for value in (point.low, point.high)),
        ]
        level = near_target(target, accuracies)
        error_axis(ax, accuracies if level is None else [*accuracies, level], label=f"{score_name}, %")
        _sizes(ax, front)
        _cap(ax, front)
        _target(ax, level)
        _points(canvas, ax, front, shown)
        _front_line(ax, front)
        references = placed_references(ax, front.published, front.measure)
        draw_references(ax, references, _top(front) - KEY_PX)
        _confirmed(canvas, ax, front)
        # The winner's label first, then the references' as far as there is room.
        labels = [*_winners(front, best), *reference_labels(references)]
        place_labels(ax, labels, _taken(ax, front, references, level), canvas.width)
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


def _top(front: Front) -> int:
    """Return the room above the axes in pixels: the cap's label, and with references the key and the labels of ticks."""
    return 40 if front.published else 20


def visible(front: Front) -> tuple[float, int]:
    """Return the lowest accuracy that is drawn, and the number of trials below it."""
    scores = sorted(point.accuracy for point in front.points)
    if len(scores) < 8:
        return (0.0, 0)
    lowest = scores[int(_LOW_SHARE * len(scores))]
    on_front = min((point.accuracy for point in front.front), default=lowest)
    lowest = min(lowest, on_front)
    return lowest, sum(score < lowest for score in scores)


def near_target(target: float | None, accuracies: Sequence[float]) -> float | None:
    """Return the target if the axis need grow by half at most to show it, else None."""
    if target is None:
        return None
    low, high = error_limits(accuracies)
    room = (high - low) / 2
    return target if low - room <= error_scale(target) <= high + room else None


def _x(point: SizePoint | ConfirmedPoint, measure: Measure) -> float:
    return float(size_of(point, measure) or 0)


@dataclass(frozen=True)
class SizeLimits:
    """The axis of sizes: its ends, and whether it is logarithmic."""

    low: float
    high: float
    log: bool

    def pixels(self, width: int) -> tuple[int, int]:
        """Return the places of both ends in a figure of this width."""
        return _LEFT, width - _RIGHT


def size_limits(front: Front) -> SizeLimits:
    """Return the axis of sizes for the trials that are drawn."""
    lowest, _ = visible(front)
    drawn: list[SizePoint | ConfirmedPoint] = [point for point in front.points if point.accuracy >= lowest]
    sizes = [_x(point, front.measure) for point in [*drawn, *front.confirmed]]
    low, high = min(sizes), max([*sizes, front.cap or 0])
    if 0 < _WIDE_RANGE * low <= high:
        margin = (high / low) ** 0.05
        return SizeLimits(low / margin, high * margin, log=True)
    margin = max(0.05 * (high - low), 0.02 * high, 1)
    return SizeLimits(max(0, low - margin), high + margin, log=False)


def _sizes(ax: Axes, front: Front) -> None:
    """Set the axis of sizes."""
    limits = size_limits(front)
    label, unit = _AXIS[front.measure]
    ticks: Sequence[float]
    if limits.log:
        ticks = log_ticks(limits.low, limits.high)
        ax.set_xscale("log")
    else:
        ticks = whole_ticks(limits.low, limits.high, 6)
    ax.set_xlim(limits.low, limits.high)
    ax.set_xticks(ticks, [f"{tick / unit:,.10g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlabel(label)


def _cap(ax: Axes, front: Front) -> None:
    if front.cap is None:
        return
    ax.axvline(front.cap, color=Ink.MUTED, linewidth=1, linestyle=(0, (4, 3)), gid="cap")
    ax.annotate(
        _format_cap(front.cap, front.measure),
        (front.cap, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, _top(front) - KEY_PX),
        textcoords="offset points",
        ha=_side_of_cap(ax, front.cap),
        fontsize=11,
        color=Ink.MUTED,
        annotation_clip=False,
    )


def _format_cap(cap: float, measure: Measure) -> str:
    return f"cap {cap / _AXIS[measure][1]:,.10g}"


def _side_of_cap(ax: Axes, cap: float) -> Literal["left", "center", "right"]:
    """Return the alignment of the cap's label: inwards near an end of the axis, so that it is not cut off."""
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


def _points(canvas: Canvas, ax: Axes, front: Front, lowest: float) -> None:
    lengths = sorted({point.epochs for point in front.points})
    for place, epochs in enumerate(lengths):
        members = [p for p in front.points if p.epochs == epochs and p.accuracy >= lowest]
        canvas.points(
            ax,
            [_x(point, front.measure) for point in members],
            [error_scale(point.accuracy) for point in members],
            [point.trial for point in members],
            color=order_colour(place, len(lengths)),
            markersize=6 if len(front.points) < 100 else 5,
        )


def _front_line(ax: Axes, front: Front) -> None:
    if len(front.front) > 1:
        ax.step(
            [_x(point, front.measure) for point in front.front],
            [error_scale(point.accuracy) for point in front.front],
            where="post",
            color=Ink.ORDER[-1],
            linewidth=1.5,
            gid="front",
        )


def _taken(ax: Axes, front: Front, references: Sequence[PlacedReference], level: float | None) -> list[Box]:
    """Return the boxes of marks and notes, which labels must not overlap, in pixels."""
    marks = [(reference.x, reference.y) for reference in references]
    marks += [(_x(point, front.measure), error_scale(point.mean)) for point in front.confirmed]
    taken = [Box(x - 5, y - 5, 10, 10) for x, y in (map(float, ax.transData.transform(mark)) for mark in marks)]
    if front.cap is not None:
        x, top = (float(place) for place in ax.get_xaxis_transform().transform((front.cap, 1)))
        top += _top(front) - KEY_PX
        words = box_of_text(_format_cap(front.cap, front.measure), x, top)
        before = {"left": 0.0, "center": 0.5, "right": 1.0}[_side_of_cap(ax, front.cap)]
        taken.append(Box(x - before * words.width, top, words.width, 20))
    if level is not None:
        left, line = (float(place) for place in ax.get_yaxis_transform().transform((0, error_scale(level))))
        taken.append(box_of_text(_format_target(level), left + 6, line + 2))
    return taken


def _winners(front: Front, best: str) -> list[Label]:
    return [
        Label(
            _x(point, front.measure),
            error_scale(point.mean),
            f"{best}, mean of {point.seeds}" if point.seeds > 1 else best,
            Ink.WINNER,
            strong=True,
            short=best,
        )
        for point in front.confirmed
        if point.winner
    ]


def _confirmed(canvas: Canvas, ax: Axes, front: Front) -> None:
    for point in reversed(front.confirmed):
        colour = Ink.WINNER if point.winner else Ink.TEXT
        ends = [error_scale(point.low), error_scale(point.high)]
        x = _x(point, front.measure)
        ax.plot([x] * 2, ends, color=colour, linewidth=2, zorder=4)
        size = 11 if point.winner else 8
        canvas.points(ax, [x], [error_scale(point.mean)], [point.trial], color=colour, markersize=size, zorder=5)
