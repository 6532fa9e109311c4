"""Draws of compact8k's configurations that never exceed a cap.

A sample is a pure function of its random generator: it chooses a structure, shrinks it until it fits with its filters at
their least, and then widens the filters to a drawn share of the cap. There are two sorts. Most draws are regular: their
widths follow a profile, flat or growing with depth, as those of published networks do, since a search has few first-rung
trials to waste. The others explore: one value of one shape hyperparameter that is known to fit is held (the witness: any of
them, those that cost much more often), and each width is anything that fits, so that every value comes up.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

import numpy as np

from search_spaces.families.compact.shape import HYPERPARAMETERS, TRAINING_HYPERPARAMETERS
from search_spaces.families.compact.structures import (
    BY_NAME,
    LAYOUT,
    SMALLEST_STRUCTURE,
    WIDTHS,
    Network,
    Structure,
    network_of,
)
from search_spaces.families.compact.widths import limits_of, scale_widths, scatter_widths, widen, with_widths
from search_spaces.families.compact.witnesses import Witness, cumulative_weights, find_witnesses
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, active, is_active
from search_spaces.networks.costs import chain_costs
from search_spaces.sampling.capped import Caps
from search_spaces.sampling.neighbours import sample_changed
from search_spaces.sampling.values import sample_from_grid, sample_value

_LEAST_EXPLORING, _MOST_EXPLORING = 0.5, 0.8
"""Share of the draws that explore, by how much there is to explore: few for the search's sake, enough for every value
that fits to occur in some thousand draws."""
_KINDS = ("separable_1", "separable_2", "separable_3")
"""The choices of separable stages."""
_LEAST_NEAR = 0.9
"""The least share of the parameters that a sample near a known network may use."""
_SEPARABLE_WIDENING = 2.5
"""The factor by which separable 3×3 convolutions of 10 to 20 filters become for the parameters of full ones: w² + 11w for 9w²."""
_WITNESSES_A_VALUE = 20
"""The number of samples in 5,000 that should hold a witness of weight 1."""


def sample(rng: np.random.Generator, max_params: int, max_macs: int, classes: int = 10) -> dict[str, Value]:
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
    witnesses = find_witnesses(caps, classes)
    witness = _draw_witness(rng, witnesses, cumulative_weights(caps, classes))
    structure = _fitting_structure(rng, witness, caps, classes)
    values = structure | _draw_widths(rng, witness, network_of(structure, classes), caps)
    return active(HYPERPARAMETERS, values | _draw_training(rng))


def sample_near(
    rng: np.random.Generator,
    hyperparameters: Sequence[Hyperparameter],
    configuration: Mapping[str, Value],
    caps: Caps,
    classes: int = 10,
) -> dict[str, Value]:
    """A configuration near one that fits.

    Whether a stage's convolutions are separable is drawn anew, by weight: nothing of the shape matters as much, and published
    networks have full ones. Such a stage keeps about its share of the parameters. Where the shape is another the filters are
    widened or narrowed together to fill the caps.

    Args:
        rng: the only source of chance.
        hyperparameters: of the space; what becomes active has its default.
        configuration: complete and within the caps.
        caps: 1 and more.
        classes: width of the logits, 2 and more.
    """
    while True:
        values = sample_changed(rng, hyperparameters, configuration)
        values |= {name: sample_from_grid(rng, BY_NAME[name]) for name in _KINDS if name in values}
        if values == configuration:
            continue
        if all(values.get(name) == configuration.get(name) for name in BY_NAME):
            return values
        share = rng.uniform(_LEAST_NEAR, 1.0)
        values |= _exchanged_widths(configuration, values)
        if (filled := _filled(rng, values, Caps(int(share * caps.max_params), caps.max_macs), classes)) is None:
            continue
        if (drawn := active(hyperparameters, filled)) != configuration:
            return drawn


def scaled_to_caps(values: Mapping[str, Value], caps: Caps, classes: int = 10) -> dict[str, Value] | None:
    """Return the same configuration with its filters widened or narrowed together to fill the caps; None where they can't be narrow enough."""
    return _filled(np.random.default_rng(0), values, caps, classes)


def _filled(rng: np.random.Generator, values: Mapping[str, Value], caps: Caps, classes: int) -> dict[str, Value] | None:
    """Filters in their proportions, then single ones more, in a random order, until nothing fits."""
    structure = SMALLEST_STRUCTURE | {name: values[name] for name in LAYOUT if name in values}
    network = network_of(structure, classes)
    if not caps.hold(network.costs()):
        return None
    limits = limits_of(network)
    widths = scale_widths(network, limits, {name: float(values[name]) for name in network.slots}, caps)
    widen(rng, network, limits, widths, caps)
    return {**values, **{name: widths[at] for name, at in network.slots.items()}}


