"""What holds of every known space: draws, counts, references, and the models that Keras Tuner has of it."""

from __future__ import annotations

import hashlib
import json
import time
import timeit
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from search_spaces.families.compact.family import CompactFamily
from search_spaces.families.describe import describe_space, describe_spaces
from search_spaces.families.family import Family
from search_spaces.families.registry import SPACES, load_family, load_space
from search_spaces.hyperparameters.hyperparameter import Value, changed, choice
from search_spaces.keras.keras_space import KerasSpace
from search_spaces.sampling.capped import CapError
from tests.kit.marks import slow_after
from tests.kit.records import trainable

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

OTHERS = [name for name in SPACES if not name.startswith("compact")]
"""Those with the general sampler; compact8k's own has its tests in test_sampling."""

each_space = pytest.mark.parametrize("name", SPACES)
each_other_space = pytest.mark.parametrize("name", OTHERS)


@cache
def draws(name: str, count: int, **arguments: Any) -> tuple[dict[str, Value], ...]:
    rng = np.random.default_rng(1)
    family = load_family(name, **arguments)
    return tuple(family.sample(rng) for _ in range(count))


# Draws


@each_space
@pytest.mark.parametrize("arguments", [{}, {"classes": 2}, {"classes": 100}], ids=str)
def test_draws_are_configurations_within_the_caps(name: str, arguments: dict[str, Any]) -> None:
    family = load_family(name, **arguments)
    for values in draws(name, 60, **arguments):
        assert family.fits(values)
        assert list(values) == list(family.active(values))
        assert family.complete(values) == values
        assert json.loads(json.dumps(values)) == values
        assert family.layers(values)[-1].shape[-1] == family.classes


@each_other_space
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1])
def test_small_caps_hold(name: str, share: float) -> None:
    own = load_family(name)
    least = own.smallest_network()
    caps = {
        "max_params": round(least.parameters + share * (own.max_params - least.parameters)),
        "max_macs": round(least.multiply_adds + share * (own.max_macs - least.multiply_adds)),
    }
    family = load_family(name, **caps)
    assert family.fits({})
    assert all(family.fits(values) for values in draws(name, 200, **caps))


@each_other_space
@pytest.mark.parametrize(("cap", "missing"), [("max_params", 1), ("max_macs", 1), ("max_params", 10**9)])
def test_an_impossible_cap_names_the_smallest_network(name: str, cap: str, missing: int) -> None:
    least = load_family(name).smallest_network()
    enough = {"max_params": least.parameters, "max_macs": least.multiply_adds}
    with pytest.raises(CapError) as caught:
        load_family(name, **{cap: enough[cap] - missing})
    assert f"{least.network}: {least.parameters:,} parameters" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.smallest == least


@each_other_space
def test_a_draw_is_quick_and_depends_on_the_generator_alone(name: str) -> None:
    family, other = load_family(name), load_family(name)
    other.sample(np.random.default_rng(9))
    drawn: list[dict[str, Value]] = []

    def draw() -> None:
        drawn.append(family.sample(np.random.default_rng([1, len(drawn)])))

    # The smallest of several times, as `timeit` advises: larger ones are other processes' doing.
    assert min(timeit.repeat(draw, timer=time.process_time, number=40, repeat=5)) / 40 < 0.005
    assert drawn == [other.sample(np.random.default_rng([1, number])) for number in range(200)]
    assert len({json.dumps(values) for values in drawn}) == 200


@each_other_space
@pytest.mark.parametrize("share", slow_after(1, [1.0, 0.05]))
def test_every_value_that_fits_occurs(name: str, share: float) -> None:
    own = load_family(name)
    least = own.smallest_network().parameters
    caps = {"max_params": round(least + share * (own.max_params - least))}
    family = load_family(name, **caps)
    seen = defaultdict(set)
    for values in draws(name, 4_000, **caps):
        for key, value in values.items():
            seen[key].add(value)
    expected = {h.name: h.grid() or () for h in family.hyperparameters if h.name not in family.smallest}
    expected |= family.fitting_values()
    missing = [(key, value) for key, values in expected.items() for value in values if value not in seen[key]]
    assert missing == []


