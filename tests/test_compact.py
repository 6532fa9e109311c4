"""The space as Keras Tuner knows it: the models that it builds, and a stock search."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from search_spaces.compact_family import CompactFamily
from search_spaces.compact_references import REFERENCES
from search_spaces.compact_shape import HYPERPARAMETERS
from search_spaces.hyperparameters import Value, active, check
from search_spaces.model import build_model
from search_spaces.notation import parse
from search_spaces.registry import SPACES, load_family, load_space
from search_spaces.spaces import Compact8k
from search_spaces.specs import summarise

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def trainable(model: Any) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def assert_agrees_with_keras(space: Compact8k, values: dict[str, Value]) -> None:
    model = build_model(space.specs(values))
    layers = {layer.name: layer for layer in space.layers(values)}
    assert space.count_parameters(values) == trainable(model)
    assert sum(layer.non_trainable for layer in layers.values()) == model.count_params() - trainable(model)
    weighted = {layer.name: layer for layer in model.layers if layer.count_params()}
    assert set(weighted) == {name for name, layer in layers.items() if layer.parameters}
    for name, layer in weighted.items():
        assert layers[name].parameters == trainable(layer)
        assert layer.output.shape[1:] == layers[name].shape


def assert_draws_agree(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for index in range(count):
        space = Compact8k((1_000, 8_000, 20_000)[index % 3])
        assert_agrees_with_keras(space, space.draw(rng))
        if index % 20 == 19:
            # Building gets slower by the models that were built before.
            keras.backend.clear_session()


def test_count_equals_keras() -> None:
    assert_draws_agree(40, seed=1)


@pytest.mark.slow
def test_count_of_500_draws_equals_keras() -> None:
    assert_draws_agree(500, seed=2)


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.name)
def test_count_of_references_equals_keras(reference: Any) -> None:
    space = Compact8k()
    assert_agrees_with_keras(space, dict(reference.values))
    assert trainable(space.build_values(reference.values)) == reference.parameters


@pytest.mark.parametrize(
    "text", ["D128 D10(bias)", "S4(bias,linear) P3 C4(nobn,leaky_relu) 1x1:10 GAP", "GAP D4(tanh) 1x1:10"]
)
def test_any_notation_builds(text: str) -> None:
    specs = parse(text)
    model = build_model(specs, l2=1e-4)
    assert trainable(model) == sum(layer.parameters for layer in summarise(specs))
    assert model.output.shape == (None, 10)


def test_model_takes_uint8_and_gives_probabilities() -> None:
    model = Compact8k(classes=7).build(keras_tuner.HyperParameters())
    images = np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    probabilities = keras.ops.convert_to_numpy(model(images))
    assert model.inputs[0].name == "image"
    assert model.inputs[0].dtype == "uint8"
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (3, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_l2_is_a_penalty_on_kernels() -> None:
    penalised = build_model(parse("C4 S4 GAP D10(bias)"), l2=1e-3)
    kernels = [w for w in penalised.trainable_weights if "kernel" in w.path]
    expected = 1e-3 * sum(float(np.square(keras.ops.convert_to_numpy(kernel)).sum()) for kernel in kernels)
    assert len(penalised.losses) == len(kernels) == 4
    assert float(sum(penalised.losses)) == pytest.approx(expected, rel=1e-5)
    assert not build_model(parse("C4 GAP D10")).losses


def test_all_hyperparameters_are_declared_in_build() -> None:
    hp = keras_tuner.HyperParameters()
    Compact8k().build(hp)
    assert [own.name for own in hp.space] == [own.name for own in HYPERPARAMETERS]
    assert Compact8k().values(hp) == active(HYPERPARAMETERS, {})


def test_keras_tuner_and_the_data_agree_on_what_is_active() -> None:
    hp = keras_tuner.HyperParameters()
    space = Compact8k()
    space.declare(hp)
    rng = np.random.default_rng(3)
    for _ in range(50):
        hp.values = dict(space.draw(rng))
        assert {own.name for own in hp.space if hp.is_active(own)} == set(hp.values)


def test_a_network_in_the_notation_reaches_build() -> None:
    reference = next(reference for reference in REFERENCES if reference.name == "deep-3762")
    hp = keras_tuner.HyperParameters()
    Compact8k().declare(hp)
    hp.values = dict(reference.values)
    space = Compact8k()
    assert space.values(hp) == reference.values
    assert trainable(space.build(hp)) == 3_762


def test_whatever_a_stock_keras_tuner_draws_is_built() -> None:
    space = Compact8k()
    oracle = keras_tuner.oracles.RandomSearchOracle(objective="val_accuracy", max_trials=1, seed=4)
    hp = keras_tuner.HyperParameters()
    space.declare(hp)
    oracle.update_space(hp)
    for _ in range(10):
        drawn = hp.copy()
        drawn.values = oracle._random_values()
        model = space.build(drawn)
        assert trainable(model) == space.count_parameters(space.values(drawn))


# Keras Tuner 1.4.8 asks for a thread's name by methods that Python 3.10 deprecated.
@pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning")
def test_stock_random_search(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (96, 28, 28)).astype(np.uint8), rng.integers(0, 10, 96)
    search = keras_tuner.RandomSearch(
        Compact8k(), objective="val_accuracy", max_trials=2, seed=5, directory=tmp_path, project_name="stock"
    )
    search.search(x, y, epochs=1, validation_data=(x[:32], y[:32]), verbose=0)
    trials = search.oracle.get_best_trials(2)
    assert [trial.status for trial in trials] == ["COMPLETED", "COMPLETED"]
    assert all(0.0 <= trial.score <= 1.0 for trial in trials)


def test_hyperparameters_as_json() -> None:
    documents = CompactFamily().hyperparameters_json()
    assert json.loads(json.dumps(documents)) == documents
    keys = {"name", "kind", "values", "min", "max", "step", "sampling", "conditions", "default"}
    assert all(keys <= set(document) for document in documents)
    names = [document["name"] for document in documents]
    for position, document in enumerate(documents):
        assert all(condition["name"] in names[:position] for condition in document["conditions"])


def test_augment_shows_what_training_sees() -> None:
    images = np.random.default_rng(1).integers(0, 256, (4, 28, 28)).astype(np.uint8)
    space = Compact8k()
    same = space.augment({"augmentation": "none"}, images, np.random.default_rng(1))
    changed = space.augment({"augmentation": "affine", "rotation": 10}, images, np.random.default_rng(1))
    assert (same == images).all()
    assert (changed != images).any()


@pytest.mark.parametrize("hyperparameter", HYPERPARAMETERS, ids=lambda own: own.name)
def test_hyperparameter_is_sound(hyperparameter: Any) -> None:
    assert hyperparameter.allows(hyperparameter.default)
    assert "\n" not in hyperparameter.description
    grid = hyperparameter.grid()
    if grid is not None:
        assert hyperparameter.default in grid
        assert len(set(grid)) == len(grid)
        assert all(hyperparameter.allows(value) for value in grid)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"filter": 3}, "filter=3"),
        ({"filters_1_1": 3}, "filters_1_1=3"),
        ({"filters_1_1": 4.5}, "filters_1_1=4.5"),
        ({"filters_1_1": True}, "filters_1_1=True"),
        ({"head": "tail"}, "head='tail'"),
        ({"head_batch_norm": 1}, "head_batch_norm=1"),
        ({"filters_3_1": 8}, "filters_3_1=8"),
        ({"dropout": float("nan")}, "dropout=nan"),
        ({"network": "C8 X"}, "X"),
    ],
)
def test_bad_configurations_are_named(values: dict[str, Value], message: str) -> None:
    with pytest.raises(ValueError, match="Received") as caught:
        CompactFamily().check(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_good_configurations_pass() -> None:
    check(HYPERPARAMETERS, {"stage3_convs": 1, "filters_3_1": 32, "dropout": 0.0123})
    CompactFamily().check({"network": "C8 GAP D10", "dropout": 0})


def test_registry() -> None:
    space = load_space("compact8k", max_params=900, max_macs=None, classes=5)
    family = load_family("compact8k", max_params=900)
    assert (space.max_params, space.max_macs, space.classes) == (900, 2_500_000, 5)
    assert type(family) is CompactFamily
    assert isinstance(space, keras_tuner.HyperModel)
    assert space.name == family.name == "compact8k"
    assert dataclasses.is_dataclass(SPACES["compact8k"])


def test_an_unknown_space_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"'compcat'.*'compact8k'"):
        load_space("compcat")
