"""Learning curves: one trial's, and the band over several seeds of one configuration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.records import TrialRecord


@dataclass(frozen=True)
class Curve:
    """One metric of one trial. Epochs count from 1; those without a finite value are left out."""

    trial: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Band:
    """One metric over several seeds: mean, smallest and largest at each epoch."""

    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int


@dataclass(frozen=True)
class Stop:
    """A trial that ended before its planned epochs."""

    trial: str
    epoch: int
    planned: float
    accuracy: float | None
    """The validation accuracy of the last epoch that has one."""


def curve(record: TrialRecord, metric: str) -> Curve:
    """Return the finite values of a trial's metric."""
    pairs = [(n, value) for n, value in enumerate(record.history.get(metric, ()), start=1) if math.isfinite(value)]
    return Curve(record.trial, tuple(n for n, _ in pairs), tuple(value for _, value in pairs))


def band(records: Sequence[TrialRecord], metric: str) -> Band | None:
    """Return the mean, smallest and largest over the trials at each epoch that all of them have; None without one."""
    return band_of([curve(record, metric) for record in records])


def band_of(curves: Sequence[Curve]) -> Band | None:
    """Return the band of curves, without those that have no value; None without a common epoch."""
    series = [dict(zip(c.epochs, c.values, strict=True)) for c in curves if c.epochs]
    if not series:
        return None
    shared = sorted(set.intersection(*(set(values) for values in series)))
    columns = [[values[epoch] for values in series] for epoch in shared]
    if not columns:
        return None
    return Band(
        epochs=tuple(shared),
        mean=tuple(sum(column) / len(column) for column in columns),
        low=tuple(min(column) for column in columns),
        high=tuple(max(column) for column in columns),
        seeds=len(series),
    )


def thinned(series: Sequence[float], most: int) -> Sequence[float]:
    """Return at most `most` values (two or more) of a series, evenly spaced, the first and the last among them."""
    last = len(series) - 1
    if last < most:
        return series
    return [series[math.floor(place * last / (most - 1) + 0.5)] for place in range(most)]


def generalisation_gap(records: Sequence[TrialRecord]) -> float | None:
    """Return training minus validation accuracy at the last epoch, the mean over the trials that have both."""
    gaps = []
    for record in records:
        training, validation = curve(record, "accuracy"), curve(record, "val_accuracy")
        if training.values and validation.values:
            gaps.append(training.values[-1] - validation.values[-1])
    return sum(gaps) / len(gaps) if gaps else None


def gap_curve(record: TrialRecord) -> Curve:
    """Return training minus validation accuracy at each epoch that has both."""
    training, validation = curve(record, "accuracy"), curve(record, "val_accuracy")
    known = dict(zip(validation.epochs, validation.values, strict=True))
    pairs = [(n, a - known[n]) for n, a in zip(training.epochs, training.values, strict=True) if n in known]
    return Curve(record.trial, tuple(n for n, _ in pairs), tuple(gap for _, gap in pairs))


def background(records: Sequence[TrialRecord], most: int) -> tuple[TrialRecord, ...]:
    """Return the trials drawn behind the winner: all, or `most` of them, spread evenly from the best to the worst."""
    known = [record for record in records if curve(record, "val_accuracy").epochs]
    if len(known) <= most:
        return tuple(known)
    ordered = sorted(known, key=lambda record: (curve(record, "val_accuracy").values[-1], record.trial))
    chosen = {ordered[round(place * (len(ordered) - 1) / (most - 1))].trial for place in range(most)}
    return tuple(record for record in known if record.trial in chosen)


def early_stops(records: Sequence[TrialRecord]) -> tuple[Stop, ...]:
    """Return the completed trials that ran fewer epochs than planned."""
    return tuple(
        Stop(
            record.trial, record.epochs_run, record.epochs, next(iter(curve(record, "val_accuracy").values[-1:]), None)
        )
        for record in records
        if record.completed and 0 < record.epochs_run < record.epochs
    )
