"""Confusion matrices as seaborn heatmaps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink

_MOST_CELLS_WITH_TEXT = 20
_LONGEST_NAME = 12


def confusion_figure(
    values: npt.NDArray[np.float64],
    texts: Sequence[Sequence[str]],
    names: Sequence[str],
    label: str,
    *,
    name: str,
) -> Drawing:
    """A matrix whose mistakes are coloured by their size and whose diagonal is only written.

    Args:
        values: (C, C), NaN where there is nothing; the diagonal's are not coloured, or the mistakes would all look alike.
        texts: what stands in each cell, "" for nothing.
        names: of the classes.
        label: for those who can't see it.
        name: of the figure.
    """
    # Seaborn brings pandas and half of scipy: a page without a matrix does without.
    import seaborn

    classes = len(names)
    side = 480 if classes <= _MOST_CELLS_WITH_TEXT else 620
    short = [text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…" for text in names]
    left = 44 + min(80, 6 * max(len(text) for text in short))

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=left, right=8, top=8, bottom=left)
        off = np.where(np.eye(classes, dtype=bool), np.nan, values)
        off = np.where(off > 0, off, np.nan)
        top = float(np.nanmax(off)) if np.isfinite(off).any() else 1.0
        seaborn.heatmap(
            np.log(off) if np.isfinite(off).any() else off,
            ax=ax,
            cmap=ListedColormap(list(Ink.HEAT)),
            vmin=math.log(max(float(np.nanmin(off)), top / 1e3)) if np.isfinite(off).any() else 0.0,
            vmax=math.log(top) + 1e-9,
            cbar=False,
            square=True,
            xticklabels=False,
            yticklabels=False,
            linewidths=1 if classes <= _MOST_CELLS_WITH_TEXT else 0,
            linecolor=Ink.HAIRLINE,
            mask=np.isnan(off),
            rasterized=False,
        )
        _diagonal(ax, classes)
        if classes <= _MOST_CELLS_WITH_TEXT:
            _write(ax, off, texts)
        _axes(ax, short)

    return Drawing(name, side, side, label, paint)


def _write(ax: Axes, off: npt.NDArray[np.float64], texts: Sequence[Sequence[str]]) -> None:
    classes = len(texts)
    size = max(6.5, min(12.0, 110 / classes))
    finite = np.log(off[np.isfinite(off)])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    for (row, column), value in np.ndenumerate(off):
        text = texts[row][column]
        if not text:
            continue
        colour = Ink.TEXT
        if row != column and math.isfinite(value):
            step = (math.log(value) - low) / (high - low) if high > low else 0.0
            colour = Ink.HEAT_TEXT[min(int(step * len(Ink.HEAT)), len(Ink.HEAT) - 1)]
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size, color=colour)


def _diagonal(ax: Axes, classes: int) -> None:
    ax.plot([0, classes], [0, classes], color=Ink.HAIRLINE, linewidth=1, zorder=0)


def _axes(ax: Axes, names: Sequence[str]) -> None:
    classes = len(names)
    step = 1 if classes <= 30 else 10
    places = list(range(0, classes, step))
    long = max(len(name) for name in names) > 3
    ax.set_xticks([p + 0.5 for p in places], [names[p] for p in places], rotation=90 if long else 0)
    ax.set_yticks([p + 0.5 for p in places], [names[p] for p in places], rotation=0)
    ax.tick_params(length=0)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
