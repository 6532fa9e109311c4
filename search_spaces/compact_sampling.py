"""Draws of compact8k's configurations that never exceed a cap.

A draw is a pure function of its random generator. It draws a structure, shrinks it until it fits with its filters at
their least, and then widens the filters to a drawn share of the cap. There are two sorts. Most draws are regular: their
widths follow a profile, flat or growing with depth, as those of published networks do, since a search has few first-rung
trials to waste. The others explore: one value of one shape hyperparameter that is known to fit is held (the pivot: any of
them, those that cost much more often), and each width is anything that fits, so that every value comes up.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from search_spaces.compact_shape import (
    HYPERPARAMETERS,
    SHAPE_HYPERPARAMETERS,
    SMALLEST,
    TRAINING_HYPERPARAMETERS,
    is_width,
    labelled_specs,
)
from search_spaces.hyperparameters import Hyperparameter, Value, active, is_active
from search_spaces.neighbours import draw_changed
from search_spaces.notation import format_specs
from search_spaces.sampling import CapError, Caps, Smallest
from search_spaces.specs import WEIGHTED, Weights, chain, chain_costs
from search_spaces.value_draws import draw_from_grid, draw_value

Structure = dict[str, Value]
"""A value for every shape hyperparameter, inactive ones too; filters at their least."""

_BY_NAME = {hyperparameter.name: hyperparameter for hyperparameter in SHAPE_HYPERPARAMETERS}
_WIDTHS = tuple(name for name in _BY_NAME if is_width(name))
_LAYOUT = tuple(name for name in _BY_NAME if name not in _WIDTHS)
_ENUMERATED = ("stage1_convs", "stage2_convs", "stage3_convs", "transition_1", "transition_2")
"""Whose smallest value depends on the others: a transition saves parameters beside a wide layer, a convolution more
shrinks the map of a dense head. Of the rest `_SMALLEST` is the cheapest beside anything."""
_SMALLEST: Structure = {"network": "drawn", **SMALLEST}

_LEAST_EXPLORING, _MOST_EXPLORING = 0.5, 0.8
"""Share of the draws that explore, by how much there is to explore: few for the search's sake, enough for every value
that fits to occur in some thousand draws."""
_LEAST_NEAR = 0.9
"""Of the parameters, what a draw near a known network may spend at least."""
_SEPARABLE_WIDENING = 2.5
"""How much wider separable 3×3 convolutions of 10 to 20 filters become for the parameters of full ones: w² + 11w for 9w²."""
_PIVOTS_A_VALUE = 20
"""How often, in 5,000 draws, a pivot of weight 1 should be held."""


@dataclass(frozen=True)
class _Network:
    """A structure's layers with a kernel, all filters at their least."""

    terms: tuple[Weights, ...]
    widths: tuple[int, ...]
    slots: Mapping[str, int]
    """Hyperparameter → its place in `widths`, input first."""

    def costs(self) -> tuple[int, int]:
        return chain_costs(self.terms, self.widths)

    def costs_with(self, name: str, width: int) -> tuple[int, int]:
        """With one layer at this width."""
        at = self.slots[name]
        return chain_costs(self.terms, (*self.widths[:at], width, *self.widths[at + 1 :]))

    def widest(self, name: str, caps: Caps) -> int:
        """The largest width of one layer that fits beside the others at their least; below the least where none does."""
        least = self.widths[self.slots[name]]
        base = self.costs()
        if not caps.hold(base):
            return least - 1
        wider = self.costs_with(name, least + 1)
        # Both costs are linear in one width.
        rooms = (caps.max_params - base[0]) // (wider[0] - base[0]), (caps.max_macs - base[1]) // (wider[1] - base[1])
        return min(least + min(rooms), int(_BY_NAME[name].maximum or least))


@dataclass(frozen=True)
class _Pivot:
    """A value that fits, and a structure that shows it."""

    name: str | None
    """None: no value is held."""
    value: Value
    witness: Mapping[str, Value]
    weight: float = 1.0
    """How often it is held, in relation to others."""

    def demanded(self) -> dict[str, tuple[Value, ...]]:
        """What its presence asks of the shape's hyperparameters."""
        if self.name is None:
            return {}
        parents = {condition.name: condition.values for condition in _BY_NAME[self.name].conditions}
        return parents | {self.name: (self.value,)}


def draw(rng: np.random.Generator, max_params: int, max_macs: int, classes: int = 10) -> dict[str, Value]:
    """One configuration with at most `max_params` trainable parameters and `max_macs` multiply-adds an image.

    Args:
        rng: the only source of chance; the same state gives the same configuration.
        max_params: 1 and more.
        max_macs: 1 and more.
        classes: width of the logits, 2 and more.

    Raises:
        CapError: where no network fits; names the smallest one.
    """
    caps = Caps(max_params, max_macs)
    pivots = _pivots(caps, classes)
    pivot = _draw_pivot(rng, pivots, _cumulative_weights(caps, classes))
    structure = _fitting_structure(rng, pivot, caps, classes)
    values = structure | _draw_widths(rng, pivot, _network(structure, classes), caps)
    return active(HYPERPARAMETERS, values | _draw_training(rng))


