"""ROC and precision-recall curves of each class against the rest, their areas, and a thinning of lines for drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reports.analysis.model.classification import Scored

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RankCurve:
    """The curves of one class against the rest, over all thresholds; thresholds at which nothing changes are merged."""

    index: int | None
    """The class; None for the mean of all."""
    false_rate: Floats
    """(k,) rising from 0 to 1: the fraction of the other classes' images that is predicted as this class."""
    true_rate: Floats
    """(k,) recall, rising from 0 to 1."""
    recall: Floats
    """(m,) rising from 0 to 1."""
    precision: Floats
    """(m,) precision at each recall; the first is that of recall 0 and repeats the strictest threshold's."""
    auc: float
    """The area under the ROC curve."""
    average_precision: float
    """The sum of precision times the recall gained, as scikit-learn computes it."""


def rank_curves(scored: Scored) -> tuple[RankCurve, ...]:
    """Return a curve for each class that has images and whose rest has images too."""
    curves = []
    for index in range(scored.probabilities.shape[1]):
        is_member = scored.labels == index
        if is_member.any() and not is_member.all():
            curves.append(_curve(index, is_member, scored.probabilities[:, index]))
    return tuple(curves)


def macro_curve(curves: tuple[RankCurve, ...]) -> RankCurve | None:
    """Return the unweighted mean of the classes' curves; its areas are the means of theirs. None without a class."""
    if not curves:
        return None
    union = np.unique(np.concatenate([c.false_rate for c in curves]))
    false_rate = np.repeat(union, 2)
    true_rate = np.mean([_recall_around_steps(c, union) for c in curves], axis=0)
    corner = _corners(false_rate, true_rate)
    recall = np.unique(np.concatenate([c.recall for c in curves]))
    return RankCurve(
        index=None,
        false_rate=false_rate[corner],
        true_rate=true_rate[corner],
        recall=recall,
        precision=np.mean([_precision_at(c, recall) for c in curves], axis=0),
        auc=float(np.mean([c.auc for c in curves])),
        average_precision=float(np.mean([c.average_precision for c in curves])),
    )


def thinned(x: Floats, y: Floats, columns: int, limits: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return a line with few points and the same picture: each pixel column's first, lowest, highest and last.

    A line drawn through these four is the same to the pixel (Jugel et al. 2014, M4).

    Args:
        x: (n,) rising, on the scale of the drawing.
        y: (n,).
        columns: the number of pixel columns between the limits.
        limits: the ends of the drawing's x axis.
    """
    low, high = limits
    column = np.floor((x - low) / ((high - low) or 1.0) * columns).astype(np.int64)
    starts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    indices: set[int] = set()
    for start, end in zip(starts, [*starts[1:], len(x)], strict=True):
        here = y[start:end]
        indices |= {int(start), int(end) - 1, int(start + here.argmin()), int(start + here.argmax())}
    order = np.array(sorted(indices))
    order = order[_corners(x[order], y[order])]
    return x[order], y[order]


def _curve(index: int, is_member: npt.NDArray[np.bool_], score: Floats) -> RankCurve:
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(is_member[order])[last_of_tie].astype(np.float64)
    misses = np.cumsum(~is_member[order])[last_of_tie].astype(np.float64)
    true_rate = np.concatenate([[0.0], hits / hits[-1]])
    false_rate = np.concatenate([[0.0], misses / misses[-1]])
    precision = hits / (hits + misses)
    corner = _corners(false_rate, true_rate)
    recall = np.concatenate([[0.0], hits / hits[-1]])
    return RankCurve(
        index=index,
        false_rate=false_rate[corner],
        true_rate=true_rate[corner],
        recall=recall,
        precision=np.concatenate([precision[:1], precision]),
        auc=float(np.trapezoid(true_rate, false_rate)),
        average_precision=float((np.diff(recall) * precision).sum()),
    )


def _corners(x: Floats, y: Floats) -> npt.NDArray[np.int64]:
    """Return the indices of the ends and of the points that do not lie on the line between their neighbours."""
    if len(x) <= 2:
        return np.arange(len(x))
    bend = np.diff(x)[:-1] * np.diff(y)[1:] != np.diff(y)[:-1] * np.diff(x)[1:]
    return np.flatnonzero(np.concatenate([[True], bend, [True]]))


def _recall_around_steps(curve: RankCurve, false_rate: Floats) -> Floats:
    """Return (2k,): the recall at each of k false positive rates, before a step there and after it."""
    # Of two equal abscissae numpy uses the later one; on the reversed arrays that is the earlier.
    after = np.interp(false_rate, curve.false_rate, curve.true_rate)
    before = np.interp(-false_rate, -curve.false_rate[::-1], curve.true_rate[::-1])
    return np.stack([before, after], axis=1).ravel()


def _precision_at(curve: RankCurve, recall: Floats) -> Floats:
    """Return the precision of the strictest threshold that reaches each recall."""
    place = np.searchsorted(curve.recall, recall, side="left")
    return curve.precision[np.minimum(place, len(curve.precision) - 1)]