@each_other_space
@pytest.mark.parametrize("share", [0.002, 0.02, 0.2])
def test_what_fits_by_brute_force_is_said_to_fit(name: str, share: float) -> None:
    own = load_family(name)
    least = own.smallest_network().parameters
    family = load_family(name, max_params=round(least + share * (own.max_params - least)), classes=10)
    fitting = family.fitting_values()
    rng = np.random.default_rng(3)
    found = 0
    # Hardly anything fits the smallest caps.
    for _ in range(4_000 if share < 0.01 else 1_500):
        values = family.active({h.name: _any_value(rng, h.grid() or (h.default,)) for h in family.hyperparameters})
        if family.fits(values):
            found += 1
            assert all(value in fitting[key] for key, value in values.items() if key in family.smallest)
    assert found > 20


def _any_value(rng: np.random.Generator, grid: tuple[Value, ...]) -> Value:
    """Cheap ones more often, or hardly anything would fit."""
    return grid[int(len(grid) * rng.random() ** 4)]


@each_space
def test_no_network_is_smaller_than_the_smallest(name: str) -> None:
    least = load_family(name).smallest_network()
    family = load_family(name)
    rng = np.random.default_rng(4)
    for _ in range(500):
        values = {h.name: _any_value(rng, h.grid() or (h.default,)) for h in family.hyperparameters}
        parameters, multiply_adds = family.costs(values)
        assert parameters >= least.parameters
        assert multiply_adds >= least.multiply_adds


DRAWN_BEFORE = "cc7daed79a17ad279d547124d99b3a8c64b72b76c57e83c8940290734372714a"
"""Of compact8k's first 100 draws by seed 1, since it may crop the image."""


def test_compact8k_draws_what_it_always_drew() -> None:
    rng = np.random.default_rng(1)
    family = CompactFamily()
    digest = hashlib.sha256()
    for _ in range(100):
        digest.update(json.dumps(family.sample(rng)).encode())
    assert digest.hexdigest() == DRAWN_BEFORE


# Defaults


@each_space
@pytest.mark.parametrize("classes", [2, 10, 47, 100])
def test_the_default_configuration_fits(name: str, classes: int) -> None:
    family = load_family(name, classes=classes)
    assert family.fits({})
    assert family.complete({}) == family.active({})


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("compact2k", 1_980),
        ("compact4k", 3_947),
        ("compact8k", 7_912),
        ("compact20k", 19_762),
        ("micro1k", 963),
        ("cnn3", 88_470),
        ("dense", 101_770),
    ],
)
def test_defaults_are_the_size_that_their_docstrings_say(name: str, parameters: int) -> None:
    assert load_family(name).count_parameters({}) == parameters


def test_defaults_under_a_smaller_cap_keep_their_layers_where_they_can() -> None:
    assert CompactFamily(2_000).active({})["stage2_convs"] == 4
    tiny = CompactFamily(236)
    assert tiny.count_parameters({}) == 236
    assert tiny.active({})["optimizer"] == "momentum"


# Hyperparameters


def test_changed_weights_by_value_leave_the_others_as_they_are() -> None:
    colours = (choice("colour", "", ("red", "green", "blue"), "red", weights=(0.5, 0.3, 0.2)),)
    assert changed(colours, {"colour": {"weights": {"green": 0.4}}})[0].weights == (0.5, 0.4, 0.2)
    fewer = {"values": ("blue", "green", "grey"), "weights": {"grey": 0.1}}
    assert changed(colours, {"colour": fewer})[0].weights == (0.2, 0.3, 0.1)
    with pytest.raises(KeyError):
        changed(colours, {"colour": {"values": ("red", "grey"), "weights": {}}})


