"""Tests of two results on the same things, and Holm's correction of several.

Seeds that two configurations were trained with: Student's paired t test. Images that two models classified: McNemar's test and Newcombe's interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.stats.intervals import mean_and_sd, student_interval, wilson_interval

ALPHA = 0.05
"""Family-wise: the chance of calling any difference shown where there is none."""
POWER = 0.8
"""The power: the probability that a difference that is called showable is shown."""
NO_SPREAD = 1e-9
"""A standard deviation below this is rounding: accuracies are counts over at most some millions of images."""
_GRID = 2000


@dataclass(frozen=True)
class PairedTest:
    """Student's paired t test of differences; what can't be computed is None."""

    n: int
    difference: float | None
    """Mean of the differences."""
    sd: float | None
    interval: tuple[float, float] | None
    """The 95% interval of the mean difference."""
    t: float | None
    p: float | None
    """Two-sided, without correction."""


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


def paired_test(values: Sequence[float]) -> PairedTest:
    """Return mean, 95% interval and two-sided p of paired differences (Student 1908).

    One pair has no spread, so no test; nor have pairs that differ by exactly the same.
    """
    if not values:
        return PairedTest(0, None, None, None, None, None)
    mean, sd = mean_and_sd(values)
    if sd is None or sd <= NO_SPREAD:
        return PairedTest(len(values), mean, None if sd is None else 0.0, None, None, None)
    from scipy import stats

    t = mean / (sd / math.sqrt(len(values)))
    p = float(2 * stats.t.sf(abs(t), len(values) - 1))
    return PairedTest(len(values), mean, sd, student_interval(values), t, p)


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return adjusted p values in the order given (Holm, Scandinavian Journal of Statistics 6, 1979); None stays None and is not counted."""
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = largest
    return tuple(adjusted)


def corrected_interval(
    difference: float | None, sd: float | None, n: int, p: float | None, p_holm: float | None
) -> tuple[float, float] | None:
    """Return the interval that agrees with Holm's correction: it leaves out zero where `p_holm` is below 0.05, and only there.

    It is Student's at the level 1 − 0.05 · p / p_holm: for one comparison the 95% interval, for several a wider one.

    Args:
        difference: the mean over pairs.
        sd: of the differences.
        n: pairs.
        p: without correction.
        p_holm: corrected.
    """
    if difference is None or sd is None or n < 2 or p is None or p_holm is None:
        return None
    from scipy import stats

    share = p / p_holm if p_holm > 0 else 1.0
    half = float(stats.t.isf(ALPHA * share / 2, n - 1)) * sd / math.sqrt(n)
    return (difference - half, difference + half)


def showable_difference(sd: float, n: int, comparisons: int) -> float:
    """Return the true mean difference that n pairs show four times in five: where the t test has that power.

    The power is that of the noncentral t, written as the mean of normal tails over the estimate's own spread, which
    is exact except for the grid and holds for two pairs too.

    Args:
        sd: of the differences.
        n: pairs, two or more.
        comparisons: of the study; the level is the first step of Holm's, alpha / comparisons.
    """
    import numpy as np
    from scipy import optimize, stats

    freedom = n - 1
    critical = stats.t.ppf(1 - ALPHA / (2 * max(comparisons, 1)), freedom)
    shares = (np.arange(_GRID) + 0.5) / _GRID
    edges = critical * np.sqrt(stats.chi2.ppf(shares, freedom) / freedom)
    standardised = optimize.brentq(lambda shift: stats.norm.cdf(shift - edges).mean() - POWER, 0, edges[-1] + 10)
    return float(standardised * sd / math.sqrt(n))


def counts_of(first_right: npt.NDArray[np.bool_], second_right: npt.NDArray[np.bool_]) -> Counts:
    """Return the 2×2 table of two models on the same images.

    Args:
        first_right: (n,) where the first model was right.
        second_right: (n,) where the second model was right.
    """
    return Counts(
        both=int((first_right & second_right).sum()),
        first_only=int((first_right & ~second_right).sum()),
        second_only=int((~first_right & second_right).sum()),
        neither=int((~first_right & ~second_right).sum()),
    )


def mcnemar(counts: Counts) -> float:
    """Return the two-sided p of equal accuracies: exact binomial on the images that one alone got right (McNemar 1947)."""
    # scipy.stats takes a second to import: only a page that has something to test pays for it.
    from scipy.stats import binomtest

    discordant = counts.first_only + counts.second_only
    return float(binomtest(counts.first_only, discordant).pvalue) if discordant else 1.0


def newcombe_interval(counts: Counts) -> tuple[float, float]:
    """Return the 95% interval of `counts.difference` (Newcombe 1998, Statistics in Medicine 17:2635, method 10).

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


def _distances(right: int, n: int) -> tuple[float, float]:
    low, high = wilson_interval(right, n)
    return right / n - low, high - right / n


def _square_and_add(one: float, other: float, phi: float) -> float:
    # Rounding can make a sum of zero slightly negative.
    return max(0.0, one * one - 2 * phi * one * other + other * other)


def _correlation(counts: Counts) -> float:
    first, second = counts.both + counts.first_only, counts.both + counts.second_only
    product = first * (counts.n - first) * second * (counts.n - second)
    if not product:
        return 0.0
    excess = counts.both * counts.neither - counts.first_only * counts.second_only
    corrected = max(excess - counts.n / 2, 0.0) if excess > 0 else float(excess)
    return corrected / math.sqrt(product)
