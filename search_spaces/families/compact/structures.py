"""compact8k's structures with minimal filters, and their costs as filters widen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

from search_spaces.families.compact.image_input import shape_hyperparameters, smallest_shape
from search_spaces.families.compact.layers import labelled_specs
from search_spaces.families.compact.shape import DRAWN, LAYERS, is_width
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value
from search_spaces.networks.costs import chain, chain_costs
from search_spaces.networks.int8_graph import int8_graph
from search_spaces.networks.memory import Memory, MemoryModel
from search_spaces.networks.notation import format_specs
from search_spaces.networks.problem import Problem
from search_spaces.networks.specs import WEIGHTED, Spec, Weights
from search_spaces.sampling.capped import Caps, Smallest

Structure: TypeAlias = dict[str, Value]
"""A value for every shape hyperparameter, inactive ones too; minimal filters."""

WIDTHS = {tuned.name: tuned for tuned in LAYERS if is_width(tuned.name)}
"""The numbers of filters and units by name, the same for every problem."""
SEPARABLE = ("separable_1", "separable_2", "separable_3")
"""The hyperparameters that make a stage separable."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """The shape's hyperparameters for images of one shape."""

    by_name: Mapping[str, Hyperparameter]
    layout: tuple[str, ...]
    """Names of those that are no widths."""
    smallest: Structure


@lru_cache(maxsize=16)
def shapes_of(problem: Problem) -> Shapes:
    """Return the shape's hyperparameters for a problem."""
    by_name = {tuned.name: tuned for tuned in shape_hyperparameters(problem)}
    layout = tuple(name for name in by_name if name not in WIDTHS)
    return Shapes(by_name, layout, {"network": DRAWN, **smallest_shape(problem)})


class Layers:
    """The layers of a structure, whose memory is modelled when it is first asked for."""

    def __init__(self, specs: Sequence[Spec], problem: Problem) -> None:
        self._specs, self._problem = specs, problem

    @cached_property
    def model(self) -> MemoryModel:
        """Return the memory as a function of the widths."""
        return MemoryModel.of(int8_graph(self._specs, self._problem.input_shape))


@dataclass(frozen=True)
class Network:
    """A structure's layers with a kernel, with minimal filters."""

    terms: tuple[Weights, ...]
    widths: tuple[int, ...]
    slots: Mapping[str, int]
    """Hyperparameter → its index in `widths`, input first."""
    layers: Layers

    def fits(self, caps: Caps, widths: Sequence[int] | None = None) -> bool:
        """Return whether the network is within the caps, at these widths instead of its own if given."""
        if widths is None or widths == self.widths:
            return caps.hold(self.costs) and self._fits_in_memory(caps, self.widths)
        return caps.hold(chain_costs(self.terms, widths)) and self._fits_in_memory(caps, widths)

    def share(self, caps: Caps, widths: Sequence[int] | None = None) -> float:
        """Return the used fraction of the nearest cap."""
        if widths is None or widths == self.widths:
            return caps.share(self.costs, self.memory if caps.limit_memory else None)
        memory = self.layers.model.memory(widths) if caps.limit_memory else None
        return caps.share(chain_costs(self.terms, widths), memory)

    @cached_property
    def costs(self) -> tuple[int, int]:
        """Return the parameters and multiply-adds at its own widths."""
        return chain_costs(self.terms, self.widths)

    @cached_property
    def memory(self) -> Memory:
        """Return the RAM and flash at its own widths."""
        return self.layers.model.memory(self.widths)

    @cached_property
    def _least_memory(self) -> Memory:
        """Return a lower bound of the RAM, which is quick to compute, and the flash."""
        return Memory(self.layers.model.least_ram(self.widths), self.layers.model.flash(self.widths))

    def widths_with(self, name: str, width: int) -> tuple[int, ...]:
        """Return the widths with one layer at this width."""
        at = self.slots[name]
        return (*self.widths[:at], width, *self.widths[at + 1 :])

    def widest(self, name: str, caps: Caps) -> int:
        """Return the largest width of one layer that fits with minimal others; below the minimum where none does."""
        least = self.widths[self.slots[name]]
        base = self.costs
        if not caps.hold(base):
            return least - 1
        wider = chain_costs(self.terms, self.widths_with(name, least + 1))
        # Both costs are linear in one width.
        rooms = (caps.max_params - base[0]) // (wider[0] - base[0]), (caps.max_macs - base[1]) // (wider[1] - base[1])
        widest = min(least + min(rooms), int(WIDTHS[name].maximum or least))
        return self._widest_in_memory(name, least, widest, caps) if caps.limit_memory else widest

    def _widest_in_memory(self, name: str, least: int, most: int, caps: Caps) -> int:
        """Return the largest width whose RAM and flash fit, by bisection; below `least` where none does."""
        low, high = least - 1, most + 1
        while high - low > 1:
            # The least width first: often none fits.
            middle = least if low < least else (low + high) // 2
            fits = self._fits_in_memory(caps, self.widths_with(name, middle))
            low, high = (middle, high) if fits else (low, middle)
        return low

    def _fits_in_memory(self, caps: Caps, widths: Sequence[int]) -> bool:
        if not caps.limit_memory:
            return True
        if widths == self.widths:
            return caps.hold_sizes(self._least_memory) and caps.hold_sizes(self.memory)
        return caps.hold_memory(self.layers.model, widths)


