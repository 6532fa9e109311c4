"""Samples of one hyperparameter's value: any by its weight, or a neighbour of another."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value

_SPREAD = 0.15
"""Standard deviation of the step to a neighbouring number, as a fraction of the range."""


def sample_value(rng: np.random.Generator, hyperparameter: Hyperparameter) -> Value:
    """Sample a value of a hyperparameter, by its weights."""
    if hyperparameter.grid() is not None:
        return sample_from_grid(rng, hyperparameter)
    return _value_at_log_position(hyperparameter, rng.random())


def sample_from_grid(
    rng: np.random.Generator, hyperparameter: Hyperparameter, allowed: tuple[Value, ...] | None = None
) -> Value:
    """Sample a grid value by weight, among the allowed ones if given."""
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
    """Sample another value: a nearby number, or else any by its weight. Return the value where there is no other."""
    grid = hyperparameter.grid()
    if grid is None:
        moved = _log_position(hyperparameter, float(value)) + _SPREAD * rng.standard_normal()
        return _value_at_log_position(hyperparameter, min(max(moved, 0.0), 1.0))
    others = tuple(other for other in grid if other != value)
    if not others:
        return value
    if any(isinstance(other, (bool, str)) for other in grid):
        return sample_from_grid(rng, hyperparameter, others)
    return _nearby(rng, grid, float(value))


def _nearby(rng: np.random.Generator, grid: Sequence[Value], value: float) -> Value:
    """Sample a nearby number of the grid; `value` may be off the grid, as in published networks."""
    here = min(range(len(grid)), key=lambda place: abs(float(grid[place]) - value))
    steps = max(1, round(abs(rng.standard_normal()) * max(1.0, _SPREAD * len(grid))))
    steps = steps if rng.random() < 0.5 else -steps
    there = min(max(here + steps, 0), len(grid) - 1)
    # At an end there is one direction only.
    return grid[there if there != here else min(max(here - steps, 0), len(grid) - 1)]


def _log_position(hyperparameter: Hyperparameter, value: float) -> float:
    """Return the position of a number in a continuous range, by its logarithm: 0 at the minimum, 1 at the maximum."""
    low, high = _log_range(hyperparameter)
    return (math.log(value) - low) / (high - low)


def _value_at_log_position(hyperparameter: Hyperparameter, position: float) -> float:
    """Return the number at a position, rounded to three digits."""
    low, high = _log_range(hyperparameter)
    return float(f"{math.exp(low + position * (high - low)):.3g}")


def _log_range(hyperparameter: Hyperparameter) -> tuple[float, float]:
    return math.log(float(hyperparameter.minimum or 0.0)), math.log(float(hyperparameter.maximum or 0.0))
