"""The RAM and flash of a network's int8 file in TFLM's interpreter, from its operations and widths.

RAM is the arena: the activations as TFLM's planner places them, and the interpreter's own structures. Flash is the
file: int8 weights, a scale and zero point a channel of kernels and biases, int32 biases, and the flatbuffer's tables.
The constants are measured (`benchmarks.device_memory`) and rounded up, so that no estimate is below the truth. They are
those of a 64-bit processor; a microcontroller's pointers are half as long, so its interpreter needs less.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from search_spaces.networks.costs import chain
from search_spaces.networks.int8_graph import Int8Graph, Kind, Operation, int8_graph
from search_spaces.networks.specs import INPUT_SHAPE, Shape, Spec

ALIGNMENT = 16
"""Bytes to which TFLM aligns every buffer."""

_TENSOR_BYTES = 24
_PLANNING_TENSOR_BYTES, _PLANNING_BUFFER_BYTES = 32, 40
"""Bytes that planning needs for each tensor and for each activation before inference, in the place of the activations."""
_PREPARING_CHANNEL_BYTES, _PREPARING_BYTES = 8, 256
"""Bytes that preparing the widest kernel needs there."""
_INTERPRETER_BYTES = 736
_CHANNEL_MULTIPLIERS = 2
"""Each kernel operation keeps a multiplier and a shift of 4 bytes a channel."""
_CHANNEL_FILE_BYTES = 4 + 2 * (4 + 8)
"""A bias, and of kernel and bias a float scale and an int64 zero point."""
_FILE_BYTES = 620
_SOFTSIGN_FILE_BYTES = 300
"""The 1 of all softsigns, and its name, which repeats those of all layers where it occurs."""
_KIND_FILE_BYTES = 36
"""The table of the kinds of operation: each kind once."""


class _Overhead(NamedTuple):
    """Bytes that an operation costs, whatever its widths."""

    arena: int
    file: int
    """Without the names of its tensors."""
    constants: int = 0
    """Tensors in the file beside its output."""


_OVERHEAD: dict[Kind, _Overhead] = {
    "quantize": _Overhead(64 + 64, 180),
    "mul": _Overhead(64 + 64, 290, 1),
    "reshape": _Overhead(64 + 40, 210, 1),
    "strided_slice": _Overhead(64 + 124, 345, 3),
    "max_pool": _Overhead(64 + 74, 150),
    "average_pool": _Overhead(64 + 78, 165),
    "mean": _Overhead(64 + 70, 215, 1),
    "conv": _Overhead(64 + 109, 350, 2),
    "depthwise_conv": _Overhead(64 + 109, 352, 2),
    "fully_connected": _Overhead(64 + 112, 305, 2),
    "leaky_relu": _Overhead(64 + 40, 125),
    "tanh": _Overhead(64 + 18, 120),
    "gelu": _Overhead(64 + 18, 130),
    "abs": _Overhead(64 + 60, 115),
    "add": _Overhead(64 + 60, 160),
    "div": _Overhead(64 + 60, 115),
    "softmax": _Overhead(64 + 48, 180),
}


class Memory(NamedTuple):
    """The bytes that a network needs on a microcontroller."""

    ram: int
    """TFLM's arena."""
    flash: int
    """The file."""


class LiveTensor(NamedTuple):
    """An activation while it is needed."""

    size_bytes: int
    first: int
    """The operation that writes it, from 1; 0: the image."""
    last: int
    """The last operation that reads it."""


class PlacedTensor(NamedTuple):
    """An activation in the arena."""

    name: str
    """The operation that writes it; "image"; "sums of mean" of what a mean keeps."""
    size_bytes: int
    first: int
    last: int
    """The last operation that reads it."""
    offset: int
    """Its first byte."""


