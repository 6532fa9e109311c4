"""compact8k as Keras Tuner knows it, and the models that any network builds. What holds of every space is in test_spaces."""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pytest

from search_spaces.families.compact.family import CompactFamily
from search_spaces.families.compact.references import REFERENCES
from search_spaces.families.compact.shape import HYPERPARAMETERS
from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.hyperparameters.parsing import complete
from search_spaces.keras.model import build_model
from search_spaces.networks.costs import summarise
from search_spaces.networks.notation import parse
from search_spaces.spaces import Compact8k
from tests.kit.records import trainable

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


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


def test_a_network_in_the_notation_reaches_build() -> None:
    reference = next(reference for reference in REFERENCES if reference.name == "deep-3762")
    hp = keras_tuner.HyperParameters()
    Compact8k().declare(hp)
    hp.values = dict(reference.values)
    space = Compact8k()
    assert space.values(hp) == reference.values
    assert trainable(space.build(hp)) == 3_762


def test_augment_shows_what_training_sees() -> None:
    images = np.random.default_rng(1).integers(0, 256, (4, 28, 28)).astype(np.uint8)
    space = Compact8k()
    same = space.augment({"augmentation": "none"}, images, np.random.default_rng(1))
    changed = space.augment({"augmentation": "affine", "rotation": 10}, images, np.random.default_rng(1))
    assert (same == images).all()
    assert (changed != images).any()


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
    complete(HYPERPARAMETERS, {"stage3_convs": 1, "filters_3_1": 32, "dropout": 0.0123})
    CompactFamily().check({"network": "C8 GAP D10", "dropout": 0})
