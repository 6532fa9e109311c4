"""Figures of a study's measures besides accuracy: one measure by arm, layers by arm, stopping, lengths, sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes

from reports.analysis.study.effects import ArmData, Spread
from reports.analysis.study.learning import Stopping
from reports.analysis.study.measures import LayerValues
from reports.figures.axes import error_axis, error_scale, hairlines, log_axis, log_ticks, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.study.effects import Look, label_places, short_label
from reports.figures.theme_colours import Ink, text_colour

_MOST_TICKS = 7
_TICKS_APART = 1.3
_WIDE_RANGE = 10
"""The ratio of the largest to the smallest value above which an axis may be logarithmic."""


@dataclass(frozen=True)
class Measured:
    """A measure of an arm over its seeds."""

    arm: ArmData
    spread: Spread


def dots_figure(
    rows: Sequence[Measured], styles: dict[int, Look], *, name: str, axis: str, label: str, log: bool = False
) -> Drawing:
    """Draw one measure: a row for each arm, its seeds as small marks, their mean as a large one."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=112, right=20, top=8, bottom=44)
        for place, row in enumerate(rows):
            colour = styles[row.arm.place].colour
            values = row.spread.values
            ax.plot(values, [place] * len(values), linestyle="none", marker="o", markersize=5, color=colour, alpha=0.5)
            ax.plot([row.spread.mean], [place], marker="D", markersize=8, color=colour, markeredgecolor=Ink.PAPER)
        _value_axis(ax, [value for row in rows for value in row.spread.values], log=log)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(range(len(rows)), [short_label(row.arm.label, 14) for row in rows], color=Ink.TEXT)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(axis)

    return Drawing(name, 340, 64 + 26 * len(rows), label, paint)


def _value_axis(ax: Axes, values: Sequence[float], *, log: bool) -> None:
    low, high = min(values), max(values)
    if log and low > 0 and high > _WIDE_RANGE * low:
        log_axis(ax, "x", low / 1.5, high * 1.5)
    else:
        margin = 0.08 * (high - low) or abs(high) * 0.1 or 0.1
        ax.set_xlim(low - margin, high + margin)
        ax.locator_params(axis="x", nbins=4, integer=all(float(value).is_integer() for value in values), min_n_ticks=1)
    hairlines(ax, "x")


def layers_figure(rows: Sequence[LayerValues], styles: dict[int, Look], *, name: str, axis: str, label: str) -> Drawing:
    """Draw a line for each arm, one number a layer, first to last, on a logarithmic scale."""
    names = max((row.names for row in rows), key=len)

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=64, right=156, top=12, bottom=84)
        values = [value for row in rows for value in row.values if math.isfinite(value) and value > 0] or [0.1, 1]
        low, high = min(values) / 1.3, max(values) * 1.3
        ends = []
        for row in rows:
            style, heights = styles[row.arm.place], [max(v, low) if math.isfinite(v) else math.nan for v in row.values]
            ax.plot(range(len(heights)), heights, color=style.colour, linestyle=style.dash, linewidth=1.75, marker="o",
                    markersize=5, markeredgecolor=Ink.PAPER)  # fmt: skip
            ends.append(math.log10(_last_finite(heights, low)))
        log_axis(ax, "y", low, high)
        hairlines(ax)
        ax.set_ylabel(axis)
        ax.set_xlim(-0.3, len(names) - 0.7)
        ax.set_xticks(range(len(names)), [short_label(n, 14) for n in names], rotation=35, ha="right")
        for row, place in zip(rows, label_places(ends, math.log10(low), math.log10(high)), strict=True):
            _side_label(ax, row.arm, 10**place, styles)

    return Drawing(name, 760, max(320, 130 + 19 * len(rows)), label, paint)


def _last_finite(values: Sequence[float], otherwise: float) -> float:
    return next((value for value in reversed(values) if math.isfinite(value)), otherwise)


def _side_label(ax: Axes, arm: ArmData, height: float, styles: dict[int, Look]) -> None:
    ax.annotate(
        short_label(arm.label), (1, height), xycoords=("axes fraction", "data"), xytext=(8, 0),
        textcoords="offset points", va="center", fontsize=11, color=text_colour(styles[arm.place].colour), annotation_clip=False,
    )  # fmt: skip


def stopping_figure(rows: Sequence[Stopping], styles: dict[int, Look], label: str) -> Drawing:
    """Draw accuracy against the epochs that were run; marks are hollow where the best weights were restored."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=172)
        scores = [value for row in rows for value in (*row.score.values, row.score.mean)]
        ends = []
        for row in rows:
            style, height = styles[row.arm.place], error_scale(row.score.mean)
            bars = [error_scale(min(row.score.values)), error_scale(max(row.score.values))]
            ax.plot([row.run.mean] * 2, bars, color=style.colour, linewidth=1.5)
            face = Ink.PAPER if row.restored else style.colour
            ax.plot([row.run.mean], [height], marker="o", markersize=9, markerfacecolor=face,
                    markeredgecolor=style.colour, markeredgewidth=2, zorder=4)  # fmt: skip
            ends.append(height)
        error_axis(ax, scores)
        low, high = ax.get_ylim()
        for row, height in zip(rows, label_places(ends, low, high), strict=True):
            _side_label(ax, row.arm, height, styles)
        last = max(row.planned for row in rows)
        ax.set_xlim(0, last * 1.04)
        ticks = whole_ticks(0, last)
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.set_xlabel("epochs run, mean over seeds")

    return Drawing("stopping", 760, max(340, 100 + 19 * len(rows)), label, paint)


def line_figure(
    places: Sequence[float],
    spreads: Sequence[Spread],
    colours: Sequence[str],
    *,
    name: str,
    axis: str,
    label: str,
    accuracy: bool,
    unit: str = "",
) -> Drawing:
    """Draw a measure against a number on a logarithmic axis: the mean as a line, each seed as a mark."""
    scale: Callable[[float], float] = error_scale if accuracy else (lambda value: 100 * value)

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=20)
        ax.plot(places, [scale(s.mean) for s in spreads], color=Ink.MUTED, linewidth=1.5, zorder=2)
        for x, spread, colour in zip(places, spreads, colours, strict=True):
            ax.plot([x] * spread.n, [scale(v) for v in spread.values], linestyle="none", marker="o", markersize=5,
                    color=colour, alpha=0.5, zorder=3)  # fmt: skip
            ax.plot(
                [x], [scale(spread.mean)], marker="D", markersize=8, color=colour, markeredgecolor=Ink.PAPER, zorder=4
            )
        if accuracy:
            error_axis(ax, [value for spread in spreads for value in spread.values], ticks=5)
        else:
            hairlines(ax)
            ax.axhline(0, color=Ink.MUTED, linewidth=1)
            ax.set_ylabel(unit)
        _number_axis(ax, places)
        ax.set_xlabel(axis)

    return Drawing(name, 440, 280, label, paint)


def _number_axis(ax: Axes, places: Sequence[float]) -> None:
    low, high = min(places), max(places)
    ax.set_xscale("log")
    ax.set_xlim(low / 1.15, high * 1.15)
    distinct = sorted(set(places))
    apart = len(distinct) <= _MOST_TICKS and all(b / a > _TICKS_APART for a, b in pairwise(distinct))
    ticks = distinct if apart else log_ticks(low / 1.15, high * 1.15, 6)
    ticks = ticks if len(ticks) > 1 else [low, high]
    ax.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    ax.set_xticks([], minor=True)
