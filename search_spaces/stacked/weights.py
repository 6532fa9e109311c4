"""Weights of several networks in common slots, from Keras models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from search_spaces.keras.training import Images, pixel_moments
from search_spaces.networks.costs import FittedLayer
from search_spaces.networks.specs import Conv, Dense, Normalise, SeparableConv, WeightedSpec
from search_spaces.stacked.layers import slot_name
from search_spaces.stacked.layout import Layout, Slot, taps_of

# Keras has no types: its models and layers are `Any` here.

Stacked: TypeAlias = dict[str, dict[str, np.ndarray[Any, np.dtype[np.float32]]]]
"""Slot → name → array, its first axis the networks."""
Place: TypeAlias = tuple[slice | int, ...]
NORM_WEIGHTS = ("gamma", "beta", "mean", "variance")
"""Keras's order of BatchNorm's weights."""
STATISTICS = ("mean", "variance")
"""Those of BatchNorm that no gradient trains."""


def stack_weights(layout: Layout, models: Sequence[Any], x: Images) -> tuple[Stacked, Stacked]:
    """Return the models' weights in common slots, and their moving statistics.

    Args:
        layout: of the models' networks, in their order.
        models: Keras models of `build_model`.
        x: training images, by which a network may normalise.
    """
    weights, statistics = empty_weights(layout)
    for number, slot in enumerate(layout.slots):
        name = slot_name(number)
        for network, (layer, model) in enumerate(zip(slot.layers, models, strict=True)):
            if layer is None:
                continue
            if isinstance(layer.spec, Normalise):
                moments = _image_moments(layer.spec, x)
                for key, moment in zip(("image_mean", "image_sd"), moments, strict=True):
                    statistics[name][key][network] = moment
            elif isinstance(layer.spec, Conv | SeparableConv | Dense):
                arrays = own_weights(model, layer, layer.spec)
                for key, value in arrays.items():
                    kept = statistics if key in STATISTICS else weights
                    kept[name][key][(network, *place_of(slot, layer.spec, key, value))] = value
    return weights, statistics


def empty_weights(layout: Layout) -> tuple[Stacked, Stacked]:
    """Return zeros for the weights of every slot, and the statistics of networks that have none: mean 0, variance 1."""
    weights: Stacked = {}
    statistics: Stacked = {}
    for number, slot in enumerate(layout.slots):
        name = slot_name(number)
        if slot.kind.operation == "normalise":
            statistics[name] = {"image_mean": _zeros(layout.networks), "image_sd": _zeros(layout.networks) + 1.0}
        if slot.kind.operation not in ("conv", "dense"):
            continue
        specs: list[WeightedSpec] = [spec for spec in slot.specs if spec is not None]  # type: ignore[misc]
        height, width, inputs, outputs = slot.kernel_shape
        shapes: dict[str, tuple[int, ...]] = {}
        if any(not isinstance(spec, SeparableConv) for spec in specs):
            shapes["kernel"] = (height, width, inputs, outputs)
        if any(isinstance(spec, SeparableConv) for spec in specs):
            shapes |= {"depthwise": (height, width, inputs), "pointwise": (inputs, outputs)}
        if any(spec.bias for spec in specs):
            shapes["bias"] = (outputs,)
        if any(spec.batch_norm for spec in specs):
            shapes |= {"gamma": (outputs,), "beta": (outputs,)}
            statistics[name] = {
                "mean": _zeros(layout.networks, outputs),
                "variance": _zeros(layout.networks, outputs) + 1.0,
            }
        weights[name] = {key: _zeros(layout.networks, *shape) for key, shape in shapes.items()}
    return weights, statistics


def own_weights(model: Any, layer: FittedLayer, spec: WeightedSpec) -> dict[str, np.ndarray[Any, Any]]:
    """Return a layer's weights by name: kernels (height, width, inputs, outputs), and BatchNorm's."""
    values = [np.asarray(value) for value in model.get_layer(layer.name).get_weights()]
    weights: dict[str, np.ndarray[Any, Any]] = {}
    if isinstance(spec, SeparableConv):
        weights = {"depthwise": values[0][..., 0], "pointwise": values[1][0, 0]}
    elif isinstance(spec, Dense):
        weights = {"kernel": values[0].reshape(*layer.input_shape, spec.units)}
    else:
        weights = {"kernel": values[0]}
    if spec.bias:
        weights["bias"] = values[-1]
    if spec.batch_norm:
        norm = model.get_layer(f"batch_norm_{layer.number}").get_weights()
        weights |= dict(zip(NORM_WEIGHTS, map(np.asarray, norm), strict=True))
    return weights


def place_of(slot: Slot, spec: WeightedSpec, name: str, value: np.ndarray[Any, Any]) -> Place:
    """Return where in a slot's arrays a network's own array is."""
    corner: Place = tuple(slice(0, side) for side in value.shape)
    if slot.kind.operation == "conv" and name in ("kernel", "depthwise") and isinstance(spec, Conv | SeparableConv):
        start = taps_of(spec)[0] - slot.taps[0]
        taps = slice(start, start + spec.kernel)
        return (taps, taps, *corner[2:])
    return corner


def _image_moments(spec: Normalise, x: Images) -> tuple[float, float]:
    """Return the mean and standard deviation by which Keras's layer normalises pixels in [0, 1]."""
    if spec.mean is not None and spec.sd is not None:
        return spec.mean, spec.sd
    mean, variance = pixel_moments(x)
    return mean, max(float(np.sqrt(variance)), keras.config.epsilon())


def _zeros(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.zeros(shape, np.float32)
