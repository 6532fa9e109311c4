"""`--refit`: once everything is chosen, the winner's configuration is trained on the validation images too. Pure functions of records.

A refit has no validation figures, since it trains on those images: the confirmation decides which one is exported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.core.records import Trial, TrialRecord, trial_name
from tuner.run.confirmation import Confirmed
from tuner.stats.intervals import median_index
from tuner.storage.schema.result import Refit

_CONFIRMED_STAND = "the exported model and the test figures are of the confirmed models, which were not trained on the validation images."


@dataclass(frozen=True)
class Refitted:
    """The completed refits of a winner."""

    records: tuple[TrialRecord, ...]
    """Completed records, by repetition; none where the confirmed models are used instead."""
    exported: int
    """The index of the exported one."""
    images: int
    """The number of images that they were trained on: training and validation images."""

    def to_refit(self) -> Refit | None:
        """Return `refit` of result.json; None where none completed."""
        if not self.records:
            return None
        trials = tuple(record.trial for record in self.records)
        return Refit(trials=trials, trial=trials[self.exported], images=self.images)


def refit_trials(winner: Confirmed, first: int) -> list[Trial]:
    """Return a trial for each confirmed seed of the winner, the median seed first, since time may run out.

    Args:
        winner: the confirmed winner.
        first: the number of the trial of repetition 1; the others follow by repetition.
    """
    median = winner.records[winner.median]
    others = (record for record in winner.records if record is not median)
    return [_trial(record, first + record.repetition - 1) for record in (median, *others)]


def passes_of(winner: Confirmed, trials: Sequence[Trial]) -> Mapping[str, int]:
    """Return trial → the passes of its seed's confirmation, which may have stopped early."""
    taken = {record.repetition: record.epochs_run for record in winner.records}
    return {trial.trial: taken[trial.repetition] for trial in trials}


def refitted(winner: Confirmed, records: Sequence[TrialRecord], images: int) -> Refitted:
    """Return the completed refits. The median seed of the confirmation is exported, else the median of the others.

    Args:
        winner: the confirmed winner.
        records: the refits' records, failed ones included.
        images: the number of images that they were trained on.
    """
    completed = tuple(sorted((record for record in records if record.completed), key=lambda record: record.repetition))
    if not completed:
        return Refitted((), 0, images)
    repetitions = [record.repetition for record in completed]
    median = winner.records[winner.median].repetition
    if median in repetitions:
        return Refitted(completed, repetitions.index(median), images)
    scores = {record.repetition: score for record, score in zip(winner.records, winner.scores, strict=True)}
    return Refitted(completed, median_index([scores[repetition] for repetition in repetitions]), images)


def format_shortfall(wanted: int, records: Sequence[TrialRecord]) -> tuple[str, ...]:
    """Return notes for the user and the report where refits are missing.

    Args:
        wanted: the number of seeds with which the winner was confirmed.
        records: the records of the trained refits.
    """
    failed = [record for record in records if not record.completed]
    return (*_format_budget(wanted, len(records)), *_format_failure(failed, len(records)))


def _format_budget(wanted: int, trained: int) -> tuple[str, ...]:
    if trained == wanted:
        return ()
    if not trained:
        return (f"The time budget left none to refit the winner: {_CONFIRMED_STAND}",)
    return (f"The time budget left {trained} of {wanted} seeds to refit.",)


def _format_failure(failed: Sequence[TrialRecord], trained: int) -> tuple[str, ...]:
    if not failed:
        return ()
    if len(failed) < trained:
        return (f"{len(failed)} of {trained} refits failed; the others are used.",)
    return (f"No refit completed, so {_CONFIRMED_STAND} The last one: {failed[-1].error}",)


def _trial(confirmed: TrialRecord, number: int) -> Trial:
    return Trial(
        trial=trial_name(number),
        phase="refit",
        bracket=None,
        rung=None,
        repetition=confirmed.repetition,
        configuration=confirmed.configuration,
        epochs=confirmed.epochs,
        seed=confirmed.seed,
        parameters=confirmed.parameters,
        origin=confirmed.origin,
        objective=confirmed.objective,
    )
