"""Samples of configurations within caps, for any family with a smallest network.

A sample is a pure function of its random generator: every hyperparameter is sampled, and then the shape is shrunk by
random steps towards a network that is known to fit. Half of the samples fix one value of the shape that fits somewhere,
so that rare values occur, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, active, is_active
from search_spaces.networks.memory import Memory, MemoryModel
from search_spaces.sampling.neighbours import sample_changed
from search_spaces.sampling.values import sample_from_grid, sample_value

_EXPLORING = 0.5
"""Fraction of the samples with a fixed value."""
_HALVINGS = 20


@dataclass(frozen=True)
class Caps:
    """The caps of a network."""

    max_params: int
    max_macs: int
    max_ram: int | None = None
    """Bytes of TFLM's arena; None: no cap."""
    max_flash: int | None = None
    """Bytes of the int8 file; None: no cap."""

    @property
    def limit_memory(self) -> bool:
        """Return whether there is a cap of RAM or flash."""
        return self.max_ram is not None or self.max_flash is not None

    def hold(self, cost: tuple[int, int]) -> bool:
        """Return whether parameters and multiply-adds are within the caps."""
        return cost[0] <= self.max_params and cost[1] <= self.max_macs

    def hold_memory(self, model: MemoryModel, widths: Sequence[int]) -> bool:
        """Return whether RAM and flash are within the caps; flash, which is quick to compute, comes first."""
        if self.max_flash is not None and model.flash(widths) > self.max_flash:
            return False
        return self.max_ram is None or model.ram_is_within(widths, self.max_ram)

    def hold_sizes(self, memory: Memory) -> bool:
        """Return whether this RAM and flash are within the caps."""
        return (self.max_ram is None or memory.ram <= self.max_ram) and (
            self.max_flash is None or memory.flash <= self.max_flash
        )

    def share(self, cost: tuple[int, int], memory: Memory | None = None) -> float:
        """Return the used fraction of the nearest cap. `memory` is needed where RAM or flash is capped."""
        shares = [cost[0] / self.max_params, cost[1] / self.max_macs]
        if memory is not None:
            shares += [memory.ram / self.max_ram] if self.max_ram is not None else []
            shares += [memory.flash / self.max_flash] if self.max_flash is not None else []
        return max(shares)

    def reduced(self, share: float, *, least: tuple[int, int] = (0, 0), least_flash: int = 0) -> Caps:
        """Return the caps with this fraction of parameters and flash, but at least those given."""
        flash = None if self.max_flash is None else max(least_flash, int(share * self.max_flash))
        return replace(self, max_params=max(least[0], int(share * self.max_params)), max_flash=flash)


@dataclass(frozen=True)
class Smallest:
    """The smallest network of a family; where RAM or flash is capped, the one that is nearest to fit."""

    network: str
    """The network in the notation."""
    parameters: int
    multiply_adds: int
    memory: Memory | None = None
    """None where neither RAM nor flash is capped."""


class CapError(ValueError):
    """No network of the family is within the caps."""

    def __init__(self, caps: Caps, smallest: Smallest) -> None:
        super().__init__(
            f"No network fits. Expected caps of at least the smallest one, {smallest.network}: "
            f"{_format_needs(smallest)}. Received: {_format_caps(caps)}"
        )
        self.caps = caps
        self.smallest = smallest


def _format_needs(smallest: Smallest) -> str:
    costs = f"{smallest.parameters:,} parameters and {smallest.multiply_adds:,} multiply-adds an image"
    if smallest.memory is None:
        return costs
    return f"{costs}, {smallest.memory.ram:,} bytes of RAM and {smallest.memory.flash:,} bytes of flash"


def _format_caps(caps: Caps) -> str:
    limits = {name: getattr(caps, name) for name in ("max_params", "max_macs", "max_ram", "max_flash")}
    return ", ".join(f"{name}={limit:,}" for name, limit in limits.items() if limit is not None)


@dataclass(frozen=True)
class Witness:
    """A value that fits, and a shape that has it: one value for every hyperparameter of the shape."""

    name: str
    value: Value
    shape: Mapping[str, Value]


