"""Draws under a cap: they hold it, use it, reach every value that fits, and are quick."""

from __future__ import annotations

import itertools
import json
import time
import timeit
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import pytest

from search_spaces.families.compact.family import CompactFamily
from search_spaces.families.compact.image_input import shape_hyperparameters
from search_spaces.families.compact.layers import specs_from_values
from search_spaces.families.compact.shape import HYPERPARAMETERS
from search_spaces.families.compact.structures import nearest_network
from search_spaces.hyperparameters.hyperparameter import Value, active
from search_spaces.hyperparameters.parsing import complete
from search_spaces.hyperparameters.training import TRAINING
from search_spaces.networks.costs import costs
from search_spaces.networks.problem import Problem
from search_spaces.sampling.capped import CapError, Caps
from tests.kit.marks import slow_after

MAX_MACS = 2_500_000
CAPS = (8_000, 500, 1_000, 20_000, 50_000)

MNIST = Problem()
SHAPE_HYPERPARAMETERS = shape_hyperparameters(MNIST)

Draws = tuple[dict[str, Value], ...]


def draws(max_params: int, max_macs: int = MAX_MACS, count: int = 5_000, seed: int = 1) -> Draws:
    return _draws(max_params, max_macs, count, seed)


@cache
def _draws(max_params: int, max_macs: int, count: int, seed: int) -> Draws:
    """By place: a cache holds the same call twice where one of them names its arguments."""
    family, rng = CompactFamily(max_params, max_macs), np.random.default_rng(seed)
    return tuple(family.sample(rng) for _ in range(count))


@cache
def costs_of_draws(max_params: int, max_macs: int = MAX_MACS, count: int = 5_000) -> np.ndarray:
    return np.array([costs(specs_from_values(values, MNIST)) for values in draws(max_params, max_macs, count)])


@pytest.mark.parametrize("max_params", [8_000, 144, 236, 500, 20_000])
def test_caps_hold(max_params: int) -> None:
    parameters, multiply_adds = costs_of_draws(max_params, count=5_000 if max_params == 8_000 else 300).T
    assert parameters.max() <= max_params
    assert multiply_adds.max() <= MAX_MACS


@pytest.mark.parametrize(("max_params", "max_macs"), [(144, 14_252), (8_000, 41_800), (8_000, 400_000)])
def test_cap_of_multiply_adds_holds(max_params: int, max_macs: int) -> None:
    parameters, multiply_adds = costs_of_draws(max_params, max_macs, 300).T
    assert parameters.max() <= max_params
    assert multiply_adds.max() <= max_macs


@pytest.mark.parametrize("max_params", slow_after(1, [8_000, 1_000, 20_000]))
def test_a_quarter_of_the_draws_uses_most_of_the_cap(max_params: int) -> None:
    parameters = costs_of_draws(max_params)[:, 0]
    assert (parameters > 0.8 * max_params).mean() >= 0.25


def test_a_typical_draw_costs_a_third_of_the_default_cap_of_multiply_adds() -> None:
    assert 700_000 < costs_of_draws(8_000)[:, 1].mean() < 1_000_000


@pytest.mark.parametrize("max_params", slow_after(2, CAPS))
def test_a_draw_is_quick(max_params: int) -> None:
    family, rng = CompactFamily(max_params, MAX_MACS), np.random.default_rng(2)
    # The first draw makes tables. The smallest of several times, as `timeit` advises: larger ones are other processes' doing.
    family.sample(rng)
    times = timeit.repeat(lambda: family.sample(rng), time.process_time, number=40, repeat=5)
    assert min(times) / 40 < 0.005


@pytest.mark.parametrize("max_params", slow_after(1, CAPS))
def test_every_value_that_fits_occurs(max_params: int) -> None:
    seen = defaultdict(set)
    for values in draws(max_params):
        for name, value in values.items():
            seen[name].add(value)
    expected = dict(CompactFamily(max_params, MAX_MACS).fitting_values())
    expected |= {h.name: h.grid() or () for h in TRAINING}
    missing = [
        (name, value) for name, all_values in expected.items() for value in all_values if value not in seen[name]
    ]
    assert missing == []


def random_structures(count: int, names: Mapping[str, tuple[Value, ...]]) -> Iterator[dict[str, Value]]:
    """Any configurations at all, their widths mostly at the least: the brute force to compare with."""
    rng = np.random.default_rng(3)
    for _ in range(count):
        yield {name: values[int(rng.integers(len(values)))] for name, values in names.items()}


