"""Finalists, the winner, and how a time budget is shared: pure functions of records."""

from __future__ import annotations

import math

import pytest

from tests.kit.records import record
from tuner.run.confirmation import confirmed, finalists, trial_seed
from tuner.run.time_budget import Budget, ConfirmationPlan, Forecast, affordable


def test_finalists_are_the_best_distinct_ones_of_the_longest() -> None:
    records = [
        record(1, val_accuracy=0.99, epochs=2),
        record(2, val_accuracy=0.95, epochs=15, configuration={"a": 1}),
        record(3, val_accuracy=0.96, epochs=15, configuration={"a": 1}),
        record(4, val_accuracy=0.94, epochs=15, configuration={"a": 2}),
        record(5, status="failed", epochs=15),
    ]
    assert [r.trial for r in finalists(records, 2)] == ["0003", "0004"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"val_accuracy": 0.9, "val_loss": 0.2}, {"val_accuracy": 0.8, "val_loss": 0.1}),
        ({"val_loss": 0.1}, {"val_loss": 0.2}),
        ({"val_loss": 0.1}, {"val_loss": math.nan}),
        ({"parameters": 900}, {"parameters": 1000}),
    ],
)
def test_ties_are_broken_by_loss_then_parameters(first: dict[str, float], second: dict[str, float]) -> None:
    records = [record(1, configuration={"a": 1}, **second), record(2, configuration={"a": 2}, **first)]  # type: ignore[arg-type]
    assert [r.trial for r in finalists(records, 2)] == ["0002", "0001"]


def test_the_winner_has_the_best_mean_and_exports_the_median_seed() -> None:
    candidates = [record(1, configuration={"a": 1}), record(2, configuration={"a": 2})]
    scores = {1: (0.90, 0.99, 0.91), 2: (0.94, 0.93, 0.95)}
    records = [
        record(10 * a + i, configuration={"a": a}, phase="confirm", repetition=i, val_accuracy=value)
        for a, values in scores.items()
        for i, value in enumerate(values, start=1)
    ]
    best, other = confirmed(candidates, list(reversed(records)))
    assert best.configuration == {"a": 2}
    assert best.records[best.median].trial == "0021"
    assert best.to_finalist().validation.mean == pytest.approx(0.94)
    assert other.scores == (0.90, 0.99, 0.91)


def test_a_configuration_that_lost_a_seed_ranks_behind() -> None:
    candidates = [record(1, configuration={"a": 1}), record(2, configuration={"a": 2})]
    records = [
        record(11, configuration={"a": 1}, phase="confirm", repetition=1, val_accuracy=0.99),
        record(12, configuration={"a": 1}, phase="confirm", repetition=2, status="failed"),
        record(21, configuration={"a": 2}, phase="confirm", repetition=1, val_accuracy=0.9),
        record(22, configuration={"a": 2}, phase="confirm", repetition=2, val_accuracy=0.9),
    ]
    assert [c.configuration["a"] for c in confirmed(candidates, records)] == [2, 1]


def test_seeds_differ_by_repetition_and_run_and_never_by_configuration() -> None:
    seeds = {trial_seed(run, repetition) for run in (0, 1, 2**32 - 1) for repetition in range(4)}
    assert len(seeds) == 12
    assert all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.parametrize(
    ("left_s", "plan"), [(1e6, (3, 3)), (750, (2, 3)), (400, (1, 3)), (180, (1, 1)), (0, (1, 1)), (-5, (1, 1))]
)
def test_finalists_are_dropped_before_seeds(left_s: float, plan: tuple[int, int]) -> None:
    forecast = Forecast(epochs=10, workers=1, train_images=1000, test_images=100)
    records = [record(1, duration_s=20.0, epochs=2)]
    assert affordable(ConfirmationPlan(3, 3), left_s, forecast, records) == ConfirmationPlan(*plan)


def test_a_search_leaves_half_of_its_budget_at_most() -> None:
    assert Budget(100.0).reserve_s(math.inf) == 50
    assert Budget(None).left_s() == math.inf
