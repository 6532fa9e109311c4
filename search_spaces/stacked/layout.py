"""Networks in common slots: which layer of which network is where, and how large the maps of all of them are.

A map stands in the upper left corner of its slot's canvas, which is as large as the largest of all networks; the rest of
the canvas is zero. Imports no JAX.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from search_spaces.networks.costs import FittedLayer, resolve
from search_spaces.networks.specs import (
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
)
from search_spaces.stacked.alignment import places, supersequence

Operation: TypeAlias = Literal["conv", "dense", "pool", "crop", "dropout", "mean", "normalise"]
_ARRAYS_A_MAP = 3
"""Assumed: a training step holds a map, its gradient and an intermediate result of the same size."""
_FLOAT32_BYTES = 4


@dataclass(frozen=True)
class SlotKind:
    """The operation and the settings that all layers of a slot have in common."""

    operation: Operation
    size: int = 0
    """The side of a pooling's window."""
    step: int = 0
    average: bool = False


@dataclass(frozen=True)
class Slot:
    """One step of the common program: a layer of some networks, passed unchanged by the others."""

    kind: SlotKind
    layers: tuple[FittedLayer | None, ...]
    """One a network; None: its map passes."""
    before: tuple[Shape, ...]
    """The map of each network that enters."""
    after: tuple[Shape, ...]

    @property
    def canvas(self) -> Shape:
        """Return the canvas that enters, which holds the map of every network."""
        return largest(self.before)

    @property
    def result_canvas(self) -> Shape:
        """Return the canvas that leaves."""
        return largest(self.after)

    @property
    def active(self) -> tuple[bool, ...]:
        """Return which networks have a layer here."""
        return tuple(layer is not None for layer in self.layers)

    @property
    def specs(self) -> tuple[Spec | None, ...]:
        """Return the networks' layers as specs."""
        return tuple(None if layer is None else layer.spec for layer in self.layers)

    @cached_property
    def taps(self) -> tuple[int, int]:
        """Return the least and the largest offset of a convolution's inputs from its output's place, along both sides."""
        ranges = [taps_of(spec) for spec in self.specs if isinstance(spec, Conv | SeparableConv)]
        return min(first for first, _ in ranges), max(last for _, last in ranges)

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Return height, width, inputs and outputs of the kernel that holds every network's."""
        height, width, channels = self.canvas
        if self.kind.operation == "dense":
            return height, width, channels, self.result_canvas[2]
        side = self.taps[1] - self.taps[0] + 1
        return side, side, channels, self.result_canvas[2]

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Return the activation of each network here; "linear" where it has no layer."""
        return tuple(getattr(spec, "activation", "linear") for spec in self.specs)

    @property
    def multiply_adds(self) -> int:
        """Return those of one image and one network, all of the canvas."""
        if self.kind.operation not in ("conv", "dense"):
            return 0
        height, width, inputs, outputs = self.kernel_shape
        places = 1 if self.kind.operation == "dense" else self.result_canvas[0] * self.result_canvas[1]
        return places * height * width * inputs * outputs


@dataclass(frozen=True)
class Layout:
    """The common slots of several networks."""

    input_shape: Shape
    slots: tuple[Slot, ...]
    networks: int
    classes: int

    @property
    def multiply_adds(self) -> int:
        """Return those of one image in one network's part of the forward pass, padding included."""
        return sum(slot.multiply_adds for slot in self.slots)

    def activation_bytes(self, batch_size: int) -> int:
        """Return about how much memory the maps of a training step take, in float32."""
        height, width, channels = self.input_shape
        maps = [(height, width, channels), *(slot.result_canvas for slot in self.slots)]
        values = sum(height * width * channels for height, width, channels in maps)
        return values * _FLOAT32_BYTES * _ARRAYS_A_MAP * batch_size * self.networks


def make_layout(networks: Sequence[Sequence[Spec]], input_shape: Shape) -> Layout:
    """Return the common slots of networks for images of one shape.

    Args:
        networks: at least one; each ends in a map of one place, as deep as there are classes.
        input_shape: height, width, channels.

    Raises:
        ValueError: where networks end in other maps, or in maps of different depth.
    """
    chains = [resolve(specs, input_shape) for specs in networks]
    ends = {chain[-1].shape for chain in chains}
    if len(ends) != 1 or next(iter(ends))[:2] != (1, 1):
        raise ValueError(f"Expected networks that all end in one place, equally deep. Received: {sorted(ends)}")
    kinds = [tuple(kind_of(layer) for layer in chain) for chain in chains]
    common = supersequence(kinds)
    by_slot = [dict(zip(places(kind, common), chain, strict=True)) for kind, chain in zip(kinds, chains, strict=True)]
    slots, shapes = [], [input_shape] * len(chains)
    for number, kind in enumerate(common):
        layers = tuple(chain.get(number) for chain in by_slot)
        after = [shape if layer is None else layer.shape for layer, shape in zip(layers, shapes, strict=True)]
        slots.append(Slot(kind, layers, tuple(shapes), tuple(after)))
        shapes = after
    return Layout(input_shape, tuple(slots), len(chains), shapes[0][2])


def kind_of(layer: FittedLayer) -> SlotKind:
    """Return the kind of slot that a layer fits in; a 1×1 convolution of a single place is a dense layer."""
    spec = layer.spec
    if isinstance(spec, Pool):
        return SlotKind("pool", spec.size, spec.step, spec.average)
    if isinstance(spec, Dense) or (isinstance(spec, Conv) and spec.kernel == 1 and layer.input_shape[:2] == (1, 1)):
        return SlotKind("dense")
    names: dict[type, Operation] = {
        Conv: "conv",
        SeparableConv: "conv",
        Crop: "crop",
        Dropout: "dropout",
        GlobalAveragePooling: "mean",
        Normalise: "normalise",
    }
    return SlotKind(names[type(spec)])


def taps_of(spec: Conv | SeparableConv) -> tuple[int, int]:
    """Return the first and the last offset of a kernel's inputs from its output's place."""
    first = 0 if spec.padding == "valid" else -((spec.kernel - 1) // 2)
    return first, first + spec.kernel - 1


def largest(shapes: Sequence[Shape]) -> Shape:
    """Return the smallest canvas that holds every map."""
    return max(s[0] for s in shapes), max(s[1] for s in shapes), max(s[2] for s in shapes)
