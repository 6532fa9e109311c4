"""Stacked trainings of small networks, and the same networks trained one at a time by Keras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import jax
import keras
import numpy as np
from numpy.typing import NDArray

from search_spaces.hyperparameters.recipe import Recipe
from search_spaces.keras.model import build_model
from search_spaces.keras.training import fit_model
from search_spaces.networks.costs import FittedLayer
from search_spaces.networks.specs import Conv, Dense, SeparableConv, Spec, WeightedSpec
from search_spaces.stacked.convolution import Method
from search_spaces.stacked.layers import slot_name
from search_spaces.stacked.layout import Layout
from search_spaces.stacked.program import StackedTraining, State, on_device
from search_spaces.stacked.weights import NORM_WEIGHTS, STATISTICS, Stacked, own_weights, place_of

CLASSES = 10


@dataclass(frozen=True)
class Curves:
    """Losses and accuracies of each epoch, (epochs, networks), and the predicted classes after the last one."""

    losses: NDArray[Any]
    accuracies: NDArray[Any]
    validation: NDArray[Any]
    predictions: NDArray[Any]
    state: State | None = None


@contextmanager
def quick_compilation() -> Iterator[None]:
    """Compile JAX's programs in a third of the time; they run slower."""
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)


def images(count: int, shape: tuple[int, ...] = (8, 8), seed: int = 1) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return blurred noise and labels; augmentation changes the pixels of blurred noise little."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (count, *shape)).astype(float)
    for axis in (1, 2):
        noise = (noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)) / 3
    return noise.astype(np.uint8), rng.integers(0, CLASSES, count)


def build_models(networks: Sequence[Sequence[Spec]], recipes: Sequence[Recipe], shape: tuple[int, ...]) -> list[Any]:
    """Return one Keras model for each network, with weights that don't depend on the networks before it."""
    models = []
    for specs, recipe in zip(networks, recipes, strict=True):
        keras.utils.set_random_seed(3)
        models.append(build_model(specs, l2=recipe.l2, image_shape=shape))
    return models


def training_of(
    networks: Sequence[tuple[Spec, ...]],
    recipes: Sequence[Recipe],
    x: NDArray[np.uint8],
    epochs: int,
    method: Method | None = None,
) -> StackedTraining:
    """Return the training of networks as one program."""
    depth = x.shape[3] if x.ndim == 4 else 1
    return StackedTraining(
        tuple(networks), tuple(recipes), (x.shape[1], x.shape[2], depth), len(x), epochs, 5, method=method
    )


def train_stacked(training: StackedTraining, x: NDArray[np.uint8], y: NDArray[np.int64]) -> Curves:
    """Train as one program, and evaluate the training images after each epoch."""
    models = build_models(training.networks, training.recipes, x.shape[1:])
    state = training.initial_state(models, x)
    on = on_device(x, y)
    losses, accuracies, validation = [], [], []
    for number in range(training.epochs):
        state, epoch = training.epoch(state, *on, number)
        scores = training.evaluate(state, *on)
        losses.append(epoch.losses)
        accuracies.append(epoch.accuracies)
        validation.append(scores.losses.mean(1))
    return Curves(np.stack(losses), np.stack(accuracies), np.stack(validation), scores.predictions, state)


def training_losses(training: StackedTraining, x: NDArray[np.uint8], y: NDArray[np.int64]) -> NDArray[Any]:
    """Return the losses of each epoch as one program, (epochs, networks), without evaluations, which would need compilation."""
    state = training.initial_state(build_models(training.networks, training.recipes, x.shape[1:]), x)
    losses = []
    for number in range(training.epochs):
        state, epoch = training.epoch(state, *on_device(x, y), number)
        losses.append(epoch.losses)
    return np.stack(losses)


def plain_losses(training: StackedTraining, x: NDArray[np.uint8], y: NDArray[np.int64]) -> NDArray[Any]:
    """Return the losses of each epoch, (epochs, networks), of the same networks trained one after the other by Keras."""
    models = build_models(training.networks, training.recipes, x.shape[1:])
    fitted = [
        fit_model(model, recipe, x, y, training.epochs, seed=training.seed, verbose=0).history["cross_entropy"]
        for model, recipe in zip(models, training.recipes, strict=True)
    ]
    return np.array(fitted).T


def train_plainly(training: StackedTraining, x: NDArray[np.uint8], y: NDArray[np.int64]) -> Curves:
    """Train one network after the other, as a trial does."""
    models = build_models(training.networks, training.recipes, x.shape[1:])
    histories = [
        fit_model(model, recipe, x, y, training.epochs, seed=training.seed, validation_data=(x, y), verbose=0).history
        for model, recipe in zip(models, training.recipes, strict=True)
    ]
    names = ("cross_entropy", "accuracy", "val_cross_entropy")
    losses, accuracies, validation = (np.array([history[name] for history in histories]).T for name in names)
    predictions = np.stack([model.predict(x, verbose=0).argmax(1) for model in models])
    return Curves(losses, accuracies, validation, predictions)


def alone(training: StackedTraining, network: int) -> StackedTraining:
    """Return the training of one of the networks."""
    return replace(training, networks=(training.networks[network],), recipes=(training.recipes[network],))


def trained_weights(state: State) -> tuple[Stacked, Stacked]:
    """Return weights and statistics on the host."""
    weights, statistics = jax.tree.map(np.asarray, (state.weights, state.statistics))
    return weights, statistics


def unstack_weights(layout: Layout, weights: Stacked, statistics: Stacked, network: int, model: Any) -> None:
    """Give a Keras model the weights of one network.

    Args:
        layout: the common slots.
        weights: as of `stack_weights`, trained.
        statistics: likewise.
        network: its place.
        model: of `build_model`, of that network.
    """
    for number, slot in enumerate(layout.slots):
        layer, name = slot.layers[network], slot_name(number)
        if layer is None or not isinstance(layer.spec, Conv | SeparableConv | Dense):
            continue
        own = own_weights(model, layer, layer.spec)
        taken = {
            key: (statistics if key in STATISTICS else weights)[name][key][
                (network, *place_of(slot, layer.spec, key, value))
            ]
            for key, value in own.items()
        }
        _set_weights(model, layer, layer.spec, taken)


def _set_weights(model: Any, layer: FittedLayer, spec: WeightedSpec, taken: dict[str, np.ndarray[Any, Any]]) -> None:
    target = model.get_layer(layer.name)
    names = ("depthwise", "pointwise", "bias") if isinstance(spec, SeparableConv) else ("kernel", "bias")
    values = [taken[name] for name in names if name in taken]
    target.set_weights([value.reshape(old.shape) for value, old in zip(values, target.get_weights(), strict=True)])
    if spec.batch_norm:
        model.get_layer(f"batch_norm_{layer.number}").set_weights([taken[name] for name in NORM_WEIGHTS])
