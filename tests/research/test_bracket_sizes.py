"""The simulation of Hyperband's bracket sizes."""

from __future__ import annotations

import numpy as np
import pytest

from research import bracket_sizes


def test_the_plans_are_those_of_keras_tuner_and_of_the_paper() -> None:
    assert bracket_sizes.keras_tuner_plan() == [
        [(12, 2), (4, 5), (2, 15)],
        [(6, 5), (2, 15)],
        [(4, 15)],
    ]
    assert bracket_sizes.paper_plan() == [[(9, 2), (3, 5), (1, 15)], [(5, 5), (1, 15)], [(3, 15)]]


def test_a_perfect_score_finds_the_best_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bracket_sizes, "CORRELATION", dict.fromkeys((2, 5, 15), 1.0))
    quality = bracket_sizes.winners([[(64, 15)]], np.random.default_rng(0), 2_000)
    assert quality.mean() == pytest.approx(2.37, abs=0.05), "the expected largest of 64 normal numbers"


def test_stopping_when_flat_saves_epochs_and_costs_quality() -> None:
    plan = bracket_sizes.keras_tuner_plan()
    whole, epochs = bracket_sizes.simulated(plan, np.random.default_rng(1), 4_000, stop_when_flat=False)
    flat, fewer = bracket_sizes.simulated(plan, np.random.default_rng(1), 4_000, stop_when_flat=True)
    assert epochs == 194
    assert 134 < fewer < 194, "the first two brackets always run"
    assert 0 < whole.mean() - flat.mean() < 0.15
