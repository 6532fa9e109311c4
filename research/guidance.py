"""Surrogate models: they rank untried configurations by the scores of others.

All are pure functions of arrays. `guided_draws` uses them in searches.

- Parzen estimators (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"): the density of the good
  fraction over that of the rest, by hyperparameter, or jointly as in BOHB (Falkner et al. 2018).
- A random forest of the scores' ranks; SMAC has one of the scores (Hutter et al. 2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from sklearn.ensemble import RandomForestRegressor

from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]

GOOD_SHARE, LEAST_GOOD = 0.25, 3
_NARROWEST = 0.1
"""The smallest width of a kernel, as a fraction of a hyperparameter's range."""
_OTHER_CATEGORY = 0.2
"""The mass of a category's kernel on all other categories (Aitchison and Aitken 1976)."""
_TREES = 40


@dataclass(frozen=True)
class Encoded:
    """Configurations as numbers."""

    units: Floats
    """(configurations, hyperparameters): a position from 0 to 1, or a category's index; NaN where inactive."""
    categories: tuple[int, ...]
    """Number of categories of each hyperparameter; 0 where its values are ordered."""

    def some(self, rows: Rows) -> Encoded:
        """Return these configurations only."""
        return Encoded(self.units[rows], self.categories)

    def columns(self, places: Sequence[int]) -> Encoded:
        """Return these hyperparameters only."""
        return Encoded(self.units[:, list(places)], tuple(self.categories[place] for place in places))


Ranker: TypeAlias = Callable[[Encoded, Rows, Floats], Floats]
"""(all configurations, evaluated rows, their scores) → a rating of each configuration, larger is better."""


def encode(hyperparameters: Sequence[Hyperparameter], configurations: Sequence[Mapping[str, Value]]) -> Encoded:
    """Return the configurations as numbers."""
    units = [
        [unit(hyperparameter, values.get(hyperparameter.name)) for hyperparameter in hyperparameters]
        for values in configurations
    ]
    shape = (len(configurations), len(hyperparameters))
    return Encoded(np.array(units, dtype=np.float64).reshape(shape), tuple(map(_categories, hyperparameters)))


def unit(hyperparameter: Hyperparameter, value: Value | None) -> float:
    """Return the position of a value in its range, 0 to 1, or a category's index; NaN for None, which is inactive."""
    if value is None:
        return math.nan
    grid = hyperparameter.grid()
    if grid is None:
        low, high = math.log(float(hyperparameter.minimum or 0)), math.log(float(hyperparameter.maximum or 0))
        return (math.log(float(value)) - low) / (high - low)
    return grid.index(value) / (1 if _categories(hyperparameter) else max(1, len(grid) - 1))


def _categories(hyperparameter: Hyperparameter) -> int:
    grid = hyperparameter.grid() or ()
    return len(grid) if any(isinstance(value, (str, bool)) for value in grid) else 0


def parzen(encoded: Encoded, seen: Rows, scores: Floats) -> Floats:
    """Return the log ratio of the good fraction's density to the rest's, summed over hyperparameters."""
    good, bad = split(seen, scores)
    return _marginal(encoded, good) - _marginal(encoded, bad)


def parzen_together(encoded: Encoded, seen: Rows, scores: Floats) -> Floats:
    """Return the log ratio with one joint kernel around each evaluated configuration."""
    good, bad = split(seen, scores)
    return _joint(encoded, good) - _joint(encoded, bad)


def forest(encoded: Encoded, seen: Rows, scores: Floats) -> Floats:
    """Return the mean prediction of a random forest of the scores' ranks, robust to trainings at chance level."""
    features = _features(encoded)
    model = RandomForestRegressor(_TREES, min_samples_leaf=2, max_features=1 / 3, random_state=0)
    model.fit(features[seen], stats.rankdata(scores))
    return np.asarray(model.predict(features), dtype=np.float64)


RANKERS: Mapping[str, Ranker] = {"parzen": parzen, "parzen, together": parzen_together, "forest": forest}


def only(ranker: Ranker, places: Sequence[int]) -> Ranker:
    """Return a ranker that sees these hyperparameters only."""
    return lambda encoded, seen, scores: ranker(encoded.columns(places), seen, scores)


def split(seen: Rows, scores: Floats) -> tuple[Rows, Rows]:
    """Return the rows of the good fraction and of the rest; among equal scores the earlier is better."""
    order = seen[np.argsort(-scores, kind="stable")]
    count = max(LEAST_GOOD, math.ceil(GOOD_SHARE * len(seen)))
    return order[:count], order[count:]


def _marginal(encoded: Encoded, group: Rows) -> Floats:
    """Return the log density at each configuration. A uniform density with the weight of one member keeps it finite."""
    kernels = _kernels(encoded, group)
    counts = np.sum(~np.isnan(kernels), axis=1)
    densities = (1 + np.nansum(kernels, axis=1)) / (1 + counts)
    return np.asarray(np.log(densities).sum(axis=1), dtype=np.float64)


def _joint(encoded: Encoded, group: Rows) -> Floats:
    if not len(group):
        return np.zeros(len(encoded.units))
    products = np.nansum(np.log(np.maximum(_kernels(encoded, group), 1e-300)), axis=2)
    return np.asarray(special.logsumexp(products, axis=1) - math.log(len(group)), dtype=np.float64)


def _kernels(encoded: Encoded, group: Rows) -> Floats:
    """Return the group's kernels (configurations, group, hyperparameters); uniform is 1, inactive NaN."""
    here, there = encoded.units[:, None, :], encoded.units[None, group, :]
    categories = np.array(encoded.categories)
    kernels, named = np.empty((len(encoded.units), len(group), len(categories))), categories > 0
    kernels[:, :, named] = _category_kernels(here[:, :, named], there[:, :, named], categories[named])
    kernels[:, :, ~named] = _order_kernels(here[:, :, ~named], there[:, :, ~named])
    return kernels


def _category_kernels(here: Floats, there: Floats, categories: Rows) -> Floats:
    same, other = (1 - _OTHER_CATEGORY) * categories, _OTHER_CATEGORY * categories / np.maximum(categories - 1, 1)
    return np.where(np.isnan(here + there), np.nan, np.where(here == there, same, other))


def _order_kernels(here: Floats, there: Floats) -> Floats:
    """Return Gaussian kernels, truncated at the ends of the range, with the normal reference width (Silverman 1986)."""
    active = ~np.isnan(there[0])
    counts = np.maximum(active.sum(axis=0), 1)
    mean = np.where(active, there[0], 0).sum(axis=0) / counts
    sd = np.sqrt((np.where(active, there[0] - mean, 0) ** 2).sum(axis=0) / counts)
    wide = np.maximum(_NARROWEST, 1.06 * sd * counts**-0.2)
    inside = special.ndtr((1 - there) / wide) - special.ndtr(-there / wide)
    kernels = np.exp(-0.5 * ((here - there) / wide) ** 2) / (wide * math.sqrt(2 * math.pi) * inside)
    return np.asarray(kernels, dtype=np.float64)


def _features(encoded: Encoded) -> Floats:
    """Return ordered hyperparameters unchanged, and a column for each category; −1 where inactive."""
    columns = []
    for place, count in enumerate(encoded.categories):
        column = encoded.units[:, place]
        known = np.where(np.isnan(column), -1.0, column)
        columns += [(known == category).astype(np.float64) for category in range(count)] if count else [known]
    return np.column_stack(columns)
