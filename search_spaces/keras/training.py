"""Training by a recipe: loss, optimizer, schedule, batches."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from search_spaces.hyperparameters.recipe import Augmentation, Optimizer, Recipe, Schedule
from search_spaces.keras.augmentation import augment
from search_spaces.keras.fast_layers import fast_layers
from search_spaces.keras.fast_step import use_fast_steps
from search_spaces.keras.model import NORM_MOMENTUM

# Keras has no types: its models, optimizers, tensors and histories are `Any` here, and so are its base classes.

Images: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[Any]

MOMENTUM = 0.9
WARM_UP = 0.3
"""Fraction of a one-cycle's steps with a rising rate (Smith and Topin 2018)."""
INITIAL_DIVISOR = 25.0
FINAL_FACTOR = 1e-4
"""The end of a one-cycle, as a fraction of its peak."""
STATISTICS_WINDOW = 0.02
"""The span of BatchNorm's moving statistics, as a fraction of a training's steps (docs/accuracy.md has others)."""
VALIDATION_BATCH = 512
STEPS_PER_EXECUTION = 16
CHUNK_IMAGES = 2048
_PACKAGE = "mnist_tune"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class FittedSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate of each step.

    Constant: the peak. Cosine: from the peak to 0 (Loshchilov and Hutter 2017). One-cycle: linear from 1/25 of the peak
    over the first 30% of the steps, then a cosine to 1/10,000 (Smith and Topin 2018).
    """

    def __init__(self, schedule: Schedule, peak: float, total_steps: int) -> None:
        self.schedule = schedule
        self.peak = peak
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        ops = keras.ops
        place = ops.minimum(ops.cast(step, "float32") / max(self.total_steps, 1), 1.0)
        if self.schedule == "cosine":
            return self.peak * (1.0 + ops.cos(math.pi * place)) / 2.0
        if self.schedule == "constant":
            return self.peak * ops.ones_like(place)
        climb = (1.0 + (INITIAL_DIVISOR - 1.0) * place / WARM_UP) / INITIAL_DIVISOR
        fall = (1.0 + ops.cos(math.pi * (place - WARM_UP) / (1.0 - WARM_UP))) / 2.0
        return self.peak * ops.where(place < WARM_UP, climb, FINAL_FACTOR + (1.0 - FINAL_FACTOR) * fall)

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule, "peak": self.peak, "total_steps": self.total_steps}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class SmoothedCrossEntropy(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy of integer labels with label smoothing (Szegedy et al. 2016)."""

    def __init__(self, label_smoothing: float, name: str = "smoothed_cross_entropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses (n,) of labels (n,) and probabilities (n, classes)."""
        classes = y_pred.shape[-1]
        labels = keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), classes, dtype=y_pred.dtype)
        spread = labels * (1.0 - self.label_smoothing) + self.label_smoothing / classes
        return keras.ops.categorical_crossentropy(spread, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of a training set, shuffled and augmented anew each epoch.

    All batches have the same size, so that nothing is traced or compiled twice; an incomplete batch is skipped in its
    epoch. `x` is not copied and may be a read-only memory map.

    Args:
        x: images (n, h, w) or (n, h, w, 3), uint8.
        y: integer labels (n,).
        batch_size: images a batch; at most n are taken.
        augmentation: its strengths.
        seed: with the epoch it determines all randomness.
    """

    def __init__(self, x: Images, y: Labels, batch_size: int, augmentation: Augmentation, seed: int) -> None:
        super().__init__()
        self._x = x
        self._y = np.asarray(y).reshape(-1)
        self._batch_size = min(batch_size, len(x))
        self._augmentation = augmentation
        self._seed = seed
        self._batches_a_chunk = max(1, CHUNK_IMAGES // self._batch_size)
        self._chunk: int | None = None
        self._start(epoch=0)

    def __len__(self) -> int:
        return len(self._x) // self._batch_size

    def __getitem__(self, index: int) -> tuple[Images, Labels]:
        chunk, place = divmod(index, self._batches_a_chunk)
        if chunk != self._chunk:
            self._chunk_x, self._chunk_y = self._make_chunk(chunk)
            self._chunk = chunk
        rows = slice(place * self._batch_size, (place + 1) * self._batch_size)
        return self._chunk_x[rows], self._chunk_y[rows]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch; Keras calls this."""
        self._start(self._epoch + 1)

    def _start(self, epoch: int) -> None:
        self._epoch = epoch
        self._order = np.random.default_rng((self._seed, epoch)).permutation(len(self._x))
        self._chunk = None

    def _make_chunk(self, chunk: int) -> tuple[Images, Labels]:
        size = self._batches_a_chunk * self._batch_size
        rows = self._order[chunk * size : (chunk + 1) * size]
        images = np.asarray(self._x[rows])
        # Each chunk has its own random stream, independent of the order of access.
        rng = np.random.default_rng((self._seed, self._epoch, chunk + 1))
        return augment(images, self._augmentation, rng), self._y[rows]


def compile_model(model: Any, recipe: Recipe, total_steps: int | None = None, steps_per_execution: int = 1) -> None:
    """Compile a model for integer labels, with the metrics `accuracy` and `cross_entropy` (without L2 and smoothing).

    Args:
        model: outputs probabilities.
        recipe: optimizer, learning rate, schedule and loss.
        total_steps: the length of the schedule; None: the learning rate stays at its peak.
        steps_per_execution: training steps between two calls of callbacks.
    """
    model.compile(
        optimizer=make_optimizer(recipe, total_steps),
        loss=_loss(recipe.label_smoothing),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy"),
        ],
        steps_per_execution=steps_per_execution,
        # XLA on a CPU is ten times slower for these small networks; JAX has no alternative.
        jit_compile=keras.backend.backend() == "jax",
    )


