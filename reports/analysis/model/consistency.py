"""The consistency of the winner: the share of its seeds, and of their last epochs, that reach an accuracy threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.model.comparison import best_reference_trial
from reports.analysis.search.target import target_of
from reports.analysis.search.trials import accuracy_of
from reports.run.run_data import RunData
from tuner.core.records import ACCURACY_TOLERANCE, TrialRecord

TARGET = 0.994
"""The threshold on MNIST, for a run without a target. On other data it is the best reference's score in this run."""

LAST_EPOCHS = 5


@dataclass(frozen=True)
class Consistency:
    """The counts of seeds and of their last epochs whose validation accuracy is at or above a threshold."""

    bar: float
    seeds: int
    seeds_above: int
    epochs: int
    epochs_above: int


def consistency(records: Sequence[TrialRecord], bar: float) -> Consistency | None:
    """Count the trials that ended at or above the bar, and their last five epochs that did; None without trials."""
    curves = [[v for v in record.history.get("val_accuracy", ()) if math.isfinite(v)] for record in records]
    curves = [values for values in curves if values]
    if not curves:
        return None
    least = bar - ACCURACY_TOLERANCE
    tails = [value for values in curves for value in values[-LAST_EPOCHS:]]
    return Consistency(
        bar=bar,
        seeds=len(curves),
        seeds_above=sum(values[-1] >= least for values in curves),
        epochs=len(tails),
        epochs_above=sum(value >= least for value in tails),
    )


@dataclass(frozen=True)
class AccuracyThreshold:
    """The validation accuracy that the winner's seeds are compared with."""

    accuracy: float
    reference: str | None = None
    """The reference whose validation accuracy in this run is the threshold; None where it is a fixed target."""
    epochs: float = 0
    """The epochs of that reference's trial."""


def accuracy_threshold(run: RunData) -> AccuracyThreshold | None:
    """Return the run's target; without one 99.4% on MNIST, elsewhere the best reference's validation accuracy.

    None if the run trained no reference, or ranks by another score: each epoch has an accuracy alone.
    """
    if run.objective != "val_accuracy":
        return None
    if (target := target_of(run)) is not None:
        return AccuracyThreshold(target)
    if run.info.data.is_mnist:
        return AccuracyThreshold(TARGET)
    best = best_reference_trial(run)
    if best is None:
        return None
    reference, record = best
    return AccuracyThreshold(accuracy_of(record), reference.name, record.epochs)
