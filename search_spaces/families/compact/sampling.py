"""Samples of compact8k's configurations, always within the caps.

A sample is a pure function of its random generator: it chooses a structure, shrinks it until it fits with minimal
filters, and then widens the filters to a random fraction of the cap. Regular samples have widths that follow a profile,
flat or growing with depth like published networks, since a search has few first-rung trials. Exploring samples fix one
value of a shape hyperparameter that is known to fit (the witness; expensive values more often) and take any widths that
fit, so that every value occurs.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from search_spaces.families.compact.structures import (
    SEPARABLE,
    WIDTHS,
    Network,
    Structure,
    network_of,
    shapes_of,
)
from search_spaces.families.compact.widths import limits_of, scale_widths, scatter_widths, widen, with_widths
from search_spaces.families.compact.witnesses import Witness, cumulative_weights, find_witnesses, sample_activation
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, active, is_active
from search_spaces.networks.costs import chain_costs
from search_spaces.networks.problem import Problem
from search_spaces.sampling.capped import Caps
from search_spaces.sampling.neighbours import sample_changed
from search_spaces.sampling.values import sample_from_grid, sample_value

_LEAST_EXPLORING, _MOST_EXPLORING = 0.5, 0.8
"""Fraction of exploring samples, by the number of values, so that each occurs in some thousand samples."""
_LEAST_NEAR = 0.9
"""The smallest fraction of the cap that a sample near a known network uses."""
_SEPARABLE_WIDENING = 2.5
"""Width of separable over full 3×3 convolutions of 10 to 20 filters and equal parameters (w² + 11w, 9w²)."""
_WITNESSES_A_VALUE = 20
"""The number of samples in 5,000 that should hold a witness of weight 1."""


def sample(
    rng: np.random.Generator, hyperparameters: Sequence[Hyperparameter], caps: Caps, problem: Problem
) -> dict[str, Value]:
    """Sample a configuration within the caps.

    Args:
        rng: the only source of chance; the same state gives the same configuration.
        hyperparameters: of the space.
        caps: 1 and more.
        problem: the shape of the images, and the number of classes.

    Raises:
        CapError: where no network fits; names the smallest one.
    """
    activation = sample_activation(rng, hyperparameters, caps, problem) if caps.limit_memory else None
    witnesses = find_witnesses(caps, problem, activation)
    witness = _sample_witness(rng, witnesses, cumulative_weights(caps, problem, activation))
    structure = _fitting_structure(rng, witness, caps, problem)
    values = structure | _sample_widths(rng, witness, network_of(structure, problem), caps)
    training = {tuned.name: sample_value(rng, tuned) for tuned in hyperparameters if tuned.name not in structure}
    return active(hyperparameters, values | training)


def sample_near(
    rng: np.random.Generator,
    hyperparameters: Sequence[Hyperparameter],
    configuration: Mapping[str, Value],
    caps: Caps,
    problem: Problem,
) -> dict[str, Value]:
    """Sample a configuration near one that fits.

    Whether a stage is separable is sampled anew, by weight: it matters most of the shape, and published networks have
    full convolutions. Such a stage keeps about its fraction of the parameters. Where the shape differs, all filters are
    scaled to fill the caps.

    Args:
        rng: the only source of chance.
        hyperparameters: of the space; what becomes active has its default.
        configuration: complete and within the caps.
        caps: 1 and more.
        problem: the shape of the images, and the number of classes.
    """
    shape = shapes_of(problem).by_name
    while True:
        values = sample_changed(rng, hyperparameters, configuration)
        values |= {name: sample_from_grid(rng, shape[name]) for name in SEPARABLE if name in values}
        if values == configuration:
            continue
        if all(values.get(name) == configuration.get(name) for name in shape):
            # An activation other than ReLU needs memory.
            if caps.limit_memory and not _network_at(values, problem).fits(caps):
                continue
            return values
        share = rng.uniform(_LEAST_NEAR, 1.0)
        values |= _exchanged_widths(configuration, values)
        if (filled := _filled(rng, values, caps.reduced(share), problem)) is None:
            continue
        if (sampled := active(hyperparameters, filled)) != configuration:
            return sampled


def scaled_to_caps(values: Mapping[str, Value], caps: Caps, problem: Problem) -> dict[str, Value] | None:
    """Return the configuration with its filters scaled to fill the caps; None where the narrowest exceed them."""
    return _filled(np.random.default_rng(0), values, caps, problem)


def _filled(
    rng: np.random.Generator, values: Mapping[str, Value], caps: Caps, problem: Problem
) -> dict[str, Value] | None:
    """Scale all filters in proportion, then widen single layers in random order until none fits."""
    network = network_of(_structure_of(values, problem), problem)
    if not network.fits(caps):
        return None
    limits = limits_of(network)
    widths = scale_widths(network, limits, {name: float(values[name]) for name in network.slots}, caps)
    widen(rng, network, limits, widths, caps)
    return {**values, **{name: widths[at] for name, at in network.slots.items()}}


def _structure_of(values: Mapping[str, Value], problem: Problem) -> Structure:
    shapes = shapes_of(problem)
    return shapes.smallest | {name: values[name] for name in (*shapes.layout, "activation") if name in values}


def _network_at(values: Mapping[str, Value], problem: Problem) -> Network:
    """Return the network of a configuration with its own widths."""
    network = network_of(_structure_of(values, problem), problem)
    return replace(network, widths=tuple(with_widths(network, {name: int(values[name]) for name in network.slots})))


def _exchanged_widths(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Value]:
    """Return the filters of stages that became separable or full; the network's first convolution stays full."""
    widths: dict[str, Value] = {}
    for stage in (1, 2, 3):
        was, now = (bool(values.get(f"separable_{stage}")) for values in (before, after))
        factor = _SEPARABLE_WIDENING ** (int(now) - int(was))
        names = [name for name in after if name.startswith(f"filters_{stage}_") and name != "filters_1_1"]
        widths |= {name: round(factor * float(after[name])) for name in names if name in before}
    return widths


