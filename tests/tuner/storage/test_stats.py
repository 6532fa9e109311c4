"""The statistics room: figures that are known otherwise, and the libraries' own where these are too slow to import."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from tuner.stats.correlation import spearman, spearman_interval
from tuner.stats.intervals import (
    mean_and_sd,
    median_index,
    student_half_width,
    student_interval,
    wilson_interval,
)
from tuner.stats.metrics import (
    auc_roc,
    calibration_error,
    class_scores,
    confusion_counts,
    log_loss,
    score_test_set,
)
from tuner.stats.paired_tests import (
    Counts,
    counts_of,
    holm,
    mcnemar,
    newcombe_interval,
    paired_test,
    showable_difference,
)
from tuner.stats.pareto_front import pareto_front

SLEEP = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
"""Hours of extra sleep with the first drug of Student's own example (Biometrika 6, 1908)."""

# --- intervals ------------------------------------------------------------------------------------------------------


def test_wilson_interval_of_a_textbook_case() -> None:
    low, high = wilson_interval(9946, 10000)
    assert (round(low, 4), round(high, 4)) == (0.9930, 0.9959)


@pytest.mark.parametrize(("successes", "n"), [(9946, 10_000), (10, 10), (0, 10), (1, 2), (1, 1), (37, 61)])
def test_wilson_interval_is_that_of_scipy(successes: int, n: int) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_student_interval_is_that_of_scipy(level: float) -> None:
    expected = stats.ttest_1samp(SLEEP, 0).confidence_interval(level)
    assert student_interval(SLEEP, level) == pytest.approx((expected.low, expected.high), rel=1e-14)
    assert student_interval([0.1]) is None
    assert student_interval([0.1, 0.1]) == (0.1, 0.1)


def test_a_pooled_spread_has_degrees_of_freedom_of_its_own() -> None:
    # Student's 97.5% point with two degrees of freedom is 4.3027.
    assert student_half_width(0.01, 3) == pytest.approx(4.3027 * 0.01 / math.sqrt(3), rel=1e-4)
    assert student_half_width(0.01, 9, freedom=2) == pytest.approx(4.3027 * 0.01 / 3, rel=1e-4)


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


# --- metrics --------------------------------------------------------------------------------------------------------


def test_calibration_error_of_confidence_that_is_half_right() -> None:
    probabilities = np.tile([0.9, 0.1], (10, 1))
    labels = np.array([0] * 5 + [1] * 5)
    assert calibration_error(probabilities, labels) == pytest.approx(0.4)
    assert calibration_error(np.tile([1.0, 0.0], (4, 1)), np.zeros(4, dtype=int)) == 0


def test_perfect_predictions() -> None:
    labels = np.array([0, 1, 2, 0])
    found = score_test_set(np.eye(3)[labels], labels, ["a", "b", "c"])
    assert found["errors"] == 0
    assert found["f1"] == found["precision"] == found["recall"] == found["auc_roc"] == found["exported_accuracy"] == 1
    assert found["confusion"] == [[2, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_known_errors() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.1, 0.9]])
    found = score_test_set(probabilities, labels, ["a", "b"])
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
    assert score_test_set(np.full((3, 3), 1 / 3), labels, ["a", "b", "c"])["auc_roc"] is None


def test_log_loss_of_a_certain_error_is_finite() -> None:
    assert log_loss(np.array([[0.0, 1.0]]), np.array([0])) == pytest.approx(-np.log(1e-7))


def test_confusion_and_class_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(7)
    for classes in (2, 3, 10):
        labels, predictions = rng.integers(0, classes, 500), rng.integers(0, classes, 500)
        labels[labels == classes - 1] = 0  # the last class has no images
        counts = confusion_counts(labels, predictions, classes)
        names = np.arange(classes)
        assert (counts == confusion_matrix(labels, predictions, labels=names)).all()
        expected = precision_recall_fscore_support(labels, predictions, labels=names, zero_division=0)
        scores = class_scores(counts)
        assert [[s.precision or 0.0, s.recall or 0.0, s.f1 or 0.0, s.support] for s in scores] == np.transpose(
            expected
        ).tolist()
        figures = score_test_set(np.eye(classes)[predictions], labels, [str(name) for name in names])
        means = [figures["precision"], figures["recall"], figures["f1"]]
        assert means == [float(expected[place].mean()) for place in range(3)]


