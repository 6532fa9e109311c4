"""Faster computation of two Keras layers during training on TensorFlow, with the same mathematics and weights.

BatchNormalization and Dropout each take as long as the convolutions of a small network. The layers remain Keras's, so
saved and exported models are unaffected.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import keras

# Keras has no types: its layers, models and tensors are `Any` here.

_FUSED_CHANNELS = 4
"""TensorFlow's kernel serves multiples of this number of channels; for others it takes up to seven times as long (32
maps of 28 × 28 × 17: 4.1 ms, Keras's operations 2.0, folded 1.05; `research.batch_norm`)."""
_CHANCES = 2**16
"""Dropout uses 16 random bits a unit, half of a float's; a rate is exact to 1/65,536."""


@contextlib.contextmanager
def fast_layers(model: Any) -> Iterator[None]:
    """Speed up a model's layers within the context, around `fit`. Only TensorFlow's backend is affected."""
    fast = [(layer, call) for layer in model.layers if (call := _fast_call(layer)) is not None]
    for layer, call in fast:
        layer.call = MethodType(call, layer)
    try:
        yield
    finally:
        for layer, _ in fast:
            del layer.call


def _fast_call(layer: Any) -> Callable[..., Any] | None:
    if keras.backend.backend() != "tensorflow":
        return None
    if type(layer) is keras.layers.BatchNormalization and _normalises_maps(layer):
        return fused_batch_norm if layer.input.shape[-1] % _FUSED_CHANNELS == 0 else folded_batch_norm
    if type(layer) is keras.layers.Dropout and layer.noise_shape is None and 0 < layer.rate < 1:
        return fast_dropout
    return None


def _normalises_maps(layer: Any) -> bool:
    maps = len(layer.input.shape) == 4 and None not in layer.input.shape[1:] and layer.axis in (-1, 3)
    return bool(maps and layer.scale and layer.center and layer.trainable and layer.compute_dtype == "float32")


def fused_batch_norm(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """Compute `keras.layers.BatchNormalization.call` by TensorFlow's fused kernel.

    Args:
        layer: the layer.
        inputs: maps (n, height, width, channels), float32.
        training: whether the batch's statistics normalise it and update the moving ones.
        mask: unused; maps have none.
    """
    if not training:
        return type(layer).call(layer, inputs, training=False, mask=mask)
    import tensorflow as tf

    unused = tf.zeros([0])
    normalised = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=layer.gamma,
        offset=layer.beta,
        mean=unused,
        variance=unused,
        epsilon=layer.epsilon,
        is_training=True,
    )
    # The kernel divides by n - 1, Keras by n.
    count = tf.cast(tf.size(inputs[..., 0]), "float32")
    _move(layer.moving_mean, normalised.batch_mean, layer.momentum)
    _move(layer.moving_variance, normalised.batch_variance * (count - 1.0) / count, layer.momentum)
    return normalised.y


def folded_batch_norm(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """Compute `keras.layers.BatchNormalization.call` on maps in long rows. Arguments as in `fused_batch_norm`."""
    if not training:
        return type(layer).call(layer, inputs, training=False, mask=mask)
    import tensorflow as tf

    height, width, channels = inputs.shape[1:]
    rows = tf.reshape(inputs, [-1, height * width * channels])
    count = tf.cast(tf.shape(rows)[0] * height * width, "float32")

    def channel_means(values: Any) -> Any:
        places = tf.reshape(tf.reduce_sum(values, axis=0), [height * width, channels])
        return tf.reduce_sum(places, axis=0) / count

    mean = channel_means(rows)
    # The mean adds nothing to the variance's gradient: the distances from it sum to zero.
    distances = rows - tf.tile(tf.stop_gradient(mean), [height * width])
    variance = channel_means(distances * distances)
    factor = layer.gamma * tf.math.rsqrt(variance + layer.epsilon)
    offset = layer.beta - mean * factor
    _move(layer.moving_mean, mean, layer.momentum)
    _move(layer.moving_variance, variance, layer.momentum)
    changed = rows * tf.tile(factor, [height * width]) + tf.tile(offset, [height * width])
    return tf.reshape(changed, tf.shape(inputs))


def _move(moving: Any, value: Any, momentum: float) -> None:
    moving.assign(moving * momentum + value * (1.0 - momentum))


def fast_dropout(layer: Any, inputs: Any, training: bool = False) -> Any:
    """Compute `keras.layers.Dropout.call` (Srivastava et al. 2014) with two units for each random number.

    Args:
        layer: the layer, whose seed advances by one.
        inputs: of any shape.
        training: False: the inputs are returned.
    """
    if not training:
        return inputs
    import tensorflow as tf

    count, seed = tf.size(inputs), tf.cast(layer.seed_generator.next(), "int32")
    numbers = tf.random.stateless_uniform([(count + 1) // 2], seed, minval=None, maxval=None, dtype="int32")
    chances = tf.reshape(tf.reshape(tf.bitcast(numbers, "uint16"), [-1])[:count], tf.shape(inputs))
    dropped = round(layer.rate * _CHANCES)
    kept = tf.cast(chances >= tf.constant(dropped, "uint16"), inputs.dtype)
    return inputs * kept * (_CHANCES / (_CHANCES - dropped))
