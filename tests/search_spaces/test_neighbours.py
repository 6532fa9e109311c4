"""Draws near known configurations: within the caps, near, and as often as they should be."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from search_spaces.families.family import Family
from search_spaces.families.registry import SPACES, load_family
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, boolean, choice, integer, log_real, real
from search_spaces.sampling.values import sample_beside
from tests.kit.marks import slow_after
from tests.kit.runs.oracle_driver import drive, options
from tuner.core.records import Configuration, configuration_key
from tuner.oracle.registry import make_oracle
from tuner.oracle.warm_starts import WarmStart


def known_of(family: Family) -> list[WarmStart]:
    references = (WarmStart("reference", own.name, dict(own.values)) for own in family.references_that_fit())
    return [*references, WarmStart("default", "", family.default_configuration())]


def near(family: Family, count: int = 120) -> list[tuple[dict[str, Value], dict[str, Value]]]:
    """(known, drawn near it)"""
    known = [dict(own.configuration) for own in known_of(family)]
    pairs = [(known[number % len(known)], np.random.default_rng([7, number])) for number in range(count)]
    return [(parent, family.sample_near(rng, parent)) for parent, rng in pairs]


@pytest.mark.parametrize("name", SPACES)
def test_every_space_draws_near_what_is_known_within_its_caps(name: str) -> None:
    family = load_family(name)
    for parent, drawn in near(family):
        assert family.fits(drawn)
        assert drawn == family.active(drawn)
        # What a published network has beside the ranges it may keep.
        family.complete({own: value for own, value in drawn.items() if value != parent.get(own)}, base=parent)
        assert drawn != parent


@pytest.mark.parametrize(("max_params", "max_macs"), [(400, None), (2_000, None), (None, 300_000)])
def test_tight_caps_hold_too(max_params: int | None, max_macs: int | None) -> None:
    family = load_family("compact8k", max_params=max_params, max_macs=max_macs)
    assert all(family.fits(drawn) for _, drawn in near(family))


def test_a_draw_follows_from_its_generator_alone() -> None:
    family = load_family("compact8k")
    assert near(family, 20) == near(family, 20)
    assert len({configuration_key(drawn) for _, drawn in near(family, 60)}) == 60


def test_few_values_change_and_filters_keep_their_proportions() -> None:
    """Filters follow where the shape is another; what is counted is all else."""
    family = load_family("compact8k")
    changes = [
        sum(drawn.get(name) != parent[name] for name in parent if not name.startswith("filters_"))
        for parent, drawn in near(family, 300)
    ]
    assert 1.0 < np.mean(changes) < 5.0


def test_a_stage_that_becomes_separable_keeps_its_share_of_the_parameters() -> None:
    family = load_family("compact8k")
    parent = dict(next(own for own in family.published if own.name == "linear-6720").values)
    drawn = [family.sample_near(np.random.default_rng([11, number]), parent) for number in range(400)]
    separable = [own for own in drawn if own["separable_2"] and not own.get("separable_1")]
    full = [own for own in drawn if not own["separable_2"] and not own.get("separable_1")]

    def mean_ratio(configurations: list[dict[str, Value]]) -> float:
        return float(np.mean([int(own["filters_2_1"]) / int(own["filters_1_1"]) for own in configurations]))

    assert len(separable) > 20
    assert mean_ratio(separable) > 1.8 * mean_ratio(full)


def test_kinds_of_convolutions_are_drawn_anew() -> None:
    """Published networks have full ones: near them two stages in three become separable."""
    family = load_family("compact8k")
    parent = family.default_configuration()
    drawn = [family.sample_near(np.random.default_rng([13, number]), parent) for number in range(400)]
    for name in ("separable_1", "separable_2"):
        share = float(np.mean([bool(own[name]) for own in drawn if name in own]))
        assert 0.55 < share < 0.75


def test_networks_whose_shape_changed_fill_the_cap() -> None:
    family = load_family("compact8k")
    sizes = [
        family.count_parameters(drawn)
        for parent, drawn in near(family, 300)
        if family.notation(drawn) != family.notation(parent)
    ]
    assert np.median(sizes) > 7_200


NUMBERS: tuple[Hyperparameter, ...] = (
    choice("batch", "", (32, 64, 128, 256, 512), 64),
    integer("filters", "", (4, 32), 12),
    real("shift", "", (0.0, 0.1, 0.01), 0.05),
    log_real("rate", "", (0.01, 0.2), 0.1),
)


def _position(own: Hyperparameter, value: Value) -> float:
    """From 0 to 1 along the grid; by the logarithm where there is none."""
    grid = own.grid()
    if grid is not None:
        return grid.index(value) / (len(grid) - 1)
    assert own.minimum is not None
    assert own.maximum is not None
    return float(np.log(float(value) / own.minimum) / np.log(own.maximum / own.minimum))


@pytest.mark.parametrize("own", NUMBERS, ids=lambda own: own.name)
@pytest.mark.parametrize("place", ["least", "default", "most"])
def test_numbers_move_a_little(own: Hyperparameter, place: str) -> None:
    grid = own.grid() or (own.minimum, own.default, own.maximum)
    start = {"least": grid[0], "default": own.default, "most": grid[-1]}[place]
    assert start is not None
    drawn = [sample_beside(np.random.default_rng(number), own, start) for number in range(300)]
    assert all(own.allows(value) for value in drawn)
    assert own.grid() is None or all(value in grid and value != start for value in drawn)
    moved = [abs(_position(own, value) - _position(own, start)) for value in drawn]
    assert np.median(moved) <= 0.26
    if place == "default":
        assert len({value > start for value in drawn}) == 2  # type: ignore[operator]


def test_what_has_no_order_is_drawn_by_weight() -> None:
    own = choice("activation", "", ("relu", "tanh", "gelu"), "relu", weights=(0.5, 0.1, 0.4))
    drawn = Counter(sample_beside(np.random.default_rng(number), own, "relu") for number in range(500))
    assert set(drawn) == {"tanh", "gelu"}
    assert 300 < drawn["gelu"] < 460
    assert sample_beside(np.random.default_rng(1), boolean("norm", "", False), False) is True


def test_a_published_value_beside_the_grid_moves_onto_it() -> None:
    own = real("dropout", "", (0.0, 0.2, 0.05), 0.0)
    grid = own.grid() or ()
    assert {sample_beside(np.random.default_rng(number), own, 0.07) for number in range(50)} <= set(grid)


def test_one_value_stays() -> None:
    assert sample_beside(np.random.default_rng(1), choice("only", "", ("a",), "a"), "a") == "a"


class Telling:
    """A space that tells which of its draws was made how."""

    def __init__(self) -> None:
        self.family = load_family("compact8k")
        self.near: set[str] = set()

    def declare(self, hp: object) -> None:
        self.family.declare(hp)

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        return self.family.sample(rng)

    def sample_near(self, rng: np.random.Generator, configuration: Configuration) -> dict[str, Value]:
        drawn = self.family.sample_near(rng, configuration)
        self.near.add(configuration_key(drawn))
        return drawn


def test_brackets_of_more_epochs_draw_nearer() -> None:
    """Of factor ** level draws near a known one there is one at random: 1/2, 3/4 and 9/10 of three brackets."""
    space = Telling()
    known = known_of(space.family)
    ended = drive(make_oracle(space, options(iterations=20), warm=known), score=lambda _: None)
    shares: dict[int, list[bool]] = {0: [], 1: [], 2: []}
    for record in ended.values():
        if record.bracket is not None and record.bracket > 0:
            shares[record.bracket % 3].append(configuration_key(record.configuration) in space.near)
    for level, expected in ((0, 1 / 2), (1, 3 / 4), (2, 9 / 10)):
        count = len(shares[level])
        assert abs(np.mean(shares[level]) - expected) < 3.5 * np.sqrt(expected * (1 - expected) / count)


def test_nothing_is_near_where_nothing_is_known() -> None:
    space = Telling()
    drive(make_oracle(space, options(iterations=2)))
    assert space.near == set()


@pytest.mark.parametrize("algorithm", slow_after(1, ["random", "bayesian"]))
def test_only_hyperband_draws_near(algorithm: str) -> None:
    space = Telling()
    drive(make_oracle(space, options(algorithm=algorithm, max_trials=9), warm=known_of(space.family)[:2]))
    assert space.near == set()


def test_what_is_drawn_near_depends_on_nobodys_timing() -> None:
    def keys(workers: int, shuffle: int) -> dict[str, str]:
        family = load_family("compact8k")
        ended = drive(make_oracle(family, options(), warm=known_of(family)[:4]), workers=workers, shuffle=shuffle)
        return {name: configuration_key(own.configuration) for name, own in ended.items()}

    assert keys(1, 0) == keys(5, 3)


@pytest.mark.parametrize("name", SPACES)
def test_references_above_the_cap_are_scaled_to_fit(name: str) -> None:
    family = load_family(name)
    larger = [own for own in family.references() if not family.fits(own.values)]
    # One that holds its notation has no filters to scale.
    larger = [own for own in larger if own.values.get("network", "drawn") == "drawn"]
    for _, scaled in family.scaled_references():
        assert family.fits(scaled)
        family.check(scaled)
    assert len(family.scaled_references()) == len(larger)


def test_a_scaled_reference_keeps_all_but_its_filters_and_fills_the_cap() -> None:
    family = load_family("compact8k")
    found = family.scaled_references()[:2]
    assert [reference.name for reference, _ in found] == ["wide-9994", "c12-8172"]
    flat = found[1][1]
    for reference, scaled in found:
        changed = {name for name in reference.values if scaled[name] != reference.values[name]}
        assert changed
        assert all("filters" in name for name in changed)
        assert family.count_parameters(scaled) > 0.97 * family.max_params
    filters = [int(flat[name]) for name in flat if name.startswith("filters_")]
    assert max(filters) - min(filters) <= 1  # all alike before


@pytest.mark.parametrize(("name", "max_params"), [("dense", 20_000), ("cnn3", 20_000), ("micro1k", 400)])
def test_other_families_draw_their_references_in(name: str, max_params: int) -> None:
    family = load_family(name, max_params=max_params)
    ((_, scaled),) = family.scaled_references()
    assert family.fits(scaled)
    assert family.network(scaled) != family.network(family.references()[0].values)


def test_what_no_scaling_makes_fit_is_left_out() -> None:
    assert load_family("compact8k", max_params=300).scaled_references() == ()


def test_nothing_is_scaled_where_all_fit() -> None:
    assert load_family("compact20k").scaled_references() == ()