@dataclass(frozen=True)
class Sampler:
    """A sampler of configurations within caps.

    `smallest` is the family's smallest network: for every hyperparameter of the shape the value that is cheapest in any
    network, except for parents of others, of which the sampler tries every value.
    """

    hyperparameters: tuple[Hyperparameter, ...]
    smallest: Mapping[str, Value]
    fits: Callable[[Mapping[str, Value]], bool]
    """Return whether values of the shape are within the caps; inactive ones are ignored."""

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """Sample a configuration that fits."""
        witness = self._sample_witness(rng)
        values = {hyperparameter.name: sample_value(rng, hyperparameter) for hyperparameter in self.hyperparameters}
        allowed = self._demanded(witness)
        for name, demanded in allowed.items():
            if values[name] not in demanded:
                values[name] = sample_from_grid(rng, self._by_name[name], demanded)
        self._shrink(rng, values, allowed, witness.shape if witness else self.smallest)
        return active(self.hyperparameters, values)

    def sample_near(self, rng: np.random.Generator, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """Sample a configuration near one that fits; a larger one is shrunk."""
        values = {hyperparameter.name: hyperparameter.default for hyperparameter in self.hyperparameters}
        values |= sample_changed(rng, self.hyperparameters, configuration)
        self._shrink(rng, values, {}, self.smallest)
        return active(self.hyperparameters, values)

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """Every pair of a shape hyperparameter and a value that fits; empty where nothing fits."""
        return tuple(
            witness
            for name in self.smallest
            for value in self._by_name[name].grid() or ()
            if (witness := self._witness(name, value)) is not None
        )

    def fitting_values(self) -> dict[str, tuple[Value, ...]]:
        """Return, for each shape hyperparameter, its values that occur in a network within the caps."""
        fitting: dict[str, tuple[Value, ...]] = {}
        for witness in self.witnesses:
            fitting[witness.name] = (*fitting.get(witness.name, ()), witness.value)
        return fitting

    @cached_property
    def _by_name(self) -> dict[str, Hyperparameter]:
        return {hyperparameter.name: hyperparameter for hyperparameter in self.hyperparameters}

    @cached_property
    def _parents(self) -> tuple[str, ...]:
        """Shape hyperparameters with conditional children in the shape."""
        named = {condition.name for name in self.smallest for condition in self._by_name[name].conditions}
        return tuple(name for name in self.smallest if name in named)

    def _witness(self, name: str, value: Value) -> Witness | None:
        for shape in self._small_shapes(name, value):
            if is_active(self._by_name[name], shape) and self.fits(shape):
                return Witness(name, value, shape)
        return None

    def _small_shapes(self, name: str, value: Value) -> Iterator[dict[str, Value]]:
        grids = [self._by_name[parent].grid() or () for parent in self._parents]
        for parents in itertools.product(*grids):
            yield {**self.smallest, **dict(zip(self._parents, parents, strict=True)), name: value}

    def _sample_witness(self, rng: np.random.Generator) -> Witness | None:
        if rng.random() >= _EXPLORING:
            return None
        return self.witnesses[int(rng.integers(len(self.witnesses)))]

    def _demanded(self, witness: Witness | None) -> dict[str, tuple[Value, ...]]:
        """Return the allowed values of hyperparameters with which the witness is active."""
        if witness is None:
            return {}
        parents = {condition.name: condition.values for condition in self._by_name[witness.name].conditions}
        return parents | {witness.name: (witness.value,)}

    def _shrink(
        self,
        rng: np.random.Generator,
        values: dict[str, Value],
        allowed: Mapping[str, tuple[Value, ...]],
        end: Mapping[str, Value],
    ) -> None:
        """Move values by random steps towards `end`, which fits, in place, until they fit."""
        while not self.fits(values):
            movable = [name for name in end if values[name] != end[name] and is_active(self._by_name[name], values)]
            name = movable[int(rng.integers(len(movable)))]
            grid = allowed.get(name) or self._by_name[name].grid() or ()
            values[name] = _between(rng, grid, values[name], end[name])


def _between(rng: np.random.Generator, grid: tuple[Value, ...], value: Value, end: Value) -> Value:
    """Sample a grid value from after `value` up to `end`; for text and booleans return `end`."""
    if isinstance(end, (bool, str)):
        return end
    here, there = grid.index(value), grid.index(end)
    return grid[there + int(rng.integers(abs(here - there))) * (1 if here > there else -1)]


def shrunk_defaults(
    hyperparameters: tuple[Hyperparameter, ...],
    smallest: Mapping[str, Value],
    fits: Callable[[Mapping[str, Value]], bool],
) -> dict[str, Value]:
    """Return defaults of the shape that fit: its numbers, reduced towards the smallest network as little as needed.

    Parents, such as numbers of layers, are reduced only where reducing the others is not enough. Empty where the
    defaults fit.
    """
    defaults = {hyperparameter.name: hyperparameter.default for hyperparameter in hyperparameters}
    if fits(defaults):
        return {}
    shape = [hyperparameter for hyperparameter in hyperparameters if hyperparameter.name in smallest]
    parents = {condition.name for hyperparameter in shape for condition in hyperparameter.conditions}
    for shrinkable in ([hyperparameter for hyperparameter in shape if hyperparameter.name not in parents], shape):
        narrowest = {**defaults, **_all_reduced(shrinkable, smallest, 0.0)}
        if fits(narrowest):
            return _widest(shrinkable, smallest, lambda values: fits({**defaults, **values}))
    return dict(smallest)


def _widest(
    shrinkable: Sequence[Hyperparameter], smallest: Mapping[str, Value], fits: Callable[[Mapping[str, Value]], bool]
) -> dict[str, Value]:
    """Return the largest values that fit, by bisection of the fraction."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(_all_reduced(shrinkable, smallest, middle)) else (low, middle)
    return _all_reduced(shrinkable, smallest, low)


def _all_reduced(shrinkable: Sequence[Hyperparameter], smallest: Mapping[str, Value], share: float) -> dict[str, Value]:
    return {
        hyperparameter.name: _reduced(hyperparameter, smallest[hyperparameter.name], share)
        for hyperparameter in shrinkable
    }


def _reduced(hyperparameter: Hyperparameter, least: Value, share: float) -> Value:
    """Return the grid value at a fraction of the way from the smallest value to the default, rounded down."""
    grid, default = hyperparameter.grid() or (), hyperparameter.default
    if isinstance(default, (bool, str)):
        return default
    start, end = grid.index(least), grid.index(default)
    return grid[start + int(share * (end - start))]