@dataclass(frozen=True)
class MemoryModel:
    """The memory of networks with the same layers, as a function of their widths."""

    input_area: int
    operations: tuple[Operation, ...]
    tensors: int
    """All in the file."""
    arena_bytes: int
    """The interpreter's structures, without those of each channel."""
    file_bytes: int

    @classmethod
    def of(cls, graph: Int8Graph) -> MemoryModel:
        """Return the model of a graph."""
        overheads = [_OVERHEAD[operation.kind] for operation in graph.operations]
        softsigns = any(operation.kind == "div" for operation in graph.operations)
        tensors = 1 + len(overheads) + sum(overhead.constants for overhead in overheads) + softsigns
        kinds = len({operation.kind for operation in graph.operations})
        return cls(
            graph.input_area,
            graph.operations,
            tensors,
            _INTERPRETER_BYTES + _TENSOR_BYTES * tensors + sum(overhead.arena for overhead in overheads),
            _FILE_BYTES
            + _SOFTSIGN_FILE_BYTES * softsigns
            + _KIND_FILE_BYTES * kinds
            + sum(overhead.file for overhead in overheads)
            + sum(operation.name_bytes for operation in graph.operations),
        )

    def memory(self, widths: Sequence[int]) -> Memory:
        """Return RAM and flash at these widths, the input's first."""
        return Memory(self.ram(widths), self.flash(widths))

    def flash(self, widths: Sequence[int]) -> int:
        """Return the size of the file."""
        size = self.file_bytes
        for operation in self.operations:
            if operation.taps:
                width = widths[operation.channel]
                inputs = 1 if operation.kind == "depthwise_conv" else widths[operation.channel - 1]
                size += (operation.taps * inputs + _CHANNEL_FILE_BYTES) * width
        return size

    def ram(self, widths: Sequence[int]) -> int:
        """Return the size of the smallest arena."""
        outputs = [widths[operation.channel] for operation in self.operations if operation.taps]
        persistent = self.arena_bytes + sum(_CHANNEL_MULTIPLIERS * aligned(4 * width) for width in outputs)
        sizes = self._sizes(widths)
        planning = _PLANNING_TENSOR_BYTES * (self.tensors + 1) + _PLANNING_BUFFER_BYTES * len(sizes)
        preparing = _PREPARING_CHANNEL_BYTES * max(outputs, default=0) + _PREPARING_BYTES
        return aligned(persistent + max(planned_bytes(sizes, self._neighbours), planning, preparing))

    def ram_is_within(self, widths: Sequence[int], most: int) -> bool:
        """Return whether the smallest arena has at most so many bytes: quick where it is clearly larger."""
        return self.least_ram(widths) <= most and self.ram(widths) <= most

    def least_ram(self, widths: Sequence[int]) -> int:
        """Return a lower bound of the smallest arena: what an operation reads and writes is there at once."""
        sizes = [operation.area * widths[operation.channel] for operation in self.operations]
        return self.arena_bytes + max(map(sum, itertools.pairwise(sizes)), default=0)

    def live_tensors(self, widths: Sequence[int]) -> list[LiveTensor]:
        """Return the activations in the order in which they are written, and then the sums of means."""
        return [
            LiveTensor(size, first, last)
            for size, (first, last) in zip(self._sizes(widths), self._lifetimes, strict=True)
        ]

    def placed_tensors(self, widths: Sequence[int]) -> list[PlacedTensor]:
        """Return the activations with their places in the arena, in the order of `live_tensors`."""
        live = self.live_tensors(widths)
        places = placements([tensor.size_bytes for tensor in live], self._neighbours)
        names = ["image", *self.operation_names]
        names += ["sums of mean"] * (len(live) - len(names))
        return [
            PlacedTensor(name, *tensor, offset) for name, tensor, (offset, _) in zip(names, live, places, strict=True)
        ]

    @property
    def operation_names(self) -> list[str]:
        """Return the operations in words; one with a kernel has the number of its layer: "depthwise conv 2"."""
        return [
            f"{operation.kind.replace('_', ' ')}{f' {operation.layer}' if operation.taps else ''}"
            for operation in self.operations
        ]

    def _sizes(self, widths: Sequence[int]) -> list[int]:
        return [-(-area * widths[channel] // ALIGNMENT) * ALIGNMENT for area, channel in self._buffers]

    @cached_property
    def _buffers(self) -> tuple[tuple[int, int], ...]:
        """Return bytes a channel and index of the channels of every activation; a mean keeps sums of four bytes."""
        image = (self.input_area, 0)
        outputs = ((operation.area, operation.channel) for operation in self.operations)
        sums = ((4, operation.channel) for operation in self.operations if operation.kind == "mean")
        return (image, *outputs, *sums)

    @cached_property
    def _lifetimes(self) -> tuple[tuple[int, int], ...]:
        """Return the first and last operation that needs each activation."""
        lives = [(at, at + 1) for at in range(len(self.operations) + 1)]
        for at, operation in enumerate(self.operations, start=1):
            if operation.kind == "div":
                # x / (|x| + 1) reads x again.
                lives[at - 3] = (at - 3, at)
        lives += [(at, at) for at, operation in enumerate(self.operations, start=1) if operation.kind == "mean"]
        return tuple(lives)

    @cached_property
    def _neighbours(self) -> tuple[tuple[int, ...], ...]:
        return overlaps(self._lifetimes)


def aligned(size: int) -> int:
    """Return the size rounded up to a whole number of alignments."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def overlaps(lifetimes: tuple[tuple[int, int], ...]) -> tuple[tuple[int, ...], ...]:
    """Return for each tensor the others that are needed at the same time."""
    return tuple(
        tuple(
            other
            for other, (first, last) in enumerate(lifetimes)
            if other != at and first <= lifetimes[at][1] and last >= lifetimes[at][0]
        )
        for at in range(len(lifetimes))
    )


def planned_bytes(sizes: Sequence[int], neighbours: Sequence[Sequence[int]]) -> int:
    """Return the memory in which TFLM's greedy planner places all tensors.

    The largest tensor is placed first, of equal ones the latest, each at the lowest place that is free while it is
    needed. This may be more than the largest sum of tensors that are needed together.

    Args:
        sizes: bytes of each tensor.
        neighbours: for each tensor those that are needed at the same time.
    """
    return max((end for _, end in placements(sizes, neighbours)), default=0)


def placements(sizes: Sequence[int], neighbours: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the first byte of each tensor, and the byte after its last one, as TFLM's greedy planner places them."""
    places: dict[int, tuple[int, int]] = {}
    for at in sorted(range(len(sizes) - 1, -1, -1), key=lambda at: -sizes[at]):
        size, offset = sizes[at], 0
        for start, end in sorted(places[other] for other in neighbours[at] if other in places):
            if start - offset >= size:
                break
            offset = max(offset, end)
        places[at] = offset, offset + size
    return [places[at] for at in range(len(sizes))]


def network_memory(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> Memory:
    """Return the RAM and flash of a network."""
    specs = tuple(specs)
    _, widths = chain(specs, input_shape)
    return MemoryModel.of(int8_graph(specs, input_shape)).memory(widths)
