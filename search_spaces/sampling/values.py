"""Draws of one hyperparameter's value: any by its weight, or one beside another. Each is a pure function of its random generator."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value

_SPREAD = 0.15
"""Standard deviation of a number's step to another beside it, of its range."""


def sample_value(rng: np.random.Generator, hyperparameter: Hyperparameter) -> Value:
    """Any value of a hyperparameter, by its weights."""
    if hyperparameter.grid() is not None:
        return sample_from_grid(rng, hyperparameter)
    return _value_at_log_position(hyperparameter, rng.random())


def sample_from_grid(
    rng: np.random.Generator, hyperparameter: Hyperparameter, allowed: tuple[Value, ...] | None = None
) -> Value:
    """A value of its grid by weight, of those that are allowed where some are given."""
    grid, cumulative = _weighted_grid(hyperparameter, allowed)
    place = rng.random() * cumulative[-1]
    return grid[bisect.bisect_right(cumulative, place, hi=len(grid) - 1)]


@lru_cache(maxsize=4096)
def _weighted_grid(
    hyperparameter: Hyperparameter, allowed: tuple[Value, ...] | None
) -> tuple[tuple[Value, ...], tuple[float, ...]]:
    grid = hyperparameter.grid() or ()
    weights = hyperparameter.weights or (1.0,) * len(grid)
    kept = [(value, weight) for value, weight in zip(grid, weights, strict=True) if allowed is None or value in allowed]
    return tuple(value for value, _ in kept), tuple(itertools.accumulate(weight for _, weight in kept))


def sample_beside(rng: np.random.Generator, hyperparameter: Hyperparameter, value: Value) -> Value:
    """Another value: of numbers one nearby, of all else any by its weight. The same only where there is no other."""
    grid = hyperparameter.grid()
    if grid is None:
        moved = _log_position(hyperparameter, float(value)) + _SPREAD * rng.standard_normal()
        return _value_at_log_position(hyperparameter, min(max(moved, 0.0), 1.0))
    others = tuple(own for own in grid if own != value)
    if not others:
        return value
    if any(isinstance(own, (bool, str)) for own in grid):
        return sample_from_grid(rng, hyperparameter, others)
    return _nearby(rng, grid, float(value))


def _nearby(rng: np.random.Generator, grid: Sequence[Value], value: float) -> Value:
    """A number of the grid; `value` itself may lie beside it, as a published network's does."""
    here = min(range(len(grid)), key=lambda place: abs(float(grid[place]) - value))
    steps = max(1, round(abs(rng.standard_normal()) * max(1.0, _SPREAD * len(grid))))
    steps = steps if rng.random() < 0.5 else -steps
    there = min(max(here + steps, 0), len(grid) - 1)
    # From an end there is one way only.
    return grid[there if there != here else min(max(here - steps, 0), len(grid) - 1)]


def _log_position(hyperparameter: Hyperparameter, value: float) -> float:
    """Return where a number stands in a range without a grid, by its logarithm: 0 at the minimum, 1 at the maximum."""
    low, high = _log_range(hyperparameter)
    return (math.log(value) - low) / (high - low)


def _value_at_log_position(hyperparameter: Hyperparameter, position: float) -> float:
    """The number at a position, in three digits: as fine as anybody tunes, and readable."""
    low, high = _log_range(hyperparameter)
    return float(f"{math.exp(low + position * (high - low)):.3g}")


def _log_range(hyperparameter: Hyperparameter) -> tuple[float, float]:
    return math.log(float(hyperparameter.minimum or 0.0)), math.log(float(hyperparameter.maximum or 0.0))
