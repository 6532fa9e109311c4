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
    """Trials that failed for one reason; the texts differ in numbers at most."""

    reason: str
    """The first trial's reason, in full."""
    trials: tuple[str, ...]
    epochs_lost: float
    duration_s: float


def failure_groups(records: Iterable[TrialRecord]) -> tuple[FailureGroup, ...]:
    """Return the failed trials by reason, the most frequent first."""
    by_reason: dict[str, list[TrialRecord]] = {}
    for record in records:
        if not record.completed:
            by_reason.setdefault(_NUMBER.sub("#", record.error or UNKNOWN), []).append(record)
    ordered = sorted(by_reason.values(), key=lambda members: (-len(members), members[0].trial))
    return tuple(
        FailureGroup(
            reason=members[0].error or UNKNOWN,
            trials=tuple(record.trial for record in members),
            epochs_lost=sum(record.epochs_spent for record in members),
            duration_s=sum(record.duration_s for record in members),
        )
        for members in ordered
    )
