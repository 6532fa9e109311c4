"""ROC and precision-recall curves, on axes that enlarge the corner of a good model.

Recall and precision are spaced by their distance from 100% (−log10), as accuracies are on the rest of the page; false
positive rates by their logarithm. Values at infinity are drawn on the edge, which has a label.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from reports.analysis.model.ranking import Floats, RankCurve, thinned
from reports.figures.axes import hairlines
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink

MOST_DRAWN = 20
"""The most classes drawn; with more, those that are ranked worst."""

_SIZE = (440, 384)
_COLUMNS = 2 * _SIZE[0]
"""Two columns a pixel, for high-density screens."""

_RATES = (0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


@dataclass(frozen=True)
class Ranked:
    """The curves of a figure."""

    curves: Sequence[RankCurve]
    """The worst first; only the first has a label."""
    mean: RankCurve
    positives: int
    """The number of images of the largest class; a share smaller than half an image is drawn as 0."""
    negatives: int
    """The number of images outside the smallest class."""
    words: tuple[str, str, str]
    """The texts of the mean, of the worst class, of the others; "" for nothing."""


def roc_figure(ranked: Ranked, label: str) -> Drawing:
    """Draw recall against the false positive rate, each class against the rest."""
    left, top = math.log10(0.5 / ranked.negatives), _top(ranked.positives)

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=20)
        for curve, look in _looks(ranked):
            x = np.log10(np.maximum(curve.false_rate, 10**left))
            _draw(ax, (x, _near_one(curve.true_rate, top)), look, (left, 0.0))
        ax.set_xlim(left, 0.0)
        powers = list(range(math.ceil(left + 0.2), 1))
        ax.set_xticks([left, *powers], ["0", *(f"{100 * 10.0**power:.5g}" for power in powers)])
        _rates(ax.set_yticks, top)
        ax.set_ylim(0, top)
        hairlines(ax)
        ax.set_xlabel("false positive rate, %")
        ax.set_ylabel("recall, %")
        _words(ax, ranked, "right")

    return Drawing("roc", *_SIZE, label, paint)


def precision_recall_figure(ranked: Ranked, label: str) -> Drawing:
    """Draw precision against recall, each class against the rest."""
    top = _top(ranked.positives)

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=20)
        for curve, look in _looks(ranked):
            # A step: a recall between two thresholds has the precision of the lower threshold.
            recall, precision = np.repeat(curve.recall, 2)[:-1], np.repeat(curve.precision, 2)[1:]
            _draw(ax, (_near_one(recall, top), _near_one(precision, top)), look, (0.0, top))
        ax.set_xlim(0, top)
        ax.set_ylim(0, top)
        _rates(ax.set_xticks, top)
        _rates(ax.set_yticks, top)
        hairlines(ax)
        ax.set_xlabel("recall, %")
        ax.set_ylabel("precision, %")
        _words(ax, ranked, "left")

    return Drawing("precision-recall", *_SIZE, label, paint)


@dataclass(frozen=True)
class _Look:
    colour: str
    width: float
    order: int


def _looks(ranked: Ranked) -> list[tuple[RankCurve, _Look]]:
    others = [(curve, _Look(Ink.FAINT, 1.0, 2)) for curve in ranked.curves[1:MOST_DRAWN]]
    worst = [(curve, _Look(Ink.TEXT, 1.25, 3)) for curve in ranked.curves[:1]]
    return [*others, *worst, (ranked.mean, _Look(Ink.WINNER, 2.0, 4))]


def _draw(ax: Axes, line: tuple[Floats, Floats], look: _Look, limits: tuple[float, float]) -> None:
    ax.plot(*thinned(*line, _COLUMNS, limits), color=look.colour, linewidth=look.width, zorder=look.order,
            clip_on=False, solid_joinstyle="round")  # fmt: skip


def _near_one(rate: Floats, top: float) -> Floats:
    return np.asarray(np.minimum(-np.log10(np.maximum(1.0 - rate, 1e-12)), top), dtype=np.float64)


def _top(images: int) -> float:
    """Return the position of 100%: that of half an image's error."""
    return -math.log10(0.5 / max(images, 1))


def _rates(set_ticks: Callable[[list[float], list[str]], object], top: float) -> None:
    inside = [rate for rate in _RATES if rate < 1 and -math.log10(1 - rate) < top - 0.25]
    places = [*(-math.log10(1 - rate) for rate in inside), top]
    set_ticks(places, [*(f"{100 * rate:.6g}" for rate in inside), "100"])


def _words(ax: Axes, ranked: Ranked, side: str) -> None:
    lines = [text for text in zip(ranked.words, (Ink.WINNER, Ink.TEXT, Ink.MUTED), strict=True) if text[0]]
    for place, (words, colour) in enumerate(reversed(lines)):
        ax.annotate(
            words,
            (0.97 if side == "right" else 0.03, 0.04),
            xycoords="axes fraction",
            xytext=(0, 15 * place),
            textcoords="offset points",
            ha="right" if side == "right" else "left",
            fontsize=11,
            color=colour,
            zorder=6,
        )
