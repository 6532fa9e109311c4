"""Balanced accuracy, its interval and the weights of classes, against scikit-learn and by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_class_weight

from tuner.stats.intervals import wilson_interval
from tuner.stats.metrics import (
    balanced_accuracy,
    balanced_accuracy_interval,
    class_weights,
    is_unbalanced,
    score_seeds,
)


def _labels_and_predictions(seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Unbalanced classes, one of them (3) without an image, and predictions that are right three times in four."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, 2, 4], p=[0.7, 0.2, 0.07, 0.03], size=400)
    return labels, np.where(rng.random(400) < 0.75, labels, rng.integers(0, 5, 400))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_balanced_accuracy_is_that_of_scikit_learn(seed: int) -> None:
    labels, predictions = _labels_and_predictions(seed)
    assert balanced_accuracy(labels, predictions) == pytest.approx(balanced_accuracy_score(labels, predictions))


def test_balanced_accuracy_of_naming_the_largest_class_is_chance() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    assert balanced_accuracy(labels, np.zeros(100, np.int64)) == 0.5
    assert balanced_accuracy(labels, labels) == 1.0


def test_interval_of_a_balanced_accuracy_of_one_class_is_wilson_s() -> None:
    labels, predictions = np.zeros(50, np.int64), np.array([0] * 45 + [1] * 5)
    assert balanced_accuracy_interval(labels, predictions) == pytest.approx(wilson_interval(45, 50))


def test_interval_of_a_balanced_accuracy_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    sizes, recalls = np.array([300, 60, 20]), np.array([0.95, 0.8, 0.6])
    labels = np.repeat(np.arange(3), sizes)
    covered = 0
    for _ in range(2000):
        predictions = np.where(rng.random(len(labels)) < recalls[labels], labels, (labels + 1) % 3)
        low, high = balanced_accuracy_interval(labels, predictions)
        covered += low <= recalls.mean() <= high
    assert 0.935 < covered / 2000 < 0.975


def test_interval_of_a_perfect_balanced_accuracy_ends_at_one() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    low, high = balanced_accuracy_interval(labels, labels)
    assert 0.8 < low < high == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_class_weights_are_scikit_learn_s(seed: int) -> None:
    labels, _ = _labels_and_predictions(seed)
    classes = np.unique(labels)
    expected = compute_class_weight("balanced", classes=classes, y=labels)
    weights = class_weights(labels)
    assert weights == pytest.approx(dict(zip(classes.tolist(), expected.tolist(), strict=True)))
    assert sum(weights[int(label)] for label in labels) == pytest.approx(len(labels))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([10, 10], False), ([15, 10], False), ([16, 10], True), ([10, 0, 10], False), ([], False), ([0], False)],
)
def test_unbalanced_classes(sizes: list[int], expected: bool) -> None:
    assert is_unbalanced(sizes) is expected


def test_scores_of_seeds() -> None:
    labels = np.array([0, 0, 0, 1])
    scores = score_seeds(np.array([[0, 0, 0, 0], [0, 0, 0, 1]]), labels)
    assert scores["per_seed"] == [0.75, 1.0]
    assert scores["accuracy"] == 0.875
    assert scores["balanced_accuracy_per_seed"] == [0.5, 1.0]
    assert scores["balanced_accuracy"] == 0.75
    assert scores["balanced_accuracy_sd"] == pytest.approx(0.25 * 2**0.5)
