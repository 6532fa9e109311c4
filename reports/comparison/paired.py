"""Statistics of two results on the same things: images that two models classified, seeds that two recipes were trained with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import numpy.typing as npt

from reports.analysis.classification import wilson_interval


@dataclass(frozen=True)
class Counts:
    """The images of one test set by who classified them right."""

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def n(self) -> int:
        """All images."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def difference(self) -> float:
        """Accuracy of the first minus that of the second; 0 without images."""
        return (self.first_only - self.second_only) / self.n if self.n else 0.0


@dataclass(frozen=True)
class SeedDifferences:
    """First minus second, seed by seed."""

    values: tuple[float, ...]
    mean: float
    sd: float | None
    """None with one seed."""
    interval: tuple[float, float] | None
    """95%, Student 1908; None with one seed."""


def counts_of(first_right: npt.NDArray[np.bool_], second_right: npt.NDArray[np.bool_]) -> Counts:
    """The 2×2 table of two models on the same images.

    Args:
        first_right: (n,) where the first model was right.
        second_right: (n,) the same of the second.
    """
    return Counts(
        both=int((first_right & second_right).sum()),
        first_only=int((first_right & ~second_right).sum()),
        second_only=int((~first_right & second_right).sum()),
        neither=int((~first_right & ~second_right).sum()),
    )


def mcnemar(counts: Counts) -> float:
    """The two-sided p of equal accuracies: exact binomial on the images that one alone got right (McNemar 1947)."""
    # scipy.stats takes a second to import: only a page that has something to test pays for it.
    from scipy.stats import binomtest

    discordant = counts.first_only + counts.second_only
    return float(binomtest(counts.first_only, discordant).pvalue) if discordant else 1.0


def paired_interval(counts: Counts) -> tuple[float, float]:
    """The 95% interval of `counts.difference` (Newcombe 1998, Statistics in Medicine 17:2635, method 10).

    It squares and adds the distances to Wilson's limits, less their correlation, which is corrected for continuity.
    """
    n = counts.n
    if not n:
        return (-1.0, 1.0)
    first, second = counts.both + counts.first_only, counts.both + counts.second_only
    below_first, above_first = _distances(first, n)
    below_second, above_second = _distances(second, n)
    phi = _correlation(counts)
    down = math.sqrt(_square_and_add(below_first, above_second, phi))
    up = math.sqrt(_square_and_add(above_first, below_second, phi))
    return (counts.difference - down, counts.difference + up)


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """The p values corrected for their number, in the order given (Holm 1979)."""
    order = sorted(range(len(values)), key=lambda k: values[k])
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = highest
    return tuple(corrected)


def seed_differences(first: Sequence[float], second: Sequence[float]) -> SeedDifferences | None:
    """Differences of two scores of the same seeds; None without a seed."""
    values = tuple(a - b for a, b in zip(first, second, strict=True))
    if not values:
        return None
    mean = fmean(values)
    if len(values) == 1:
        return SeedDifferences(values, mean, None, None)
    from scipy.stats import t as student

    sd = stdev(values)
    half = float(student.ppf(0.975, len(values) - 1)) * sd / math.sqrt(len(values))
    return SeedDifferences(values, mean, sd, (mean - half, mean + half))


def _distances(right: int, n: int) -> tuple[float, float]:
    low, high = wilson_interval(right, n)
    return right / n - low, high - right / n


def _square_and_add(one: float, other: float, phi: float) -> float:
    # Rounding can leave a square of nothing a little below zero.
    return max(0.0, one * one - 2 * phi * one * other + other * other)


def _correlation(counts: Counts) -> float:
    first, second = counts.both + counts.first_only, counts.both + counts.second_only
    product = first * (counts.n - first) * second * (counts.n - second)
    if not product:
        return 0.0
    excess = counts.both * counts.neither - counts.first_only * counts.second_only
    corrected = max(excess - counts.n / 2, 0.0) if excess > 0 else float(excess)
    return corrected / math.sqrt(product)
