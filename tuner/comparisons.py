"""What a study showed: each arm over its seeds, and paired comparisons with the base.

Pure functions of records; no Keras, no files. Values are fractions. Repetition k has one seed in all arms, so that arms are compared pair by pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tuner.metrics import mean_and_sd
from tuner.records import TrialRecord, Value

Verdict: TypeAlias = Literal["better", "worse", "no difference shown"]

ALPHA = 0.05
"""Family-wise: the chance of calling any difference shown where there is none."""
POWER = 0.8
"""How often a difference that is called showable would have been shown."""
NO_SPREAD = 1e-9
"""A standard deviation below this is rounding: accuracies are counts over at most some millions of images."""
_GRID = 2000


@dataclass(frozen=True)
class Arm:
    """One value of what is studied, with the trials that have ended."""

    label: str
    value: Value | None
    parameters: int | None
    epochs: int
    seeds: int
    records: tuple[TrialRecord, ...]
    """By repetition, failed ones too."""

    @property
    def scored(self) -> tuple[TrialRecord, ...]:
        """Those with a finite validation accuracy."""
        return tuple(record for record in self.records if _score(record) is not None)

    @property
    def failed(self) -> int:
        """Trials that ended without a score."""
        return len(self.records) - len(self.scored)

    @property
    def scores(self) -> dict[int, float]:
        """Repetition → validation accuracy."""
        return {record.repetition: score for record in self.records if (score := _score(record)) is not None}


@dataclass(frozen=True)
class PairedTest:
    """Student's paired t test of differences; what can't be computed is None."""

    n: int
    difference: float | None
    """Mean of arm − base."""
    sd: float | None
    interval: tuple[float, float] | None
    """Of the mean difference, 95%."""
    t: float | None
    p: float | None
    """Two-sided, without correction."""


@dataclass(frozen=True)
class Comparison:
    """An arm against the base."""

    label: str
    test: PairedTest
    p_holm: float | None
    verdict: Verdict


def compare_arms(base: Arm, others: Sequence[Arm]) -> tuple[Comparison, ...]:
    """Each arm against the base, with Holm's correction over all of them."""
    tests = [paired_test(differences(base, arm)) for arm in others]
    corrected = holm([test.p for test in tests])
    return tuple(
        Comparison(arm.label, test, p, _verdict(test.difference, p))
        for arm, test, p in zip(others, tests, corrected, strict=True)
    )


def differences(base: Arm, arm: Arm) -> tuple[float, ...]:
    """Arm − base of each repetition that both have a score of."""
    scores, others = base.scores, arm.scores
    return tuple(others[number] - scores[number] for number in sorted(set(scores) & set(others)))


def paired_test(values: Sequence[float]) -> PairedTest:
    """Mean, 95% interval and two-sided p of paired differences (Student 1908).

    One pair has no spread, so no test; nor have pairs that differ by exactly the same.
    """
    if not values:
        return PairedTest(0, None, None, None, None, None)
    mean, sd = mean_and_sd(values)
    if sd is None or sd <= NO_SPREAD:
        return PairedTest(len(values), mean, None if sd is None else 0.0, None, None, None)
    from scipy import stats

    error, freedom = sd / math.sqrt(len(values)), len(values) - 1
    half = float(stats.t.ppf(1 - ALPHA / 2, freedom)) * error
    t = mean / error
    return PairedTest(len(values), mean, sd, (mean - half, mean + half), t, float(2 * stats.t.sf(abs(t), freedom)))


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjusted p values (Holm, Scandinavian Journal of Statistics 6, 1979); None stays None and is not counted."""
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = largest
    return tuple(adjusted)


def showable_difference(sd: float, n: int, comparisons: int) -> float:
    """The true mean difference that n pairs show four times in five: where the t test has that power.

    The power is that of the noncentral t, written as the mean of normal tails over the estimate's own spread, which
    is exact but for the grid and holds for two pairs too.

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


def _verdict(difference: float | None, p_holm: float | None) -> Verdict:
    if difference is None or p_holm is None or p_holm >= ALPHA:
        return "no difference shown"
    return "better" if difference > 0 else "worse"


def _score(record: TrialRecord) -> float | None:
    value = record.val_accuracy
    return value if record.completed and value is not None and math.isfinite(value) else None
