"""The rank correlation of short and long trials of the same configurations: the fidelity of a low-budget score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from reports.analysis.search.trials import EpochGroup, accuracy_of, explored, groups_by_epochs
from tuner.core.records import TrialRecord, configuration_key
from tuner.stats.correlation import spearman, spearman_interval

LEAST_PAIRS = 8
"""The fewest configurations: with fewer, the interval of a rank correlation spans nearly everything."""


@dataclass(frozen=True)
class ScorePair:
    """The scores of one configuration at two lengths of training."""

    short_trial: str
    long_trial: str
    short: float
    long: float
    """Validation accuracy of the long trial, as `short` is of the short one."""


@dataclass(frozen=True)
class Fidelity:
    """The fidelity of one length of training to another."""

    short_epochs: float
    long_epochs: float
    configurations: tuple[ScorePair, ...]
    all_short: int
    """The number of configurations with a score at the shorter length, trained longer or not."""
    correlation: float | None
    """Spearman's rank correlation; None with fewer than `LEAST_PAIRS` configurations, or with all scores equal."""
    interval: tuple[float, float] | None
    """95% interval; None where there is no correlation or it is perfect."""


def fidelities(records: Sequence[TrialRecord]) -> tuple[Fidelity, ...]:
    """Return every pair of lengths at which a configuration was trained, the shortest first."""
    groups = sorted(groups_by_epochs(explored(records)), key=lambda group: group.epochs)
    pairs = (_fidelity(short, long) for short, long in combinations(groups, 2))
    return tuple(item for item in pairs if item.configurations)


def _fidelity(short: EpochGroup, long: EpochGroup) -> Fidelity:
    before = _by_configuration(short)
    after = _by_configuration(long)
    both = tuple(
        ScorePair(before[key].trial, record.trial, accuracy_of(before[key]), accuracy_of(record))
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
    """Return the first trial of each configuration: a study's further seeds are left out."""
    first_trials: dict[str, TrialRecord] = {}
    for record in sorted(group.records, key=lambda record: record.trial):
        first_trials.setdefault(configuration_key(record.configuration), record)
    return first_trials
