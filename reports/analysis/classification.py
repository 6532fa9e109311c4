"""What a model gets right and wrong: confusion, classes, calibration. Labels are integers from 0 to C − 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from reports.run_data import RunData

RELIABILITY_BINS = 15
_Z_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Scored:
    """Probabilities of one model on one split."""

    split: Literal["test", "validation", "drawn"]
    labels: npt.NDArray[np.int64]
    """(n,)"""
    probabilities: npt.NDArray[np.float64]
    """(n, C)"""

    @property
    def predictions(self) -> npt.NDArray[np.int64]:
        """(n,)"""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True)
class Pair:
    """Images of one class that were taken for another."""

    true: int
    predicted: int
    count: int
    indices: tuple[int, ...]
    """Of the images, the surest mistakes first."""


@dataclass(frozen=True)
class ClassScore:
    """One class against the rest; None where a ratio has no denominator."""

    index: int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions whose confidence lies in [low, high)."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def scored_winner(run: RunData) -> Scored | None:
    """The exported model on the test set, else the confirmed model of the median seed on the validation images, else None.

    Without a refit the two are one model; a refit's own predictions of validation images, on which it was trained, are of no use.
    """
    arrays = run.arrays
    if "test/probabilities" in arrays and "test/labels" in arrays:
        return _scored("test", arrays["test/labels"], arrays["test/probabilities"])
    own = f"confirm/{run.result.trial}" if run.result else ""
    labels = arrays.get(f"{own}/validation_labels", arrays.get("validation/labels"))
    if f"{own}/validation_probabilities" in arrays and labels is not None:
        return _scored("validation", labels, arrays[f"{own}/validation_probabilities"])
    return None


def confusion_counts(scored: Scored) -> npt.NDArray[np.int64]:
    """(C, C): rows are true classes, columns predictions."""
    classes = scored.probabilities.shape[1]
    flat = np.bincount(scored.labels * classes + scored.predictions, minlength=classes * classes)
    return np.asarray(flat.reshape(classes, classes), dtype=np.int64)


def row_shares(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Each row divided by its sum; NaN in the row of a class without images."""
    sums = counts.sum(axis=1, keepdims=True).astype(np.float64)
    return np.asarray(np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0), dtype=np.float64)


def confused_pairs(scored: Scored, limit: int = 10, examples: int = 6) -> tuple[Pair, ...]:
    """The most frequent mistakes, most frequent first."""
    counts = confusion_counts(scored)
    predictions = scored.predictions
    off = [(int(n), t, p) for (t, p), n in np.ndenumerate(counts) if t != p and n]
    result = []
    for number, true, predicted in sorted(off, key=lambda item: (-item[0], item[1], item[2]))[:limit]:
        members = np.flatnonzero((scored.labels == true) & (predictions == predicted))
        order = np.argsort(-scored.probabilities[members, predicted], kind="stable")
        result.append(Pair(true, predicted, number, tuple(int(i) for i in members[order][:examples])))
    return tuple(result)


def class_scores(counts: npt.NDArray[np.int64]) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class from a confusion matrix."""
    return tuple(_class_score(index, counts) for index in range(len(counts)))


def reliability(scored: Scored, bins: int = RELIABILITY_BINS) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width over the confidence of the prediction; empty ones are left out."""
    confidence = scored.probabilities.max(axis=1)
    right = scored.predictions == scored.labels
    place = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    result = []
    for index in range(bins):
        members = place == index
        if members.any():
            result.append(
                ReliabilityBin(
                    index / bins,
                    (index + 1) / bins,
                    int(members.sum()),
                    float(confidence[members].mean()),
                    float(right[members].mean()),
                )
            )
    return tuple(result)


def calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """Expected calibration error (Naeini et al. 2015): |confidence − accuracy| weighted by the bins' counts."""
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in bins) / total if total else None


def log_loss(scored: Scored) -> float:
    """Mean of −log of the true class's probability, which is kept above 1e-7."""
    own = scored.probabilities[np.arange(len(scored.labels)), scored.labels]
    return float(-np.log(np.clip(own, 1e-7, 1.0)).mean())


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """The 95% score interval of a proportion (Wilson 1927)."""
    if n == 0:
        return (0.0, 1.0)
    share, z2 = right / n, _Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return (centre - half, centre + half)


def _scored(split: Literal["test", "validation"], labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> Scored | None:
    table = np.nan_to_num(np.asarray(probabilities, dtype=np.float64))
    if table.ndim != 2 or not table.size:
        return None
    return Scored(split, np.asarray(labels, dtype=np.int64), table)


def _class_score(index: int, counts: npt.NDArray[np.int64]) -> ClassScore:
    hit, support, predicted = int(counts[index, index]), int(counts[index].sum()), int(counts[:, index].sum())
    return ClassScore(
        index=index,
        precision=hit / predicted if predicted else None,
        recall=hit / support if support else None,
        f1=2 * hit / (support + predicted) if support + predicted else None,
        support=support,
    )
