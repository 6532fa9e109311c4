"""Layers that compute in less time while they train: the same mathematics as Keras's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from search_spaces.keras.fast_layers import fast_layers
from tests.kit.marks import slow_after

pytestmark = [
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow has these kernels"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]


def images(n: int = 32, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(1.0, 2.0, (n, 6, 6, 3)).astype(np.float32)


def labels(n: int = 32) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 4, n)


def network(dropout: float = 0.0, channels: int = 5, **batch_norm: Any) -> Any:
    """A small network of maps, the same weights each time. Eight channels are normalised by a kernel, five by folding."""
    keras.utils.set_random_seed(1)
    image = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(channels, 3, use_bias=False)(image)
    x = keras.layers.BatchNormalization(momentum=0.9, name="norm", **batch_norm)(x)
    x = keras.layers.Activation("relu")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(4, activation="softmax")(x))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", jit_compile=False)
    return model


def trained(fast: bool, **changes: Any) -> Any:
    model = network(**changes)
    if fast:
        with fast_layers(model):
            model.fit(images(), labels(), batch_size=8, epochs=3, shuffle=False, verbose=0)
    else:
        model.fit(images(), labels(), batch_size=8, epochs=3, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("channels", [5, 8])
@pytest.mark.parametrize(
    "changes", slow_after(2, [{}, {"axis": 1}, {"epsilon": 0.1}, {"scale": False}, {"center": False}])
)
def test_twelve_steps_of_training_end_with_the_same_weights(changes: dict[str, Any], channels: int) -> None:
    plain, fast = trained(False, channels=channels, **changes), trained(True, channels=channels, **changes)
    for ours, theirs in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [5, 8])
@pytest.mark.parametrize(("mean", "sd"), [(2.0, 3.0), (0.0, 1e-3), (-20.0, 0.5)])
def test_moving_statistics_are_keras_s(channels: int, mean: float, sd: float) -> None:
    model = network(channels=channels)
    norm = model.get_layer("norm")
    x = np.random.default_rng(3).normal(mean, sd, (4, 4, 4, channels)).astype(np.float32)
    with fast_layers(model):
        norm(x, training=True)
    np.testing.assert_allclose(norm.moving_mean, 0.1 * x.mean(axis=(0, 1, 2)), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(norm.moving_variance, 0.9 + 0.1 * x.var(axis=(0, 1, 2)), rtol=1e-5)


@pytest.mark.parametrize("channels", [5, 8])
def test_channels_that_never_change_are_normalised_to_their_offset(channels: int) -> None:
    norm = network(channels=channels).get_layer("norm")
    flat = np.full((4, 4, 4, channels), 7.3, np.float32)
    fast = network(channels=channels)
    with fast_layers(fast):
        found = np.asarray(fast.get_layer("norm")(flat, training=True))
    np.testing.assert_allclose(found, np.asarray(norm(flat, training=True)), atol=1e-3)


def test_which_channels_are_folded() -> None:
    for channels, name in [
        (5, "folded_batch_norm"),
        (8, "fused_batch_norm"),
        (12, "fused_batch_norm"),
        (14, "folded_batch_norm"),
    ]:
        model = network(channels=channels)
        with fast_layers(model):
            assert vars(model.get_layer("norm"))["call"].__func__.__name__ == name


def test_what_is_not_trained_is_as_ever() -> None:
    model = trained(True, dropout=0.5)
    expected = model.predict(images(), verbose=0)
    with fast_layers(model):
        np.testing.assert_array_equal(model(images(), training=False), model(images(), training=False))
        np.testing.assert_allclose(model(images(), training=False), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3, 0.9])
@pytest.mark.parametrize("shape", [(7, 5, 5, 3), (1001,), (400, 30)])
def test_dropout_drops_its_share_and_keeps_the_mean(rate: float, shape: tuple[int, ...]) -> None:
    model = network(dropout=rate)
    layer = model.get_layer("dropout")
    units = int(np.prod(shape))
    with fast_layers(model):
        found = np.concatenate([np.ravel(layer(np.ones(shape, np.float32), training=True)) for _ in range(40)])
    tosses = 40 * units
    spread = 5 * np.sqrt(rate * (1 - rate) / tosses)
    assert abs((found == 0).mean() - rate) < spread
    np.testing.assert_allclose(found[found > 0], 1 / (1 - rate), rtol=1e-3)


def test_dropout_follows_its_seed_and_changes_from_step_to_step() -> None:
    def masks() -> list[Any]:
        model = network(dropout=0.5)
        with fast_layers(model):
            return [np.asarray(model.get_layer("dropout")(np.ones(999, np.float32), training=True)) for _ in range(2)]

    first, again = masks(), masks()
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).mean() > 0.4
    left, right = first[0][:499], first[0][499:998]
    assert 0.4 < (left != right).mean() < 0.6


def test_the_layers_stay_keras_s_own(tmp_path: Path) -> None:
    model = trained(True, dropout=0.2)
    assert [vars(layer).get("call") for layer in model.layers] == [None] * len(model.layers)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    kinds = {type(layer).__module__.split(".")[0] for layer in again.layers}
    assert kinds == {"keras"}
    np.testing.assert_allclose(again.predict(images(), verbose=0), model.predict(images(), verbose=0), rtol=1e-5)


def test_an_error_in_between_leaves_the_layers_as_they_were() -> None:
    model = network(dropout=0.2)

    def interrupted() -> None:
        with fast_layers(model):
            assert "call" in vars(model.get_layer("norm"))
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert "call" not in vars(model.get_layer("norm"))


@pytest.mark.parametrize("batch_norm", [{"scale": False}, {"center": False}, {"trainable": False}, {"axis": 1}])
def test_only_what_the_fused_kernel_can_do_is_left_to_it(batch_norm: dict[str, Any]) -> None:
    model = network(**batch_norm)
    with fast_layers(model):
        assert "call" not in vars(model.get_layer("norm"))
