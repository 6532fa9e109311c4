"""The forward pass of several networks in common slots.

Maps are (networks, n, height, width, channels), float32. Outside of a network's own map is zero after every slot, which makes
padding exact: no sum changes, and no gradient reaches a weight that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from search_spaces.keras.model import LEAKY_SLOPE
from search_spaces.networks.specs import Activation, Conv, Crop, Dropout, SeparableConv, Shape, WeightedSpec
from search_spaces.stacked.convolution import Method, convolve
from search_spaces.stacked.layout import Layout, Slot, taps_of
from search_spaces.stacked.randomness import key_of, uniform

Arrays: TypeAlias = dict[str, dict[str, jax.Array]]
"""Slot → name → array, its first axis the networks."""


@dataclass(frozen=True)
class Training:
    """The inputs of a training step's forward pass besides weights and images."""

    seeds: tuple[int, ...]
    """One a network."""
    step: jax.Array
    """The number of the step, from 0."""
    momentum: float
    """The momentum of BatchNorm's moving statistics."""


EPSILON = 1e-3
"""Keras's epsilon of BatchNorm."""

_FUNCTIONS: Mapping[Activation, Any] = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "softsign": jax.nn.soft_sign,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, LEAKY_SLOPE),
}
"""Each of them is 0 at 0."""


def slot_name(number: int) -> str:
    """Return the key of a slot's arrays."""
    return f"slot_{number}"


def forward(
    layout: Layout,
    weights: Arrays,
    statistics: Arrays,
    maps: jax.Array,
    *,
    training: Training | None = None,
    method: Method | None = None,
) -> tuple[jax.Array, Arrays]:
    """Return the logits and BatchNorm's next moving statistics.

    Args:
        layout: the slots.
        weights: kernels, biases, BatchNorm's scales and offsets.
        statistics: BatchNorm's moving ones, and the mean and sd of normalised images.
        maps: images (networks, n, height, width, channels) in [0, 1].
        training: None: no dropout, moving statistics.
        method: of the convolutions; None: by shape.

    Returns:
        (networks, n, classes), and statistics.
    """
    moved: Arrays = dict(statistics)
    dropouts = [0] * layout.networks
    for number, slot in enumerate(layout.slots):
        name, operation = slot_name(number), slot.kind.operation
        if operation in ("conv", "dense"):
            maps, changed = _weighted(
                slot, weights[name], statistics.get(name, {}), maps, training=training, method=method
            )
            if changed:
                moved[name] = changed
        elif operation == "dropout":
            if training is not None:
                maps = _dropout(slot, maps, training, dropouts)
            dropouts = [count + active for count, active in zip(dropouts, slot.active, strict=True)]
        else:
            maps = _unweighted(slot, statistics.get(name, {}), maps)
    return maps[:, :, 0, 0, :], moved


def masked(maps: jax.Array, shapes: Sequence[Shape]) -> jax.Array:
    """Return maps that are zero outside of each network's own map."""
    for axis, side in enumerate(maps.shape[2:]):
        sides = np.array([shape[axis] for shape in shapes])
        if (sides < side).any():
            inside = (np.arange(side) < sides[:, None]).astype(np.float32)
            around = [len(shapes), 1, 1, 1, 1]
            around[2 + axis] = side
            maps = maps * inside.reshape(around)
    return maps


def resized(maps: jax.Array, canvas: Shape) -> jax.Array:
    """Return maps on another canvas: what is beyond it is cut off, what is new is zero."""
    edges = [(0, 0, 0), (0, 0, 0), *((0, new - old, 0) for new, old in zip(canvas, maps.shape[2:], strict=True))]
    return lax.pad(maps, jnp.zeros((), maps.dtype), edges)


def where_active(slot: Slot, computed: jax.Array, maps: jax.Array) -> jax.Array:
    """Return what was computed for the networks with a layer here, and the unchanged maps of the others."""
    if all(slot.active):
        return computed
    return jnp.where(_by_network(slot.active), computed, resized(maps, slot.result_canvas))