def all_hyperparameters() -> list[Any]:
    return [pytest.param(own, id=f"{name}:{own.name}") for name in SPACES for own in load_family(name).hyperparameters]


@pytest.mark.parametrize("hyperparameter", all_hyperparameters())
def test_hyperparameter_is_sound(hyperparameter: Any) -> None:
    assert hyperparameter.allows(hyperparameter.default)
    assert "\n" not in hyperparameter.description
    grid = hyperparameter.grid()
    if grid is not None:
        assert hyperparameter.default in grid
        assert len(set(grid)) == len(grid)
        assert all(hyperparameter.allows(value) for value in grid)
        assert hyperparameter.weights is None or len(hyperparameter.weights) == len(grid)


@each_space
def test_hyperparameters_as_json(name: str) -> None:
    documents = load_family(name).hyperparameters_json()
    assert json.loads(json.dumps(documents)) == documents
    keys = {"name", "kind", "values", "min", "max", "step", "sampling", "conditions", "default"}
    assert all(keys <= set(document) for document in documents)
    names = [document["name"] for document in documents]
    for position, document in enumerate(documents):
        assert all(condition["name"] in names[:position] for condition in document["conditions"])


@each_space
def test_the_shape_is_all_that_counts(name: str) -> None:
    family = load_family(name)
    base = family.active({})
    for own in family.hyperparameters:
        if own.name not in family.smallest and own.kind != "fixed":
            assert all(family.costs({**base, own.name: value}) == family.costs(base) for value in own.grid() or ())


# Keras


def assert_agrees_with_keras(space: KerasSpace, values: dict[str, Value]) -> None:
    model = space.build_values(values)
    layers = {layer.name: layer for layer in space.layers(values)}
    assert space.count_parameters(values) == trainable(model)
    assert sum(layer.non_trainable for layer in layers.values()) == model.count_params() - trainable(model)
    weighted = {layer.name: layer for layer in model.layers if layer.trainable_weights}
    assert set(weighted) == {name for name, layer in layers.items() if layer.parameters}
    for name, layer in weighted.items():
        assert layers[name].parameters == trainable(layer)
    for layer in model.layers:
        if layer.name in layers:
            assert layer.output.shape[1:] == layers[layer.name].shape


