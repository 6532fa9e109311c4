"""Build a network's specs as a Keras model of standard layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from search_spaces.networks.costs import FittedLayer, resolve
from search_spaces.networks.specs import (
    INPUT_SHAPE,
    WEIGHTED,
    Activation,
    Conv,
    Crop,
    Dense,
    Dropout,
    GlobalAveragePooling,
    Normalise,
    Pool,
    SeparableConv,
    Spec,
    WeightedSpec,
)

# Keras has no types: its tensors, layers and models are `Any` here.

_KINKED: tuple[Activation, ...] = ("relu", "leaky_relu", "gelu")
LEAKY_SLOPE = 0.2
NORM_MOMENTUM = 0.9
"""The smallest momentum of BatchNorm's moving statistics; `training.fit_model` sets a larger one for more steps.
Keras's .99 needs some 500 steps to forget the initial values, more than a short trial has; until then validation scores
are too low."""


def build_model(
    specs: Iterable[Spec],
    l2: float = 0.0,
    name: str = "network",
    image_shape: tuple[int, ...] = INPUT_SHAPE[:2],
) -> Any:
    """Return a model from uint8 images to float32 probabilities (n, classes), including its preprocessing.

    Layers with weights have the names of `costs.summarise`.

    Args:
        specs: the last layer with a kernel has the logits.
        l2: factor of the L2 penalty on every kernel, 0 for none.
        name: the model's name.
        image_shape: (h, w) of grey images (n, h, w), or (h, w, 3) of colour images (n, h, w, 3).
    """
    image = keras.Input(shape=image_shape, dtype="uint8", name="image")
    tensor = keras.layers.Rescaling(1.0 / 255.0, name="scale")(image)
    if len(image_shape) == 2:
        tensor = keras.layers.Reshape((*image_shape, 1), name="channel")(tensor)
    for layer in resolve(specs, tuple(tensor.shape[1:])):
        tensor = _apply(layer, tensor, l2)
    if len(tensor.shape) > 2:
        tensor = keras.layers.Flatten(name="logits")(tensor)
    # In float32 under any policy: half precision is too coarse for probabilities.
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(tensor)
    return keras.Model(image, probabilities, name=name)


def _apply(layer: FittedLayer, tensor: Any, l2: float) -> Any:
    spec = layer.spec
    if isinstance(spec, Dropout):
        return keras.layers.Dropout(spec.rate, name=layer.name)(tensor)
    if isinstance(spec, Normalise):
        return _normalise(spec, layer.name)(tensor)
    tensor = _with_rank(tensor, 2 if isinstance(spec, Dense) else 4, layer)
    if not isinstance(spec, WEIGHTED):
        return _resize(spec, layer)(tensor)
    return _normalise_and_activate(spec, layer.number, _kernel_layer(spec, layer.name, l2)(tensor))


def _resize(spec: Pool | Crop | GlobalAveragePooling, layer: FittedLayer) -> Any:
    if isinstance(spec, Pool):
        kind = keras.layers.AveragePooling2D if spec.average else keras.layers.MaxPooling2D
        return kind(spec.size, strides=spec.step, name=layer.name)
    if isinstance(spec, Crop):
        return keras.layers.Cropping2D(spec.margins(layer.input_shape), name=layer.name)
    return keras.layers.GlobalAveragePooling2D(keepdims=True, name=layer.name)


def _normalise(spec: Normalise, name: str) -> Any:
    if spec.mean is None or spec.sd is None:
        # The identity at first; `training.fit_model` sets it.
        return keras.layers.Normalization(axis=None, name=name)
    return keras.layers.Rescaling(1.0 / spec.sd, offset=-spec.mean / spec.sd, name=name)


def _with_rank(tensor: Any, rank: int, layer: FittedLayer) -> Any:
    """Flatten a map before a dense layer, and reshape a dense layer's output to a map before any other."""
    if len(tensor.shape) == rank:
        return tensor
    if rank == 2:
        return keras.layers.Flatten(name=f"flatten_{layer.number}")(tensor)
    return keras.layers.Reshape(layer.input_shape, name=f"map_{layer.name}")(tensor)


def _normalise_and_activate(spec: WeightedSpec, number: int, tensor: Any) -> Any:
    if spec.batch_norm:
        tensor = keras.layers.BatchNormalization(momentum=NORM_MOMENTUM, name=f"batch_norm_{number}")(tensor)
    if spec.activation == "linear":
        return tensor
    if spec.activation == "leaky_relu":
        return keras.layers.LeakyReLU(LEAKY_SLOPE, name=f"activation_{number}")(tensor)
    return keras.layers.Activation(spec.activation, name=f"activation_{number}")(tensor)


def _kernel_layer(spec: WeightedSpec, name: str, l2: float) -> Any:
    # Below BatchNorm the scale doesn't matter; else ReLU-like activations need He's initializer (He et al. 2015).
    initializer = "he_normal" if spec.activation in _KINKED and not spec.batch_norm else "glorot_uniform"
    shared = {"use_bias": spec.bias, "name": name}
    if isinstance(spec, SeparableConv):
        kernels = {f"{part}_initializer": initializer for part in ("depthwise", "pointwise")}
        penalties = {f"{part}_regularizer": _penalty(l2) for part in ("depthwise", "pointwise")}
        return keras.layers.SeparableConv2D(
            spec.filters, spec.kernel, padding=spec.padding, **shared, **kernels, **penalties
        )
    shared |= {"kernel_initializer": initializer, "kernel_regularizer": _penalty(l2)}
    if isinstance(spec, Conv):
        return keras.layers.Conv2D(spec.filters, spec.kernel, padding=spec.padding, **shared)
    return keras.layers.Dense(spec.units, **shared)


def _penalty(l2: float) -> Any:
    return keras.regularizers.L2(l2) if l2 else None
