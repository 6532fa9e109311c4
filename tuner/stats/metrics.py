"""Metrics of predictions: accuracy, log loss, calibration, confusion, precision, recall, F1, AUC. Pure functions of probabilities and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.core.records import Json
from tuner.stats.intervals import mean_and_sd, wilson_interval

Labels: TypeAlias = NDArray[np.int64]
Probabilities: TypeAlias = NDArray[np.floating[Any]]

CALIBRATION_BINS = 15
UNBALANCED = 1.5
"""Classes are unbalanced where the largest has more than so many times the images of the smallest."""
LEAST_PROBABILITY = 1e-7
"""Smaller ones count as this in a log loss, as in Keras."""


@dataclass(frozen=True)
class ClassScore:
    """One class against the rest; None where a ratio has no denominator."""

    index: int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def confusion_counts(labels: Labels, predictions: Labels, classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix (classes, classes): rows are true classes, columns predictions."""
    flat = np.bincount(labels * classes + predictions, minlength=classes * classes)
    return np.asarray(flat.reshape(classes, classes), dtype=np.int64)


def class_scores(counts: NDArray[np.int64]) -> tuple[ClassScore, ...]:
    """Return precision, recall and F1 of each class of a confusion matrix."""
    return tuple(_class_score(index, counts) for index in range(len(counts)))


def _class_score(index: int, counts: NDArray[np.int64]) -> ClassScore:
    hit, support, predicted = int(counts[index, index]), int(counts[index].sum()), int(counts[:, index].sum())
    return ClassScore(
        index=index,
        precision=hit / predicted if predicted else None,
        recall=hit / support if support else None,
        f1=2 * hit / (support + predicted) if support + predicted else None,
        support=support,
    )


def balanced_accuracy(labels: Labels, predictions: Labels) -> float:
    """Return the mean over classes of recall (Brodersen et al., ICPR 2010; `sklearn.metrics.balanced_accuracy_score`).

    A class without images is not counted.

    Args:
        labels: (n,), n at least 1.
        predictions: (n,).
    """
    hits, sizes = _hits_and_sizes(labels, predictions)
    return float((hits / sizes).mean())


def balanced_accuracy_interval(labels: Labels, predictions: Labels) -> tuple[float, float]:
    """Return the 95% interval of a balanced accuracy; arguments as in `balanced_accuracy`.

    Wilson's intervals of the classes' recalls, which are independent, are combined by the distances of their ends from the
    recalls (Zou, Huang and Zhang, Computational Statistics & Data Analysis 53, 2009). With one class it is Wilson's.
    """
    hits, sizes = _hits_and_sizes(labels, predictions)
    recalls = hits / sizes
    ends = np.array([wilson_interval(int(hit), int(size)) for hit, size in zip(hits, sizes, strict=True)])
    mean, (below, above) = recalls.mean(), np.sqrt(((ends - recalls[:, None]) ** 2).sum(axis=0)) / len(recalls)
    return max(0.0, float(mean - below)), min(1.0, float(mean + above))


def _hits_and_sizes(labels: Labels, predictions: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the right predictions and the images of each class that has images."""
    sizes = np.bincount(labels)
    hits = np.bincount(labels[labels == predictions], minlength=len(sizes))
    return hits[sizes > 0], sizes[sizes > 0]


def is_unbalanced(sizes: Sequence[int]) -> bool:
    """Return whether classes of these sizes, those without images left out, are unbalanced."""
    present = [size for size in sizes if size > 0]
    return bool(present) and max(present) > UNBALANCED * min(present)


def class_weights(labels: Labels) -> dict[int, float]:
    """Return class → weight of its images in a loss in which each class counts alike: n / (k · n_c), as scikit-learn's "balanced".

    Args:
        labels: (n,). k is the number of classes with images, n_c the images of class c.
    """
    sizes = np.bincount(labels)
    present = np.flatnonzero(sizes)
    return {int(c): len(labels) / (len(present) * int(sizes[c])) for c in present}


def confidence_bins(probabilities: Probabilities, bins: int = CALIBRATION_BINS) -> NDArray[np.int64]:
    """Return the bin of each prediction's confidence, (n,) of 0 to bins − 1: bins of equal width over 0 to 1."""
    return np.asarray(np.clip(probabilities.max(axis=1) * bins, 0, bins - 1), dtype=np.int64)


def calibration_error(probabilities: Probabilities, labels: Labels, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error of the top class over bins of equal width (Guo et al. 2017, equation 3).

    Args:
        probabilities: (n, classes).
        labels: (n,).
        bins: how many.
    """
    correct = probabilities.argmax(axis=1) == labels
    gaps = np.bincount(
        confidence_bins(probabilities, bins),
        weights=correct - probabilities.max(axis=1).astype(np.float64),
        minlength=bins,
    )
    return float(np.abs(gaps).sum() / len(labels))


def log_loss(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean cross-entropy in nats."""
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(chosen, LEAST_PROBABILITY)).mean())