def draw_near(
    rng: np.random.Generator,
    hyperparameters: Sequence[Hyperparameter],
    configuration: Mapping[str, Value],
    caps: Caps,
    classes: int = 10,
) -> dict[str, Value]:
    """A configuration near one that fits.

    Where its shape is another the filters are widened or narrowed together to fill the caps; a stage whose convolutions
    became separable, or full, keeps about its share of the parameters.

    Args:
        rng: the only source of chance.
        hyperparameters: of the space; what becomes active has its default.
        configuration: complete and within the caps.
        caps: 1 and more.
        classes: width of the logits, 2 and more.
    """
    while True:
        values = draw_changed(rng, hyperparameters, configuration)
        if all(values.get(name) == configuration.get(name) for name in _BY_NAME):
            return values
        share = rng.uniform(_LEAST_NEAR, 1.0)
        values |= _exchanged_widths(configuration, values)
        if (filled := _filled(rng, values, Caps(int(share * caps.max_params), caps.max_macs), classes)) is None:
            continue
        if (drawn := active(hyperparameters, filled)) != configuration:
            return drawn


def _exchanged_widths(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Value]:
    """Filters of the stages whose convolutions became separable, or full; the network's first convolution is neither."""
    widths: dict[str, Value] = {}
    for stage in (1, 2, 3):
        was, now = (bool(values.get(f"separable_{stage}")) for values in (before, after))
        factor = _SEPARABLE_WIDENING ** (int(now) - int(was))
        names = [name for name in after if name.startswith(f"filters_{stage}_") and name != "filters_1_1"]
        widths |= {name: round(factor * float(after[name])) for name in names if name in before}
    return widths


def scaled_to_caps(values: Mapping[str, Value], caps: Caps, classes: int = 10) -> dict[str, Value] | None:
    """The same configuration with its filters widened or narrowed together to fill the caps; None where they can't be narrow enough."""
    return _filled(np.random.default_rng(0), values, caps, classes)


def _filled(rng: np.random.Generator, values: Mapping[str, Value], caps: Caps, classes: int) -> dict[str, Value] | None:
    """Filters in their proportions, then single ones more, in a random order, until nothing fits."""
    structure = _SMALLEST | {name: values[name] for name in _LAYOUT if name in values}
    network = _network(structure, classes)
    if not caps.hold(network.costs()):
        return None
    limits = {name: (int(_BY_NAME[name].minimum or 0), int(_BY_NAME[name].maximum or 0)) for name in network.slots}
    widths = _scaled(network, limits, {name: float(values[name]) for name in network.slots}, caps)
    _widen(rng, network, limits, widths, caps)
    return {**values, **{name: widths[at] for name, at in network.slots.items()}}


def smallest_network(classes: int = 10) -> Smallest:
    """The smallest network of the family, in parameters and in multiply-adds."""
    specs = [spec for spec, _ in labelled_specs(_SMALLEST, classes)]
    return Smallest(format_specs(specs), *_network(_SMALLEST, classes).costs())


def fitting_values(max_params: int, max_macs: int, classes: int = 10) -> dict[str, tuple[Value, ...]]:
    """Of each shape hyperparameter the values that some network within the caps has.

    Raises:
        CapError: where no network fits; names the smallest one.
    """
    fitting: dict[str, tuple[Value, ...]] = {}
    for pivot in _pivots(Caps(max_params, max_macs), classes):
        name = str(pivot.name)
        fitting[name] = (*fitting.get(name, ()), pivot.value)
    return fitting


def _draw_pivot(rng: np.random.Generator, pivots: Sequence[_Pivot], cumulative: Sequence[float]) -> _Pivot:
    """A pivot by weight, or none."""
    exploring = min(max(_PIVOTS_A_VALUE * cumulative[-1] / 5000, _LEAST_EXPLORING), _MOST_EXPLORING)
    if rng.random() >= exploring:
        # Any structure that fits will do, to shrink towards.
        return _Pivot(None, "", pivots[0].witness)
    return pivots[bisect.bisect_right(cumulative, rng.random() * cumulative[-1], hi=len(pivots) - 1)]


@lru_cache(maxsize=64)
def _cumulative_weights(caps: Caps, classes: int) -> tuple[float, ...]:
    return tuple(itertools.accumulate(pivot.weight for pivot in _pivots(caps, classes)))