def _by_network(values: Sequence[bool] | Sequence[float] | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(values).reshape(-1, 1, 1, 1, 1)


def _weighted(
    slot: Slot,
    weights: Mapping[str, jax.Array],
    statistics: Mapping[str, jax.Array],
    maps: jax.Array,
    *,
    training: Training | None,
    method: Method | None,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    specs: list[WeightedSpec | None] = list(slot.specs)  # type: ignore[arg-type]
    after = slot.after
    values = masked(_product(slot, weights, maps, method), after)
    if "bias" in weights:
        biased = np.array([spec is not None and spec.bias for spec in specs], np.float32)
        values = values + weights["bias"][:, None, None, None, :] * _by_network(biased)
    changed: dict[str, jax.Array] = {}
    if "gamma" in weights:
        normal, changed = _batch_norm(slot, weights, statistics, values, training)
        has_norm = [spec is not None and spec.batch_norm for spec in specs]
        values = normal if all(has_norm) else jnp.where(_by_network(has_norm), normal, values)
    values = masked(_activate(slot.activations, values), after)
    return where_active(slot, values, maps), changed


def _product(slot: Slot, weights: Mapping[str, jax.Array], maps: jax.Array, method: Method | None) -> jax.Array:
    if slot.kind.operation == "dense":
        networks, n = maps.shape[:2]
        kernel = weights["kernel"].reshape(networks, -1, weights["kernel"].shape[-1])
        result = lax.batch_matmul(maps.reshape(networks, n, -1), kernel)[:, :, None, None, :]
        return resized(result, slot.result_canvas)
    kernel = _kernel(slot, weights) * tap_mask(slot)
    return convolve(maps, kernel, slot.taps[0], slot.result_canvas[:2], method)


def _kernel(slot: Slot, weights: Mapping[str, jax.Array]) -> jax.Array:
    """Return kernels, those of separable convolutions as the products that they are."""
    if "depthwise" not in weights:
        return weights["kernel"]
    separable = weights["depthwise"][..., None] * weights["pointwise"][:, None, None]
    if "kernel" not in weights:
        return separable
    # A separable network's zeros in the common kernel would have a gradient. Zeros in both factors have none.
    is_full = _by_network([isinstance(spec, Conv) for spec in slot.specs])
    return jnp.where(is_full, weights["kernel"], separable)


def tap_mask(slot: Slot) -> np.ndarray[Any, Any]:
    """Return 1 where a network's kernel has a tap, and else 0: (networks, height, width, 1, 1); one number where all have all."""
    side = slot.kernel_shape[0]
    mask = np.zeros((len(slot.layers), side, side, 1, 1), np.float32)
    for number, spec in enumerate(slot.specs):
        if isinstance(spec, Conv | SeparableConv):
            start = taps_of(spec)[0] - slot.taps[0]
            mask[number, start : start + spec.kernel, start : start + spec.kernel] = 1.0
    return np.ones((1,) * mask.ndim, np.float32) if mask.all() else mask


def _batch_norm(
    slot: Slot,
    weights: Mapping[str, jax.Array],
    statistics: Mapping[str, jax.Array],
    values: jax.Array,
    training: Training | None,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Return values normalised over the images and places of each network's own map, and the next moving statistics."""
    changed: dict[str, jax.Array] = {}
    if training is None:
        mean, variance = statistics["mean"], statistics["variance"]
    else:
        counts = np.array([values.shape[1] * shape[0] * shape[1] for shape in slot.after], np.float32)[:, None]
        values = masked(values, slot.after)
        mean = values.sum((1, 2, 3)) / counts
        distances = masked(values - _spread(mean), slot.after)
        variance = (distances * distances).sum((1, 2, 3)) / counts
        momentum = training.momentum
        changed = {
            "mean": statistics["mean"] * momentum + lax.stop_gradient(mean) * (1.0 - momentum),
            "variance": statistics["variance"] * momentum + lax.stop_gradient(variance) * (1.0 - momentum),
        }
    factor = weights["gamma"] * lax.rsqrt(variance + EPSILON)
    return (values - _spread(mean)) * _spread(factor) + _spread(weights["beta"]), changed


def _spread(values: jax.Array) -> jax.Array:
    return values[:, None, None, None, :]


def _activate(activations: Sequence[Activation], values: jax.Array) -> jax.Array:
    names = sorted(set(activations))
    result = _FUNCTIONS[names[0]](values)
    for name in names[1:]:
        chosen = _by_network([activation == name for activation in activations])
        result = jnp.where(chosen, _FUNCTIONS[name](values), result)
    return result


def _dropout(
    slot: Slot,
    maps: jax.Array,
    training: Training,
    dropouts: Sequence[int],
) -> jax.Array:
    """Drop values of the networks with a dropout here, each by the numbers of its own seed, step and place of the layer."""
    seeds = zip(training.seeds, dropouts, strict=True)
    keys = jnp.stack([key_of(seed, training.step, number) for seed, number in seeds])
    chances = uniform(keys, slot.before, slot.canvas, maps.shape[1])
    rates = _by_network([spec.rate if isinstance(spec, Dropout) else 0.0 for spec in slot.specs]).astype(np.float32)
    return jnp.where(chances >= rates, maps / (1.0 - rates), 0.0)


def _unweighted(slot: Slot, statistics: Mapping[str, jax.Array], maps: jax.Array) -> jax.Array:
    operation = slot.kind.operation
    if operation == "pool":
        computed = _pool(slot, maps)
    elif operation == "mean":
        areas = np.array([height * width for height, width, _ in slot.before], np.float32)
        computed = maps.sum((2, 3), keepdims=True) / _by_network(areas)
    elif operation == "crop":
        computed = _crop(slot, maps)
    else:
        mean, sd = (statistics[name].reshape(-1, 1, 1, 1, 1) for name in ("image_mean", "image_sd"))
        computed = (maps - mean) / sd
    return masked(where_active(slot, resized(computed, slot.result_canvas), maps), slot.after)


def _pool(slot: Slot, maps: jax.Array) -> jax.Array:
    size, step = slot.kind.size, slot.kind.step
    rows, columns = ((side - size) // step + 1 for side in slot.canvas[:2])
    windows = [
        maps[:, :, row : row + (rows - 1) * step + 1 : step, column : column + (columns - 1) * step + 1 : step]
        for row in range(size)
        for column in range(size)
    ]
    result = windows[0]
    for window in windows[1:]:
        # The gradient goes to the first of equal values, as in the libraries' pooling; `maximum` would share it.
        result = result + window if slot.kind.average else jnp.where(window > result, window, result)
    return result / (size * size) if slot.kind.average else result


def _crop(slot: Slot, maps: jax.Array) -> jax.Array:
    height, width = slot.result_canvas[:2]
    corners = []
    for spec, shape in zip(slot.specs, slot.before, strict=True):
        (above, _), (left, _) = spec.margins(shape) if isinstance(spec, Crop) else ((0, 0), (0, 0))
        corners.append((above, left))
    if len(set(corners)) == 1:
        above, left = corners[0]
        return maps[:, :, above : above + height, left : left + width]
    rows = np.minimum(np.arange(height) + np.array([above for above, _ in corners])[:, None], maps.shape[2] - 1)
    columns = np.minimum(np.arange(width) + np.array([left for _, left in corners])[:, None], maps.shape[3] - 1)
    return jax.vmap(lambda canvas, row, column: canvas[:, row][:, :, column])(maps, rows, columns)
