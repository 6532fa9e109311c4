"""The values of compact8k's shape that fit within caps, each with the smallest structure that has it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from search_spaces.families.compact.structures import (
    SEPARABLE,
    WIDTHS,
    Network,
    Structure,
    nearest_network,
    network_of,
    shapes_of,
    small_network_of,
)
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, is_active
from search_spaces.networks.problem import Problem
from search_spaces.sampling.capped import CapError, Caps
from search_spaces.sampling.values import sample_value

_ENUMERATED = (
    "image_side",
    "image_pooling",
    "stage1_convs",
    "stage2_convs",
    "stage3_convs",
    "transition_1",
    "transition_2",
)
"""Hyperparameters whose cheapest value depends on the others: a transition saves parameters next to a wide layer,
another convolution shrinks the map of a dense head. For the rest `Shapes.smallest` is always the cheapest."""


CHEAPEST_ACTIVATION = "relu"
"""The activation that needs no operation of its own."""
_NO_CAPS = Caps(1, 1)
"""Stands for caps without one of memory, where structures depend on nothing else of them."""


@dataclass(frozen=True)
class Witness:
    """A value that fits, and a structure that has it."""

    name: str | None
    """None: no value is fixed."""
    value: Value
    structure: Mapping[str, Value]
    weight: float = 1.0
    """The relative frequency among exploring samples."""

    def demanded(self, problem: Problem) -> dict[str, tuple[Value, ...]]:
        """Return the values of the shape's hyperparameters with which it is active."""
        if self.name is None:
            return {}
        conditions = shapes_of(problem).by_name[self.name].conditions
        parents = {condition.name: condition.values for condition in conditions}
        return parents | {self.name: (self.value,)}


def sample_activation(
    rng: np.random.Generator, hyperparameters: Sequence[Hyperparameter], caps: Caps, problem: Problem
) -> str:
    """Sample the activation by its weights: RAM and flash depend on it. Return ReLU where no network with it fits.

    Raises:
        CapError: where no network fits.
    """
    activation = str(sample_value(rng, next(tuned for tuned in hyperparameters if tuned.name == "activation")))
    if not _fits_with(activation, caps, problem):
        return CHEAPEST_ACTIVATION
    return activation


@lru_cache(maxsize=64)
def _fits_with(activation: str, caps: Caps, problem: Problem) -> bool:
    try:
        return bool(find_witnesses(caps, problem, activation))
    except CapError:
        return False


def fitting_values(caps: Caps, problem: Problem) -> dict[str, tuple[Value, ...]]:
    """Return, for each shape hyperparameter, its values that occur in a network within the caps.

    Raises:
        CapError: where no network fits; names the smallest one.
    """
    fitting: dict[str, tuple[Value, ...]] = {}
    # The same values as without one: a search under a cap of memory samples with an activation.
    for witness in find_witnesses(caps, problem, CHEAPEST_ACTIVATION if caps.limit_memory else None):
        name = str(witness.name)
        fitting[name] = (*fitting.get(name, ()), witness.value)
    return fitting


@lru_cache(maxsize=64)
def find_witnesses(caps: Caps, problem: Problem, activation: str | None = None) -> tuple[Witness, ...]:
    """Return every pair of a shape hyperparameter and a value that fits.

    Args:
        caps: 1 and more. With one of RAM or flash only some small structures are tried, so rare values may be missing.
        problem: the shape of the images, and the number of classes.
        activation: on which RAM and flash depend; None: ReLU.

    Raises:
        CapError: where no network fits; names the smallest one.
    """
    search = _Search(caps, problem, activation)
    witnesses = [witness for name in shapes_of(problem).layout for witness in _layout_witnesses(name, search)]
    witnesses += [witness for name in WIDTHS for witness in _width_witnesses(name, search)]
    if not witnesses:
        raise CapError(caps, nearest_network(caps, problem))
    return tuple(witnesses)


@lru_cache(maxsize=64)
def cumulative_weights(caps: Caps, problem: Problem, activation: str | None = None) -> tuple[float, ...]:
    """Return the cumulative weights of `find_witnesses`."""
    return tuple(itertools.accumulate(witness.weight for witness in find_witnesses(caps, problem, activation)))


@dataclass(frozen=True)
class _Search:
    """The conditions that the structures of witnesses depend on."""

    caps: Caps
    problem: Problem
    activation: str | None

    @property
    def fixed(self) -> dict[str, Value]:
        """Return the values of every structure."""
        return {} if self.activation is None else {"activation": self.activation}

    def network(self, structure: Structure) -> Network:
        """Return the network of a small structure; under a cap of memory many values try the same ones."""
        make = small_network_of if self.caps.limit_memory else network_of
        return make(structure, self.problem)

    def is_hopeless(self, structure: Structure) -> bool:
        """Return whether its layers alone have too many parameters, whatever the other values are."""
        if self.caps.limit_memory:
            return False
        enumerated = tuple(structure[name] for name in _ENUMERATED if name in structure)
        return _plain_parameters(self.problem)[enumerated] > self.caps.max_params


