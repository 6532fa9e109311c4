"""Failed trials, grouped by their reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tuner.core.records import TrialRecord

UNKNOWN = "no reason was recorded"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class FailureGroup:
    """Trials that failed alike: their reasons differ in numbers at most."""

    reason: str
    """Of the first of them, in full."""
    trials: tuple[str, ...]
    epochs_lost: float
    duration_s: float


def failure_groups(records: Iterable[TrialRecord]) -> tuple[FailureGroup, ...]:
    """Failed trials by reason, the most frequent first."""
    found: dict[str, list[TrialRecord]] = {}
    for record in records:
        if not record.completed:
            found.setdefault(_NUMBER.sub("#", record.error or UNKNOWN), []).append(record)
    ordered = sorted(found.values(), key=lambda members: (-len(members), members[0].trial))
    return tuple(
        FailureGroup(
            reason=members[0].error or UNKNOWN,
            trials=tuple(record.trial for record in members),
            epochs_lost=sum(record.epochs_spent for record in members),
            duration_s=sum(record.duration_s for record in members),
        )
        for members in ordered
    )
