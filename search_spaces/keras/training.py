"""The training of a configuration: loss, optimizer, schedule, batches. Nothing of networks or of what is tuned."""

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
from search_spaces.keras.model import NORM_MOMENTUM

# Keras has no types: its models, optimizers, tensors and histories are `Any` here, and so are its base classes.

Images: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[Any]

MOMENTUM = 0.9
WARM_UP = 0.3
"""Share of a one-cycle's steps that climb (Smith and Topin 2018)."""
INITIAL_DIVISOR = 25.0
FINAL_FACTOR = 1e-4
"""The end of a one-cycle, as a fraction of its peak."""
STATISTICS_WINDOW = 0.02
"""The span of BatchNorm's moving statistics, as a fraction of a training's steps (docs/accuracy.md has others)."""
VALIDATION_BATCH = 512
STEPS_PER_EXECUTION = 16
_CHUNK_IMAGES = 2048
_PACKAGE = "mnist_tune"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class FittedSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate before each step, within the training step rather than in a callback.

    Constant: the peak. Cosine: from the peak to 0 (Loshchilov and Hutter 2017). One-cycle: up in a straight line from 1/25 of
    the peak over the first 30% of the steps, then down a cosine to 1/10,000 (Smith and Topin 2018).
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
    """Cross-entropy of integer labels whose mass is partly spread over all classes (Szegedy et al. 2016)."""

    def __init__(self, label_smoothing: float, name: str = "smoothed_cross_entropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Labels (n,) and probabilities (n, classes) to losses (n,)."""
        classes = y_pred.shape[-1]
        labels = keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), classes, dtype=y_pred.dtype)
        spread = labels * (1.0 - self.label_smoothing) + self.label_smoothing / classes
        return keras.ops.categorical_crossentropy(spread, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


class EpochBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of a training set, shuffled and augmented anew each epoch by a generator of its own.

    Batches all have the same size, so that nothing is traced or compiled twice: what is left of an epoch's order, less
    than a batch, waits for another epoch's. Nothing is copied whole: `x` may be a read-only memory map.

    Args:
        x: images (n, 28, 28), uint8.
        y: integer labels (n,).
        batch_size: images a batch; at most n are taken.
        augmentation: its strengths.
        seed: together with the epoch all that chance depends on.
    """

    def __init__(self, x: Images, y: Labels, batch_size: int, augmentation: Augmentation, seed: int) -> None:
        super().__init__()
        self._x = x
        self._y = np.asarray(y).reshape(-1)
        self._batch_size = min(batch_size, len(x))
        self._augmentation = augmentation
        self._seed = seed
        self._batches_a_chunk = max(1, _CHUNK_IMAGES // self._batch_size)
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
        """Called by Keras: the next epoch has its own order."""
        self._start(self._epoch + 1)

    def _start(self, epoch: int) -> None:
        self._epoch = epoch
        self._order = np.random.default_rng((self._seed, epoch)).permutation(len(self._x))
        self._chunk = None

    def _make_chunk(self, chunk: int) -> tuple[Images, Labels]:
        size = self._batches_a_chunk * self._batch_size
        rows = self._order[chunk * size : (chunk + 1) * size]
        images = np.asarray(self._x[rows])
        # The stream of a chunk is its own, so that it doesn't matter which chunks were asked for before.
        rng = np.random.default_rng((self._seed, self._epoch, chunk + 1))
        return augment(images, self._augmentation, rng), self._y[rows]


def compile_model(model: Any, recipe: Recipe, total_steps: int | None = None, steps_per_execution: int = 1) -> None:
    """Compiles for integer labels, with the metrics `accuracy` and `cross_entropy` (without L2 and smoothing).

    Args:
        model: gives probabilities.
        recipe: optimizer, learning rate, schedule and loss.
        total_steps: what the schedule is fitted to; None leaves the learning rate at its peak.
        steps_per_execution: training steps between two returns to Python.
    """
    model.compile(
        optimizer=make_optimizer(recipe, total_steps),
        loss=_loss(recipe.label_smoothing),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy"),
        ],
        steps_per_execution=steps_per_execution,
        # XLA on a CPU is slower by an order of magnitude for networks of this size; JAX has nothing else.
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
    model: Any,
    recipe: Recipe,
    x: Images,
    y: Labels,
    epochs: int = 1,
    *,
    seed: int | None = None,
    **kwargs: Any,
) -> Any:
    """Train from where the model is, its schedule fitted to exactly these epochs.

    It compiles the model anew, since a schedule has to know the number of steps. The same seed gives the same history,
    if the model was built after `keras.utils.set_random_seed`.

    Args:
        model: uint8 images (n, 28, 28) to probabilities.
        recipe: how.
        x: images (n, 28, 28), uint8; may be a read-only memory map.
        y: integer labels (n,).
        epochs: 1 and more.
        seed: of shuffling and augmentation; None takes one from Python's generator, which
            `keras.utils.set_random_seed` seeds.
        kwargs: of Keras's `fit`: `validation_data`, `callbacks`, `verbose` and so on. `batch_size` goes before the recipe's;
            of `validation_split` the last share is held out, as Keras does.

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
    _release_graphs(model)
    # The batches are shuffled images already; in another order every one of them would augment a whole chunk again.
    kwargs |= {"shuffle": False, "validation_batch_size": kwargs.get("validation_batch_size", VALIDATION_BATCH)}
    with fast_layers(model):
        return model.fit(batches, epochs=epochs, **kwargs)


def set_normalisation(model: Any, x: Images) -> None:
    """Give a model whose preprocessing asks for it the mean and standard deviation of images (n, 28, 28), in [0, 1].

    Before the training step is traced: it holds both as constants.
    """
    layers = [own for own in model.layers if isinstance(own, keras.layers.Normalization) and own.input_mean is None]
    if layers:
        mean, variance = pixel_moments(x)
        for layer in layers:
            layer.adapt_mean.assign(mean)
            layer.adapt_variance.assign(variance)
            layer.finalize_state()


def set_memory_of_statistics(model: Any, steps: int) -> None:
    """Has BatchNorm's moving statistics look back over a fiftieth of so many steps, over ten at least.

    Those of the last few batches are noisy, and with them every validation; those of many are of networks that a short
    training has left behind.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = max(NORM_MOMENTUM, 1.0 - 1.0 / max(1.0, STATISTICS_WINDOW * steps))


def pixel_moments(x: Images) -> tuple[float, float]:
    """Mean and variance of the pixels of uint8 images, scaled to [0, 1]; piece by piece, `x` may be a memory map."""
    pieces = (x[at : at + _CHUNK_IMAGES] for at in range(0, len(x), _CHUNK_IMAGES))
    counts = sum(np.bincount(np.asarray(piece).reshape(-1), minlength=256) for piece in pieces)
    shares, levels = counts / np.sum(counts), np.arange(256) / 255.0
    mean = float(shares @ levels)
    return mean, float(shares @ (levels - mean) ** 2)


def _release_graphs(model: Any) -> None:
    """Keep TensorFlow from holding the graph of every model's training step for the life of the process (30 MB each).

    It does where the optimizer's variables are born within the traced step, and where gradients are summed over
    replicas, as Keras asks for even of one: that registers a gradient function, and nothing ever forgets it.
    """
    model.optimizer.build(model.trainable_variables)
    if hasattr(model.optimizer, "_all_reduce_sum_gradients"):
        model.optimizer._all_reduce_sum_gradients = list


def last_learning_rate(model: Any) -> float:
    """The learning rate of the step that was trained last, of the first one before any."""
    optimizer = model.optimizer
    # Its public attribute is the schedule's value at the next step, which for the last one lies past the end.
    schedule = getattr(optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return float(schedule(max(int(optimizer.iterations) - 1, 0)))
    return float(optimizer.learning_rate)


def _loss(label_smoothing: float) -> Any:
    if label_smoothing:
        return SmoothedCrossEntropy(label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def _hold_out(x: Images, y: Labels, kwargs: dict[str, Any]) -> tuple[Images, Labels, dict[str, Any]]:
    """`validation_split` as Keras understands it, which it doesn't for batches that are made on the way."""
    share = kwargs.pop("validation_split", None)
    if not share or kwargs.get("validation_data") is not None:
        return x, y, kwargs
    kept = math.floor(len(x) * (1.0 - share))
    return x[:kept], y[:kept], {**kwargs, "validation_data": (x[kept:], y[kept:])}