def _sample_witness(rng: np.random.Generator, witnesses: Sequence[Witness], cumulative: Sequence[float]) -> Witness:
    """Sample a witness by weight, or the empty one."""
    exploring = min(max(_WITNESSES_A_VALUE * cumulative[-1] / 5000, _LEAST_EXPLORING), _MOST_EXPLORING)
    if rng.random() >= exploring:
        return Witness(None, "", witnesses[0].structure)
    return witnesses[bisect.bisect_right(cumulative, rng.random() * cumulative[-1], hi=len(witnesses) - 1)]


def _fitting_structure(rng: np.random.Generator, witness: Witness, caps: Caps, problem: Problem) -> Structure:
    """Sample a structure with the witness that fits with minimal filters.

    It is shrunk towards the witness's structure, which fits, by random steps. A random fraction of the cap is reserved
    for the filters, so that deep networks under a small cap are not all minimal in width.
    """
    shapes = shapes_of(problem)
    structure = _sample_layout(rng, witness, problem)
    share = rng.uniform(0.25, 1.0)
    roomy = replace(caps.reduced(share), max_macs=int(caps.max_macs * share))
    while not _holds(roomy, structure, witness, problem):
        movable = [
            name
            for name in shapes.layout
            if structure[name] != witness.structure[name] and is_active(shapes.by_name[name], structure)
        ]
        if not movable:
            break
        name = movable[int(rng.integers(len(movable)))]
        structure[name] = _step_towards(shapes.by_name[name], structure[name], witness.structure[name])
    return structure


def _holds(caps: Caps, structure: Structure, witness: Witness, problem: Problem) -> bool:
    network = network_of(structure, problem)
    if witness.name in WIDTHS and witness.name is not None:
        return network.fits(caps, network.widths_with(witness.name, int(witness.value)))
    return network.fits(caps)


def _step_towards(hyperparameter: Hyperparameter, value: Value, end: Value) -> Value:
    if hyperparameter.kind != "int":
        return end
    grid = hyperparameter.grid() or ()
    return grid[grid.index(value) + (1 if grid.index(end) > grid.index(value) else -1)]


def _sample_layout(rng: np.random.Generator, witness: Witness, problem: Problem) -> Structure:
    shapes, demanded = shapes_of(problem), witness.demanded(problem)
    layout = {name: sample_from_grid(rng, shapes.by_name[name], demanded.get(name)) for name in shapes.layout}
    fixed = {name: value for name, value in witness.structure.items() if name == "activation"}
    return shapes.smallest | fixed | layout


def _sample_widths(rng: np.random.Generator, witness: Witness, network: Network, caps: Caps) -> dict[str, Value]:
    """Sample widths for a random fraction of the cap."""
    limits = limits_of(network)
    if witness.name in network.slots:
        limits[str(witness.name)] = (int(witness.value), int(witness.value))
    least = with_widths(network, {name: low for name, (low, _) in limits.items()})
    budget = _sample_budget(rng, caps, network, least)
    if witness.name is None:
        widths = scale_widths(network, limits, _sample_profile(rng, list(limits)), budget)
        widen(rng, network, limits, widths, budget)
    else:
        widths = scatter_widths(rng, network, limits, least, budget)
        # Half of the layers stay, or a large cap would have no narrow ones.
        widen(rng, network, {name: limits[name] for name in limits if rng.random() < 0.5}, widths, budget)
    return {name: widths[at] for name, at in network.slots.items()}


def _sample_budget(rng: np.random.Generator, caps: Caps, network: Network, least: list[int]) -> Caps:
    """Sample the budget: mostly 80 to 100% of the parameters and of the flash, and at least the smallest cost."""
    share = rng.uniform(0.8, 1.0) if rng.random() < 0.8 else rng.uniform(0.5, 0.8)
    flash = network.layers.model.flash(least) if caps.max_flash is not None else 0
    return caps.reduced(share, least=chain_costs(network.terms, least), least_flash=flash)


def _sample_profile(rng: np.random.Generator, names: Sequence[str]) -> dict[str, float]:
    """Sample relative widths: flat or growing by stage, narrower transitions, with noise."""
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