def _layout_witnesses(name: str, search: _Search) -> Iterator[Witness]:
    hyperparameter = shapes_of(search.problem).by_name[name]
    for value in hyperparameter.grid() or ():
        for structure in _small_structures(hyperparameter, value, search):
            if search.is_hopeless(structure):
                continue
            if (network := search.network(structure)).fits(search.caps):
                yield Witness(name, value, structure, _witness_weight(network.share(search.caps)))
                break


def _width_witnesses(name: str, search: _Search) -> Iterator[Witness]:
    caps, grid = search.caps, WIDTHS[name].grid() or ()
    reached = int(grid[0]) - 1
    for structure, network in _small_networks(WIDTHS[name], search):
        if caps.limit_memory and not network.fits(caps, network.widths_with(name, reached + 1)):
            continue
        # A structure that allows a wider layer than those before it has the widths between.
        widest = network.widest(name, caps)
        for width in range(reached + 1, widest + 1):
            widths = network.widths_with(name, width)
            # The memory planner may place a wider layer better.
            if not caps.limit_memory or network.fits(caps, widths):
                yield Witness(name, width, structure, _witness_weight(network.share(caps, widths)))
        reached = max(reached, widest)
        if reached == grid[-1]:
            return


def _witness_weight(share: float) -> float:
    """Return a larger weight for a value whose smallest network uses more of the caps: it is rarer by chance."""
    return 0.25 + 0.75 * min(1.0, share / 0.7) ** 2


def _small_networks(hyperparameter: Hyperparameter, search: _Search) -> Iterator[tuple[Structure, Network]]:
    if hyperparameter.name == "head_units" or search.caps.limit_memory:
        for structure in _small_structures(hyperparameter, hyperparameter.default, search):
            yield structure, search.network(structure)
        return
    yield from (pair for pair in _plain_networks(search.problem) if is_active(hyperparameter, pair[0]))


@lru_cache(maxsize=4)
def _plain_networks(problem: Problem) -> tuple[tuple[Structure, Network], ...]:
    """Return all structures that may be the smallest with a wide layer, where memory has no cap."""
    plain_head = shapes_of(problem).by_name["head_batch_norm"]
    search = _Search(_NO_CAPS, problem, None)
    return tuple((s, network_of(s, problem)) for s in _small_structures(plain_head, False, search))


@lru_cache(maxsize=4)
def _plain_parameters(problem: Problem) -> Mapping[tuple[Value, ...], int]:
    """Return the parameters of each `_plain_networks` by its enumerated values.

    Another head, a full convolution or BatchNorm adds parameters; padding, which may save multiply-adds, changes none.
    """
    return {
        tuple(structure[name] for name in _ENUMERATED if name in structure): network.costs[0]
        for structure, network in _plain_networks(problem)
    }


def _small_structures(hyperparameter: Hyperparameter, value: Value, search: _Search) -> Iterator[Structure]:
    """Yield structures with this value active, small ones first, without layers that always add costs."""
    demanded = {condition.name: condition.values for condition in hyperparameter.conditions}
    if hyperparameter.name not in WIDTHS:
        demanded[hyperparameter.name] = (value,)
    shapes = shapes_of(search.problem)
    enumerated = [name for name in _ENUMERATED if name in shapes.by_name]
    if search.caps.limit_memory:
        enumerated += SEPARABLE
    names = (*enumerated, *(name for name in demanded if name not in enumerated))
    grids = [demanded.get(name) or shapes.by_name[name].grid() or () for name in names]
    if search.caps.limit_memory:
        grids = [_few(name, grid) for name, grid in zip(names, grids, strict=True)]
    firsts = [(shapes.by_name[name], grid[0]) for name, grid in zip(names, grids, strict=True) if len(grid) > 1]
    for combination in itertools.product(*grids):
        structure = shapes.smallest | search.fixed | dict(zip(names, combination, strict=True))
        # Another value of what is inactive would repeat the network.
        if all(structure[tuned.name] == first or is_active(tuned, structure) for tuned, first in firsts):
            yield structure


def _few(name: str, grid: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the values that a small memory may need: the ends of an image's size, the first two of others."""
    if name.startswith("image"):
        return tuple(dict.fromkeys((grid[0], grid[-1])))
    return grid[:2]
