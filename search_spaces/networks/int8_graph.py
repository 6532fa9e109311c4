"""The operations of a network's int8 file, as TensorFlow's converter writes them, from the layer specs.

BatchNorm is folded into the kernels, ReLU is part of its layer, dropout is gone. Other activations are operations of
their own, which need memory. `memory` computes the bytes; `tuner.export.litert` writes the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

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
    Shape,
    Spec,
    WeightedSpec,
)

Kind: TypeAlias = Literal[
    "quantize",
    "mul",
    "reshape",
    "strided_slice",
    "max_pool",
    "average_pool",
    "mean",
    "conv",
    "depthwise_conv",
    "fully_connected",
    "leaky_relu",
    "tanh",
    "gelu",
    "abs",
    "add",
    "div",
    "softmax",
]
"""An operation of the file; `abs`, `add` and `div` make a softsign."""

MISSING_ACTIVATIONS: tuple[Activation, ...] = ("gelu",)
"""Activations whose operation TFLM's interpreter lacks (tflite-micro of October 2026)."""

_ACTIVATIONS: dict[Activation, tuple[Kind, ...]] = {
    "linear": (),
    "relu": (),
    "tanh": ("tanh",),
    "gelu": ("gelu",),
    "leaky_relu": ("leaky_relu",),
    "softsign": ("abs", "add", "div"),
}

_NAME_BYTES: dict[Kind, int] = {
    "quantize": 27,
    "mul": 110,
    "reshape": 70,
    "strided_slice": 162,
    "max_pool": 31,
    "average_pool": 37,
    "mean": 106,
    "conv": 0,
    "depthwise_conv": 135,
    "fully_connected": 0,
    "leaky_relu": 38,
    "tanh": 33,
    "gelu": 195,
    "abs": 38,
    "add": 51,
    "div": 38,
    "softmax": 28,
}
"""The bytes of an operation's names, where the model's name has ten characters and the layer's number two."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on one image; its input is the output of the operation before it."""

    kind: Kind
    area: int
    """Positions of the output."""
    channel: int
    """The index of the output's channels among the network's widths, the input's first."""
    taps: int = 0
    """Weights of each pair of channels, or of each channel of a depthwise convolution; 0: it has no weights."""
    name_bytes: int = 0
    """Bytes of the names of its tensors in the file, at most."""

    @property
    def layer(self) -> int:
        """Return the number of its layer among those with a kernel; a depthwise convolution is before its layer's channels."""
        return self.channel + (self.kind == "depthwise_conv")


@dataclass(frozen=True)
class Int8Graph:
    """The operations of a network in the order of their execution, without its widths."""

    input_area: int
    operations: tuple[Operation, ...]


def int8_graph(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> Int8Graph:
    """Return the operations of a network.

    Args:
        specs: the last layer with a kernel has the logits.
        input_shape: height, width, channels.
    """
    area = input_shape[0] * input_shape[1]
    return Int8Graph(area, tuple(_operations(resolve(specs, input_shape), area, input_shape[2])))


def runs_in_tflm(specs: Iterable[Spec]) -> bool:
    """Return whether TFLM's interpreter has every operation of a network."""
    return not any(isinstance(spec, WEIGHTED) and spec.activation in MISSING_ACTIVATIONS for spec in specs)


def _operations(layers: Iterable[FittedLayer], area: int, channels: int) -> Iterator[Operation]:
    yield from _plain(("quantize", "mul"), area, 0)
    norm = [layer.spec for layer in layers if isinstance(layer.spec, Normalise)]
    yield from _plain(("mul", "add") * len(norm), area, 0)
    if channels == 1:
        yield from _plain(("reshape",), area, 0)
    number, flat, reshaped = 0, False, channels == 1
    for layer in layers:
        spec = layer.spec
        if isinstance(spec, Dropout | Normalise) or _is_mean_of_one(layer):
            continue
        if flat != isinstance(spec, Dense) and not _is_single(layer.input_shape) and not reshaped:
            yield from _plain(("reshape",), area, number)
        flat, reshaped = isinstance(spec, Dense), False
        area = layer.shape[0] * layer.shape[1]
        if isinstance(spec, WEIGHTED):
            yield from _weighted(spec, layer, number, area)
            number += 1
            yield from _plain(_ACTIVATIONS[spec.activation], area, number)
        else:
            yield from _plain((_resizing(spec),), area, number)
    yield from _plain(("softmax", "quantize") if flat else ("reshape", "softmax", "quantize"), area, number)


def _plain(kinds: Iterable[Kind], area: int, channel: int) -> Iterator[Operation]:
    return (Operation(kind, area, channel, name_bytes=_NAME_BYTES[kind]) for kind in kinds)


def _is_single(shape: Shape) -> bool:
    return shape[0] == shape[1] == 1


def _is_mean_of_one(layer: FittedLayer) -> bool:
    return isinstance(layer.spec, GlobalAveragePooling) and _is_single(layer.input_shape)


def _weighted(spec: WeightedSpec, layer: FittedLayer, number: int, area: int) -> Iterator[Operation]:
    names = _kernel_name_bytes(spec)
    if isinstance(spec, SeparableConv):
        yield Operation("depthwise_conv", area, number, spec.kernel * spec.kernel, _NAME_BYTES["depthwise_conv"])
        yield Operation("conv", area, number + 1, 1, names)
    elif isinstance(spec, Conv):
        yield Operation("conv", area, number + 1, spec.kernel * spec.kernel, names)
    else:
        taps = layer.input_shape[0] * layer.input_shape[1]
        yield Operation("fully_connected", area, number + 1, taps, names)


def _kernel_name_bytes(spec: WeightedSpec) -> int:
    """Return the bytes of a kernel's names, which repeat those of all layers that are folded into it."""
    relu = spec.activation == "relu"
    if isinstance(spec, Dense):
        return (211 if spec.batch_norm else 125 if spec.bias else 140) + relu * 68
    separable = 45 * isinstance(spec, SeparableConv)
    folded = 281 if spec.batch_norm else 225 if spec.bias else 125
    return folded + separable * (2 if spec.bias else 1) + relu * 70


def _resizing(spec: Pool | Crop | GlobalAveragePooling) -> Kind:
    if isinstance(spec, Pool):
        return "average_pool" if spec.average else "max_pool"
    return "strided_slice" if isinstance(spec, Crop) else "mean"
