"""Figures of several runs: their fronts, and their winners' learning curves. A run has the same colour in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.analysis.model.curves import Band
from reports.analysis.search.pareto import Front
from reports.comparison.runs import COLOURS
from reports.figures.axes import ACCURACY, epoch_axis, error_axis, error_scale, spread_labels, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink

_LABEL_WIDTH = 176
_LABEL_HEIGHT = 0.05
"""The height of a label as a share of the axis."""


@dataclass(frozen=True)
class RunFront:
    """A run's front with its name."""

    place: int
    name: str
    front: Front


@dataclass(frozen=True)
class RunBand:
    """The learning curve of a run's winner with the run's name."""

    place: int
    name: str
    band: Band


@dataclass(frozen=True)
class _Label:
    text: str
    y: float
    colour: str


def colour_of(place: int) -> str:
    """Return the colour of a run, that of its letter on the page."""
    return Ink.CATEGORY[place % COLOURS]


def fronts_figure(fronts: Sequence[RunFront], label: str, score_name: str = ACCURACY) -> Drawing:
    """Draw the front of each run as steps, and its winner with the range of its seeds."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=_LABEL_WIDTH, top=20)
        error_axis(ax, [value for item in fronts for value in _accuracies(item.front)], label=f"{score_name}, %")
        _sizes(ax, fronts)
        for item in fronts:
            _front(ax, item)
        _end_labels(ax, [_Label(item.name, _height(item.front), colour_of(item.place)) for item in fronts])

    return Drawing("compare-fronts", 960, 400, label, paint)


def curves_figure(bands: Sequence[RunBand], label: str) -> Drawing:
    """Draw the validation accuracy of the winners: the mean over seeds and their range, epoch by epoch."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=_LABEL_WIDTH, top=12)
        for item in bands:
            _band(ax, item)
        lowest = sorted(v for item in bands for v in (*item.band.low, *item.band.high))
        error_axis(ax, lowest[len(lowest) // 10 :])
        epoch_axis(ax, max(item.band.epochs[-1] for item in bands))
        _end_labels(ax, [_Label(item.name, error_scale(item.band.mean[-1]), colour_of(item.place)) for item in bands])

    return Drawing("compare-curves", 960, 400, label, paint)


def _accuracies(front: Front) -> list[float]:
    winner = [point for point in front.confirmed if point.winner]
    return [*(point.accuracy for point in front.front), *(v for point in winner for v in (point.low, point.high))]


def _height(front: Front) -> float:
    winner = next((point.mean for point in front.confirmed if point.winner), None)
    return error_scale(front.front[-1].accuracy if winner is None else winner)


def _sizes(ax: Axes, fronts: Sequence[RunFront]) -> None:
    sizes = [point.parameters for item in fronts for point in item.front.front]
    sizes += [point.parameters for item in fronts for point in item.front.confirmed if point.winner]
    caps = {item.front.cap for item in fronts if item.front.cap is not None}
    low, high = min(sizes), max([*sizes, *caps])
    margin = max(0.05 * (high - low), 0.02 * high, 1)
    ax.set_xlim(max(0, low - margin), high + margin)
    ticks = whole_ticks(max(0, low - margin), high + margin, 8)
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.set_xlabel("trainable parameters")
    for cap in sorted(caps):
        _cap(ax, cap)


def _cap(ax: Axes, cap: int) -> None:
    ax.axvline(cap, color=Ink.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    ax.annotate(
        f"cap {cap:,}",
        (cap, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=11,
        color=Ink.MUTED,
        annotation_clip=False,
    )


def _front(ax: Axes, item: RunFront) -> None:
    colour = colour_of(item.place)
    sizes = [point.parameters for point in item.front.front]
    heights = [error_scale(point.accuracy) for point in item.front.front]
    ax.step(sizes, heights, where="post", color=colour, linewidth=1.5)
    _marks(ax, sizes, heights, colour, 6)
    for point in item.front.confirmed:
        if point.winner:
            ends = [error_scale(point.low), error_scale(point.high)]
            ax.plot([point.parameters] * 2, ends, color=colour, linewidth=2, zorder=4)
            _marks(ax, [point.parameters], [error_scale(point.mean)], colour, 11)


def _marks(ax: Axes, x: Sequence[float], y: Sequence[float], colour: str, size: float) -> None:
    ax.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=size,
        color=colour,
        markeredgecolor=Ink.PAPER,
        markeredgewidth=1,
        clip_on=False,
        zorder=5,
    )


def _band(ax: Axes, item: RunBand) -> None:
    colour, band = colour_of(item.place), item.band
    low, high = ([error_scale(value) for value in ends] for ends in (band.low, band.high))
    ax.fill_between(band.epochs, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
    mean = [error_scale(value) for value in band.mean]
    # A line of one epoch is invisible, a mark is not.
    marker = "o" if len(mean) == 1 else ""
    ax.plot(band.epochs, mean, color=colour, linewidth=2, marker=marker, zorder=4)


def _end_labels(ax: Axes, labels: Sequence[_Label]) -> None:
    """Write the runs' names at the right edge, at the heights of their winners, moved apart."""
    low, high = ax.get_ylim()
    heights = spread_labels([label.y for label in labels], _LABEL_HEIGHT * (high - low))
    for label, height in zip(labels, heights, strict=True):
        ax.annotate(
            label.text,
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(10, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
            fontweight="bold",
            color=label.colour,
            annotation_clip=False,
        )
