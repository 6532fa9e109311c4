"""Measurements of a trained model for a study: gradients by layer, their noise, dead and flat units, time and memory.

Measured on training images, after training. Needs Keras; works on TensorFlow and JAX.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import Dataset
from tuner.processes.tasks import TrainTask
from tuner.spaces.kept_models import compile_plainly
from tuner.storage.npz_io import Arrays
from tuner.storage.schema.study import Diagnostic
from tuner.training.weight_statistics import kernel_variables

# Keras has no types: its models, layers and tensors are `Any` here.

BATCH = 64
BATCHES = 32
FLAT_SLOPE = 0.01
"""An activation function is flat where its slope is smaller than this."""
DEAD_SHARE = 0.01
"""A unit is dead if its largest output is smaller than this fraction of its layer's."""
_STEPS_TIMED = 20
_STEPS_UNTIMED = 3
_HALF_STEP = 1e-2

Sample: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int64]]
Gradients: TypeAlias = list[NDArray[np.float64]]


def measure(task: TrainTask, model: Any, data: Dataset) -> Arrays:
    """Return a task's diagnostics, with keys as in evaluation.npz without the trial's name.

    "step" trains some steps more, so it changes the model's weights.
    """
    arrays: Arrays = {}
    sample = _sample(data, task.seed)
    for name in task.diagnostics:
        arrays |= {f"study/{key}": value for key, value in _MEASURES[name](task, model, sample).items()}
    return arrays


def reset_peak_memory() -> None:
    """Reset the kernel's record of the process's largest resident memory, where it can (Linux)."""
    if sys.platform == "linux":
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return


def peak_memory_bytes() -> float:
    """Return the largest resident memory since `reset_peak_memory`; NaN where it is unavailable."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), float("nan"))


def noise_scale(gradients: NDArray[np.float64], batch: int) -> NDArray[np.float64]:
    """Return the simple noise scale from the gradients of several batches (McCandlish et al. 2018, appendix A.1).

    Args:
        gradients: (batches, numbers), of the mean loss of each batch.
        batch: images in each of them.

    Returns:
        (tr(Σ)/|G|² in images, |G|², tr(Σ), batches). The first is NaN where the estimate of |G|² isn't positive: the
        batches are too few to separate the gradient from its noise.
    """
    count = len(gradients)
    small = float((gradients**2).sum(axis=1).mean())
    large = float((gradients.mean(axis=0) ** 2).sum())
    squared = (count * large - small) / (count - 1)
    trace = (small - large) * batch * count / (count - 1)
    return np.array([trace / squared if squared > 0 else np.nan, squared, trace, count])


def flat_share(function: Callable[[Any], Any], inputs: NDArray[np.floating[Any]]) -> float:
    """Return the fraction of inputs at which a function's slope is below `FLAT_SLOPE`."""
    tensor = keras.ops.convert_to_tensor(inputs)
    rise = function(tensor + _HALF_STEP) - function(tensor - _HALF_STEP)
    slopes = np.asarray(keras.ops.convert_to_numpy(rise)) / (2 * _HALF_STEP)
    return float((np.abs(slopes) < FLAT_SLOPE).mean())


def dead_share(outputs: NDArray[np.floating[Any]]) -> float:
    """Return the fraction of units (last axis) whose largest magnitude is below `DEAD_SHARE` of the layer's."""
    largest = np.abs(outputs).reshape(-1, outputs.shape[-1]).max(axis=0)
    return float((largest <= DEAD_SHARE * largest.max()).mean()) if largest.size else 0.0


def batch_gradients(model: Any, sample: Sample) -> list[Gradients]:
    """Return for each batch the gradient of the mean cross-entropy by each trainable variable, without dropout."""
    gradient = _gradient_of(model)
    images, labels = sample
    starts = range(0, len(images), min(BATCH, len(images)))
    return [gradient(images[at : at + BATCH], labels[at : at + BATCH]) for at in starts]


