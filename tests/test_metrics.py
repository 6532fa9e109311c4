"""What predictions are worth, against figures that are known otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from tuner.metrics import auc_roc, calibration_error, log_loss, mean_and_sd, median_index, test_metrics, wilson_interval

measured = test_metrics
measured.__test__ = False  # type: ignore[attr-defined]
del test_metrics


def test_wilson_interval_of_a_textbook_case() -> None:
    low, high = wilson_interval(9946, 10000)
    assert (round(low, 4), round(high, 4)) == (0.9930, 0.9959)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10)])
def test_wilson_interval_stays_within_bounds(successes: int, n: int) -> None:
    low, high = wilson_interval(successes, n)
    assert 0 <= low < high <= 1


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        wilson_interval(successes, n)


def test_mean_and_sd() -> None:
    assert mean_and_sd([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert mean_and_sd([1.0]) == (1.0, None)


@pytest.mark.parametrize(
    ("scores", "index"), [([0.1], 0), ([0.3, 0.1, 0.2], 2), ([0.1, 0.4, 0.2, 0.3], 2), ([1, 1, 1], 1)]
)
def test_median_index(scores: list[float], index: int) -> None:
    assert median_index(scores) == index


def test_calibration_error_of_confidence_that_is_half_right() -> None:
    probabilities = np.tile([0.9, 0.1], (10, 1))
    labels = np.array([0] * 5 + [1] * 5)
    assert calibration_error(probabilities, labels) == pytest.approx(0.4)
    assert calibration_error(np.tile([1.0, 0.0], (4, 1)), np.zeros(4, dtype=int)) == 0


def test_perfect_predictions() -> None:
    labels = np.array([0, 1, 2, 0])
    found = measured(np.eye(3)[labels], labels, ["a", "b", "c"])
    assert found["errors"] == 0
    assert found["f1"] == found["precision"] == found["recall"] == found["auc_roc"] == found["exported_accuracy"] == 1
    assert found["confusion"] == [[2, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_known_errors() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.1, 0.9]])
    found = measured(probabilities, labels, ["a", "b"])
    assert (found["errors"], found["exported_accuracy"]) == (1, 0.75)
    assert found["per_class"][0] == {
        "class": "a",
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "support": 2,
    }
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.4, 0.7, 0.9]).mean())


def test_a_class_that_is_absent_leaves_the_curve_undefined() -> None:
    labels = np.array([0, 0, 1])
    assert auc_roc(np.full((3, 3), 1 / 3), labels) is None
    assert measured(np.full((3, 3), 1 / 3), labels, ["a", "b", "c"])["auc_roc"] is None


def test_log_loss_of_a_certain_error_is_finite() -> None:
    assert log_loss(np.array([[0.0, 1.0]]), np.array([0])) == pytest.approx(-np.log(1e-7))
