"""How often the winner was as good as it is said to be."""

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
"""On MNIST; on other data the bar is the best score of a reference that this run trained. A run that was given a target has its own."""

LAST_EPOCHS = 5


@dataclass(frozen=True)
class Consistency:
    """Shares of seeds and of their last epochs at or above a bar, on validation data."""

    bar: float
    seeds: int
    seeds_above: int
    epochs: int
    epochs_above: int


def consistency(records: Sequence[TrialRecord], bar: float) -> Consistency | None:
    """How many trials ended at the bar, and how many of their last five epochs reached it; None without trials."""
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
class Bar:
    """What the winner's seeds are held against."""

    accuracy: float
    reference: str | None = None
    """Whose validation accuracy in this run it is; None where it is a fixed target."""
    epochs: float = 0
    """Of that reference's trial."""


def bar_of(run: RunData) -> Bar | None:
    """The run's own target; without one 99.4% on MNIST, elsewhere the best reference's validation accuracy in this run.

    None where it trained no reference.
    """
    if (target := target_of(run)) is not None:
        return Bar(target)
    if run.info.data.is_mnist:
        return Bar(TARGET)
    found = best_reference_trial(run)
    return Bar(accuracy_of(found[1]), found[0].name, found[1].epochs) if found is not None else None
