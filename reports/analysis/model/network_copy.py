"""The exported network as data for the page's own forward pass, checked, since the files of an untrusted run may hold anything."""

from __future__ import annotations

import base64
import math
from dataclasses import asdict, dataclass
from itertools import pairwise

import msgspec
import numpy as np

from reports.run.run_data import Array, RunData
from tuner.storage.schema.network import NetworkLayer, decode_layer

_MOST_BYTES = 2**20
"""The most bytes of weights; a run has at most 50,000 parameters here."""
_MOST_LAYERS = 1000
_MOST_VALUES = 3 * 10**7
"""The most values of all maps together, as the page keeps them: 240 MB."""
_MOST_STEPS = 10**9
"""The most multiply-adds of an answer: 50,000 weights at each place of an image of 128×128 are 8 · 10⁸."""
_STEPS_OF_A_POOL = 10
"""The most multiply-adds of a convolution that take as long as one value of a pooled window does."""
_SIGNS = bytes.maketrans(b"&<>", b",./")


@dataclass(frozen=True)
class LinearEnd:
    """The layers behind the last map of several positions, if all are linear up to the logits: each position adds to these."""

    start: int
    """The number of layers before."""
    down: tuple[float, float]
    """The row of the image at the centre of the map's first position, and the rows to the next."""
    right: tuple[float, float]
    """The column at that centre, and the columns to the next."""


@dataclass(frozen=True)
class NetworkCopy:
    """The network as the page's script reads it."""

    layers: tuple[NetworkLayer, ...]
    kernels: str
    """16-bit integers or float32, little-endian, as `encoded` writes them."""
    numbers: str
    """float32, likewise."""
    integers: bool
    difference: float
    """The largest difference of a probability from the Keras model's."""
    linear: LinearEnd | None
    """None: the evidence for a class is found by covering places of the image."""

    def to_json(self) -> dict[str, object]:
        """Return the values of the page's script."""
        return {
            "layers": [_without_defaults(layer) for layer in self.layers],
            "kernels": self.kernels,
            "numbers": self.numbers,
            "integers": self.integers,
            "linear": None if self.linear is None else asdict(self.linear),
        }


def network_copy(run: RunData) -> NetworkCopy | None:
    """Return the network of a run; None where it has none, or one that doesn't fit itself or the run's images."""
    arrays = run.arrays
    if "network/layers" not in arrays:
        return None
    kernels, numbers = arrays["network/kernels"], arrays["network/numbers"]
    try:
        layers = tuple(decode_layer(str(text)) for text in arrays["network/layers"][: _MOST_LAYERS + 1])
    except ValueError:
        return None
    height, width, channels = (*run.info.data.input_shape, 1)[:3]
    fits = (
        len(layers) <= _MOST_LAYERS
        and layers[0].kind == "reshape"
        and layers[0].shape == (height, width, channels)
        and layers[-1].shape == (1, 1, run.info.data.classes)
        and all(_follows(before, layer) for before, layer in pairwise(layers))
        and sum(math.prod(layer.shape) for layer in layers) <= _MOST_VALUES
        and sum(map(_steps, layers)) <= _MOST_STEPS
        and sum(math.prod(layer.kernel) for layer in layers if layer.has_kernel) == kernels.size
        and sum(layer.numbers for layer in layers) == numbers.size
        and max(kernels.nbytes, numbers.nbytes) <= _MOST_BYTES
    )
    if not fits:
        return None
    integers = kernels.dtype == np.int16
    return NetworkCopy(
        layers=layers,
        kernels=encoded(kernels, "<i2" if integers else "<f4"),
        numbers=encoded(numbers, "<f4"),
        integers=integers,
        difference=float(arrays["network/difference"]),
        linear=linear_end(layers),
    )


