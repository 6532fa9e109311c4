"""A space with fewer configurations than there were to be trials: the search ends there, and the best are confirmed."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from search_spaces.hyperparameters.hyperparameter import choice, declare
from tests.kit.runs.oracle_driver import drive
from tuner.core.records import configuration_key
from tuner.options.search_options import SearchOptions
from tuner.oracle.protocol import Oracle
from tuner.oracle.registry import make_oracle
from tuner.oracle.sampling import SampledConfiguration

HYPERPARAMETERS = (choice("units", "", (8, 16, 32), 8), choice("rate", "", (0.01, 0.001), 0.01))
CONFIGURATIONS = [
    dict(zip(("units", "rate"), values, strict=True))
    for values in itertools.product(*(own.values or () for own in HYPERPARAMETERS))
]


class SixConfigurations:
    """What a search asks of a space."""

    def __init__(self) -> None:
        self.asked = 0

    def declare(self, hp: Any) -> None:
        declare(HYPERPARAMETERS, hp)

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        self.asked += 1
        return dict(CONFIGURATIONS[int(rng.integers(len(CONFIGURATIONS)))])

    def sample_near(self, rng: np.random.Generator, configuration: Any) -> dict[str, Any]:
        return self.sample(rng)


def make(space: SixConfigurations, recorded: dict[str, SampledConfiguration] | None = None, **changes: Any) -> Oracle:
    return make_oracle(space, SearchOptions(space="six", **changes), recorded=recorded)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("algorithm", ["hyperband", "random", "bayesian"])
def test_every_configuration_is_tried_once_and_then_the_search_ends(algorithm: str, workers: int) -> None:
    oracle = make(SixConfigurations(), algorithm=algorithm)
    records = drive(oracle, workers)
    sampled = [record for record in records.values() if not record.rung]
    assert len({configuration_key(record.configuration) for record in sampled}) == len(sampled) == 6
    assert oracle.exhausted
    assert len(records) < oracle.planned_trials


@pytest.mark.parametrize("workers", [1, 3])
def test_a_search_that_waits_for_its_plan_goes_on_where_no_configuration_is_left(workers: int) -> None:
    oracle = make(SixConfigurations())
    oracle.hold()
    assert max(record.epochs for record in drive(oracle, workers).values()) == 15


def test_hyperband_promotes_the_best_of_those_that_there_are() -> None:
    records = drive(make(SixConfigurations()))
    rungs = [sum(record.rung == rung and record.bracket == 0 for record in records.values()) for rung in (0, 1, 2)]
    assert rungs == [6, 4, 2]
    assert max(record.epochs for record in records.values()) == 15


def test_no_more_is_sampled_once_the_space_is_known_to_be_exhausted() -> None:
    space = SixConfigurations()
    drive(make(space, iterations=4))
    # Six that are new, those met again on the way, and one search in vain.
    assert space.asked < 300


@pytest.mark.parametrize("algorithm", ["hyperband", "random"])
def test_a_search_that_is_resumed_ends_at_the_same_place(algorithm: str) -> None:
    whole = drive(make(SixConfigurations(), algorithm=algorithm))
    begun = {
        name: SampledConfiguration(record.configuration, record.origin) for name, record in list(whole.items())[:4]
    }
    again = drive(make(SixConfigurations(), begun, algorithm=algorithm))
    assert {name: record.configuration for name, record in again.items()} == {
        name: record.configuration for name, record in whole.items()
    }


def test_enough_configurations_leave_nothing_to_say() -> None:
    oracle = make(SixConfigurations(), algorithm="random", max_trials=4)
    assert len(drive(oracle)) == 4
    assert not oracle.exhausted
