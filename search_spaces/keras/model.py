"""A network's specs as a Keras model. Plain Keras layers only; nothing of configurations or training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from search_spaces.networks.costs import FittedLayer, resolve
from search_spaces.networks.specs import (
    INPUT_SHAPE,
    Activation,
    Conv,
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
"""The momentum of BatchNorm's moving statistics, at least: where there are steps enough `training.fit_model` has them look back further.
Keras's own .99 needs some 500 steps to forget where it began, more than a short trial on few images has; until then a
network that has learnt is scored like one that has not."""


def build_model(specs: Iterable[Spec], l2: float = 0.0, name: str = "network") -> Any:
    """A model from uint8 images (n, 28, 28) to float32 probabilities (n, classes), its preprocessing inside.

    Layers with weights have the names of `networks.summarise`.

    Args:
        specs: the last layer with a kernel gives the logits.
        l2: factor of the L2 penalty on every kernel, 0 for none.
        name: of the model.
    """
    image = keras.Input(shape=INPUT_SHAPE[:2], dtype="uint8", name="image")
    tensor = keras.layers.Rescaling(1.0 / 255.0, name="scale")(image)
    tensor = keras.layers.Reshape(INPUT_SHAPE, name="channel")(tensor)
    for layer in resolve(specs):
        tensor = _apply(layer, tensor, l2)
    if len(tensor.shape) > 2:
        tensor = keras.layers.Flatten(name="logits")(tensor)
    # In float32 whatever the policy: half a precision is too little for probabilities.
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(tensor)
    return keras.Model(image, probabilities, name=name)


def _apply(layer: FittedLayer, tensor: Any, l2: float) -> Any:
    spec = layer.spec
    if isinstance(spec, Dropout):
        return keras.layers.Dropout(spec.rate, name=layer.name)(tensor)
    if isinstance(spec, Normalise):
        return _normalise(spec, layer.name)(tensor)
    tensor = _with_rank(tensor, 2 if isinstance(spec, Dense) else 4, layer)
    if isinstance(spec, Pool):
        return keras.layers.MaxPooling2D(spec.size, strides=spec.step, name=layer.name)(tensor)
    if isinstance(spec, GlobalAveragePooling):
        return keras.layers.GlobalAveragePooling2D(keepdims=True, name=layer.name)(tensor)
    return _normalise_and_activate(spec, layer.number, _kernel_layer(spec, layer.name, l2)(tensor))


def _normalise(spec: Normalise, name: str) -> Any:
    if spec.mean is None or spec.sd is None:
        # As it is born it changes nothing; `training.fit_model` sets it.
        return keras.layers.Normalization(axis=None, name=name)
    return keras.layers.Rescaling(1.0 / spec.sd, offset=-spec.mean / spec.sd, name=name)


def _with_rank(tensor: Any, rank: int, layer: FittedLayer) -> Any:
    """Flattens a map before a dense layer, and makes one of a dense layer's output before any other."""
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
    # Below BatchNorm the scale of a kernel doesn't matter; without it a kinked activation wants He's (He et al. 2015).
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
