"""Confusion matrices as seaborn heatmaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink

_MOST_CELLS_WITH_TEXT = 20
_LONGEST_NAME = 12
_ONE_MATRIX = 30
"""The number of classes above which a matrix has the page's width for itself."""
_HALF_PAGE, _PAGE = 548, 1140
_CELL = (10.0, 16.0)
"""The side of a cell without a number in pixels: at least, at most."""


def confusion_figure(
    values: npt.NDArray[np.float64],
    texts: Sequence[Sequence[str]],
    names: Sequence[str],
    label: str,
    *,
    name: str,
) -> Drawing:
    """Draw a matrix: mistakes are coloured by their size, the diagonal has text only.

    Args:
        values: (C, C), NaN for an empty cell; the diagonal is not coloured, so that mistakes differ in colour.
        texts: the text of each cell, "" for none.
        names: the names of the classes.
        label: a description of the figure for screen readers.
        name: the figure's name.
    """
    classes = len(names)
    short = [text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…" for text in names]
    left = 44 + min(80, 6 * max(len(text) for text in short))
    if classes > _MOST_CELLS_WITH_TEXT:
        return _many_classes(values, short, label, name, left)
    # Imported late: Seaborn loads pandas and half of scipy.
    import seaborn

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
            linewidths=1,
            linecolor=Ink.HAIRLINE,
            mask=np.isnan(off),
            rasterized=False,
        )
        _diagonal(ax, classes)
        _write(ax, off, texts)
        _axes(ax, short)

    return Drawing(name, 480, 480, label, paint)


def _many_classes(values: npt.NDArray[np.float64], names: Sequence[str], label: str, name: str, left: int) -> Drawing:
    """Draw a matrix without numbers, every class named: runs of equal cells are one rectangle, to keep the page small."""
    classes = len(names)
    width = _HALF_PAGE if classes <= _ONE_MATRIX else _PAGE
    cell = min(max((width - left - 8) / classes, _CELL[0]), _CELL[1])
    side = left + 8 + math.ceil(cell * classes)

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=left, right=8, top=8, bottom=left)
        ax.set_xlim(0, classes)
        ax.set_ylim(classes, 0)
        for step, rectangles in enumerate(runs_of_steps(heat_steps(values))):
            if rectangles:
                path = Path.make_compound_path(*(Path(_corners(*one), closed=True) for one in rectangles))
                ax.add_patch(PathPatch(path, facecolor=Ink.HEAT[step], linewidth=0))
        _diagonal(ax, classes)
        _axes(ax, names)
        ax.tick_params(labelsize=min(10.0, 0.85 * cell))

    return Drawing(name, side, side, label, paint)


def heat_steps(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the step of each mistake on the logarithmic scale, 0 to 7, (C, C); −1 on the diagonal and where there is none."""
    off = np.where(np.eye(len(values), dtype=bool), 0.0, np.nan_to_num(values))
    mistakes = off > 0
    if not mistakes.any():
        return np.full(off.shape, -1)
    top = float(off.max())
    low = math.log(max(float(off[mistakes].min()), top / 1e3))
    scaled = (np.log(np.where(mistakes, off, top)) - low) / (math.log(top) - low + 1e-9)
    return np.where(mistakes, np.clip(scaled * len(Ink.HEAT), 0, len(Ink.HEAT) - 1).astype(np.int64), -1)


def runs_of_steps(steps: npt.NDArray[np.int64]) -> list[list[tuple[int, int, int]]]:
    """Return for each step its runs of neighbouring cells: row, first column, column after the last."""
    runs: list[list[tuple[int, int, int]]] = [[] for _ in Ink.HEAT]
    for row, line in enumerate(steps):
        edges = np.flatnonzero(np.diff(line, prepend=-2, append=-2))
        for start, end in pairwise(edges.tolist()):
            if line[start] >= 0:
                runs[int(line[start])].append((row, start, end))
    return runs


def _corners(row: int, start: int, end: int) -> list[tuple[float, float]]:
    return [(start, row), (end, row), (end, row + 1), (start, row + 1), (start, row)]


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
    places = range(classes)
    long = max(len(name) for name in names) > 3
    ax.set_xticks([p + 0.5 for p in places], [names[p] for p in places], rotation=90 if long else 0)
    ax.set_yticks([p + 0.5 for p in places], [names[p] for p in places], rotation=0)
    ax.tick_params(length=0)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