def assert_draws_agree(name: str, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spaces = [load_space(name, classes=classes) for classes in (10, 2, 62)]
    for index in range(count):
        space = spaces[index % 3]
        assert_agrees_with_keras(space, space.sample(rng))
        if index % 20 == 19:
            # Building gets slower by the models that were built before.
            keras.backend.clear_session()


@each_space
def test_count_equals_keras(name: str) -> None:
    # The other compact spaces are compact8k under other caps.
    assert_draws_agree(name, 12 if name == "compact8k" else 3 if name.startswith("compact") else 6, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compact8k", "compact20k", *OTHERS])
def test_count_of_50_draws_equals_keras(name: str) -> None:
    assert_draws_agree(name, 50, seed=2)


@pytest.mark.parametrize("name", ["compact8k", *OTHERS])
def test_count_of_references_equals_keras(name: str) -> None:
    space = load_space(name)
    for reference in space.references():
        assert_agrees_with_keras(space, dict(reference.values))


@each_space
def test_all_hyperparameters_are_declared_in_build(name: str) -> None:
    hp = keras_tuner.HyperParameters()
    space = load_space(name)
    space.build(hp)
    assert [own.name for own in hp.space] == [own.name for own in space.hyperparameters]
    assert space.values(hp) == space.active({})


@each_space
def test_keras_tuner_and_the_data_agree_on_what_is_active(name: str) -> None:
    hp = keras_tuner.HyperParameters()
    family = load_family(name)
    family.declare(hp)
    for values in draws(name, 30):
        hp.values = dict(values)
        assert {own.name for own in hp.space if hp.is_active(own)} == set(hp.values)


@each_space
def test_whatever_a_stock_keras_tuner_draws_is_built(name: str) -> None:
    space = load_space(name)
    oracle = keras_tuner.oracles.RandomSearchOracle(objective="val_accuracy", max_trials=1, seed=4)
    hp = keras_tuner.HyperParameters()
    space.declare(hp)
    oracle.update_space(hp)
    for _ in range(4):
        drawn = hp.copy()
        drawn.values = oracle._random_values()
        model = space.build(drawn)
        assert trainable(model) == space.count_parameters(space.values(drawn))


# Keras Tuner 1.4.8 asks for a thread's name by methods that Python 3.10 deprecated.
@pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["compact8k", *OTHERS])
def test_stock_random_search(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (96, 28, 28)).astype(np.uint8), rng.integers(0, 10, 96)
    search = keras_tuner.RandomSearch(
        load_space(name), objective="val_accuracy", max_trials=2, seed=5, directory=tmp_path, project_name="stock"
    )
    search.search(x, y, epochs=1, validation_data=(x[:32], y[:32]), verbose=0)
    trials = search.oracle.get_best_trials(2)
    assert [trial.status for trial in trials] == ["COMPLETED", "COMPLETED"]
    assert all(0.0 <= trial.score <= 1.0 for trial in trials)


# Registry and descriptions


@each_space
def test_the_registry_s_two_classes_belong_together(name: str) -> None:
    space, family = load_space(name), load_family(name)
    assert isinstance(space, keras_tuner.HyperModel)
    assert isinstance(space, type(family))
    assert space.name == family.name == name
    assert space.hyperparameters == family.hyperparameters
    assert "\n" not in SPACES[name].description


def test_arguments_reach_the_space() -> None:
    space = load_space("compact8k", max_params=900, max_macs=None, classes=5)
    family = load_family("compact8k", max_params=900)
    assert (space.max_params, space.max_macs, space.classes) == (900, 2_500_000, 5)
    assert type(family) is CompactFamily


@pytest.mark.parametrize("load", [load_space, load_family, describe_space])
def test_an_unknown_space_names_the_nearest(load: Callable[[str], Any]) -> None:
    with pytest.raises(ValueError, match=r"'compact8'.*'compact8k'"):
        load("compact8")


@pytest.mark.parametrize("classes", [1, 101])
@each_space
def test_impossible_numbers_of_classes(name: str, classes: int) -> None:
    with pytest.raises(ValueError, match="2 to 100"):
        load_family(name, classes=classes)


def test_descriptions() -> None:
    described = {own.name: own for own in describe_spaces()}
    assert list(described) == list(SPACES)
    dense = described["dense"]
    assert (dense.network, dense.parameters, dense.multiply_adds) == ("D128(bias,nobn) D10(bias)", 101_770, 101_632)
    assert (dense.max_params, dense.max_macs, dense.fitting) == (200_000, 200_000, ("dense128",))
    assert described["compact8k"].fitting[:3] == ("separable-7825", "separable-7922", "flat-7884")
    assert len(described["compact8k"].references) > len(described["compact8k"].fitting)
    assert len(described["cnn3"].hyperparameters) == len(load_family("cnn3").hyperparameters)


def test_a_description_counts_the_classes_that_are_asked_for() -> None:
    assert describe_space("dense", classes=2).parameters == 784 * 128 + 128 + 128 * 2 + 2


# Completing what a person wrote

FAMILIES: dict[str, Family] = {name: load_family(name) for name in SPACES}


@pytest.mark.parametrize(
    ("space", "values", "strict", "message"),
    [
        ("dense", {"unit_1": 64}, True, "such as 'units_1'"),
        ("dense", {"": 64}, True, "Received: =64"),
        ("dense", {"units_2": 64}, True, "Expected with it dense_layers of 2 or 3. Received: units_2=64"),
        ("dense", {"optimizer": "sgd", "learning_rate_adam": 0.01}, True, "optimizer of adam or adamw"),
        ("dense", {"dropout": 0.6}, True, "from 0.0 to 0.5. Received: dropout=0.6"),
        ("dense", {"batch_size": 8}, True, "one of 32, 64, 128, 256, 512. Received: batch_size=8"),
        ("dense", {"dropout": "half"}, False, "dropout must be a number. Received: dropout='half'"),
        ("dense", {"dropout": True}, False, "dropout=True"),
        ("dense", {"dropout": 1.0}, False, "less than 1. Received: dropout=1.0"),
        ("dense", {"dropout": -0.1}, False, "dropout=-0.1"),
        ("dense", {"dropout": float("nan")}, False, "dropout=nan"),
        ("dense", {"l2": -1.0}, False, "l2=-1.0"),
        ("dense", {"l2": float("inf")}, False, "l2=inf"),
        ("dense", {"batch_size": 8.5}, False, "batch_size must be a whole number. Received: batch_size=8.5"),
        ("dense", {"batch_size": 0}, False, "batch_size=0"),
        ("dense", {"learning_rate_adam": -1e-3}, False, "learning_rate=-0.001"),
        ("dense", {"units_1": 0}, False, "1 and more. Received: dense with 0"),
        ("dense", {"activation": "swish"}, False, "must be one of relu, tanh, softsign, gelu"),
        ("dense", {"dense_layers": 4}, False, "from 1 to 3. Received: dense_layers=4"),
        ("dense", {"unit_1": 64}, False, "such as 'units_1'"),
        ("compact8k", {"stage1_convs": 9}, False, "from 1 to 4"),
        ("compact8k", {"network": 8}, True, "network"),
        ("compact8k", {"network": "C8 C"}, False, "Received: 'C'"),
        ("cnn3", {"brightness": 1.5}, False, "brightness=1.5"),
        ("cnn3", {"batch_norm": 1}, False, "one of False, True. Received: batch_norm=1"),
        ("micro1k", {"second_pooling": True, "separable_convs": 1}, True, "separable_convs of 2 or 3 or 4 or 5"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(space: str, values: dict[str, Value], strict: bool, message: str) -> None:
    with pytest.raises(ValueError, match="Received") as caught:
        FAMILIES[space].complete(values, strict=strict)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("space", "values"),
    [
        ("dense", {"dropout": 0.6, "batch_size": 8, "l2": 0.01, "units_1": 1000, "learning_rate_adam": 0.1}),
        ("compact8k", {"dropout": 0.3, "filters_1_1": 64, "weight_decay": 1.0, "optimizer": "adamw"}),
        ("cnn3", {"rotation": 45, "augmentation": "affine"}),
    ],
)
def test_a_number_may_leave_its_range(space: str, values: dict[str, Value]) -> None:
    family = FAMILIES[space]
    configuration = family.complete(values, strict=False)
    assert {name: configuration[name] for name in values} == values
    assert set(configuration) == set(family.active(values))
    with pytest.raises(ValueError, match="must be"):
        family.complete(values)


def test_a_whole_number_stands_for_a_share() -> None:
    configuration = FAMILIES["dense"].complete({"dropout": 0, "l2": 0})
    assert isinstance(configuration["dropout"], float)
    assert json.dumps(configuration) == json.dumps(FAMILIES["dense"].active({}))


def test_a_base_gives_what_is_missing_and_loses_what_is_inactive() -> None:
    family = FAMILIES["compact8k"]
    base = next(own for own in family.references() if own.name == "flat-7884").values
    changed = family.complete({"optimizer": "adam"}, base=base)
    assert "learning_rate_momentum" not in changed
    assert changed["learning_rate_adam"] == 4e-3
    assert changed["rotation"] == base["rotation"]
    assert family.complete({}, base=base) == dict(base)
    with pytest.raises(ValueError, match="learning_rate_momentum=0"):
        family.complete({"optimizer": "adam", "learning_rate_momentum": 0.1}, base=base)
