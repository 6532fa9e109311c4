"""The winner on a device: what is where in its memory while it runs, and the error that 8 bits add in each layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reports.run.run_data import RunData

_MOST_BYTES = 2**40
"""Bytes beyond which a plan is nobody's."""
NOTABLE_LOSS = 0.002
"""A loss of accuracy from which the page says where it comes from."""


@dataclass(frozen=True)
class Tensor:
    """An activation in the arena."""

    name: str
    size_bytes: int
    first: int
    last: int
    """The operations from which to which it is needed, from 1; the image from 0."""
    offset: int
    """Its first byte."""


@dataclass(frozen=True)
class MemoryPlan:
    """The activations of the int8 network in the arena."""

    operations: tuple[str, ...]
    tensors: tuple[Tensor, ...]

    @property
    def planned_bytes(self) -> int:
        """Return the bytes that the plan spans."""
        return max(tensor.offset + tensor.size_bytes for tensor in self.tensors)

    def live_bytes(self, operation: int) -> int:
        """Return the bytes that are needed during an operation, from 1."""
        return sum(tensor.size_bytes for tensor in self.tensors if tensor.first <= operation <= tensor.last)

    @property
    def fullest(self) -> int:
        """Return the operation, from 1, during which most bytes are needed; of equals the first."""
        return max(range(1, len(self.operations) + 1), key=self.live_bytes)


@dataclass(frozen=True)
class LayerError:
    """The error of the int8 network after one operation, relative to the float network's values."""

    name: str
    error: float
    """Root mean square of the differences over that of the values."""
    added: float
    """The layer's share of all growth of the squared relative error: 0 where the error didn't grow."""


@dataclass(frozen=True)
class Loss:
    """Validation accuracies of the winner, mean over its seeds."""

    float_mean: float
    int8_mean: float
    seeds: int

    @property
    def points(self) -> float:
        """Return the accuracy that 8 bits cost, as a fraction; negative where they are better."""
        return self.float_mean - self.int8_mean

    @property
    def notable(self) -> bool:
        """Return whether the page says where the loss comes from."""
        return self.points > NOTABLE_LOSS + 1e-9


def memory_plan(run: RunData) -> MemoryPlan | None:
    """Return the winner's memory; None where the run has not kept it, or what it has kept is no plan."""
    if "memory/tensors" not in run.arrays:
        return None
    operations = tuple(str(name) for name in run.arrays["memory/operations"])
    values = run.arrays["memory/tensors"]
    names = [str(name) for name in run.arrays["memory/names"]]
    fits = values.size and operations and values.min() >= 0 and values.max() < _MOST_BYTES
    # The answer is needed after the last operation.
    if not fits or values[:, 2].max() > len(operations) + 1 or bool((values[:, 1] > values[:, 2]).any()):
        return None
    tensors = (
        Tensor(name, size, first, min(last, len(operations)), offset)
        for name, (size, first, last, offset) in zip(names, values.tolist(), strict=True)
    )
    return MemoryPlan(operations, tuple(tensors))


def layer_errors(run: RunData) -> tuple[LayerError, ...]:
    """Return the errors after each operation, first to last; empty where the run has not measured them."""
    if "int8/snr_db" not in run.arrays:
        return ()
    # No difference at all has no finite ratio.
    decibels = np.asarray(run.arrays["int8/snr_db"], np.float64)
    squared = np.where(np.isfinite(decibels), 10 ** (-np.clip(decibels, -200, 400) / 10), 0.0)
    grown = np.maximum(0.0, np.diff(squared, prepend=0.0))
    total = float(grown.sum())
    return tuple(
        LayerError(str(name), math.sqrt(square), float(growth) / total if total else 0.0)
        for name, square, growth in zip(run.arrays["int8/names"], squared.tolist(), grown.tolist(), strict=True)
    )


def loss_of(run: RunData) -> Loss | None:
    """Return what 8 bits cost the winner; None where it was not quantised."""
    if run.result is None:
        return None
    validation = run.result.validation
    if validation.int8_accuracy is None or validation.mean is None:
        return None
    return Loss(validation.mean, validation.int8_accuracy.mean, len(validation.int8_accuracy.per_seed))