def network_of(structure: Mapping[str, Value], problem: Problem) -> Network:
    """Return a structure's costs and its tuned widths."""
    labelled = labelled_specs(structure, problem)
    terms, widths = chain((spec for spec, _ in labelled), problem.input_shape)
    labels = [label for spec, label in labelled if isinstance(spec, WEIGHTED)]
    slots = {label: at for at, label in enumerate(labels, start=1) if label is not None}
    return Network(terms, tuple(widths), slots, Layers([spec for spec, _ in labelled], problem))


def small_network_of(structure: Mapping[str, Value], problem: Problem) -> Network:
    """Return `network_of`, made once for structures that are tried for many values and under many caps."""
    # ReLU is what a structure without an activation has.
    return _small_network_of(tuple(item for item in structure.items() if item != ("activation", "relu")), problem)


@lru_cache(maxsize=4096)
def _small_network_of(structure: tuple[tuple[str, Value], ...], problem: Problem) -> Network:
    return network_of(dict(structure), problem)


def smallest_structures(problem: Problem) -> Iterator[Structure]:
    """Yield the structures of which one is the smallest in RAM, in flash or in parameters.

    The image of the least or the largest size, stages of full or separable convolutions, each head.
    """
    shapes = shapes_of(problem)
    image = {name: _ends(shapes.by_name[name]) for name in ("image_side", "image_pooling") if name in shapes.by_name}
    for sizes in itertools.product(*image.values()):
        for separable, head in itertools.product((True, False), shapes.by_name["head"].grid() or ()):
            kinds = dict.fromkeys(SEPARABLE, separable)
            yield shapes.smallest | dict(zip(image, sizes, strict=True)) | kinds | {"head": head}


def _ends(hyperparameter: Hyperparameter) -> tuple[Value, ...]:
    grid = hyperparameter.grid() or ()
    return grid[0], grid[-1]


def smallest_structure(caps: Caps, problem: Problem) -> Structure:
    """Return the smallest structure: the one that is nearest to fit, where RAM or flash is capped."""
    if not caps.limit_memory:
        return shapes_of(problem).smallest

    def distance(structure: Structure) -> tuple[bool, float]:
        network = network_of(structure, problem)
        return not caps.hold(network.costs), network.share(caps)

    return min(smallest_structures(problem), key=distance)


def nearest_network(caps: Caps, problem: Problem) -> Smallest:
    """Return the smallest network of the family, in parameters and in multiply-adds, or the one nearest to fit."""
    smallest = smallest_structure(caps, problem)
    network = network_of(smallest, problem)
    memory = network.memory if caps.limit_memory else None
    return Smallest(format_specs([spec for spec, _ in labelled_specs(smallest, problem)]), *network.costs, memory)
