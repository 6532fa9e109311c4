"""Widths of compact8k's layers: along a profile or scattered, as wide as a budget allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from search_spaces.families.compact.structures import BY_NAME, Network
from search_spaces.networks.costs import chain_costs
from search_spaces.sampling.capped import Caps

Limits: TypeAlias = Mapping[str, tuple[int, int]]
"""Hyperparameter → least and most filters."""


def limits_of(network: Network) -> dict[str, tuple[int, int]]:
    """Those of the space, of each layer whose filters are tuned."""
    return {name: (int(BY_NAME[name].minimum or 0), int(BY_NAME[name].maximum or 0)) for name in network.slots}


def with_widths(network: Network, widths: Mapping[str, int]) -> list[int]:
    """All widths between a network's layers, those of these hyperparameters exchanged."""
    all_widths = list(network.widths)
    for name, width in widths.items():
        all_widths[network.slots[name]] = width
    return all_widths


def scale_widths(network: Network, limits: Limits, profile: Mapping[str, float], budget: Caps) -> list[int]:
    """The widest network along the profile within the budget, found by bisection of its scale."""

    def at_scale(scale: float) -> list[int]:
        rounded = {name: min(max(round(scale * profile[name]), low), high) for name, (low, high) in limits.items()}
        return with_widths(network, rounded)

    low, high = 0.0, 64.0
    for _ in range(10):
        middle = (low + high) / 2
        fits = budget.hold(chain_costs(network.terms, at_scale(middle)))
        low, high = (middle, high) if fits else (low, middle)
    return at_scale(low)


def scatter_widths(
    rng: np.random.Generator,
    network: Network,
    limits: Limits,
    least: list[int],
    budget: Caps,
) -> list[int]:
    """Layers in a random order, each as wide as anything that still fits."""
    widths = tuple(least)
    names = list(limits)
    for index in rng.permutation(len(names)):
        name = names[int(index)]
        at, (low, high) = network.slots[name], limits[name]
        widest = min(high, Network(network.terms, widths, network.slots).widest(name, budget))
        widths = (*widths[:at], int(rng.integers(low, max(low, widest) + 1)), *widths[at + 1 :])
    return list(widths)


def widen(
    rng: np.random.Generator,
    network: Network,
    limits: Limits,
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
