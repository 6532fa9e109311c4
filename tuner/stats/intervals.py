"""Mean, spread, median, and 95% intervals: Wilson's of a proportion, Student's of a mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z95 = 1.959963984540054
"""The normal distribution's 97.5% point."""
Z90 = 1.6448536269514722
"""Its 95% point: a one-sided bound of 95% is the lower end of a two-sided interval of 90%."""


def mean_and_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the sample standard deviation (None with one value).

    Raises:
        ValueError: without values.
    """
    if not values:
        raise ValueError("A mean needs at least one value.")
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, None
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def effective_images(counts: Sequence[int]) -> float:
    """Return the number of images with which an accuracy has the variance that a mean recall of classes has.

    The variance of a mean of k recalls is p (1 - p) / k² · Σ 1 / n, that of an accuracy p (1 - p) / n.

    Args:
        counts: of each class's images, at least one each.

    Raises:
        ValueError: without counts.
    """
    if not counts:
        raise ValueError("A mean recall needs at least one class.")
    return len(counts) ** 2 / math.fsum(1 / count for count in counts)


def wilson_interval(successes: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson, JASA 22, 1927), 95% unless another normal quantile is given.

    `scipy.stats.binomtest(…).proportion_ci(method="wilson")` gives the same, after a second's import.

    Raises:
        ValueError: where n is below 1, or successes are outside 0 to n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"A proportion needs 0 <= successes <= n and n >= 1. Received: successes={successes}, n={n}")
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def student_half_width(sd: float, n: int, *, freedom: int | None = None, level: float = 0.95) -> float:
    """Return half the width of Student's interval of a mean (Biometrika 6, 1908).

    Args:
        sd: standard deviation of the values.
        n: values, two or more.
        freedom: degrees of freedom of `sd`, where they are not n − 1.
        level: how often the interval holds the mean.
    """
    from scipy import stats

    return float(stats.t.ppf((1 + level) / 2, n - 1 if freedom is None else freedom)) * (sd / math.sqrt(n))


def student_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return Student's interval of a mean; None with fewer than two values."""
    if len(values) < 2:
        return None
    mean, sd = mean_and_sd(values)
    half = student_half_width(sd or 0.0, len(values), level=level)
    return mean - half, mean + half


def lower_bound_of_mean(mean: float, sd: float, n: int, images: float, *, shared: bool) -> float:
    """Return the one-sided 95% lower bound of a mean accuracy over seeds: of another seed and other images of the kind.

    Two things vary: training, and which images validate. Where each seed validates on images of its own the spread over seeds has
    both in it, and Student's bound is right; it is not taken to be narrower than Wilson's of all images, for a few seeds may be
    alike by luck. Where all seeds share their images their spread is of training alone, and the two are added as variances are.

    Args:
        mean: over seeds, in [0, 1].
        sd: standard deviation over seeds.
        n: seeds, two or more.
        images: validation images of one seed.
        shared: whether all seeds validate on the same images.
    """
    of_seeds = student_half_width(sd, n, level=0.9)
    different = images if shared else n * images
    of_images = mean - wilson_interval(mean * different, different, Z90)[0]
    return max(0.0, mean - (math.hypot(of_seeds, of_images) if shared else max(of_seeds, of_images)))


def median_index(scores: Sequence[float]) -> int:
    """Return the index of the median; of an even number, the lower of the two in the middle; of equals, the first."""
    order = sorted(range(len(scores)), key=lambda index: (scores[index], index))
    return order[(len(scores) - 1) // 2]