@lru_cache(maxsize=64)
def _pivots(caps: Caps, classes: int) -> tuple[_Pivot, ...]:
    """Every pair of a shape hyperparameter and a value that fits."""
    pivots = [pivot for name in _LAYOUT for pivot in _layout_pivots(name, caps, classes)]
    pivots += [pivot for name in _WIDTHS for pivot in _width_pivots(name, caps, classes)]
    if not pivots:
        raise CapError(caps, smallest_network(classes))
    return tuple(pivots)


def _layout_pivots(name: str, caps: Caps, classes: int) -> Iterator[_Pivot]:
    for value in _BY_NAME[name].grid() or ():
        for structure in _small_structures(_BY_NAME[name], value):
            if caps.hold(cost := _network(structure, classes).costs()):
                yield _Pivot(name, value, structure, _pivot_weight(caps.share(cost)))
                break


def _width_pivots(name: str, caps: Caps, classes: int) -> Iterator[_Pivot]:
    grid = _BY_NAME[name].grid() or ()
    reached = int(grid[0]) - 1
    for structure, network in _small_networks(_BY_NAME[name], classes):
        # A structure that carries a wider layer than those before it shows the widths between.
        widest = network.widest(name, caps)
        for width in range(reached + 1, widest + 1):
            share = caps.share(network.costs_with(name, width))
            yield _Pivot(name, width, structure, _pivot_weight(share))
        reached = max(reached, widest)
        if reached == grid[-1]:
            return


def _pivot_weight(share: float) -> float:
    """The more of the caps the smallest network with a value takes, the rarer it is by chance."""
    return 0.15 + 0.85 * min(1.0, share / 0.7) ** 2


def _small_networks(hyperparameter: Hyperparameter, classes: int) -> Iterator[tuple[Structure, _Network]]:
    if hyperparameter.name == "head_units":
        for structure in _small_structures(hyperparameter, hyperparameter.default):
            yield structure, _network(structure, classes)
        return
    yield from (pair for pair in _plain_networks(classes) if is_active(hyperparameter, pair[0]))


@lru_cache(maxsize=4)
def _plain_networks(classes: int) -> tuple[tuple[Structure, _Network], ...]:
    """All structures that may be the smallest beside a wide layer."""
    return tuple((s, _network(s, classes)) for s in _small_structures(_BY_NAME["head_batch_norm"], False))


def _small_structures(hyperparameter: Hyperparameter, value: Value) -> Iterator[Structure]:
    """Structures with this value active, small ones first, with all that costs in any case left out."""
    demanded = {condition.name: condition.values for condition in hyperparameter.conditions}
    if hyperparameter.name not in _WIDTHS:
        demanded[hyperparameter.name] = (value,)
    names = (*_ENUMERATED, *(name for name in demanded if name not in _ENUMERATED))
    for combination in itertools.product(*(demanded.get(name) or _BY_NAME[name].grid() or () for name in names)):
        structure = _SMALLEST | dict(zip(names, combination, strict=True))
        # An inactive second transition would only repeat the structure without one.
        if structure["stage3_convs"] or structure["transition_2"] == "none":
            yield structure


def _network(structure: Mapping[str, Value], classes: int) -> _Network:
    labelled = labelled_specs(structure, classes)
    terms, widths = chain(spec for spec, _ in labelled)
    labels = [label for spec, label in labelled if isinstance(spec, WEIGHTED)]
    slots = {label: at for at, label in enumerate(labels, start=1) if label is not None}
    return _Network(terms, tuple(widths), slots)


def _fitting_structure(rng: np.random.Generator, pivot: _Pivot, caps: Caps, classes: int) -> Structure:
    """A structure with the pivot that fits with all filters at their least.

    It is shrunk towards the pivot's witness, which fits, one random step after another. A drawn share of the cap is
    left to the filters, so that deep networks under a small cap aren't all as narrow as can be.
    """
    structure = _draw_layout(rng, pivot)
    share = rng.uniform(0.25, 1.0)
    roomy = Caps(int(caps.max_params * share), int(caps.max_macs * share))
    while not _holds(roomy, structure, pivot, classes):
        movable = [n for n in _LAYOUT if structure[n] != pivot.witness[n] and is_active(_BY_NAME[n], structure)]
        if not movable:
            break
        name = movable[int(rng.integers(len(movable)))]
        structure[name] = _step_towards(structure[name], pivot.witness[name])
    return structure


def _holds(caps: Caps, structure: Structure, pivot: _Pivot, classes: int) -> bool:
    network = _network(structure, classes)
    if pivot.name in _WIDTHS and pivot.name is not None:
        return network.widest(pivot.name, caps) >= int(pivot.value)
    return caps.hold(network.costs())


def _step_towards(value: Value, end: Value) -> Value:
    if isinstance(value, str) or isinstance(end, str) or isinstance(value, bool):
        return end
    return value + (1 if end > value else -1)


