"""A chain of layers as data: layers are added one by one, BatchNorm is folded into the last. No Keras."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from tuner.storage.schema.network import Function, NetworkLayer

Numbers: TypeAlias = NDArray[np.float64]
Map: TypeAlias = tuple[int, int, int]
_NONE: Numbers = np.empty(0)


class NotAChain(ValueError):
    """The model has a layer that the page can't compute; the message says which."""


@dataclass(frozen=True)
class CopiedLayer:
    """A layer with its weights."""

    layer: NetworkLayer
    kernel: Numbers = field(default_factory=lambda: _NONE)
    numbers: Numbers = field(default_factory=lambda: _NONE)

    @property
    def shape(self) -> Map:
        return self.layer.shape


Chain: TypeAlias = tuple[CopiedLayer, ...]


def image_layer(shape: tuple[int, ...]) -> CopiedLayer:
    """Return the first layer: images (h, w) or (h, w, 3) as a map."""
    return CopiedLayer(NetworkLayer(kind="reshape", name="image", shape=as_map(shape)))


def with_function(chain: Chain, function: Function, slope: float = 0.0, outputs: int = 0) -> Chain:
    """Return a chain that ends with an activation: that of its last layer, or a layer of its own where that has one."""
    last = chain[-1]
    if last.layer.activation != "linear" or outputs:
        shape = (1, 1, outputs) if outputs else last.shape
        chain = (*chain, CopiedLayer(NetworkLayer(kind="reshape", name=function, shape=shape)))
    return _changed_last(chain, activation=function, slope=slope)


def with_affine(chain: Chain, name: str, factor: Numbers, offset: Numbers) -> Chain:
    """Return a chain whose channels are multiplied and moved; in the last layer's weights where it has some."""
    last = chain[-1]
    if last.layer.has_kernel and last.layer.activation == "linear":
        return (*chain[:-1], fold_affine(last, factor, offset))
    values = np.concatenate(np.broadcast_arrays(factor.ravel(), offset.ravel()))
    layer = NetworkLayer(kind="scale", name=name, shape=last.shape, numbers=values.size)
    return (*chain, CopiedLayer(layer, numbers=values))


def fold_affine(copied: CopiedLayer, factor: Numbers, offset: Numbers) -> CopiedLayer:
    """Return a layer whose outputs are multiplied by `factor` and moved by `offset`, (outputs,) each, as BatchNorm does it."""
    kernel, size = copied.kernel, copied.numbers.size
    factors = np.broadcast_to(factor, (size,))
    # A depthwise kernel has its outputs on two axes, inputs and multiplier.
    shape = kernel.shape[2:] if copied.layer.kind == "depthwise" else kernel.shape[3:]
    return CopiedLayer(copied.layer, kernel * factors.reshape(shape), copied.numbers * factors + offset)


def with_convolution(
    chain: Chain,
    name: str,
    kernel: Numbers,
    bias: Numbers | None,
    *,
    strides: tuple[int, int] = (1, 1),
    padding: str = "valid",
) -> Chain:
    """Return a chain with a convolution, (height, width, inputs, outputs); a dense layer is one of 1×1.

    Raises:
        NotAChain: where the map has another number of channels.
    """
    height, width, inputs, outputs = (int(side) for side in kernel.shape)
    if inputs != chain[-1].shape[2]:
        raise NotAChain(f"layer {name} takes {inputs} channels of a map that has {chain[-1].shape[2]}")
    shape, start = placed(chain[-1].shape, (height, width), strides, padding, outputs)
    numbers = np.zeros(outputs) if bias is None else bias
    layer = NetworkLayer(
        kind="conv", name=name, shape=shape, kernel=(height, width, inputs, outputs), strides=strides, start=start, numbers=outputs
    )  # fmt: skip
    return (*chain, CopiedLayer(layer, kernel, numbers))


def with_depthwise(
    chain: Chain, name: str, kernel: Numbers, bias: Numbers | None, *, strides: tuple[int, int], padding: str
) -> Chain:
    """Return a chain with a depthwise convolution, (height, width, inputs, multiplier).

    Raises:
        NotAChain: where the map has another number of channels.
    """
    height, width, inputs, multiplier = (int(side) for side in kernel.shape)
    if inputs != chain[-1].shape[2]:
        raise NotAChain(f"layer {name} takes {inputs} channels of a map that has {chain[-1].shape[2]}")
    outputs = inputs * multiplier
    shape, start = placed(chain[-1].shape, (height, width), strides, padding, outputs)
    layer = NetworkLayer(
        kind="depthwise", name=name, shape=shape, kernel=(height, width, inputs, multiplier), strides=strides, start=start, numbers=outputs
    )  # fmt: skip
    return (*chain, CopiedLayer(layer, kernel, np.zeros(outputs) if bias is None else bias))


def placed(
    shape: Map, kernel: tuple[int, int], strides: tuple[int, int], padding: str, channels: int
) -> tuple[Map, tuple[int, int]]:
    """Return the output's shape, and where the first window begins: "same" pads the lesser half before, as Keras does."""
    if padding == "valid":
        rows, columns = ((side - size) // step + 1 for side, size, step in zip(shape[:2], kernel, strides, strict=True))
        return (rows, columns, channels), (0, 0)
    rows, columns = (-(-side // step) for side, step in zip(shape[:2], strides, strict=True))
    lacking = [
        max((count - 1) * step + size - side, 0)
        for count, step, size, side in zip((rows, columns), strides, kernel, shape[:2], strict=True)
    ]
    return (rows, columns, channels), (-(lacking[0] // 2), -(lacking[1] // 2))


def as_map(shape: tuple[int, ...]) -> Map:
    """Return the shape of a vector (n,), an image (h, w) or a map (h, w, c) as (height, width, channels).

    Raises:
        NotAChain: where it has another number of axes.
    """
    if len(shape) > 3 or not shape:
        raise NotAChain(f"a map of the shape {shape} has no place in a page")
    if len(shape) == 1:
        return 1, 1, shape[0]
    return shape[0], shape[1], shape[2] if len(shape) == 3 else 1


def _changed_last(chain: Chain, **changes: Any) -> Chain:
    last = chain[-1]
    layer = msgspec.structs.replace(last.layer, **changes)
    return (*chain[:-1], CopiedLayer(layer, last.kernel, last.numbers))