def auc_roc(probabilities: Probabilities, labels: Labels) -> float | None:
    """Return the area under the ROC curve, one class against the rest, mean over classes; None where a class is absent."""
    from sklearn.metrics import roc_auc_score

    classes = range(probabilities.shape[1])
    members = [labels == c for c in classes]
    if not all(0 < member.sum() < len(labels) for member in members):
        return None
    return float(
        np.mean([roc_auc_score(member, probabilities[:, c]) for c, member in zip(classes, members, strict=True)])
    )


def score_test_set(probabilities: Probabilities, labels: Labels, class_names: Sequence[str]) -> Json:
    """Return the figures of the exported model on a test set, as `test` of result.json; a ratio without denominator is 0.

    Args:
        probabilities: (n, classes).
        labels: (n,).
        class_names: one a class.
    """
    predictions = probabilities.argmax(axis=1)
    counts = confusion_counts(labels, predictions, probabilities.shape[1])
    right = int(np.trace(counts))
    per_class = [
        {
            "class": name,
            "precision": score.precision or 0.0,
            "recall": score.recall or 0.0,
            "f1": score.f1 or 0.0,
            "support": score.support,
        }
        for name, score in zip(class_names, class_scores(counts), strict=True)
    ]
    return {
        "n": len(labels),
        "exported_accuracy": 1 - (len(labels) - right) / len(labels),
        "errors": len(labels) - right,
        "accuracy_ci95": list(wilson_interval(right, len(labels))),
        "exported_balanced_accuracy": balanced_accuracy(labels, predictions),
        "balanced_accuracy_ci95": list(balanced_accuracy_interval(labels, predictions)),
        **{name: float(np.mean([row[name] for row in per_class])) for name in ("precision", "recall", "f1")},
        "per_class": per_class,
        "auc_roc": auc_roc(probabilities, labels),
        "log_loss": log_loss(probabilities, labels),
        "calibration_error": calibration_error(probabilities, labels),
        "confusion": counts.tolist(),
    }


def score_seeds(predictions: NDArray[np.int64], labels: Labels) -> Json:
    """Return the accuracies of the winner's seeds on a test set, as `test` of result.json.

    Args:
        predictions: (seeds, n).
        labels: (n,).
    """
    per_seed = [float((row == labels).mean()) for row in predictions]
    balanced = [balanced_accuracy(labels, row) for row in predictions]
    (mean, sd), (balanced_mean, balanced_sd) = mean_and_sd(per_seed), mean_and_sd(balanced)
    return {
        "accuracy": mean,
        "sd": sd,
        "per_seed": per_seed,
        "balanced_accuracy": balanced_mean,
        "balanced_accuracy_sd": balanced_sd,
        "balanced_accuracy_per_seed": balanced,
    }


def score_int8(predictions: NDArray[np.int64], labels: Labels) -> Json:
    """Return `test.int8` of result.json from the int8 file's classes (n,) of the test images."""
    right = int((predictions == labels).sum())
    return {
        "accuracy": 1 - (len(labels) - right) / len(labels),
        "errors": len(labels) - right,
        "accuracy_ci95": list(wilson_interval(right, len(labels))),
    }
