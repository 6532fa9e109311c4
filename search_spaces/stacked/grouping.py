"""Grouping of networks into programs: networks share one if it is estimated to train sooner than separate ones.

Padding costs arithmetic, separate programs cost launches and compilation. Imports no JAX.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from search_spaces.hyperparameters.recipe import Optimizer
from search_spaces.networks.specs import Shape, Spec
from search_spaces.stacked.layout import Layout, make_layout

Network: TypeAlias = tuple[Spec, ...]
OPTIMIZERS: frozenset[Optimizer] = frozenset({"sgd", "momentum", "adam", "adamw"})
"""Those with a formula in `optimizers`; a network with another one trains alone, by Keras."""
_PASSES = 3
"""A training step costs about three forward passes."""


@dataclass(frozen=True)
class DeviceCosts:
    """Rough costs of a device: enough to choose between programs, not to forecast a run's time."""

    slot_s: float
    """Seconds a slot and step, whatever its size: the launches of its kernels."""
    multiply_adds_per_s: float
    compilation_s: float
    """Seconds a slot, once a program."""
    memory_bytes: int
    """The largest memory of a program's maps."""


CPU = DeviceCosts(slot_s=3e-4, multiply_adds_per_s=3e9, compilation_s=0.7, memory_bytes=2**30)
"""One core, rounded: seen once, not kept."""
GPU = DeviceCosts(slot_s=1.5e-4, multiply_adds_per_s=2e12, compilation_s=1.0, memory_bytes=2**33)
"""Assumed, not measured: `benchmarks.gpu` measures what programs take."""


@dataclass(frozen=True)
class Program:
    """Networks that train together."""

    members: tuple[int, ...]
    """Their places in the list of networks."""
    layout: Layout

    def seconds(self, costs: DeviceCosts, batch_size: int, steps: int) -> float:
        """Return the estimated seconds of its whole training."""
        slots = len(self.layout.slots)
        arithmetic = _PASSES * self.layout.multiply_adds * batch_size * len(self.members) / costs.multiply_adds_per_s
        return slots * costs.compilation_s + steps * (slots * costs.slot_s + arithmetic)


@dataclass
class Grouping:
    """The division of networks into programs: pairs of programs are joined, the most profitable ones first.

    Args:
        input_shape: height, width, channels.
        batch_size: of all networks.
        steps: of the whole training.
        most: the largest number of networks in a program.
        costs: of the device.
    """

    input_shape: Shape
    batch_size: int
    steps: int
    most: int
    costs: DeviceCosts
    _joined: dict[tuple[tuple[int, ...], tuple[int, ...]], Program | None] = field(default_factory=dict)

    def programs(self, networks: Sequence[Network]) -> tuple[Program, ...]:
        """Return the programs of networks, in the order of their first members."""
        groups = [Program((at,), make_layout([network], self.input_shape)) for at, network in enumerate(networks)]
        while True:
            saving, joined = max(self._unions(networks, groups), key=lambda union: union[0], default=(0.0, None))
            if joined is None or saving <= 0.0:
                return tuple(sorted(groups, key=lambda program: program.members))
            groups = [program for program in groups if not set(program.members) <= set(joined.members)] + [joined]

    def _unions(self, networks: Sequence[Network], programs: Sequence[Program]) -> Iterator[tuple[float, Program]]:
        """Yield the union of each two programs that fits, after the seconds that it saves."""
        for first, second in itertools.combinations(programs, 2):
            union = self._join(networks, first, second)
            if union is not None:
                yield self._seconds(first) + self._seconds(second) - self._seconds(union), union

    def _seconds(self, program: Program) -> float:
        return program.seconds(self.costs, self.batch_size, self.steps)

    def _join(self, networks: Sequence[Network], first: Program, second: Program) -> Program | None:
        """Return the program of both; None where it is too large."""
        key = (first.members, second.members)
        if key not in self._joined:
            self._joined[key] = self._make(networks, tuple(sorted(first.members + second.members)))
        return self._joined[key]

    def _make(self, networks: Sequence[Network], members: tuple[int, ...]) -> Program | None:
        if len(members) > self.most:
            return None
        layout = make_layout([networks[member] for member in members], self.input_shape)
        fits = layout.activation_bytes(self.batch_size) <= self.costs.memory_bytes
        return Program(members, layout) if fits else None
