"""Training steps with fewer operations: the same weights and metrics as Keras's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest

from search_spaces.hyperparameters.recipe import Recipe
from search_spaces.keras.fast_step import use_fast_steps
from search_spaces.keras.training import OPTIMIZERS, compile_model

pytestmark = [
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow has these functions"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

IMAGES = np.random.default_rng(0).normal(size=(72, 6, 6, 3)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 4, 72)


def trained(recipe: Recipe, prepare: Callable[[Any], None], **arguments: Any) -> tuple[Any, dict[str, list[float]]]:
    """A small network after two epochs of nine steps, four of them an execution."""
    keras.utils.set_random_seed(1)
    image = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(5, 3, use_bias=False, kernel_regularizer=keras.regularizers.L2(1e-3))(image)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(4, activation="softmax")(x))
    compile_model(model, recipe, 18, steps_per_execution=4)
    model.optimizer.build(model.trainable_variables)
    prepare(model)
    fitted = model.fit(
        IMAGES,
        LABELS,
        batch_size=8,
        epochs=2,
        shuffle=False,
        validation_data=(IMAGES[:20], LABELS[:20]),
        verbose=0,
        **arguments,
    )
    return model, fitted.history


@cache
def trained_fast(recipe: Recipe) -> tuple[Any, dict[str, list[float]]]:
    return trained(recipe, use_fast_steps)


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [*itertools.product(OPTIMIZERS, ["one-cycle"]), ("momentum", "constant")],
)
def test_weights_and_metrics_are_keras_s(optimizer: Any, schedule: Any) -> None:
    recipe = Recipe(optimizer=optimizer, schedule=schedule, learning_rate=0.02, weight_decay=0.01)
    plain, expected = trained(recipe, lambda model: None)
    fast, history = trained_fast(recipe)
    assert int(fast.optimizer.iterations) == 18
    for ours, theirs in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert history.keys() == expected.keys()
    for name, values in history.items():
        np.testing.assert_allclose(values, expected[name], rtol=2e-4, atol=2e-5)


def test_classes_have_their_weights_in_the_loss() -> None:
    recipe = Recipe(optimizer="momentum", schedule="one-cycle", learning_rate=0.02, weight_decay=0.01)
    weights = {"class_weight": {0: 4.0, 1: 0.5, 2: 0.5}}
    plain, expected = trained(recipe, lambda model: None, **weights)
    fast, history = trained(recipe, use_fast_steps, **weights)
    unweighted, _ = trained_fast(recipe)
    for ours, theirs in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert not np.allclose(fast.get_weights()[0], unweighted.get_weights()[0], atol=1e-4)
    for name, values in history.items():
        np.testing.assert_allclose(values, expected[name], rtol=2e-4, atol=2e-5)


def test_an_optimizer_of_another_kind_keeps_its_own_update() -> None:
    def prepare(model: Any, fast: bool) -> None:
        model.compile(
            keras.optimizers.RMSprop(0.01), "sparse_categorical_crossentropy", steps_per_execution=4, jit_compile=False
        )
        model.optimizer.build(model.trainable_variables)
        if fast:
            use_fast_steps(model)

    plain, _ = trained(Recipe(), lambda model: prepare(model, False))
    fast, _ = trained(Recipe(), lambda model: prepare(model, True))
    for ours, theirs in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
