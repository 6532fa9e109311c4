"""The forward pass of a copied network with NumPy: what the page computes, to compare it with the Keras model. No Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tuner.storage.schema.network import Function, NetworkLayer
from tuner.training.network_copy.chain import CopiedLayer, Numbers

_BATCH = 20
_LEAST = 1e-7
_SELU = (1.0507009873554805, 1.6732632423543772)
"""Scale and slope of Klambauer et al. 2017."""


def replay(chain: Sequence[CopiedLayer], images: NDArray[Any]) -> Numbers:
    """Return the probabilities (n, classes) of images (n, h, w) or (n, h, w, 3), from 0 to 255."""
    parts = [_forward(chain, images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]
    return np.concatenate(parts)


def _forward(chain: Sequence[CopiedLayer], images: NDArray[Any]) -> Numbers:
    values = images.astype(np.float64)
    for copied in chain:
        layer = copied.layer
        values = _STEPS[layer.kind](copied, values) if layer.activation != "binary" else values
        values = FUNCTIONS[layer.activation](values, layer.slope)
    return values.reshape(len(images), -1)


def _reshape(copied: CopiedLayer, values: Numbers) -> Numbers:
    return values.reshape(len(values), *copied.shape)


def _scale(copied: CopiedLayer, values: Numbers) -> Numbers:
    factors, offsets = np.split(copied.numbers, 2)
    return values * factors + offsets


def _convolution(copied: CopiedLayer, values: Numbers) -> Numbers:
    return _sum(part @ copied.kernel[place] for place, part in _taps(copied.layer, values, 0.0)) + copied.numbers


def _depthwise(copied: CopiedLayer, values: Numbers) -> Numbers:
    result = _sum(part[..., None] * copied.kernel[place] for place, part in _taps(copied.layer, values, 0.0))
    return result.reshape(len(values), *copied.shape) + copied.numbers


def _max_pool(copied: CopiedLayer, values: Numbers) -> Numbers:
    return np.asarray(np.max([part for _, part in _taps(copied.layer, values, -np.inf)], axis=0))


def _mean_pool(copied: CopiedLayer, values: Numbers) -> Numbers:
    """Return the means of windows over what is not padding."""
    total = _sum(part for _, part in _taps(copied.layer, values, 0.0))
    return total / _sum(part for _, part in _taps(copied.layer, np.ones_like(values), 0.0))


def _crop(copied: CopiedLayer, values: Numbers) -> Numbers:
    return _sum(part for _, part in _taps(copied.layer, values, 0.0))


def _sum(parts: Iterator[Numbers]) -> Numbers:
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def _taps(layer: NetworkLayer, values: Numbers, beyond: float) -> Iterator[tuple[tuple[int, int], Numbers]]:
    """Yield each place of a window with the values (n, rows, columns, c) that the windows of maps (n, h, w, c) have there.

    `beyond` is the value of the padding.
    """
    (height, width), (rows, columns) = layer.kernel[:2], layer.shape[:2]
    (down, right), (top, left) = layer.strides, layer.start
    sides = zip(values.shape[1:3], (rows, columns), (height, width), (down, right), (top, left), strict=True)
    margins = [
        (max(-start, 0), max((count - 1) * step + size + start - side, 0)) for side, count, size, step, start in sides
    ]
    padded = np.pad(values, ((0, 0), *margins, (0, 0)), constant_values=beyond)
    for row, column in np.ndindex(height, width):
        first, start = row + max(top, 0), column + max(left, 0)
        part = padded[
            :, first : first + (rows - 1) * down + 1 : down, start : start + (columns - 1) * right + 1 : right
        ]
        yield (row, column), part


def _softmax(values: Numbers, slope: float) -> Numbers:
    del slope
    return np.asarray(special.softmax(values, axis=-1))


def _normalise(values: Numbers, slope: float) -> Numbers:
    del slope
    positive = values + _LEAST
    return np.asarray(positive / positive.sum(axis=-1, keepdims=True))


def _elu(values: Numbers, slope: float) -> Numbers:
    return np.where(values > 0, values, slope * np.expm1(np.minimum(values, 0)))


_STEPS: Mapping[str, Callable[[CopiedLayer, Numbers], Numbers]] = MappingProxyType(
    {
        "reshape": _reshape,
        "scale": _scale,
        "crop": _crop,
        "conv": _convolution,
        "depthwise": _depthwise,
        "max_pool": _max_pool,
        "mean_pool": _mean_pool,
    }
)
FUNCTIONS: Mapping[Function, Callable[[Numbers, float], Numbers]] = MappingProxyType(
    {
        "linear": lambda x, _: x,
        "relu": lambda x, _: np.maximum(x, 0),
        "relu6": lambda x, _: np.clip(x, 0, 6),
        "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
        "elu": _elu,
        "selu": lambda x, _: _SELU[0] * _elu(x, _SELU[1]),
        "gelu": lambda x, _: x * special.ndtr(x),
        "silu": lambda x, _: x * special.expit(x),
        "tanh": lambda x, _: np.tanh(x),
        "sigmoid": lambda x, _: special.expit(x),
        "hard_sigmoid": lambda x, _: np.clip(x / 6 + 0.5, 0, 1),
        "softsign": lambda x, _: x / (1 + np.abs(x)),
        "softplus": lambda x, _: np.logaddexp(x, 0),
        "softmax": _softmax,
        "normalise": _normalise,
        "binary": lambda x, _: np.concatenate((1 - x, x), axis=-1),
    }
)
