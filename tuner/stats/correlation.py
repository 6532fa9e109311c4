"""Spearman's rank correlation and its interval."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tuner.stats.intervals import Z95


def spearman(x: npt.ArrayLike, y: npt.ArrayLike) -> float | None:
    """Return Spearman's rank correlation, ties at their mean rank; None for fewer than two values or constant ones.

    `scipy.stats.spearmanr` gives the same, after a second's import.
    """
    first, second = _ranks(x), _ranks(y)
    if len(first) < 2 or float(np.ptp(first)) == 0 or float(np.ptp(second)) == 0:
        return None
    return max(-1.0, min(1.0, float(np.corrcoef(first, second)[0, 1])))


def spearman_interval(correlation: float, n: int) -> tuple[float, float] | None:
    """Return the 95% interval: Fisher's z with the standard error of Bonett and Wright (Psychometrika 65, 2000).

    None where n is below 4 or the correlation is perfect: the transformation has no value there.
    """
    if n < 4 or abs(correlation) >= 1 - 1e-12:
        return None
    z = math.atanh(correlation)
    half = Z95 * math.sqrt((1 + correlation**2 / 2) / (n - 3))
    return math.tanh(z - half), math.tanh(z + half)


def _ranks(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    given = np.asarray(values, dtype=np.float64)
    _, places, counts = np.unique(given, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places], dtype=np.float64)