def _draw_layout(rng: np.random.Generator, pivot: _Pivot) -> Structure:
    demanded = pivot.demanded()
    layout = {name: draw_from_grid(rng, _BY_NAME[name], demanded.get(name)) for name in _LAYOUT}
    return _SMALLEST | layout


def _draw_widths(rng: np.random.Generator, pivot: _Pivot, network: _Network, caps: Caps) -> dict[str, Value]:
    """Widths for as much as a drawn share of the cap."""
    limits = {name: (int(_BY_NAME[name].minimum or 0), int(_BY_NAME[name].maximum or 0)) for name in network.slots}
    if pivot.name in network.slots:
        limits[str(pivot.name)] = (int(pivot.value), int(pivot.value))
    least = _with_widths(network, {name: low for name, (low, _) in limits.items()})
    budget = _draw_budget(rng, caps, chain_costs(network.terms, least))
    if pivot.name is None:
        widths = _scaled(network, limits, _draw_profile(rng, list(limits)), budget)
        _widen(rng, network, limits, widths, budget)
    else:
        widths = _scattered(rng, network, limits, least, budget)
        # Half of the layers stay as they are, or a large cap would have no narrow ones.
        _widen(rng, network, {name: limits[name] for name in limits if rng.random() < 0.5}, widths, budget)
    return {name: widths[at] for name, at in network.slots.items()}


def _draw_budget(rng: np.random.Generator, caps: Caps, least: tuple[int, int]) -> Caps:
    """What a draw may spend: mostly 80 to 100% of the parameters, and never less than it has to."""
    share = rng.uniform(0.8, 1.0) if rng.random() < 0.8 else rng.uniform(0.5, 0.8)
    return Caps(max(least[0], int(share * caps.max_params)), caps.max_macs)


def _draw_profile(rng: np.random.Generator, names: Sequence[str]) -> dict[str, float]:
    """Relative widths: flat or growing from stage to stage, transitions narrower, each a little off."""
    growth = 1.0 if rng.random() < 0.25 else rng.uniform(1.1, 1.8)
    noise = 0.6 if rng.random() < 0.15 else 0.15
    jitter = np.exp(noise * rng.standard_normal(len(names)))
    return {name: _depth_factor(name, growth) * float(factor) for name, factor in zip(names, jitter, strict=True)}


def _depth_factor(name: str, growth: float) -> float:
    if name.startswith("transition"):
        return 0.7 * float(growth ** (int(name[11]) - 0.5))
    if name == "head_units":
        return float(growth**2.5)
    stage, position = map(int, name.split("_")[1:])
    return float(growth ** (stage - 1 + 0.3 * (position - 1)))


def _scaled(
    network: _Network, limits: Mapping[str, tuple[int, int]], profile: Mapping[str, float], budget: Caps
) -> list[int]:
    """The widest network along the profile within the budget, found by bisection of its scale."""

    def at_scale(scale: float) -> list[int]:
        rounded = {name: min(max(round(scale * profile[name]), low), high) for name, (low, high) in limits.items()}
        return _with_widths(network, rounded)

    low, high = 0.0, 64.0
    for _ in range(10):
        middle = (low + high) / 2
        fits = budget.hold(chain_costs(network.terms, at_scale(middle)))
        low, high = (middle, high) if fits else (low, middle)
    return at_scale(low)


def _scattered(
    rng: np.random.Generator,
    network: _Network,
    limits: Mapping[str, tuple[int, int]],
    least: list[int],
    budget: Caps,
) -> list[int]:
    """Layers in a random order, each as wide as anything that still fits."""
    widths = tuple(least)
    names = list(limits)
    for index in rng.permutation(len(names)):
        name = names[int(index)]
        at, (low, high) = network.slots[name], limits[name]
        widest = min(high, _Network(network.terms, widths, network.slots).widest(name, budget))
        widths = (*widths[:at], int(rng.integers(low, max(low, widest) + 1)), *widths[at + 1 :])
    return list(widths)


def _widen(
    rng: np.random.Generator,
    network: _Network,
    limits: Mapping[str, tuple[int, int]],
    widths: list[int],
    budget: Caps,
) -> None:
    """Widens random layers one by one, in place, until none can be."""
    free = list(limits)
    while free:
        index = int(rng.integers(len(free)))
        at = network.slots[free[index]]
        widths[at] += 1
        if widths[at] > limits[free[index]][1] or not budget.hold(chain_costs(network.terms, widths)):
            widths[at] -= 1
            del free[index]


def _with_widths(network: _Network, widths: Mapping[str, int]) -> list[int]:
    all_widths = list(network.widths)
    for name, width in widths.items():
        all_widths[network.slots[name]] = width
    return all_widths


def _draw_training(rng: np.random.Generator) -> dict[str, Value]:
    return {hyperparameter.name: draw_value(rng, hyperparameter) for hyperparameter in TRAINING_HYPERPARAMETERS}