@pytest.mark.parametrize(("max_params", "max_macs"), [(300, MAX_MACS), (500, MAX_MACS), (900, 60_000), (8_000, 90_000)])
def test_what_fits_by_brute_force_is_said_to_fit(max_params: int, max_macs: int) -> None:
    grids = {h.name: h.grid() or () for h in SHAPE_HYPERPARAMETERS}
    # Cheap values more often, or hardly anything would fit.
    likely = {name: (*grid, *(grid[0],) * 3 * len(grid)) for name, grid in grids.items()}
    fitting = CompactFamily(max_params, max_macs).fitting_values()
    found = 0
    for structure in random_structures(4_000, likely):
        values = active(HYPERPARAMETERS, structure)
        parameters, multiply_adds = costs(specs_from_values(values, MNIST))
        if parameters <= max_params and multiply_adds <= max_macs:
            found += 1
            assert all(values[name] in fitting[name] for name in values if name in grids)
    assert found > 20


def all_minimal_structures() -> Iterator[dict[str, Value]]:
    """Every layout with two convolutions a stage at most, filters at their least."""
    least = {h.name: (h.grid() or ())[0] for h in SHAPE_HYPERPARAMETERS}
    least |= {name: True for name in least if name.startswith("separable_")}
    grids = {h.name: h.grid() or () for h in SHAPE_HYPERPARAMETERS}
    free = {name: grids[name][:3] for name in ("stage1_convs", "stage2_convs", "stage3_convs")}
    free |= {name: grids[name] for name in ("transition_1", "transition_2", "head", "padding_2")}
    for combination in itertools.product(*free.values()):
        yield active(HYPERPARAMETERS, least | dict(zip(free, combination, strict=True)))


@pytest.mark.parametrize("max_params", [240, 400, 600])
def test_values_of_layouts_are_all_found_and_no_others(max_params: int) -> None:
    fitting = CompactFamily(max_params, MAX_MACS).fitting_values()
    found = defaultdict(set)
    for values in all_minimal_structures():
        if costs(specs_from_values(values, MNIST))[0] <= max_params:
            for name in ("stage1_convs", "stage2_convs", "stage3_convs", "transition_1", "transition_2", "head"):
                found[name].add(values.get(name))
    for name, own in found.items():
        own.discard(None)
        # More than two convolutions a stage are not tried here.
        assert own == {value for value in fitting.get(name, ()) if value in own or name[:5] != "stage"}


@pytest.mark.parametrize(("max_params", "width"), [(500, 26), (1_000, 48)])
def test_widest_first_convolution_by_hand(max_params: int, width: int) -> None:
    """11 w, then 4 w for a linear transition to 4 channels, then S4 and the classes: 15 w + 100; never above the range."""
    assert max(CompactFamily(max_params, MAX_MACS).fitting_values()["filters_1_1"]) == width


def test_draws_depend_on_the_generator_alone() -> None:
    CompactFamily(1_000, MAX_MACS).sample(np.random.default_rng(9))
    assert draws(8_000, count=20, seed=4) == _draws.__wrapped__(8_000, MAX_MACS, 20, 4)
    assert draws(8_000, count=20, seed=4) != draws(8_000, count=20, seed=5)


def test_a_draw_is_a_complete_configuration() -> None:
    for values in draws(8_000)[:300]:
        assert values == active(HYPERPARAMETERS, values)
        assert list(values) == list(active(HYPERPARAMETERS, values))
        assert json.loads(json.dumps(values)) == values
        complete(HYPERPARAMETERS, values)


def test_draws_hardly_ever_repeat() -> None:
    drawn = draws(8_000)
    assert len({json.dumps(values) for values in drawn}) == len(drawn)


def test_the_nearest_network_is_the_smallest() -> None:
    least = nearest_network(Caps(8_000, MAX_MACS), MNIST)
    assert (least.network, least.parameters, least.multiply_adds) == ("crop20 C4 P S4 GAP 1x1:10", 144, 14_252)
    assert draws(144, 14_252, 300)[0]["stage1_convs"] == 1


@pytest.mark.parametrize(("max_params", "max_macs"), [(143, MAX_MACS), (8_000, 14_251), (1, 1)])
def test_an_impossible_cap_names_the_smallest_network(max_params: int, max_macs: int) -> None:
    with pytest.raises(CapError, match=r"crop20 C4 P S4 GAP 1x1:10: 144 parameters and 14,252 multiply-adds") as caught:
        CompactFamily(max_params, max_macs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("max_params", [0, -5])
def test_caps_below_one_are_impossible_too(max_params: int) -> None:
    with pytest.raises(CapError):
        CompactFamily(max_params, MAX_MACS)


@pytest.mark.parametrize("classes", [2, 47, 100])
def test_other_numbers_of_classes(classes: int) -> None:
    family = CompactFamily(classes=classes)
    rng = np.random.default_rng(1)
    for _ in range(50):
        values = family.sample(rng)
        assert family.fits(values)
        assert family.layers(values)[-1].shape[-1] == classes


@pytest.mark.parametrize("classes", [1, 101])
def test_impossible_numbers_of_classes(classes: int) -> None:
    with pytest.raises(ValueError, match="2 to 100"):
        CompactFamily(classes=classes)


def test_the_default_configuration_fits() -> None:
    family = CompactFamily()
    assert family.count_parameters({}) == 7_912
    assert family.fits({})
