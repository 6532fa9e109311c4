"""`--refit`: once everything is chosen, the winner's configuration is trained on the validation images too. Pure functions of records.

A refit has no validation figures, since it was trained on those images: which one is exported follows from the confirmation alone.
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
    """The refits that stand."""

    records: tuple[TrialRecord, ...]
    """Completed ones, by repetition; none where the confirmed models stand in for them."""
    exported: int
    """The index of the one that is exported."""
    images: int
    """The number of images that they were trained on: training and validation images."""

    def to_refit(self) -> Refit | None:
        """Return `refit` of result.json; None where none completed."""
        if not self.records:
            return None
        trials = tuple(record.trial for record in self.records)
        return Refit(trials=trials, trial=trials[self.exported], images=self.images)


def refit_trials(winner: Confirmed, first: int) -> list[Trial]:
    """A trial for each confirmed seed of the winner, that of the median seed first, so that what time is left for has it.

    Args:
        winner: the confirmed winner.
        first: the number of the trial that repetition 1 has; the others follow by repetition, wherever they stand in the list.
    """
    median = winner.records[winner.median]
    others = (record for record in winner.records if record is not median)
    return [_trial(record, first + record.repetition - 1) for record in (median, *others)]


def passes_of(winner: Confirmed, trials: Sequence[Trial]) -> Mapping[str, int]:
    """Trial → the passes that the confirmation of its seed took: with a constant learning rate it may have stopped early."""
    taken = {record.repetition: record.epochs_run for record in winner.records}
    return {trial.trial: taken[trial.repetition] for trial in trials}


def refitted(winner: Confirmed, records: Sequence[TrialRecord], images: int) -> Refitted:
    """Return what stands of the refits. The confirmation's median seed is exported; where its refit is missing, the median of the others.

    Args:
        winner: the confirmed winner.
        records: those of the refits, failed ones among them.
        images: what they were trained on.
    """
    standing = tuple(sorted((record for record in records if record.completed), key=lambda record: record.repetition))
    if not standing:
        return Refitted((), 0, images)
    repetitions = [record.repetition for record in standing]
    median = winner.records[winner.median].repetition
    if median in repetitions:
        return Refitted(standing, repetitions.index(median), images)
    scores = {record.repetition: score for record, score in zip(winner.records, winner.scores, strict=True)}
    return Refitted(standing, median_index([scores[repetition] for repetition in repetitions]), images)


def format_shortfall(wanted: int, records: Sequence[TrialRecord]) -> tuple[str, ...]:
    """Return what the user and the reader of the report are told where refits are missing.

    Args:
        wanted: how many seeds the winner was confirmed with.
        records: of the refits that were trained.
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
        return (f"{len(failed)} of {trained} refits failed; the others stand.",)
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
    )
