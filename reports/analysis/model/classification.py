"""The winner's predictions: confused pairs and reliability. Labels are integers from 0 to C − 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from reports.run.run_data import RunData
from tuner.stats.metrics import CALIBRATION_BINS, confidence_bins, confusion_counts


@dataclass(frozen=True, eq=False)
class Scored:
    """One model's probabilities on one split."""

    split: Literal["test", "validation", "drawn"]
    labels: npt.NDArray[np.int64]
    """(n,), the true classes."""
    probabilities: npt.NDArray[np.float64]
    """(n, C), rows that add up to 1."""

    @property
    def predictions(self) -> npt.NDArray[np.int64]:
        """The most probable class of each image, (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Return the confusion matrix, (C, C): rows are true classes, columns predictions."""
        return confusion_counts(self.labels, self.predictions, self.probabilities.shape[1])


@dataclass(frozen=True)
class ConfusedPair:
    """The images of one class that the model predicted as another."""

    true: int
    predicted: int
    count: int
    indices: tuple[int, ...]
    """The images' indices, the most confident mistakes first."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The predictions whose confidence lies in [low, high)."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def scored_winner(run: RunData) -> Scored | None:
    """Return the exported model's test predictions, else the median seed's validation predictions, else None.

    Without a refit the two are one model. A refitted model was trained on the validation images, so its predictions of
    them are not used.
    """
    arrays = run.arrays
    if "test/probabilities" in arrays and "test/labels" in arrays:
        return _scored("test", arrays["test/labels"], arrays["test/probabilities"])
    prefix = f"confirm/{run.result.trial}" if run.result else ""
    labels = arrays.get(f"{prefix}/validation_labels", arrays.get("validation/labels"))
    if f"{prefix}/validation_probabilities" in arrays and labels is not None:
        return _scored("validation", labels, arrays[f"{prefix}/validation_probabilities"])
    return None


def row_shares(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return each row divided by its sum; NaN in the row of a class without images."""
    sums = counts.sum(axis=1, keepdims=True).astype(np.float64)
    return np.asarray(np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0), dtype=np.float64)


def confused_pairs(scored: Scored, limit: int = 10, examples: int = 6) -> tuple[ConfusedPair, ...]:
    """Return the most frequent mistakes, most frequent first."""
    counts = scored.confusion
    predictions = scored.predictions
    mistakes = [(int(n), t, p) for (t, p), n in np.ndenumerate(counts) if t != p and n]
    result = []
    for number, true, predicted in sorted(mistakes, key=lambda item: (-item[0], item[1], item[2]))[:limit]:
        members = np.flatnonzero((scored.labels == true) & (predictions == predicted))
        order = np.argsort(-scored.probabilities[members, predicted], kind="stable")
        result.append(ConfusedPair(true, predicted, number, tuple(int(i) for i in members[order][:examples])))
    return tuple(result)


def reliability(scored: Scored, bins: int = CALIBRATION_BINS) -> tuple[ReliabilityBin, ...]:
    """Return bins of equal width over the prediction's confidence, without the empty ones."""
    confidence = scored.probabilities.max(axis=1)
    right = scored.predictions == scored.labels
    place = confidence_bins(scored.probabilities, bins)
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


def _scored(split: Literal["test", "validation"], labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> Scored | None:
    table = np.nan_to_num(np.asarray(probabilities, dtype=np.float64))
    if table.ndim != 2 or not table.size:
        return None
    return Scored(split, np.asarray(labels, dtype=np.int64), table)
