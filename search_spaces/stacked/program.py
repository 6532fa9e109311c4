"""The program that trains several networks at once: one jitted epoch, one jitted evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from search_spaces.hyperparameters.recipe import Recipe
from search_spaces.keras.model import NORM_MOMENTUM
from search_spaces.keras.training import CHUNK_IMAGES, STATISTICS_WINDOW, Images, Labels
from search_spaces.networks.specs import Shape, Spec
from search_spaces.stacked.augmentation import Augmenter, batch_draws
from search_spaces.stacked.convolution import Method
from search_spaces.stacked.layers import Arrays, Training, forward
from search_spaces.stacked.layout import Layout, make_layout
from search_spaces.stacked.optimizers import Rules
from search_spaces.stacked.weights import stack_weights

_LEAST_PROBABILITY = 1e-7
"""Keras counts smaller probabilities as this one in a cross-entropy."""
_VALIDATION_BATCH = 256
_FIRST_EPOCH = 1
"""The number of the first epoch in the seed of `keras.training.EpochBatches`: Keras's `fit` resets its iterator once before it."""


class State(NamedTuple):
    """The state of a training that changes with each step, on the device."""

    weights: Arrays
    statistics: Arrays
    moments: dict[str, Arrays]
    step: jax.Array


class Epoch(NamedTuple):
    """The training metrics of an epoch, one a network."""

    losses: np.ndarray[Any, Any]
    """Mean cross-entropies of the batches as they were trained, without L2 and label smoothing."""
    accuracies: np.ndarray[Any, Any]
    learning_rates: np.ndarray[Any, Any]
    """The rates of the epoch's last step."""


class Scores(NamedTuple):
    """An evaluation: each network's cross-entropy and predicted class of every image, (networks, n)."""

    losses: np.ndarray[Any, Any]
    predictions: np.ndarray[Any, Any]


