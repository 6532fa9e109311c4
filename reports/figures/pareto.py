"""Accuracy against parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.analysis.pareto import Front, PublishedPoint
from reports.figures.canvas import (
    Canvas,
    Ink,
    draw,
    error_axis,
    error_limits,
    error_scale,
    order_colour,
    spread_labels,
    whole_ticks,
)

_LOW_SHARE = 0.15
"""The worst share of the trials may lie below the axis: they would squeeze the front."""


def front_figure(found: Front, label: str, *, name: str = "pareto", width: int = 720, height: int = 400) -> str:
    """Trials, front, finalists, cap and published references."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(right=20, top=20)
        shown, hidden = visible(found)
        accuracies = [
            *(point.accuracy for point in found.points if point.accuracy >= shown),
            *(value for point in found.confirmed for value in (point.low, point.high)),
            *(point.accuracy for point in found.published),
        ]
        error_axis(ax, accuracies)
        _sizes(ax, found)
        _cap(ax, found)
        _points(canvas, ax, found, shown)
        _front_line(ax, found)
        _published(ax, found.published)
        _confirmed(canvas, ax, found)
        _labels(ax, found, error_limits(accuracies), width)
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

    return draw(name, width, height, label, paint)


def visible(found: Front) -> tuple[float, int]:
    """The lowest accuracy that is drawn, and how many trials lie below it."""
    scores = sorted(point.accuracy for point in found.points)
    if len(scores) < 8:
        return (0.0, 0)
    lowest = scores[int(_LOW_SHARE * len(scores))]
    on_front = min((point.accuracy for point in found.front), default=lowest)
    lowest = min(lowest, on_front)
    return lowest, sum(score < lowest for score in scores)


def _sizes(ax: Axes, found: Front) -> None:
    sizes = [point.parameters for point in found.points] + [point.parameters for point in found.confirmed]
    sizes += [point.parameters for point in found.published]
    low, high = min(sizes), max([*sizes, found.cap or 0])
    margin = max(0.05 * (high - low), 0.02 * high, 1)
    ax.set_xlim(max(0, low - margin), high + margin)
    ticks = whole_ticks(max(0, low - margin), high + margin, 6)
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.set_xlabel("trainable parameters")


def _cap(ax: Axes, found: Front) -> None:
    if found.cap is None:
        return
    ax.axvline(found.cap, color=Ink.MUTED, linewidth=1, linestyle=(0, (4, 3)), gid="cap")
    ax.annotate(
        f"cap {found.cap:,}",
        (found.cap, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=11,
        color=Ink.MUTED,
        annotation_clip=False,
    )


def _points(canvas: Canvas, ax: Axes, found: Front, lowest: float) -> None:
    lengths = sorted({point.epochs for point in found.points})
    for place, epochs in enumerate(lengths):
        members = [p for p in found.points if p.epochs == epochs and p.accuracy >= lowest]
        canvas.points(
            ax,
            [point.parameters for point in members],
            [error_scale(point.accuracy) for point in members],
            [point.trial for point in members],
            color=order_colour(place, len(lengths)),
            markersize=6 if len(found.points) < 100 else 5,
        )


def _front_line(ax: Axes, found: Front) -> None:
    if len(found.front) > 1:
        ax.step(
            [point.parameters for point in found.front],
            [error_scale(point.accuracy) for point in found.front],
            where="post",
            color=Ink.ORDER[-1],
            linewidth=1.5,
            gid="front",
        )


def _published(ax: Axes, published: Sequence[PublishedPoint]) -> None:
    if not published:
        return
    ax.plot(
        [point.parameters for point in published],
        [error_scale(point.accuracy) for point in published],
        linestyle="none",
        marker="D",
        markersize=7,
        markerfacecolor="none",
        markeredgecolor=Ink.PUBLISHED,
        markeredgewidth=1.5,
        gid="published",
    )


@dataclass(frozen=True)
class _Label:
    x: float
    y: float
    text: str
    colour: str
    strong: bool = False


def _labels(ax: Axes, found: Front, limits: tuple[float, float], width: int) -> None:
    labels = [_Label(p.parameters, error_scale(p.accuracy), p.name, Ink.PUBLISHED) for p in found.published]
    for point in found.confirmed:
        if point.winner:
            words = f"winner, mean of {point.seeds}" if point.seeds > 1 else "winner"
            labels.append(_Label(point.parameters, error_scale(point.mean), words, Ink.WINNER, strong=True))
    heights = spread_labels([label.y for label in labels], 0.062 * (limits[1] - limits[0]))
    for label, height in zip(labels, heights, strict=True):
        flip = _share(ax, label.x) > 1 - 120 / width
        away = 10 if label.strong else 8
        ax.annotate(
            label.text,
            (label.x, height),
            xytext=(-away if flip else away, 0),
            textcoords="offset points",
            ha="right" if flip else "left",
            va="center",
            fontsize=12 if label.strong else 11,
            fontweight="bold" if label.strong else "normal",
            color=label.colour,
            annotation_clip=False,
        )


def _confirmed(canvas: Canvas, ax: Axes, found: Front) -> None:
    for point in reversed(found.confirmed):
        colour = Ink.WINNER if point.winner else Ink.TEXT
        ends = [error_scale(point.low), error_scale(point.high)]
        ax.plot([point.parameters] * 2, ends, color=colour, linewidth=2, zorder=4)
        size = 11 if point.winner else 8
        canvas.points(
            ax, [point.parameters], [error_scale(point.mean)], [point.trial], color=colour, markersize=size, zorder=5
        )


def _share(ax: Axes, parameters: float) -> float:
    low, high = ax.get_xlim()
    return float((parameters - low) / (high - low))