def make_optimizer(recipe: Recipe, total_steps: int | None = None) -> Any:
    """Return a Keras optimizer; without `total_steps` its learning rate stays at the peak.

    Raises:
        ValueError: where the recipe names an optimizer that is not one of `Optimizer`.
    """
    steady = total_steps is None or recipe.schedule == "constant"
    rate = recipe.learning_rate if steady else FittedSchedule(recipe.schedule, recipe.learning_rate, total_steps or 1)
    make = OPTIMIZERS.get(recipe.optimizer)
    if make is None:
        names = ", ".join(OPTIMIZERS)
        raise ValueError(f"Unknown optimizer. Expected {names}. Received: {recipe.optimizer!r}")
    return make(rate, recipe)


def _adamw(rate: Any, recipe: Recipe) -> Any:
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


OPTIMIZERS: Mapping[Optimizer, Callable[[Any, Recipe], Any]] = {
    "sgd": lambda rate, recipe: keras.optimizers.SGD(rate),
    "momentum": lambda rate, recipe: keras.optimizers.SGD(rate, momentum=MOMENTUM, nesterov=True),
    "adam": lambda rate, recipe: keras.optimizers.Adam(rate),
    "adamw": _adamw,
}
"""Name of an optimizer → its maker, from a learning rate or schedule and the recipe."""


def fit_model(
    model: Any, recipe: Recipe, x: Images, y: Labels, epochs: int = 1, *, seed: int | None = None, **kwargs: Any
) -> Any:
    """Train a model from its present weights, with a schedule of exactly these epochs.

    The model is compiled anew, since the schedule depends on the number of steps. The same seed gives the same history,
    if the model was built after `keras.utils.set_random_seed`.

    Args:
        model: uint8 images to probabilities.
        recipe: optimizer, schedule, loss, batches and augmentation.
        x: images (n, h, w) or (n, h, w, 3), uint8; may be a read-only memory map.
        y: integer labels (n,).
        epochs: 1 and more.
        seed: for shuffling and augmentation; None: from Python's generator, which `keras.utils.set_random_seed` seeds.
        kwargs: arguments of Keras's `fit`. `batch_size` overrides the recipe's; `validation_split` works as in Keras.

    Returns:
        Keras's `History`.

    Raises:
        ValueError: where there are no images.
    """
    if not len(x):
        raise ValueError(f"Expected at least one training image. Received: x of shape {np.shape(x)}")
    x, y, kwargs = _hold_out(x, y, kwargs)
    batch_size = kwargs.pop("batch_size", None) or recipe.batch_size
    batches = EpochBatches(x, y, batch_size, recipe.augmentation, random.getrandbits(32) if seed is None else seed)
    set_normalisation(model, x)
    set_memory_of_statistics(model, epochs * len(batches))
    compile_model(model, recipe, epochs * len(batches), min(STEPS_PER_EXECUTION, len(batches)))
    # Variables that were created inside the traced step would keep its graph (30 MB) for the life of the process.
    model.optimizer.build(model.trainable_variables)
    use_fast_steps(model)
    # The batches are shuffled already; in another order each would augment a whole chunk again.
    kwargs |= {"shuffle": False, "validation_batch_size": kwargs.get("validation_batch_size", VALIDATION_BATCH)}
    with fast_layers(model):
        return model.fit(batches, epochs=epochs, **kwargs)


def set_normalisation(model: Any, x: Images) -> None:
    """Set mean and variance of normalisation layers by uint8 images, before the step is traced."""
    layers = [
        layer for layer in model.layers if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None
    ]
    if layers:
        mean, variance = pixel_moments(x)
        for layer in layers:
            layer.adapt_mean.assign(mean)
            layer.adapt_variance.assign(variance)
            layer.finalize_state()


def set_memory_of_statistics(model: Any, steps: int) -> None:
    """Set BatchNorm's momentum so that its moving statistics average a fiftieth of the steps, at least ten.

    Shorter averages are noisy, and so is each validation; longer ones include weights that are out of date.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = max(NORM_MOMENTUM, 1.0 - 1.0 / max(1.0, STATISTICS_WINDOW * steps))


def pixel_moments(x: Images) -> tuple[float, float]:
    """Return the mean and variance of uint8 pixels scaled to [0, 1], in chunks: `x` may be a memory map."""
    pieces = (x[at : at + CHUNK_IMAGES] for at in range(0, len(x), CHUNK_IMAGES))
    counts = sum(np.bincount(np.asarray(piece).reshape(-1), minlength=256) for piece in pieces)
    shares, levels = counts / np.sum(counts), np.arange(256) / 255.0
    mean = float(shares @ levels)
    return mean, float(shares @ (levels - mean) ** 2)


def last_learning_rate(model: Any) -> float:
    """Return the learning rate of the last trained step; before any step, that of the first."""
    optimizer = model.optimizer
    # The public attribute is the schedule's value at the next step, past the end of the training.
    schedule = getattr(optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return float(schedule(max(int(optimizer.iterations) - 1, 0)))
    return float(optimizer.learning_rate)


def _loss(label_smoothing: float) -> Any:
    if label_smoothing:
        return SmoothedCrossEntropy(label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def _hold_out(x: Images, y: Labels, kwargs: dict[str, Any]) -> tuple[Images, Labels, dict[str, Any]]:
    """Apply Keras's `validation_split`, which Keras does not support for a `PyDataset`."""
    share = kwargs.pop("validation_split", None)
    if not share or kwargs.get("validation_data") is not None:
        return x, y, kwargs
    kept = math.floor(len(x) * (1.0 - share))
    return x[:kept], y[:kept], {**kwargs, "validation_data": (x[kept:], y[kept:])}
