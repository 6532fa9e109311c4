"""Widths of compact8k's layers: along a profile or scattered, within a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from search_spaces.families.compact.structures import WIDTHS, Network
from search_spaces.sampling.capped import Caps

Limits: TypeAlias = Mapping[str, tuple[int, int]]
"""Hyperparameter → smallest and largest number of filters."""


def limits_of(network: Network) -> dict[str, tuple[int, int]]:
    """Return the space's limits of each layer whose filters are tuned."""
    return {name: (int(WIDTHS[name].minimum or 0), int(WIDTHS[name].maximum or 0)) for name in network.slots}


def with_widths(network: Network, widths: Mapping[str, int]) -> list[int]:
    """Return all widths of a network, with those of the given hyperparameters replaced."""
    all_widths = list(network.widths)
    for name, width in widths.items():
        all_widths[network.slots[name]] = width
    return all_widths


def scale_widths(network: Network, limits: Limits, profile: Mapping[str, float], budget: Caps) -> list[int]:
    """Return the widths of the widest network along the profile within the budget, by bisection of the scale."""

    def at_scale(scale: float) -> list[int]:
        rounded = {name: min(max(round(scale * profile[name]), low), high) for name, (low, high) in limits.items()}
        return with_widths(network, rounded)

    low, high = 0.0, 64.0
    for _ in range(10):
        middle = (low + high) / 2
        fits = network.fits(budget, at_scale(middle))
        low, high = (middle, high) if fits else (low, middle)
    return at_scale(low)


def scatter_widths(
    rng: np.random.Generator,
    network: Network,
    limits: Limits,
    least: list[int],
    budget: Caps,
) -> list[int]:
    """Sample widths in a random order of the layers, each among those that still fit."""
    widths = tuple(least)
    names = list(limits)
    for index in rng.permutation(len(names)):
        name = names[int(index)]
        at, (low, high) = network.slots[name], limits[name]
        widest = min(high, replace(network, widths=widths).widest(name, budget))
        widths = (*widths[:at], int(rng.integers(low, max(low, widest) + 1)), *widths[at + 1 :])
    # The memory planner may place a narrower layer worse.
    return list(least) if budget.limit_memory and not network.fits(budget, widths) else list(widths)


def widen(
    rng: np.random.Generator,
    network: Network,
    limits: Limits,
    widths: list[int],
    budget: Caps,
) -> None:
    """Widen random layers in place, one by one, until none fits."""
    free = list(limits)
    while free:
        index = int(rng.integers(len(free)))
        at = network.slots[free[index]]
        widths[at] += 1
        if widths[at] > limits[free[index]][1] or not network.fits(budget, widths):
            widths[at] -= 1
            del free[index]
