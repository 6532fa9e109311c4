"""How well the score of a short trial foretold that of a long one of the same configuration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from reports.analysis.trials import EpochGroup, accuracy_of, explored, groups_by_epochs
from tuner.records import TrialRecord, configuration_key

LEAST_PAIRS = 8
"""With fewer configurations an interval of a rank correlation spans nearly everything."""

_NORMAL_975 = 1.959964


@dataclass(frozen=True)
class Trained:
    """One configuration at two lengths."""

    short_trial: str
    long_trial: str
    short: float
    long: float
    """Validation accuracies."""


@dataclass(frozen=True)
class Fidelity:
    """Two lengths of training."""

    short_epochs: float
    long_epochs: float
    configurations: tuple[Trained, ...]
    all_short: int
    """How many configurations have a score at the shorter length, trained longer or not."""
    correlation: float | None
    """Spearman's; None with fewer than `LEAST_PAIRS` configurations, or where all scores of a length are equal."""
    interval: tuple[float, float] | None
    """95%; None where there is no correlation or it is perfect."""


def fidelities(records: Sequence[TrialRecord]) -> tuple[Fidelity, ...]:
    """Every two lengths at which a configuration was trained, the shortest first."""
    groups = sorted(groups_by_epochs(explored(records)), key=lambda group: group.epochs)
    found = (_fidelity(short, long) for short, long in combinations(groups, 2))
    return tuple(item for item in found if item.configurations)


def spearman(x: npt.ArrayLike, y: npt.ArrayLike) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; None for fewer than two values or constant ones."""
    first, second = _ranks(x), _ranks(y)
    if len(first) < 2 or float(np.ptp(first)) == 0 or float(np.ptp(second)) == 0:
        return None
    return max(-1.0, min(1.0, float(np.corrcoef(first, second)[0, 1])))


def spearman_interval(correlation: float, n: int) -> tuple[float, float] | None:
    """A 95% interval: Fisher's z with the standard error of Bonett and Wright (Psychometrika 65, 2000).

    None where n is below 4 or the correlation is perfect: the transformation has no value there.
    """
    if n < 4 or abs(correlation) >= 1 - 1e-12:
        return None
    z = math.atanh(correlation)
    half = _NORMAL_975 * math.sqrt((1 + correlation**2 / 2) / (n - 3))
    return math.tanh(z - half), math.tanh(z + half)


def _ranks(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    given = np.asarray(values, dtype=np.float64)
    _, places, counts = np.unique(given, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places], dtype=np.float64)


def _fidelity(short: EpochGroup, long: EpochGroup) -> Fidelity:
    before = _by_configuration(short)
    after = _by_configuration(long)
    both = tuple(
        Trained(before[key].trial, record.trial, accuracy_of(before[key]), accuracy_of(record))
        for key, record in after.items()
        if key in before
    )
    enough = len(both) >= LEAST_PAIRS
    correlation = spearman([item.short for item in both], [item.long for item in both]) if enough else None
    return Fidelity(
        short_epochs=short.epochs,
        long_epochs=long.epochs,
        configurations=both,
        all_short=len(before),
        correlation=correlation,
        interval=None if correlation is None else spearman_interval(correlation, len(both)),
    )


def _by_configuration(group: EpochGroup) -> dict[str, TrialRecord]:
    """The first trial of each configuration: a study's further seeds are left out."""
    found: dict[str, TrialRecord] = {}
    for record in sorted(group.records, key=lambda record: record.trial):
        found.setdefault(configuration_key(record.configuration), record)
    return found
