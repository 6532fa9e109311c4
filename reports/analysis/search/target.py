"""The outcome of a search with a target accuracy: which finalists reached it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.run.run_data import RunData
from tuner.core.records import ACCURACY_TOLERANCE
from tuner.storage.schema.result import Finalist


@dataclass(frozen=True)
class TargetOutcome:
    """A target accuracy and the finalists that reached it."""

    accuracy: float
    """The target in [0, 1]."""
    reached: bool
    """True if the winner reached the target."""
    finalists: int
    reaching: int
    """The number of finalists that reached the target."""
    best: Finalist
    """The most accurate finalist: the accuracy that more parameters would have given."""


def target_of(run: RunData) -> float | None:
    """Return the target as an accuracy in [0, 1], of an unfinished run too; None without one.

    An unfinished run has it in its options only, whose values are not validated: the folder may be anybody's.
    """
    if run.result is not None:
        return run.result.target.accuracy if run.result.target is not None else None
    percent = run.info.options.get("target")
    if isinstance(percent, bool) or not isinstance(percent, (int, float)) or not 1 < percent <= 100:
        return None
    return round(percent / 100, 12)


def target_outcome(run: RunData) -> TargetOutcome | None:
    """Return the outcome of a search with a target; None without one, or before the search has ended."""
    if run.result is None or run.result.target is None or not run.result.finalists:
        return None
    target, finalists = run.result.target, run.result.finalists
    return TargetOutcome(
        accuracy=target.accuracy,
        reached=target.reached,
        finalists=len(finalists),
        reaching=sum(reaches_target(finalist, target.accuracy) for finalist in finalists),
        best=_most_accurate(finalists),
    )


def reaches_target(finalist: Finalist, accuracy: float) -> bool:
    """Return True if a finalist's mean validation accuracy is at least the target, within the precision of 32 bits."""
    mean = finalist.validation.mean
    return mean is not None and mean >= accuracy - ACCURACY_TOLERANCE


def _most_accurate(finalists: Sequence[Finalist]) -> Finalist:
    """Return the most accurate finalist; of equals the first."""
    return max(finalists, key=lambda finalist: finalist.validation.mean or 0.0)