# --- pairs and corrections -----------------------------------------------------------------------------------------


def test_paired_test_is_that_of_scipy() -> None:
    found = paired_test(SLEEP)
    expected = stats.ttest_rel(SLEEP, np.zeros(10))
    interval = expected.confidence_interval(0.95)
    assert found.t == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx((interval.low, interval.high))
    assert (found.n, found.difference, found.sd) == pytest.approx((10, np.mean(SLEEP), np.std(SLEEP, ddof=1)))


@pytest.mark.parametrize(
    ("values", "n", "difference", "sd"),
    [
        ((), 0, None, None),
        ((0.01,), 1, 0.01, None),
        ((0.0, 0.0, 0.0), 3, 0.0, 0.0),
        ((0.99 - 0.98, 0.97 - 0.96, 0.1 - 0.09), 3, 0.01, 0.0),
    ],
)
def test_without_spread_there_is_no_test(
    values: Sequence[float], n: int, difference: float | None, sd: float | None
) -> None:
    found = paired_test(values)
    assert (found.n, found.sd, found.t, found.p, found.interval) == (n, sd, None, None, None)
    assert found.difference == pytest.approx(difference)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ((), ()),
        ((0.03,), (0.03,)),
        ((0.01, 0.04, 0.03, 0.005), (0.03, 0.06, 0.06, 0.02)),
        ((0.5, 0.9), (1.0, 1.0)),
        ((0.02, None, 0.02), (0.04, None, 0.04)),
        ((None,), (None,)),
    ],
)
def test_holm(p_values: Sequence[float | None], expected: Sequence[float | None]) -> None:
    found = holm(p_values)
    assert [p is None for p in found] == [p is None for p in expected]
    assert [p for p in found if p is not None] == pytest.approx([p for p in expected if p is not None])


@pytest.mark.parametrize(("n", "comparisons"), [(2, 1), (3, 1), (5, 4), (10, 3)])
def test_a_showable_difference_is_shown_four_times_in_five(n: int, comparisons: int) -> None:
    rng = np.random.default_rng(3)
    effect = showable_difference(0.001, n, comparisons)
    draws = rng.normal(effect, 0.001, (4000, n))
    p = stats.ttest_1samp(draws, 0, axis=1).pvalue
    assert float((p < 0.05 / comparisons).mean()) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Bentur et al. 2009, as in Fagerland, Lydersen and Laake 2014, table VIII.
        (Counts(1, 1, 7, 12), (-0.507, -0.026)),
        # Cavo et al. 2012, as in Fagerland, Lydersen and Laake 2017, chapter 8.
        (Counts(59, 6, 16, 80), (-0.1186, -0.0046)),
        # Altman et al. 2000, Statistics with Confidence, table 6.2.
        (Counts(14, 5, 0, 22), (0.011, 0.226)),
    ],
)
def test_newcombe_interval_is_the_published_one(counts: Counts, expected: tuple[float, float]) -> None:
    assert newcombe_interval(counts) == pytest.approx(expected, abs=6e-4)


def test_newcombe_interval_turns_with_the_pair() -> None:
    low, high = newcombe_interval(Counts(9900, 60, 30, 10))
    other = newcombe_interval(Counts(9900, 30, 60, 10))
    assert other == pytest.approx((-high, -low))
    assert low < 0.003 < high


@pytest.mark.parametrize("counts", [Counts(5, 0, 0, 0), Counts(0, 0, 0, 5), Counts(0, 5, 0, 0), Counts(0, 0, 0, 0)])
def test_newcombe_interval_of_extremes_is_finite_and_holds_the_difference(counts: Counts) -> None:
    low, high = newcombe_interval(counts)
    assert -1 - 1e-9 <= low <= counts.difference <= high <= 1 + 1e-9
    assert low < high


