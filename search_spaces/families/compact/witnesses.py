"""The values of compact8k's shape that fit within caps, each with the smallest structure that shows it.

Nothing is drawn here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from search_spaces.families.compact.structures import (
    BY_NAME,
    LAYOUT,
    SMALLEST_STRUCTURE,
    WIDTHS,
    Network,
    Structure,
    network_of,
    smallest_network,
)
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, is_active
from search_spaces.sampling.capped import CapError, Caps

_ENUMERATED = ("stage1_convs", "stage2_convs", "stage3_convs", "transition_1", "transition_2")
"""Whose smallest value depends on the others: a transition saves parameters beside a wide layer, a convolution more
shrinks the map of a dense head. Of the rest `SMALLEST_STRUCTURE` is the cheapest beside anything."""


@dataclass(frozen=True)
class Witness:
    """A value that fits, and a structure that shows it."""

    name: str | None
    """None: no value is held."""
    value: Value
    structure: Mapping[str, Value]
    weight: float = 1.0
    """The relative frequency with which it is held."""

    def demanded(self) -> dict[str, tuple[Value, ...]]:
        """Return what its presence asks of the shape's hyperparameters."""
        if self.name is None:
            return {}
        parents = {condition.name: condition.values for condition in BY_NAME[self.name].conditions}
        return parents | {self.name: (self.value,)}


def fitting_values(max_params: int, max_macs: int, classes: int = 10) -> dict[str, tuple[Value, ...]]:
    """Return each shape hyperparameter's values that some network within the caps has.

    Raises:
        CapError: where no network fits; names the smallest one.
    """
    fitting: dict[str, tuple[Value, ...]] = {}
    for witness in find_witnesses(Caps(max_params, max_macs), classes):
        name = str(witness.name)
        fitting[name] = (*fitting.get(name, ()), witness.value)
    return fitting


@lru_cache(maxsize=64)
def find_witnesses(caps: Caps, classes: int) -> tuple[Witness, ...]:
    """Every pair of a shape hyperparameter and a value that fits."""
    witnesses = [witness for name in LAYOUT for witness in _layout_witnesses(name, caps, classes)]
    witnesses += [witness for name in WIDTHS for witness in _width_witnesses(name, caps, classes)]
    if not witnesses:
        raise CapError(caps, smallest_network(classes))
    return tuple(witnesses)


@lru_cache(maxsize=64)
def cumulative_weights(caps: Caps, classes: int) -> tuple[float, ...]:
    """Return the cumulative weights of `find_witnesses`."""
    return tuple(itertools.accumulate(witness.weight for witness in find_witnesses(caps, classes)))


def _layout_witnesses(name: str, caps: Caps, classes: int) -> Iterator[Witness]:
    for value in BY_NAME[name].grid() or ():
        for structure in _small_structures(BY_NAME[name], value):
            if caps.hold(cost := network_of(structure, classes).costs()):
                yield Witness(name, value, structure, _witness_weight(caps.share(cost)))
                break


def _width_witnesses(name: str, caps: Caps, classes: int) -> Iterator[Witness]:
    grid = BY_NAME[name].grid() or ()
    reached = int(grid[0]) - 1
    for structure, network in _small_networks(BY_NAME[name], classes):
        # A structure that carries a wider layer than those before it shows the widths between.
        widest = network.widest(name, caps)
        for width in range(reached + 1, widest + 1):
            share = caps.share(network.costs_with(name, width))
            yield Witness(name, width, structure, _witness_weight(share))
        reached = max(reached, widest)
        if reached == grid[-1]:
            return


def _witness_weight(share: float) -> float:
    """The more of the caps the smallest network with a value takes, the rarer it is by chance."""
    return 0.25 + 0.75 * min(1.0, share / 0.7) ** 2


def _small_networks(hyperparameter: Hyperparameter, classes: int) -> Iterator[tuple[Structure, Network]]:
    if hyperparameter.name == "head_units":
        for structure in _small_structures(hyperparameter, hyperparameter.default):
            yield structure, network_of(structure, classes)
        return
    yield from (pair for pair in _plain_networks(classes) if is_active(hyperparameter, pair[0]))


@lru_cache(maxsize=4)
def _plain_networks(classes: int) -> tuple[tuple[Structure, Network], ...]:
    """All structures that may be the smallest beside a wide layer."""
    return tuple((s, network_of(s, classes)) for s in _small_structures(BY_NAME["head_batch_norm"], False))


def _small_structures(hyperparameter: Hyperparameter, value: Value) -> Iterator[Structure]:
    """Structures with this value active, small ones first, with all that costs in any case left out."""
    demanded = {condition.name: condition.values for condition in hyperparameter.conditions}
    if hyperparameter.name not in WIDTHS:
        demanded[hyperparameter.name] = (value,)
    names = (*_ENUMERATED, *(name for name in demanded if name not in _ENUMERATED))
    for combination in itertools.product(*(demanded.get(name) or BY_NAME[name].grid() or () for name in names)):
        structure = SMALLEST_STRUCTURE | dict(zip(names, combination, strict=True))
        # An inactive second transition would only repeat the structure without one.
        if structure["stage3_convs"] or structure["transition_2"] == "none":
            yield structure
