"""Lines of the journal: the events of a trial. Their checksums and chain are `tuner.storage.journal`'s."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import fields
from typing import Annotated, Any, TypeAlias

from msgspec import Meta
from msgspec.structs import astuple

from search_spaces.networks.costs import LayerSummary
from tuner.core.records import Objective, Phase, Status, Trial, TrialRecord
from tuner.storage.schema.fields import (
    Count,
    Epochs,
    Fraction,
    Index,
    Length,
    Part,
    Positive,
    Real,
    Seed,
    Text,
    TrialName,
    Values,
    written,
)

_TRIAL = tuple(field.name for field in fields(Trial))


class Layer(Part, frozen=True, kw_only=True):
    """A layer of a network. The fields of `LayerSummary`, which says what they mean."""

    name: Text
    kind: Text
    shape: Annotated[tuple[Count, ...], Meta(max_length=16)]
    parameters: Count
    multiply_adds: Annotated[int, Meta(ge=0, le=10**15)]
    non_trainable: Count = written(0)

    def to_summary(self) -> LayerSummary:
        """Return the layer as the program has it."""
        return LayerSummary(*astuple(self))


Layers: TypeAlias = Annotated[tuple[Layer, ...], Meta(max_length=10_000)]


class Started(Part, frozen=True, kw_only=True, tag_field="event", tag="started"):
    """A trial was handed to a worker. The fields of `Trial`, which says what they mean."""

    time: Text = ""
    trial: TrialName
    phase: Phase
    bracket: Index | None
    rung: Index | None
    repetition: Index
    configuration: Values
    epochs: Length
    seed: Seed
    parameters: Count
    fold: Index = 0
    origin: Text = ""
    objective: Objective = "val_accuracy"
    """Absent where it is the default, as in all older journals."""
    previous: Text | None = None
    """The checksum of the line before it; None in journals without a chain."""
    check: Text = ""

    def to_trial(self) -> Trial:
        """Return the trial."""
        return Trial(**_values(self))


class Finished(Started, frozen=True, kw_only=True, tag_field="event", tag="finished"):
    """A trial ended. The fields of `TrialRecord`, without the time."""

    status: Status
    val_accuracy: Fraction | None
    val_loss: Real | None
    val_balanced_accuracy: Fraction | None = None
    """Absent in older journals, and where it was not measured."""
    val_int8_accuracy: Fraction | None = None
    """Absent where the model was not quantised."""
    epochs_run: Epochs
    history: Annotated[dict[Text, Annotated[tuple[Real | None, ...], Meta(max_length=100_000)]], Meta(max_length=1000)]
    """None: not finite."""
    duration_s: Positive
    worker: Index
    layers: Layers
    ram: Count | None = written(None)
    flash: Count | None = written(None)
    error: Text | None

    def to_record(self) -> TrialRecord:
        """Return the record; None in a history becomes NaN."""
        return TrialRecord(
            **_values(self),
            status=self.status,
            val_accuracy=self.val_accuracy,
            val_loss=self.val_loss,
            val_balanced_accuracy=self.val_balanced_accuracy,
            val_int8_accuracy=self.val_int8_accuracy,
            epochs_run=self.epochs_run,
            history={metric: as_floats(series) for metric, series in self.history.items()},
            duration_s=self.duration_s,
            worker=self.worker,
            layers=tuple(layer.to_summary() for layer in self.layers),
            ram=self.ram,
            flash=self.flash,
            error=self.error,
            finished_at=self.time,
        )


def as_floats(series: Iterable[float | None]) -> tuple[float, ...]:
    """Return a metric's values, one an epoch; null, JSON's form of a value that is not finite, becomes NaN."""
    return tuple(math.nan if value is None else float(value) for value in series)


def _values(event: Started) -> dict[str, Any]:
    # Parsing makes a new string of each event's origin; interning keeps one of each.
    return {name: getattr(event, name) for name in _TRIAL} | {"origin": sys.intern(event.origin)}
