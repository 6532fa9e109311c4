"""The leaderboard's numbers: a row for each trial, a summary of the seeds of each confirmed configuration."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.records import Configuration, TrialRecord, epochs_spent, rank_key

MILESTONES = (0.98, 0.99)


@dataclass(frozen=True)
class TrialRow:
    """The numbers of one trial."""

    place: int | None
    """1 for the best; None where the trial failed."""
    trial: str
    phase: str
    bracket: int | None
    rung: int | None
    repetition: int
    epochs: float
    epochs_run: int
    parameters: int
    multiply_adds: int | None
    ram: int | None
    """Bytes of TFLM's arena for the int8 network; None where they are unknown."""
    flash: int | None
    """Bytes of the int8 file; None where they are unknown."""
    val_accuracy: float | None
    val_loss: float | None
    val_balanced_accuracy: float | None
    val_int8_accuracy: float | None
    train_accuracy: float | None
    milestones: tuple[int | None, ...]
    """The first epoch whose validation accuracy reached each of `MILESTONES`."""
    duration_s: float
    status: str
    error: str | None
    seed: int
    worker: int
    origin: str
    """The configuration's source in a search; empty where it is unknown, or the configuration was given."""
    configuration: Configuration

    @property
    def epochs_spent(self) -> float:
        """The training that was run, in epochs of the whole training set."""
        return epochs_spent(self.epochs_run, self.epochs)


def trial_rows(records: Sequence[TrialRecord]) -> tuple[TrialRow, ...]:
    """Return a row for each trial, best first (`rank_key`), failed ones last."""
    return tuple(_row(place, record) for place, record in enumerate(sorted(records, key=rank_key), start=1))


@dataclass(frozen=True)
class SeedSummary:
    """The summary of a confirmed configuration's seeds, except for their scores."""

    train_accuracy: float | None
    """The mean over the seeds that have one."""
    milestones: tuple[tuple[int, int] | None, ...]
    """For each of `MILESTONES` the earliest and the latest seed's first epoch; None if a seed never reached it."""
    duration_s: float | None
    """The mean over seeds."""


def seed_summary(records: Sequence[TrialRecord]) -> SeedSummary:
    """Return the summary of one configuration's repetitions."""
    rows = trial_rows(records)
    return SeedSummary(
        train_accuracy=_mean([row.train_accuracy for row in rows]),
        milestones=tuple(_span([row.milestones[place] for row in rows]) for place in range(len(MILESTONES))),
        duration_s=_mean([row.duration_s for row in rows]),
    )


def setting_names(records: Sequence[TrialRecord], declared: Sequence[str]) -> tuple[str, ...]:
    """Return the hyperparameters that some trial has: in the space's order, then others by name."""
    used = {name for record in records for name in record.configuration}
    known = [name for name in declared if name in used]
    return (*known, *sorted(used.difference(known)))


def most_varied(records: Sequence[TrialRecord], names: Sequence[str]) -> tuple[str, ...]:
    """Return the hyperparameters that varied, the most varied first; of equals the order is that of `names`.

    The measure is Gini and Simpson's: the chance that two trials differ in it; not having it counts as a value.
    """
    chances = {name: _chance_to_differ([repr(record.configuration.get(name)) for record in records]) for name in names}
    return tuple(sorted((name for name in names if chances[name] > 0), key=lambda name: -chances[name]))


def _chance_to_differ(values: Sequence[str]) -> float:
    counts, n = Counter(values), len(values)
    return 1 - sum(count * (count - 1) for count in counts.values()) / (n * (n - 1)) if n > 1 else 0.0


def first_epoch_at(series: Sequence[float], threshold: float) -> int | None:
    """Return the first epoch, counted from 1, whose value is at least the threshold, or None; NaN never is."""
    return next((epoch for epoch, value in enumerate(series, start=1) if value >= threshold), None)


def last_value(series: Sequence[float]) -> float | None:
    """Return the last value; None where there is none or it is not finite."""
    return series[-1] if series and math.isfinite(series[-1]) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _span(epochs: Sequence[int | None]) -> tuple[int, int] | None:
    known = [epoch for epoch in epochs if epoch is not None]
    return (min(known), max(known)) if known and len(known) == len(epochs) else None


def _row(place: int, record: TrialRecord) -> TrialRow:
    curve = record.history.get("val_accuracy", ())
    return TrialRow(
        place=place if record.completed else None,
        trial=record.trial,
        phase=record.phase,
        bracket=record.bracket,
        rung=record.rung,
        repetition=record.repetition,
        epochs=record.epochs,
        epochs_run=record.epochs_run,
        parameters=record.parameters,
        multiply_adds=record.multiply_adds if record.layers else None,
        ram=record.ram,
        flash=record.flash,
        val_accuracy=record.val_accuracy,
        val_loss=record.val_loss,
        val_balanced_accuracy=record.val_balanced_accuracy,
        val_int8_accuracy=record.val_int8_accuracy,
        train_accuracy=last_value(record.history.get("accuracy", ())),
        milestones=tuple(first_epoch_at(curve, threshold) for threshold in MILESTONES),
        duration_s=record.duration_s,
        status=record.status,
        error=record.error,
        seed=record.seed,
        worker=record.worker,
        origin=record.origin,
        configuration=record.configuration,
    )
