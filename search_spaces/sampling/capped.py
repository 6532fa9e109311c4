"""Draws of configurations within caps, for any family that says what its smallest network is.

A sample is a pure function of its random generator: every hyperparameter is sampled, and then the shape is shrunk towards a
network that is known to fit, one random step after another, until it fits itself. Half of the draws hold one value of the
shape that fits somewhere, however rarely, so that every value that fits comes up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, active, is_active
from search_spaces.sampling.neighbours import sample_changed
from search_spaces.sampling.values import sample_from_grid, sample_value

_EXPLORING = 0.5
"""Share of the draws that hold a value."""
_HALVINGS = 20


@dataclass(frozen=True)
class Caps:
    """The caps of a network."""

    max_params: int
    max_macs: int

    def hold(self, cost: tuple[int, int]) -> bool:
        """Return whether parameters and multiply-adds are within them."""
        return cost[0] <= self.max_params and cost[1] <= self.max_macs

    def share(self, cost: tuple[int, int]) -> float:
        """Return the used share of the nearer cap."""
        return max(cost[0] / self.max_params, cost[1] / self.max_macs)


@dataclass(frozen=True)
class Smallest:
    """The smallest network of a family."""

    network: str
    """In the notation."""
    parameters: int
    multiply_adds: int


class CapError(ValueError):
    """No network of the family is within the caps."""

    def __init__(self, caps: Caps, smallest: Smallest) -> None:
        super().__init__(
            f"No network fits. Expected a cap that holds the smallest one, {smallest.network}: "
            f"{smallest.parameters:,} parameters and {smallest.multiply_adds:,} multiply-adds an image. "
            f"Received: max_params={caps.max_params:,}, max_macs={caps.max_macs:,}"
        )
        self.caps = caps
        self.smallest = smallest


@dataclass(frozen=True)
class Witness:
    """A value that fits, and a shape that shows it: one value for every hyperparameter of the shape."""

    name: str
    value: Value
    shape: Mapping[str, Value]


@dataclass(frozen=True)
class Sampler:
    """Draws within caps.

    `smallest` is the family's smallest network, one value for every hyperparameter of the shape, the cheapest beside
    anything, but for those that others depend on: of these the sampler tries every value.
    """

    hyperparameters: tuple[Hyperparameter, ...]
    smallest: Mapping[str, Value]
    fits: Callable[[Mapping[str, Value]], bool]
    """Whether values of the shape are within the caps; those that are inactive don't matter."""

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """A configuration that fits, by this generator alone."""
        witness = self._draw_witness(rng)
        values = {own.name: sample_value(rng, own) for own in self.hyperparameters}
        allowed = self._demanded(witness)
        for name, demanded in allowed.items():
            if values[name] not in demanded:
                values[name] = sample_from_grid(rng, self._by_name[name], demanded)
        self._shrink(rng, values, allowed, witness.shape if witness else self.smallest)
        return active(self.hyperparameters, values)

    def sample_near(self, rng: np.random.Generator, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """A configuration near one that fits; where it is too large it is shrunk like any other."""
        values = {own.name: own.default for own in self.hyperparameters}
        values |= sample_changed(rng, self.hyperparameters, configuration)
        self._shrink(rng, values, {}, self.smallest)
        return active(self.hyperparameters, values)

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """Every pair of a hyperparameter of the shape and a value that fits; none where nothing fits."""
        return tuple(
            witness
            for name in self.smallest
            for value in self._by_name[name].grid() or ()
            if (witness := self._witness(name, value)) is not None
        )

    def fitting_values(self) -> dict[str, tuple[Value, ...]]:
        """Return, for each hyperparameter of the shape, the values that some network within the caps has."""
        fitting: dict[str, tuple[Value, ...]] = {}
        for witness in self.witnesses:
            fitting[witness.name] = (*fitting.get(witness.name, ()), witness.value)
        return fitting

    @cached_property
    def _by_name(self) -> dict[str, Hyperparameter]:
        return {own.name: own for own in self.hyperparameters}

    @cached_property
    def _parents(self) -> tuple[str, ...]:
        """Hyperparameters of the shape that others of it depend on."""
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

    def _draw_witness(self, rng: np.random.Generator) -> Witness | None:
        if rng.random() >= _EXPLORING:
            return None
        return self.witnesses[int(rng.integers(len(self.witnesses)))]

    def _demanded(self, witness: Witness | None) -> dict[str, tuple[Value, ...]]:
        """Return what holding a value asks of the shape."""
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
        """Random steps towards `end`, in place, until the values fit; `end` does."""
        while not self.fits(values):
            movable = [name for name in end if values[name] != end[name] and is_active(self._by_name[name], values)]
            name = movable[int(rng.integers(len(movable)))]
            grid = allowed.get(name) or self._by_name[name].grid() or ()
            values[name] = _between(rng, grid, values[name], end[name])


def _between(rng: np.random.Generator, grid: tuple[Value, ...], value: Value, end: Value) -> Value:
    """A value of the grid between these two, never the first one; text has nothing between."""
    if isinstance(end, (bool, str)):
        return end
    here, there = grid.index(value), grid.index(end)
    return grid[there + int(rng.integers(abs(here - there))) * (1 if here > there else -1)]


def shrunk_defaults(
    hyperparameters: tuple[Hyperparameter, ...],
    smallest: Mapping[str, Value],
    fits: Callable[[Mapping[str, Value]], bool],
) -> dict[str, Value]:
    """Defaults of the shape that fit: its numbers drawn in towards the smallest network by as little as needed.

    Numbers that others depend on, of layers say, are drawn in only where the others alone don't do it. Empty where the
    defaults fit.
    """
    defaults = {own.name: own.default for own in hyperparameters}
    if fits(defaults):
        return {}
    shape = [own for own in hyperparameters if own.name in smallest]
    parents = {condition.name for own in shape for condition in own.conditions}
    for drawn in ([own for own in shape if own.name not in parents], shape):
        narrowest = {**defaults, **_all_drawn_in(drawn, smallest, 0.0)}
        if fits(narrowest):
            return _widest(drawn, smallest, lambda found: fits({**defaults, **found}))
    return dict(smallest)


def _widest(
    drawn: Sequence[Hyperparameter], smallest: Mapping[str, Value], fits: Callable[[Mapping[str, Value]], bool]
) -> dict[str, Value]:
    """Found by bisection of the share."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(_all_drawn_in(drawn, smallest, middle)) else (low, middle)
    return _all_drawn_in(drawn, smallest, low)


def _all_drawn_in(drawn: Sequence[Hyperparameter], smallest: Mapping[str, Value], share: float) -> dict[str, Value]:
    return {own.name: _drawn_in(own, smallest[own.name], share) for own in drawn}


def _drawn_in(hyperparameter: Hyperparameter, least: Value, share: float) -> Value:
    """A share of the way from the least value to the default, on the grid and no further."""
    grid, default = hyperparameter.grid() or (), hyperparameter.default
    if isinstance(default, (bool, str)):
        return default
    start, end = grid.index(least), grid.index(default)
    return grid[start + int(share * (end - start))]
