"""What predictions are worth: pure functions of probabilities and labels. No Keras, no files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.records import Json

Labels: TypeAlias = NDArray[np.int64]
Probabilities: TypeAlias = NDArray[np.floating[Any]]

_Z95 = 1.959963984540054
CALIBRATION_BINS = 15


def wilson_interval(successes: int, n: int, z: float = _Z95) -> tuple[float, float]:
    """The score interval of a proportion, 95% unless told (Wilson, JASA 22, 1927).

    Raises:
        ValueError: where n is below 1, or successes are outside 0 to n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"A proportion needs 0 <= successes <= n and n >= 1. Received: successes={successes}, n={n}")
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_and_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (None with one value).

    Raises:
        ValueError: without values.
    """
    if not values:
        raise ValueError("A mean needs at least one value.")
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, None
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def calibration_error(probabilities: Probabilities, labels: Labels, bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error of the top class over bins of equal width (Guo et al. 2017, equation 3).

    Args:
        probabilities: (n, classes).
        labels: (n,).
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(places, weights=correct - confidence.astype(np.float64), minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def test_metrics(probabilities: Probabilities, labels: Labels, class_names: Sequence[str]) -> Json:
    """What the exported model is worth on a test set, as `test` of result.json.

    Args:
        probabilities: (n, classes).
        labels: (n,).
        class_names: one a class.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    classes = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    errors = int((predicted != labels).sum())
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
    return {
        "n": len(labels),
        "exported_accuracy": 1 - errors / len(labels),
        "errors": errors,
        "accuracy_ci95": list(wilson_interval(len(labels) - errors, len(labels))),
        "precision": float(precision.mean()),
        "recall": float(recall.mean()),
        "f1": float(f1.mean()),
        "per_class": [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
            for name, p, r, f, s in zip(class_names, precision, recall, f1, support, strict=True)
        ],
        "auc_roc": auc_roc(probabilities, labels),
        "log_loss": log_loss(probabilities, labels),
        "calibration_error": calibration_error(probabilities, labels),
        "confusion": confusion_matrix(labels, predicted, labels=classes).tolist(),
    }


def auc_roc(probabilities: Probabilities, labels: Labels) -> float | None:
    """Area under the ROC curve, one class against the rest, mean over classes; None where a class is absent."""
    from sklearn.metrics import roc_auc_score

    classes = range(probabilities.shape[1])
    members = [labels == c for c in classes]
    if not all(0 < member.sum() < len(labels) for member in members):
        return None
    return float(
        np.mean([roc_auc_score(member, probabilities[:, c]) for c, member in zip(classes, members, strict=True)])
    )


def log_loss(probabilities: Probabilities, labels: Labels) -> float:
    """Mean cross-entropy in nats; probabilities are kept at 1e-7 or more, as Keras does."""
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(chosen, 1e-7)).mean())


def median_index(scores: Sequence[float]) -> int:
    """The index of the median; of an even number, the lower of the two in the middle; of equals, the first."""
    order = sorted(range(len(scores)), key=lambda index: (scores[index], index))
    return order[(len(scores) - 1) // 2]
