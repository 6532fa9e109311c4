"""Figures of a study: effects against the base, and the arms' curves. An arm has one style on the whole page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from matplotlib.axes import Axes

from reports import formatting as text
from reports.analysis.model.curves import Band, Curve
from reports.analysis.study.effects import ArmBand, ArmData, Effect, by_value, is_ordered
from reports.figures.axes import epoch_axis, error_axis, error_limits, error_scale, hairlines, log_axis, spread_labels
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink, order_colour, text_colour

Dash: TypeAlias = str | tuple[int, tuple[float, ...]]

_LONGEST_LABEL = 20
_SHORT_LABEL = 20
_ROW = 34
_CURVES_WIDTH = 552
_SIDE = 132
"""Room for labels at the right of curves."""
_DASHES: tuple[Dash, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
_LABEL_GAP = 0.07
"""The distance between labels, as a share of the axis's height."""


@dataclass(frozen=True)
class Look:
    """The colour and dash of an arm in every figure."""

    colour: str
    dash: Dash


def looks(arms: Sequence[ArmData]) -> dict[int, Look]:
    """Map each arm's place to its style: ordered colours for ordered values, else categories and dashes."""
    if is_ordered(arms):
        ordered = by_value(arms)
        return {arm.place: Look(order_colour(rank, len(ordered)), "-") for rank, arm in enumerate(ordered)}
    colours = len(Ink.CATEGORY)
    return {
        arm.place: Look(Ink.CATEGORY[rank % colours], _DASHES[rank // colours % len(_DASHES)])
        for rank, arm in enumerate(arms)
    }


def short_label(label: str, most: int = _LONGEST_LABEL) -> str:
    """Return a label on one line; one that is too long is cut in the middle, since long labels differ at their ends."""
    line = " ".join(label.split())
    if len(line) <= most:
        return line
    end = most // 2
    return f"{line[: most - 1 - end]}…{line[-end:]}"


def effect_figure(rows: Sequence[Effect], base: str, styles: dict[int, Look], label: str) -> Drawing:
    """Draw differences from the base in points: each seed's pair, the mean, and its 95% interval if it was tested."""
    others = [row for row in rows if not row.arm.base]

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=140, right=150, top=8, bottom=44)
        ax.axvline(0, color=Ink.MUTED, linewidth=1, zorder=1)
        for place, row in enumerate(others):
            _effect_row(canvas, ax, row, place, styles[row.arm.place])
        ax.set_ylim(len(others) - 0.5, -0.5)
        ax.set_yticks(range(len(others)), [short_label(row.arm.label) for row in others], fontsize=12, color=Ink.TEXT)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        _difference_axis(ax, others)
        ax.set_xlabel(f"validation accuracy minus that of {short_label(base)}, points")

    return Drawing("effects", 640, 60 + _ROW * max(len(others), 1), label, paint)


def _effect_row(canvas: Canvas, ax: Axes, row: Effect, place: int, style: Look) -> None:
    canvas.points(
        ax,
        [100 * pair.difference for pair in row.pairs],
        [place + 0.22] * len(row.pairs),
        [pair.trial for pair in row.pairs],
        color=style.colour,
        markersize=5.5,
        alpha=0.75,
    )
    interval = row.interval
    if interval is not None:
        ax.plot([100 * end for end in interval], [place - 0.1] * 2, color=style.colour, linewidth=3, zorder=3)
    if row.difference is not None:
        ax.plot(
            [100 * row.difference], [place - 0.1], marker="D", markersize=8, color=style.colour,
            markeredgecolor=Ink.PAPER, zorder=4, clip_on=False,
        )  # fmt: skip
    ax.annotate(
        _format_effect(row, interval),
        (1, place - 0.1),
        xycoords=("axes fraction", "data"),
        xytext=(12, 0),
        textcoords="offset points",
        va="center",
        fontsize=11,
        color=Ink.TEXT if row.comparison is not None and row.comparison.verdict != "no difference shown" else Ink.MUTED,
        annotation_clip=False,
    )


def _format_effect(row: Effect, interval: tuple[float, float] | None) -> str:
    if row.difference is None:
        return "no pair of seeds"
    ends = f" [{text.points(interval[0])}, {text.points(interval[1])}]" if interval is not None else ""
    return text.points(row.difference) + ends


def _difference_axis(ax: Axes, rows: Sequence[Effect]) -> None:
    values = [100 * pair.difference for row in rows for pair in row.pairs]
    for row in rows:
        if row.interval is not None:
            values += [100 * end for end in row.interval]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    margin = 0.06 * (high - low) or 0.1
    ax.set_xlim(low - margin, high + margin)
    ax.locator_params(axis="x", nbins=6)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:+.4g}".replace("-", "−") if abs(value) > 1e-9 else "0")
    hairlines(ax, "x")