def _exchanged_widths(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Value]:
    """Filters of the stages whose convolutions became separable, or full; the network's first convolution is neither."""
    widths: dict[str, Value] = {}
    for stage in (1, 2, 3):
        was, now = (bool(values.get(f"separable_{stage}")) for values in (before, after))
        factor = _SEPARABLE_WIDENING ** (int(now) - int(was))
        names = [name for name in after if name.startswith(f"filters_{stage}_") and name != "filters_1_1"]
        widths |= {name: round(factor * float(after[name])) for name in names if name in before}
    return widths


def _draw_witness(rng: np.random.Generator, witnesses: Sequence[Witness], cumulative: Sequence[float]) -> Witness:
    """A witness by weight, or none."""
    exploring = min(max(_WITNESSES_A_VALUE * cumulative[-1] / 5000, _LEAST_EXPLORING), _MOST_EXPLORING)
    if rng.random() >= exploring:
        # Any structure that fits will do, to shrink towards.
        return Witness(None, "", witnesses[0].structure)
    return witnesses[bisect.bisect_right(cumulative, rng.random() * cumulative[-1], hi=len(witnesses) - 1)]


def _fitting_structure(rng: np.random.Generator, witness: Witness, caps: Caps, classes: int) -> Structure:
    """A structure with the witness that fits with all filters at their least.

    It is shrunk towards the witness's structure, which fits, one random step after another. A drawn share of the cap is
    left to the filters, so that deep networks under a small cap aren't all as narrow as can be.
    """
    structure = _draw_layout(rng, witness)
    share = rng.uniform(0.25, 1.0)
    roomy = Caps(int(caps.max_params * share), int(caps.max_macs * share))
    while not _holds(roomy, structure, witness, classes):
        movable = [n for n in LAYOUT if structure[n] != witness.structure[n] and is_active(BY_NAME[n], structure)]
        if not movable:
            break
        name = movable[int(rng.integers(len(movable)))]
        structure[name] = _step_towards(structure[name], witness.structure[name])
    return structure


def _holds(caps: Caps, structure: Structure, witness: Witness, classes: int) -> bool:
    network = network_of(structure, classes)
    if witness.name in WIDTHS and witness.name is not None:
        return network.widest(witness.name, caps) >= int(witness.value)
    return caps.hold(network.costs())


def _step_towards(value: Value, end: Value) -> Value:
    if isinstance(value, str) or isinstance(end, str) or isinstance(value, bool):
        return end
    return value + (1 if end > value else -1)


def _draw_layout(rng: np.random.Generator, witness: Witness) -> Structure:
    demanded = witness.demanded()
    layout = {name: sample_from_grid(rng, BY_NAME[name], demanded.get(name)) for name in LAYOUT}
    return SMALLEST_STRUCTURE | layout


def _draw_widths(rng: np.random.Generator, witness: Witness, network: Network, caps: Caps) -> dict[str, Value]:
    """Widths for as much as a drawn share of the cap."""
    limits = limits_of(network)
    if witness.name in network.slots:
        limits[str(witness.name)] = (int(witness.value), int(witness.value))
    least = with_widths(network, {name: low for name, (low, _) in limits.items()})
    budget = _draw_budget(rng, caps, chain_costs(network.terms, least))
    if witness.name is None:
        widths = scale_widths(network, limits, _draw_profile(rng, list(limits)), budget)
        widen(rng, network, limits, widths, budget)
    else:
        widths = scatter_widths(rng, network, limits, least, budget)
        # Half of the layers stay as they are, or a large cap would have no narrow ones.
        widen(rng, network, {name: limits[name] for name in limits if rng.random() < 0.5}, widths, budget)
    return {name: widths[at] for name, at in network.slots.items()}


def _draw_budget(rng: np.random.Generator, caps: Caps, least: tuple[int, int]) -> Caps:
    """Return what a sample may spend: mostly 80 to 100% of the parameters, and never less than it has to."""
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


def _draw_training(rng: np.random.Generator) -> dict[str, Value]:
    return {hyperparameter.name: sample_value(rng, hyperparameter) for hyperparameter in TRAINING_HYPERPARAMETERS}
