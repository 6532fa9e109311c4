"""The target of a search, and what its finalists are beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.run.run_data import RunData
from tuner.core.records import ACCURACY_TOLERANCE
from tuner.storage.schema.result import Finalist


@dataclass(frozen=True)
class Aimed:
    """A target, and who came up to it."""

    accuracy: float
    """In [0, 1]."""
    reached: bool
    """By the winner."""
    finalists: int
    reaching: int
    """Of the finalists."""
    best: Finalist
    """The most accurate one: what more parameters would have given."""


def target_of(run: RunData) -> float | None:
    """The target as an accuracy in [0, 1], of a run that is still going too; None without one.

    An unfinished run has it among its options alone, which hold anything in a stranger's folder.
    """
    if run.result is not None:
        return run.result.target.accuracy if run.result.target is not None else None
    percent = run.info.options.get("target")
    if isinstance(percent, bool) or not isinstance(percent, (int, float)) or not 1 < percent <= 100:
        return None
    return round(percent / 100, 12)


def aimed(run: RunData) -> Aimed | None:
    """How a search with a target ended; None without one, or before it has ended."""
    if run.result is None or run.result.target is None or not run.result.finalists:
        return None
    target, finalists = run.result.target, run.result.finalists
    return Aimed(
        accuracy=target.accuracy,
        reached=target.reached,
        finalists=len(finalists),
        reaching=sum(comes_up_to(finalist, target.accuracy) for finalist in finalists),
        best=_most_accurate(finalists),
    )


def comes_up_to(finalist: Finalist, accuracy: float) -> bool:
    """Whether the mean validation accuracy of a finalist's seeds is a target's or more; accuracies are counted in 32 bits."""
    mean = finalist.validation.mean
    return mean is not None and mean >= accuracy - ACCURACY_TOLERANCE


def _most_accurate(finalists: Sequence[Finalist]) -> Finalist:
    """Of equals the first."""
    return max(finalists, key=lambda finalist: finalist.validation.mean or 0.0)
