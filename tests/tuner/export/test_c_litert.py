"""The C program of converted networks: bit for bit what LiteRT's reference kernels give, for every layer and activation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.cortex_m import emulate, is_available
from benchmarks.device_memory import randomise
from tests.tuner.export.c_programs import answers, needs_compiler
from tuner.export.c_source.c_files import reference_classifier, write_c_files
from tuner.export.formats import FORMATS, ExportError
from tuner.export.litert import INT8

# Keras has no types: models are `Any` here.

pytestmark = [
    pytest.mark.skipif(bool(FORMATS["c"].missing()), reason="needs ai_edge_litert"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
GREY, COLOUR = (28, 28), (20, 24, 3)
ALL = "crop21 C4s P S6 1x1:5 P C6s GAP D8 D10"
"""A crop, both convolutions, both kinds of 1×1, maxima, a mean, dense layers."""
NETWORKS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    **{f"all, {name}": (ALL, name, GREY) for name in ("relu", "tanh", "softsign", "gelu", "leaky_relu", "linear")},
    "dense": ("norm(.1,.3) D16 drop.1 D10", "relu", GREY),
    "dense on a map": ("C3 P D12 1x1:10(bias)", "tanh", GREY),
    "means": ("avg2 norm(.1,.3) C4 avg2 S6s P GAP D10", "relu", GREY),
    "overlapping maxima": ("C4 P3/2 5x5:6s P 6x6:10", "gelu", GREY),
    "colour": ("norm(.1,.3) C4(bias,nobn) P S6s GAP 1x1:10", "softsign", COLOUR),
    "deep": ("C4s(bias) C4s C4s P C8s C8s C8s P C8s C8s C8s GAP 1x1:10(bias)", "relu", GREY),
}


def written(text: str, activation: Any, shape: tuple[int, ...]) -> Any:
    from search_spaces.keras.model import build_model
    from search_spaces.networks.notation import parse

    return build_model(parse(text, activation), image_shape=shape)


def own() -> Any:
    """A user's network: strides, two kernels a channel, ZeroPadding2D, BatchNorm that can't be folded, other activations."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((20, 20)),
            layers.Reshape((20, 20, 1)),
            layers.Rescaling(1 / 255),
            layers.ZeroPadding2D(2),
            layers.Conv2D(6, 5, strides=2, activation="relu6"),
            layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same", activation="hard_swish"),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(),
            layers.Conv2D(7, 2, padding="same"),
            layers.AveragePooling2D(2, padding="same"),
            layers.Flatten(),
            layers.Dense(9, activation="sigmoid"),
            layers.Dense(4, activation="softmax"),
        ]
    )


def sigmoids() -> Any:
    """A network that gives each class a probability of its own."""
    import keras

    return keras.Sequential(
        [keras.Input((8, 8)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(3, "sigmoid")]
    )


def branched() -> Any:
    import keras

    taken = keras.Input((8, 8))
    wide = keras.layers.Conv2D(2, 3, padding="same")(keras.layers.Reshape((8, 8, 1))(taken))
    both = keras.layers.Add()([wide, keras.layers.Conv2D(2, 3, padding="same")(wide)])
    return keras.Model(taken, keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(both)))


def global_max() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((8, 8)), keras.layers.Reshape((8, 8, 1)), keras.layers.Conv2D(3, 3),
            keras.layers.GlobalMaxPooling2D(), keras.layers.Softmax(),
        ]
    )  # fmt: skip


MODELS: dict[str, Callable[[], Any]] = {
    **{name: partial(written, *parts) for name, parts in NETWORKS.items()},
    "a user's own": own,
    "sigmoids": sigmoids,
}


def quantised(model: Any, folder: Path, seed: int) -> tuple[bytes, NDArray[np.uint8]]:
    """The int8 file of a model with random weights, and images: noise, strokes, black and white."""
    import keras

    rng = np.random.default_rng(seed)
    randomise(model, rng)
    shape = tuple(model.input_shape[1:])
    images = rng.integers(0, 256, (40, *shape), dtype=np.uint8)
    images[::2] = np.where(images[::2] < 200, 0, images[::2])
    images[0], images[1] = 0, 255
    # As after a training: no layer is dead.
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(images, training=True)
    INT8.write(model, folder / "model.tflite", images)
    return (folder / "model.tflite").read_bytes(), images


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_scores_and_probabilities_are_those_of_the_reference_kernels(name: str, tmp_path: Path) -> None:
    """Under the sanitizers of addresses and of undefined behaviour."""
    import keras

    keras.utils.set_random_seed(1)
    model = MODELS[name]()
    content, images = quantised(model, tmp_path, seed=2)
    write_c_files(content, tmp_path / "c", images.shape[1:])
    classes, scores, probabilities = answers(tmp_path / "c", images)
    expected = np.round(reference_classifier(content)(images) * 256).astype(int)
    np.testing.assert_array_equal(probabilities, expected)
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))
    np.testing.assert_array_equal(expected[np.arange(len(classes)), classes], expected.max(axis=1))
    assert len(np.unique(expected, axis=0)) > 1


@pytest.mark.slow
@pytest.mark.parametrize(("make", "words"), [(branched, "Received: branches"), (global_max, "has no REDUCE_MAX")])
def test_what_c_lacks_is_one_line_and_nothing_is_written(make: Callable[[], Any], words: str, tmp_path: Path) -> None:
    content, images = quantised(make(), tmp_path, seed=1)
    with pytest.raises(ExportError, match=rf"--format c .*{words}.*litert-int8"):
        write_c_files(content, tmp_path / "c", images.shape[1:])
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
@pytest.mark.skipif(not is_available(), reason="needs GCC for Arm and QEMU")
@pytest.mark.parametrize(("processor", "board"), [("cortex-m4", "mps2-an386"), ("cortex-m3", "mps2-an385")])
def test_a_cortex_m_gives_the_same_scores(processor: str, board: str, tmp_path: Path) -> None:
    content, images = quantised(written(ALL, "softsign", GREY), tmp_path, seed=3)
    write_c_files(content, tmp_path / "c", GREY)
    emulated = emulate(tmp_path / "c", images[:20], processor, board)
    classes, scores, _ = answers(tmp_path / "c", images[:20])
    np.testing.assert_array_equal(emulated.scores, scores)
    assert emulated.classes == tuple(classes)
    assert 0 < emulated.stack < 400
    assert emulated.instructions > 100_000
    assert emulated.text < 8000
