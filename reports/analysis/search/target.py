"""The outcome of a search with a target accuracy: which finalists reached it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.run.run_data import RunData
from tuner.core.records import ACCURACY_TOLERANCE, Objective
from tuner.storage.schema.result import Finalist, SizeUnit, Target


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
    by_bound: bool
    """True if the mean's lower bound has to reach the target (`--at-least`), not the mean."""
    unit: SizeUnit
    """The size by which the smallest was chosen."""
    best: Finalist
    """The most accurate finalist: the accuracy that more parameters would have given."""


def target_of(run: RunData) -> float | None:
    """Return the target as an accuracy in [0, 1], of an unfinished run too; None without one.

    An unfinished run has it in its options only, whose values are not validated: the folder may be anybody's.
    """
    if run.result is not None:
        return run.result.target.accuracy if run.result.target is not None else None
    percent = next(
        (value for name in ("target", "at_least") if (value := run.info.options.get(name)) is not None), None
    )
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
        reaching=sum(reaches_target(finalist, target, run.objective) for finalist in finalists),
        by_bound=target.by == "bound",
        unit=target.unit,
        best=_most_accurate(finalists, run.objective),
    )


def reaches_target(finalist: Finalist, target: Target, objective: Objective) -> bool:
    """Return True if a finalist's mean score, or the mean's lower bound, is at least the target, within the precision of 32 bits."""
    scores = finalist.validation.scores(objective)
    value = finalist.bound if target.by == "bound" else None if scores is None else scores.mean
    return value is not None and value >= target.accuracy - ACCURACY_TOLERANCE


def _most_accurate(finalists: Sequence[Finalist], objective: Objective) -> Finalist:
    """Return the most accurate finalist; of equals the first."""

    def mean(finalist: Finalist) -> float:
        scores = finalist.validation.scores(objective)
        return 0.0 if scores is None else scores.mean

    return max(finalists, key=mean)