def _gradient_of(model: Any) -> Callable[[Any, Any], Gradients]:
    if keras.config.backend() == "jax":
        return _jax_gradient(model)
    import tensorflow as tf

    @tf.function  # type: ignore[untyped-decorator, unused-ignore]
    def compute(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = _cross_entropy(labels, model(images, training=False))
        return tape.gradient(loss, [variable.value for variable in model.trainable_variables])

    return lambda images, labels: [np.asarray(g, dtype=np.float64) for g in compute(images, labels)]


def _jax_gradient(model: Any) -> Callable[[Any, Any], Gradients]:
    import jax

    fixed = [variable.value for variable in model.non_trainable_variables]

    def loss(variables: Any, images: Any, labels: Any) -> Any:
        return _cross_entropy(labels, model.stateless_call(variables, fixed, images, training=False)[0])

    compute = jax.jit(jax.grad(loss))
    variables = [variable.value for variable in model.trainable_variables]
    return lambda images, labels: [np.asarray(g, dtype=np.float64) for g in compute(variables, images, labels)]


def _cross_entropy(labels: Any, probabilities: Any) -> Any:
    return keras.ops.mean(keras.ops.sparse_categorical_crossentropy(labels, probabilities))


def _sample(data: Dataset, seed: int) -> Sample:
    """Return training images in whole batches, or all where there are fewer."""
    count = min(len(data.x_train), BATCH * BATCHES)
    count = count - count % BATCH if count >= BATCH else count
    rows = np.sort(np.random.default_rng(seed).permutation(len(data.x_train))[:count])
    return np.asarray(data.x_train[rows]), np.asarray(data.y_train[rows])


def _gradient_norms(task: TrainTask, model: Any, sample: Sample) -> Arrays:
    places = {variable.path: place for place, variable in enumerate(model.trainable_variables)}
    kernels = {name: places[variable.path] for name, variable in kernel_variables(model)}
    norms = [
        [float(np.linalg.norm(batch[place])) for place in kernels.values()] for batch in batch_gradients(model, sample)
    ]
    return {"gradient_norms/names": np.array(list(kernels)), "gradient_norms/values": np.array(norms).mean(axis=0)}


def _gradient_noise(task: TrainTask, model: Any, sample: Sample) -> Arrays:
    flat = np.array([np.concatenate([g.ravel() for g in batch]) for batch in batch_gradients(model, sample)])
    if len(flat) < 2:
        return {"gradient_noise": np.array([np.nan, np.nan, np.nan, len(flat)])}
    return {"gradient_noise": noise_scale(flat, min(BATCH, len(sample[0])))}


def _units(task: TrainTask, model: Any, sample: Sample) -> Arrays:
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    if not layers:  # no separate activations, or a network inside another model
        return {}
    probe = keras.Model(model.input, [tensor for layer in layers for tensor in (layer.input, layer.output)])
    tensors = [np.asarray(keras.ops.convert_to_numpy(t)) for t in probe(sample[0][: BATCH * 8], training=False)]
    return {
        "units/names": np.array([layer.name for layer in layers]),
        "units/dead": np.array([dead_share(outputs) for outputs in tensors[1::2]]),
        "units/saturated": np.array(
            [flat_share(layer.activation, x) for layer, x in zip(layers, tensors[::2], strict=True)]
        ),
    }


def _step(task: TrainTask, model: Any, sample: Sample) -> Arrays:
    size = min(int(task.configuration.get("batch_size", BATCH)), len(sample[0]))
    images, labels = sample[0][:size], sample[1][:size]
    seconds = []
    if model.optimizer is None:
        compile_plainly(model)
    for _ in range(_STEPS_UNTIMED + _STEPS_TIMED):
        began = time.perf_counter()
        model.train_on_batch(images, labels)
        seconds.append(time.perf_counter() - began)
    return {"step": np.array([float(np.median(seconds[_STEPS_UNTIMED:])), peak_memory_bytes()])}


_MEASURES: Mapping[Diagnostic, Callable[[TrainTask, Any, Sample], Arrays]] = {
    "gradient_norms": _gradient_norms,
    "units": _units,
    "gradient_noise": _gradient_noise,
    "step": _step,
}