@dataclass(frozen=True)
class StackedTraining:
    """Several trainings that share images, the order of their batches, and the number of steps.

    Args:
        networks: specs, one sequence a network.
        recipes: one a network, all with the same batch size.
        input_shape: height, width, channels.
        images: the number of training images.
        epochs: of the whole training, which the schedules span.
        seed: of the order of images, augmentation and dropout.
        class_weights: a factor of the loss for each class; None: all 1.
        method: of the convolutions; None: by shape.

    Raises:
        ValueError: where batch sizes differ, or networks don't end in the same classes.
    """

    networks: tuple[tuple[Spec, ...], ...]
    recipes: tuple[Recipe, ...]
    input_shape: Shape
    images: int
    epochs: int
    seed: int
    class_weights: tuple[float, ...] | None = None
    method: Method | None = None

    def __post_init__(self) -> None:
        sizes = {recipe.batch_size for recipe in self.recipes}
        if len(sizes) != 1 or len(self.recipes) != len(self.networks):
            raise ValueError(
                f"Expected one recipe a network, all with the same batch size. Received: {len(self.networks)} networks, "
                f"{len(self.recipes)} recipes, batch sizes {sorted(sizes)}"
            )

    @cached_property
    def layout(self) -> Layout:
        """Return the networks' common slots."""
        return make_layout(self.networks, self.input_shape)

    @property
    def batch_size(self) -> int:
        """Return the images of a batch, at most all."""
        return min(self.recipes[0].batch_size, self.images)

    @property
    def steps(self) -> int:
        """Return the steps of an epoch; an incomplete batch is left out."""
        return self.images // self.batch_size

    @cached_property
    def rules(self) -> Rules:
        """Return how each network is updated."""
        return Rules(self.recipes, self.epochs * self.steps)

    @cached_property
    def augmenter(self) -> Augmenter:
        """Return the networks' augmentation."""
        return Augmenter(tuple(recipe.augmentation for recipe in self.recipes), self.input_shape[2] > 1)

    @property
    def momentum(self) -> float:
        """Return that of BatchNorm's moving statistics (`search_spaces.keras.training.set_memory_of_statistics`)."""
        return max(NORM_MOMENTUM, 1.0 - 1.0 / max(1.0, STATISTICS_WINDOW * self.epochs * self.steps))

    def initial_state(self, models: Sequence[Any], x: Images) -> State:
        """Return the state before the first step.

        Args:
            models: Keras models of `build_model`, whose weights are taken.
            x: training images (n, height, width) or (n, height, width, 3).
        """
        weights, statistics = (jax.tree.map(jnp.asarray, arrays) for arrays in stack_weights(self.layout, models, x))
        return State(weights, statistics, self.rules.initial_moments(weights), jnp.zeros((), jnp.int32))

    def epoch(self, state: State, images: jax.Array, labels: jax.Array, number: int) -> tuple[State, Epoch]:
        """Train for an epoch.

        Args:
            state: is used up.
            images: on the device, (n, height, width, channels), uint8 (`on_device`).
            labels: on the device, (n,).
            number: of the epoch, from 0.
        """
        order = np.random.default_rng((self.seed, number + _FIRST_EPOCH)).permutation(self.images)
        rows = order[: self.steps * self.batch_size].reshape(self.steps, self.batch_size).astype(np.int32)
        state, losses, accuracies = self._epoch(state, images, labels, jnp.asarray(rows), self._draws(number))
        last = self.rules.learning_rates(state.step - 1)
        return state, Epoch(np.asarray(losses), np.asarray(accuracies), np.asarray(last))

    def evaluate(self, state: State, images: jax.Array, labels: jax.Array) -> Scores:
        """Return the networks' losses and predictions of images; arguments as of `epoch`."""
        n = len(labels)
        size = min(_VALIDATION_BATCH, n)
        rows = np.minimum(np.arange(-(-n // size) * size), n - 1).reshape(-1, size).astype(np.int32)
        losses, predictions = self._evaluation(state.weights, state.statistics, images, labels, jnp.asarray(rows))
        # (batches, networks, size) → (networks, n).
        flat = (
            np.moveaxis(np.asarray(values), 1, 0).reshape(len(self.networks), -1)[:, :n]
            for values in (losses, predictions)
        )
        return Scores(*flat)

    def _draws(self, number: int) -> jax.Array:
        streams = self.augmenter.streams
        if self.augmenter.is_identity:
            return jnp.zeros((len(streams), self.steps, 0, 0))
        chunk = max(1, CHUNK_IMAGES // self.batch_size) * self.batch_size
        return jnp.asarray(
            batch_draws(streams, self.images, self.batch_size, chunk, (self.seed, number + _FIRST_EPOCH))
        )

    @cached_property
    def _epoch(self) -> Any:
        # The old state is donated: the new one reuses its memory.
        return jax.jit(self._run_epoch, donate_argnums=0)

    @cached_property
    def _evaluation(self) -> Any:
        return jax.jit(self._run_evaluation)

    def _run_epoch(
        self, state: State, images: jax.Array, labels: jax.Array, order: jax.Array, draws: jax.Array
    ) -> tuple[State, jax.Array, jax.Array]:
        def step(state: State, batch: tuple[jax.Array, jax.Array]) -> tuple[State, tuple[jax.Array, jax.Array]]:
            rows, numbers = batch
            return self._train_step(state, images[rows], labels[rows], numbers)

        state, (losses, hits) = lax.scan(step, state, (order, jnp.moveaxis(draws, 1, 0)))
        return state, losses.mean(0), hits.mean(0)

    def _train_step(
        self, state: State, images: jax.Array, labels: jax.Array, draws: jax.Array
    ) -> tuple[State, tuple[jax.Array, jax.Array]]:
        maps = self.augmenter.apply(images, draws) / 255.0
        training = Training((self.seed,) * len(self.networks), state.step, self.momentum)

        def total_loss(weights: Arrays) -> tuple[jax.Array, tuple[jax.Array, Arrays]]:
            logits, statistics = forward(
                self.layout, weights, state.statistics, maps, training=training, method=self.method
            )
            # A sum over networks: the gradient of each one's weights is that of its own loss.
            return self._losses(logits, labels).sum(), (logits, statistics)

        gradients, (logits, statistics) = jax.grad(total_loss, has_aux=True)(state.weights)
        weights, moments = self.rules.update(state.weights, gradients, state.moments, state.step)
        losses, predictions = _measured(logits, labels)
        metrics = losses.mean(1), (predictions == labels).mean(1)
        return State(weights, statistics, moments, state.step + 1), metrics

    def _losses(self, logits: jax.Array, labels: jax.Array) -> jax.Array:
        """Return each network's mean loss of a batch, without the L2 penalty, whose gradient the update adds."""
        log_probabilities = jax.nn.log_softmax(logits)
        true_log_probabilities = jnp.take_along_axis(log_probabilities, labels[None, :, None], axis=2)[..., 0]
        smoothing = np.array([[recipe.label_smoothing] for recipe in self.recipes], np.float32)
        losses = -(1.0 - smoothing) * true_log_probabilities - smoothing * log_probabilities.mean(-1)
        if self.class_weights is not None:
            losses = losses * jnp.asarray(self.class_weights, jnp.float32)[labels]
        return losses.mean(1)

    def _run_evaluation(
        self, weights: Arrays, statistics: Arrays, images: jax.Array, labels: jax.Array, rows: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        def batch(batch_rows: jax.Array) -> tuple[jax.Array, jax.Array]:
            maps = images[batch_rows].astype(jnp.float32)[None] / 255.0
            maps = jnp.broadcast_to(maps, (len(self.networks), *maps.shape[1:]))
            logits, _ = forward(self.layout, weights, statistics, maps, method=self.method)
            return _measured(logits, labels[batch_rows])

        return lax.map(batch, rows)  # type: ignore[no-any-return]


def _measured(logits: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return cross-entropies and predicted classes, (networks, n) each."""
    log_probabilities = jax.nn.log_softmax(logits)
    true_log_probabilities = jnp.take_along_axis(log_probabilities, labels[None, :, None], axis=2)[..., 0]
    least, most = math.log(_LEAST_PROBABILITY), math.log1p(-_LEAST_PROBABILITY)
    return -jnp.clip(true_log_probabilities, least, most), logits.argmax(-1)


def on_device(x: Images, y: Labels) -> tuple[jax.Array, jax.Array]:
    """Return images (n, height, width, channels) and labels (n,) on JAX's device."""
    images = np.asarray(x)
    maps = images if images.ndim == 4 else images[..., None]
    return jnp.asarray(maps), jnp.asarray(np.asarray(y).reshape(-1).astype(np.int32))