@pytest.mark.parametrize("shares", [(0.96, 0.015, 0.01, 0.015), (0.5, 0.15, 0.1, 0.25)])
def test_newcombe_interval_covers_as_often_as_it_says(shares: tuple[float, float, float, float]) -> None:
    """3,000 test sets of 400 images: 95%, and up to two points more, since the correlation is corrected for continuity."""
    rng = np.random.default_rng(1)
    intervals = [newcombe_interval(Counts(*(int(n) for n in row))) for row in rng.multinomial(400, shares, size=3000)]
    true = shares[1] - shares[2]
    assert 0.94 < np.mean([low <= true <= high for low, high in intervals]) < 0.975


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0, 0, 1.0),
        (1, 1, 1.0),
        (1, 7, 0.0703125),  # 2 (1 + 8) / 2⁸
        (0, 5, 0.0625),
        (5, 0, 0.0625),
    ],
)
def test_mcnemar_is_exact(first: int, second: int, expected: float) -> None:
    assert mcnemar(Counts(10, first, second, 2)) == pytest.approx(expected)


def test_mcnemar_rejects_as_seldom_as_it_says() -> None:
    rng = np.random.default_rng(2)
    first = rng.binomial(40, 0.5, 1000)
    rejected = [mcnemar(Counts(0, int(n), 40 - int(n), 0)) < 0.05 for n in first]
    assert 0.02 < np.mean(rejected) <= 0.055


def test_counts_of_two_models() -> None:
    right = np.array([True, True, True, False, False])
    other = np.array([True, True, False, True, False])
    assert counts_of(right, other) == Counts(2, 1, 1, 1)
    assert counts_of(right, ~right).difference == pytest.approx(0.2)


# --- ranks and fronts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([], [], None),
        ([1.0], [2.0], None),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], None),
        ([1.0, 2.0, 3.0], [10.0, 20.0, 21.0], 1.0),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], -1.0),
        # Ties stand at their mean rank: ranks 1.5 1.5 3 4 against 1 2 3 4.
        ([1.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0], 0.9486833),
        # 1 − 6 Σ d² / (n (n² − 1)) with d = 1, −1, 1, −1, 0.
        ([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0], 0.8),
    ],
)
def test_spearman(x: list[float], y: list[float], expected: float | None) -> None:
    assert spearman(x, y) == (None if expected is None else pytest.approx(expected))


def test_interval_of_bonett_and_wright() -> None:
    found = spearman_interval(0.8, 20)
    assert found is not None
    # atanh(0.8) = 1.0986, its standard error sqrt(1.32 / 17) = 0.27865.
    assert found == pytest.approx((math.tanh(1.0986123 - 1.959964 * 0.2786522), math.tanh(1.0986123 + 0.5461483)))
    wider = spearman_interval(0.8, 10)
    assert wider is not None
    assert wider[0] < found[0] < 0.8 < found[1] < wider[1]
    assert spearman_interval(1.0, 20) is None
    assert spearman_interval(0.5, 3) is None


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], []),
        ([("a", 10, 0.9)], ["a"]),
        ([("a", 10, 0.9), ("b", 20, 0.9)], ["a"]),
        ([("a", 10, 0.9), ("b", 10, 0.95)], ["b"]),
        ([("b", 10, 0.9), ("a", 10, 0.9)], ["a"]),
        ([("c", 30, 0.99), ("a", 10, 0.9), ("b", 20, 0.8)], ["a", "c"]),
    ],
)
def test_front(points: list[tuple[str, int, float]], expected: list[str]) -> None:
    found = pareto_front(points, size=lambda p: p[1], value=lambda p: p[2], best_first=lambda p: (-p[2], p[0]))
    assert [name for name, _, _ in found] == expected


def test_spearman_is_that_of_scipy() -> None:
    rng = np.random.default_rng(8)
    for n in (4, 9, 50):
        x, y = rng.integers(0, 7, n), rng.normal(size=n).round(1)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, rel=1e-13, abs=1e-15)