# --- curves ---------------------------------------------------------------------------------------------------------


def accuracy_bands(
    bands: Sequence[ArmBand], styles: dict[int, Look], shown: Sequence[float], *, name: str, axis: str, label: str
) -> Drawing:
    """Draw the mean accuracy and its band at each epoch for each arm, on an error scale made for `shown`."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(right=_SIDE)
        low, high = error_limits(shown)
        for item in bands:
            style = styles[item.arm.place]
            _band(ax, item.band, style, lambda value: max(error_scale(value), low))
        error_axis(ax, shown, label=axis)
        epoch_axis(ax, max(item.band.epochs[-1] for item in bands))
        ends = [max(error_scale(item.band.mean[-1]), low) for item in bands]
        _labels(ax, bands, styles, label_places(ends, low, high))

    return Drawing(name, _CURVES_WIDTH, max(300, 72 + 20 * len(bands)), label, paint)


def loss_bands(bands: Sequence[ArmBand], styles: dict[int, Look], *, name: str, axis: str, label: str) -> Drawing:
    """Draw the mean loss and its band at each epoch for each arm, on a logarithmic scale."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(right=_SIDE)
        values = [value for item in bands for value in (*item.band.low, *item.band.high) if value > 0] or [0.1, 1.0]
        low, high = min(values) * 0.9, max(values) * 1.1
        for item in bands:
            _band(ax, item.band, styles[item.arm.place], lambda value: max(value, low))
        log_axis(ax, "y", low, high)
        hairlines(ax)
        ax.set_ylabel(axis)
        epoch_axis(ax, max(item.band.epochs[-1] for item in bands))
        ends = [math.log10(max(item.band.mean[-1], low)) for item in bands]
        places = label_places(ends, math.log10(low), math.log10(high))
        _labels(ax, bands, styles, [10**place for place in places])

    return Drawing(name, _CURVES_WIDTH, max(300, 72 + 20 * len(bands)), label, paint)


def _band(ax: Axes, band: Band, style: Look, scale: Callable[[float], float]) -> None:
    low, mean, high = ([scale(value) for value in values] for values in (band.low, band.mean, band.high))
    if len(band.epochs) == 1:
        ax.plot(band.epochs * 2, [low[0], high[0]], color=style.colour, linewidth=2)
        ax.plot(band.epochs, mean, marker="o", markersize=6, color=style.colour)
        return
    ax.fill_between(band.epochs, low, high, color=style.colour, alpha=0.15, linewidth=0, zorder=2)
    ax.plot(band.epochs, mean, color=style.colour, linestyle=style.dash, linewidth=2, zorder=4)


def label_places(ends: Sequence[float], low: float, high: float) -> list[float]:
    """Return the heights of labels: none overlaps another or leaves the axis, as far as there is room."""
    gap = min(_LABEL_GAP, 1 / max(len(ends), 1)) * (high - low)
    places = spread_labels(ends, gap)
    shift = min(high - max(places, default=high), 0.0)
    shift += max(low - min(places, default=low) - shift, 0.0)
    return [place + shift for place in places]


def _labels(ax: Axes, bands: Sequence[ArmBand], styles: dict[int, Look], heights: Sequence[float]) -> None:
    """Write the arms' names at the right edge."""
    for item, height in zip(bands, heights, strict=True):
        ax.annotate(
            short_label(item.arm.label, _SHORT_LABEL),
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
            color=text_colour(styles[item.arm.place].colour),
            annotation_clip=False,
        )


def arm_curves(
    training: Band | None,
    validation: Band | None,
    seeds: Sequence[Curve],
    style: Look,
    shown: Sequence[float],
    *,
    place: int,
    last: int,
    label: str,
) -> Drawing:
    """Draw one arm: training dashed, validation solid, each seed thin; scale and epochs are the same for all arms."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=48, right=14, top=8, bottom=40)
        low, _ = error_limits(shown)
        for curve in seeds:
            heights = [max(error_scale(value), low) for value in curve.values]
            ax.plot(curve.epochs, heights, color=style.colour, linewidth=0.75, gid=canvas.trial_gid(curve.trial))
        for band, dash, colour in ((training, (0, (4, 2)), Ink.MUTED), (validation, "-", style.colour)):
            if band is not None:
                heights = [max(error_scale(value), low) for value in band.mean]
                marker = "o" if len(band.epochs) == 1 else ""
                ax.plot(band.epochs, heights, color=colour, linestyle=dash, linewidth=2, marker=marker, markersize=5)
        error_axis(ax, shown, label="", ticks=5)
        epoch_axis(ax, last)

    return Drawing(f"arm-{place}", 264, 200, label, paint)
