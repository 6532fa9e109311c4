"""The copy of a network for the page gives the Keras model's probabilities, or says why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest

from tests.kit.marks import slow_after
from tests.kit.networks import FAMILIES, answers, blobs, family_network, notation_network, randomise
from tuner.spaces.adapter import as_classifier
from tuner.storage.schema.model_interface import ImageFormat, ModelInterface
from tuner.storage.schema.network import NetworkLayer, decode_layer, encode_layer
from tuner.training.network_copy.arrays import LARGEST_DIFFERENCE, copied_network, network_arrays
from tuner.training.network_copy.chain import CopiedLayer, NotAChain, fold_affine
from tuner.training.network_copy.replay import replay

layers = keras.layers
IMAGES = blobs(8, (28, 28))


def chain_model(*inner: Any, shape: Sequence[int] = (28, 28, 1), seed: int = 3) -> Any:
    """A plain model with random weights, its softmax at the end."""
    model = keras.Sequential(
        [
            keras.Input(tuple(shape), dtype="uint8"),
            layers.Rescaling(1 / 255),
            *inner,
            layers.Flatten(),
            layers.Dense(10, "softmax"),
        ]
    )
    randomise(model, seed)
    return model


@pytest.mark.parametrize("name", slow_after(4, ("micro-biases", "compact-crop", "dense-norm", "cnn3", *FAMILIES)))
def test_a_family_s_copy_gives_the_model_s_probabilities(name: str) -> None:
    model = family_network(name)
    images = blobs(12, FAMILIES[name][2])
    expected = answers(model, images)
    assert np.ptp(expected, axis=0).max() > 0.01  # the images make a difference
    arrays = network_arrays(model, None, images)
    assert arrays["network/kernels"].dtype == np.int16
    assert float(arrays["network/difference"]) <= LARGEST_DIFFERENCE
    exact = replay(copied_network(model, None, images), images)
    np.testing.assert_allclose(exact, expected, atol=2e-5)


@pytest.mark.parametrize(
    "inner",
    [
        (layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"), layers.BatchNormalization(), layers.Activation("silu")),
        (layers.Conv2D(4, 4, strides=3, padding="same"), layers.ReLU(max_value=6), layers.MaxPooling2D(3, 2, padding="same")),
        (layers.DepthwiseConv2D(3, depth_multiplier=3), layers.BatchNormalization(scale=False), layers.LeakyReLU(0.1)),
        (layers.SeparableConv2D(5, 3, strides=2, depth_multiplier=2, padding="same", activation="selu"), layers.AveragePooling2D(3, 2, padding="same")),
        (layers.ZeroPadding2D(((1, 2), (3, 0))), layers.Conv2D(3, 5, activation="elu"), layers.Cropping2D(((2, 1), (0, 3))), layers.GlobalMaxPooling2D()),
        (layers.BatchNormalization(), layers.Dense(4, "sigmoid"), layers.Dropout(0.5), layers.RandomRotation(0.1), layers.Dense(3, "hard_sigmoid")),
        (layers.Conv2D(3, 3, activation="softplus"), layers.Reshape((-1, 3, 2)), layers.Dense(2, "gelu"), layers.ELU(0.5), layers.ReLU(negative_slope=0.3)),
    ],
    ids=range(7),
)  # fmt: skip
def test_keras_s_own_layers_in_a_chain(inner: tuple[Any, ...]) -> None:
    model = chain_model(*inner)
    images = IMAGES[..., None].reshape(8, 28, 28, 1)
    expected = answers(model, images)
    found = replay(copied_network(model, None, images), images)
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("changes", "inner"),
    [
        ({"output": "logits"}, (layers.Flatten(), layers.Dense(10))),
        ({"output": "scores"}, (layers.Flatten(), layers.Dense(10, "sigmoid"))),
        ({"output": "binary"}, (layers.Flatten(), layers.Dense(1, "sigmoid"))),
        ({"scale": 1 / 127.5, "offset": -1.0}, (layers.Flatten(), layers.Dense(10, "softmax"))),
        ({"network": ImageFormat(shape=(28, 28, 3), dtype="float32"), "scale": 0.004}, (layers.Conv2D(4, 3, strides=3), layers.Flatten(), layers.Dense(10, "softmax"))),
        ({"network": ImageFormat(shape=(784,), dtype="float32"), "scale": 0.004}, (layers.Dense(10, "softmax"),)),
    ],
    ids=["logits", "scores", "binary", "scaled", "in three channels", "vector"],
)  # fmt: skip
def test_a_user_s_network_with_its_adapter(changes: dict[str, Any], inner: tuple[Any, ...]) -> None:
    usual = ImageFormat(shape=(28, 28, 1), dtype="float32")
    interface = ModelInterface(**{"network": usual, "fit": usual, "scale": 0.004, **changes})
    network = keras.Sequential([keras.Input(interface.network.shape), *inner])
    randomise(network)
    classifier = as_classifier(network, interface)
    expected = answers(classifier, IMAGES)
    found = replay(copied_network(classifier, interface, IMAGES), IMAGES)
    np.testing.assert_allclose(found, expected, atol=2e-5)


class _OwnDense(keras.layers.Dense):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return super().call(inputs) * 2


def _skip(inputs: Any) -> Any:
    branch = layers.Conv2D(4, 3, padding="same", name="branch")(inputs)
    return layers.Add(name="join")([inputs, branch])


def _around(inputs: Any) -> Any:
    """A branch past a layer, which no layer tells of."""
    return layers.Conv2D(4, 3, padding="same")(inputs) + 2 * inputs


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (layers.Reshape((28, 28, 2, 2)), "shape"),
        (lambda x: layers.LSTM(3, name="memory")(layers.Reshape((28, 112))(x)), r"memory \(LSTM\)"),
        (_OwnDense(4, name="mine"), r"mine \(_OwnDense\)"),
        (layers.Conv2D(4, 3, dilation_rate=2, name="holes"), "holes .*dilation"),
        (layers.Conv2D(4, 3, groups=2, name="parts"), "parts .*groups"),
        (layers.Activation(lambda x: x * x, name="square"), "square"),
        (_skip, r"join \(Add\)"),
        (_around, "no plain chain"),
    ],
    ids=["four axes", "recurrent", "derived", "dilation", "groups", "function", "join", "hidden join"],
)
def test_what_is_no_chain_is_refused_with_its_layer(build: Callable[[Any], Any], message: str) -> None:
    image = keras.Input((28, 28, 1), dtype="uint8")
    tensor = build(layers.Conv2D(4, 1)(layers.Rescaling(1 / 255)(image)))
    model = keras.Model(image, layers.Dense(10, "softmax")(layers.Flatten()(tensor)))
    randomise(model)
    with pytest.raises(NotAChain, match=message):
        network_arrays(model, None, IMAGES.reshape(8, 28, 28, 1))


def test_a_network_of_more_than_50_000_parameters_is_left_out() -> None:
    assert network_arrays(notation_network("D70(bias,nobn) D10(bias)"), None, IMAGES) == {}


def test_kernels_that_16_bits_change_too_much_stay_in_single_precision() -> None:
    model = notation_network("D8(bias,nobn) D10(bias)")
    first, last = (layer for layer in model.layers if isinstance(layer, layers.Dense))
    weights, bias = first.get_weights()
    weights[:, 0], bias[0] = 0.0, -1.0  # a unit that is never on …
    first.set_weights([weights, bias])
    kernel, bias = last.get_weights()
    kernel[0] *= 1e7  # … sets the next layer's step
    last.set_weights([kernel, bias])
    arrays = network_arrays(model, None, IMAGES)
    assert arrays["network/kernels"].dtype == np.float32
    assert float(arrays["network/difference"]) <= LARGEST_DIFFERENCE


@pytest.mark.parametrize(("kind", "shape", "outputs"), [("conv", (3, 2, 4, 6), 6), ("depthwise", (3, 3, 2, 3), 6)])
def test_batch_norm_is_folded(kind: Any, shape: tuple[int, ...], outputs: int) -> None:
    random = np.random.default_rng(5)
    kernel, bias, factor, offset = (random.normal(size=size) for size in (shape, outputs, outputs, outputs))
    layer = NetworkLayer(kind=kind, name="one", shape=(5, 5, outputs), kernel=shape, numbers=outputs)
    folded = fold_affine(CopiedLayer(layer, kernel, bias), factor, offset)
    wide = (7, 6, shape[2])
    image = CopiedLayer(NetworkLayer(kind="reshape", name="image", shape=wide))
    maps = random.normal(size=(2, *wide))
    plain = replay((image, CopiedLayer(layer, kernel, bias)), maps)
    expected = plain.reshape(2, -1, outputs) * factor + offset
    assert float(np.abs(replay((image, folded), maps).reshape(2, -1, outputs) - expected).max()) < 1e-9


def test_a_layer_survives_its_json_and_a_stranger_s_is_checked() -> None:
    layer = NetworkLayer(
        kind="conv",
        name="c",
        shape=(2, 3, 4),
        kernel=(1, 1, 2, 4),
        start=(-1, 0),
        numbers=4,
        activation="elu",
        slope=0.5,
    )
    assert decode_layer(encode_layer(layer)) == layer
    for text in (
        "",
        "[]",
        '{"kind":"lstm","name":"x","shape":[1,1,1]}',
        '{"kind":"conv","name":"x","shape":[1,-1,1]}',
        "[" * 10_000,
    ):
        with pytest.raises(ValueError, match="no layer"):
            decode_layer(text)