def _follows(before: NetworkLayer, layer: NetworkLayer) -> bool:
    """Return whether a layer's shapes fit each other and the map before it."""
    channels = layer.shape[2]
    if layer.activation == "binary":
        return layer.kind == "reshape" and (before.shape, layer.shape) == ((1, 1, 1), (1, 1, 2))
    if layer.kind == "reshape":
        return math.prod(layer.shape) == math.prod(before.shape)
    if layer.kind == "scale":
        return layer.shape == before.shape and layer.numbers in (2, 2 * channels)
    if layer.kind == "conv":
        fits = layer.kernel[2:] == (before.shape[2], channels) and layer.numbers == channels
    elif layer.kind == "depthwise":
        inputs = layer.kernel[2:3] == (before.shape[2],)
        fits = inputs and len(layer.kernel) == 4 and math.prod(layer.kernel[2:]) == channels == layer.numbers
    else:
        fits = len(layer.kernel) == 2 and channels == before.shape[2]
    return fits and _windows_fit(before, layer)


def _windows_fit(before: NetworkLayer, layer: NetworkLayer) -> bool:
    """Return whether rows and columns follow from kernel, strides and Keras's padding, "valid" or "same"; a crop lies anywhere on the map."""
    # The sides of the map before and of this one; strides have no third value, at which `zip` ends.
    axes = list(zip(before.shape, layer.shape, layer.kernel, layer.strides, layer.start, strict=False))
    if layer.kind == "crop":
        return all(size == step == 1 and -count < start < side for side, count, size, step, start in axes)
    valid = all(count == (side - size) // step + 1 and not start for side, count, size, step, start in axes)
    same = all(
        count == -(-side // step) and start == -(max((count - 1) * step + size - side, 0) // 2)
        for side, count, size, step, start in axes
    )
    return valid or same


def _steps(layer: NetworkLayer) -> int:
    """Return the multiply-adds of a layer, or as many as it takes the time of."""
    of_a_tap = layer.kernel[2] if layer.kind == "conv" else _STEPS_OF_A_POOL
    return math.prod(layer.shape) * math.prod(layer.kernel[:2]) * of_a_tap


def _without_defaults(layer: NetworkLayer) -> dict[str, object]:
    defaults = NetworkLayer(kind=layer.kind, name="", shape=layer.shape)
    values = msgspec.to_builtins(layer).items()
    return {
        name: value for name, value in values if name in ("kind", "name", "shape") or value != getattr(defaults, name)
    }


def linear_end(layers: tuple[NetworkLayer, ...]) -> LinearEnd | None:
    """Return the linear end of a network; None where it has none, or where its map has a single position or none in the image."""
    start = max((place for place, layer in enumerate(layers[:-1]) if _is_curved(layer)), default=-1) + 1
    before = layers[:start]
    if not before or not _ends_in_logits(layers[-1]) or before[-1].shape[:2] == (1, 1):
        return None
    if any(layer.kind == "reshape" and layer.shape != last.shape for last, layer in pairwise(before)):
        return None
    return LinearEnd(start, _positions(before, 0), _positions(before, 1))


def _is_curved(layer: NetworkLayer) -> bool:
    return layer.kind == "max_pool" or layer.activation != "linear"


def _ends_in_logits(last: NetworkLayer) -> bool:
    """Return whether the last layer is linear but for its softmax."""
    return last.kind != "max_pool" and last.activation == "softmax"


def _positions(layers: tuple[NetworkLayer, ...], axis: int) -> tuple[float, float]:
    """Return the pixel at the centre of the last map's first position, and the pixels to the next position."""
    first, distance = 0.0, 1.0
    for layer in layers:
        if layer.kind not in ("reshape", "scale"):
            first += distance * (layer.start[axis] + (layer.kernel[axis] - 1) / 2)
            distance *= layer.strides[axis]
    return first, distance


def encoded(values: Array, kind: str) -> str:
    """Return numbers as text, five signs for four bytes: a sixteenth lighter than base64.

    The alphabet is that of RFC 1924, with three signs in place of those that mean something in HTML.
    """
    content = values.astype(kind).tobytes()
    content += bytes(-len(content) % 4)
    return base64.b85encode(content).translate(_SIGNS).decode("ascii")
