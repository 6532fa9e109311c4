"""ROC and precision-recall curves: their areas beside scikit-learn's, and a thinning that can't be seen."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from reports.analysis.model.classification import Scored
from reports.analysis.model.ranking import RankCurve, macro_curve, rank_curves, thinned
from reports.figures.model.ranking import Ranked, precision_recall_figure, roc_figure


def drawn(classes: int, n: int, seed: int = 0, digits: int = 9) -> Scored:
    """Probabilities that know something of the labels; few digits make ties."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    table = rng.random((n, classes))
    table[np.arange(n), labels] += rng.exponential(0.8, n)
    table = np.round(table / table.sum(axis=1, keepdims=True), digits)
    return Scored("test", labels.astype(np.int64), table)


@pytest.mark.parametrize(("classes", "n", "digits"), [(2, 40, 9), (3, 300, 1), (10, 500, 2), (5, 5, 9)])
def test_areas_are_scikit_learns(classes: int, n: int, digits: int) -> None:
    found = drawn(classes, n, digits=digits)
    curves = rank_curves(found)
    assert [curve.index for curve in curves] == list(range(classes))
    for curve in curves:
        own, score = found.labels == curve.index, found.probabilities[:, curve.index or 0]
        assert curve.auc == pytest.approx(roc_auc_score(own, score))
        assert curve.average_precision == pytest.approx(average_precision_score(own, score))
        assert np.trapezoid(curve.true_rate, curve.false_rate) == pytest.approx(curve.auc)
        assert (curve.false_rate[0], curve.true_rate[0]) == (0, 0)
        assert (curve.false_rate[-1], curve.true_rate[-1], curve.recall[-1]) == (1, 1, 1)
        x, y, _ = roc_curve(own, score, drop_intermediate=False)
        assert np.allclose(np.interp(x[1:-1] + 1e-9, curve.false_rate, curve.true_rate),
                           np.interp(x[1:-1] + 1e-9, x, y), atol=1e-6)  # fmt: skip


def test_a_class_with_nothing_to_be_told_from_has_no_curve() -> None:
    alone = Scored("test", np.zeros(3, dtype=np.int64), np.array([[1.0, 0.0]] * 3))
    assert rank_curves(alone) == ()
    assert macro_curve(()) is None
    two_of_three = Scored("test", np.array([0, 1]), np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]))
    assert [curve.index for curve in rank_curves(two_of_three)] == [0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_mean_curve_is_the_mean_at_every_rate(seed: int) -> None:
    curves = rank_curves(drawn(4, 200, seed))
    mean = macro_curve(curves)
    assert mean is not None
    assert mean.auc == pytest.approx(float(np.mean([curve.auc for curve in curves])))
    assert np.trapezoid(mean.true_rate, mean.false_rate) == pytest.approx(mean.auc)
    places = np.random.default_rng(seed).random(50)
    own = np.interp(places, mean.false_rate, mean.true_rate)
    assert np.allclose(own, np.mean([np.interp(places, c.false_rate, c.true_rate) for c in curves], axis=0))
    assert (np.diff(mean.recall) > 0).all()


def columns_of(x: np.ndarray, y: np.ndarray, columns: int) -> list[tuple[float, ...]]:
    """What a screen shows of a line: first, lowest, highest and last height in each column."""
    place = np.floor(x * columns).astype(int)
    parts = [y[place == column] for column in np.unique(place)]
    return [(part[0], part.min(), part.max(), part[-1]) for part in parts]


def test_thinning_leaves_each_columns_ends_and_extremes() -> None:
    rng = np.random.default_rng(1)
    x, y = np.sort(rng.random(5000)), rng.random(5000)
    few_x, few_y = thinned(x, y, 40, (0.0, 1.0))
    assert len(few_x) <= 160
    assert columns_of(few_x, few_y, 40) == columns_of(x, y, 40)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([0.0, 1.0], [0.0, 1.0], [0.0, 1.0]),
        ([0.0], [0.5], [0.0]),
        ([0.0, 0.25, 0.5, 0.75, 1.0], [0.5] * 5, [0.0, 1.0]),
        ([0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0]),
    ],
)
def test_thinning_keeps_corners_and_drops_what_lies_on_a_line(
    x: list[float], y: list[float], expected: list[float]
) -> None:
    assert thinned(np.array(x), np.array(y), 1000, (0.0, 1.0))[0].tolist() == expected


@pytest.mark.parametrize(("classes", "n"), [(2, 4), (2, 20_000), (100, 2000)])
def test_figures_stay_small_and_name_the_worst(classes: int, n: int) -> None:
    curves = sorted(rank_curves(drawn(classes, n)), key=lambda curve: curve.auc)
    mean = macro_curve(tuple(curves))
    assert mean is not None
    found = Ranked(curves, mean, n // classes, n - n // classes, ("the mean", "<b> is worst", ""))
    for svg in (roc_figure(found, "a").svg(), precision_recall_figure(found, "b").svg()):
        assert "&lt;b&gt; is worst" in svg
        assert "nan" not in svg
        assert len(svg) < 200_000


def test_perfect_ranking_lies_in_the_corner() -> None:
    perfect = Scored("test", np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]]))
    first, second = rank_curves(perfect)
    assert isinstance(first, RankCurve)
    assert (first.auc, second.average_precision) == (1.0, 1.0)
    assert first.false_rate.tolist() == [0.0, 0.0, 1.0]
