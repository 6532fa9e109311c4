"""Groups of trials that compare: those of the exploration, by their epochs; and the best of a group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tuner.core.records import TrialRecord, rank_key


@dataclass(frozen=True)
class EpochGroup:
    """The scored trials with the same planned number of epochs: only these compare."""

    epochs: float
    records: tuple[TrialRecord, ...]


def explored(records: Iterable[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Return the trials of a search or a study, without a confirmation's repetitions."""
    return tuple(record for record in records if record.phase in ("search", "study"))


def scored(records: Iterable[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Return the completed trials that have a finite score."""
    return tuple(
        record for record in records if record.completed and record.score is not None and math.isfinite(record.score)
    )


def accuracy_of(record: TrialRecord) -> float:
    """Return the score of a scored trial, an accuracy by the run's objective; NaN where there is none."""
    return math.nan if record.score is None else record.score


def groups_by_epochs(records: Iterable[TrialRecord]) -> tuple[EpochGroup, ...]:
    """Return the scored trials by planned epochs, the longest first."""
    chosen = scored(records)
    lengths = sorted({record.epochs for record in chosen}, reverse=True)
    return tuple(EpochGroup(n, tuple(record for record in chosen if record.epochs == n)) for n in lengths)


def best(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the best of the trials that were trained longest; None if no trial has a score."""
    groups = groups_by_epochs(records)
    return min(groups[0].records, key=rank_key) if groups else None
