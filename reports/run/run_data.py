"""A run as a report knows it: its documents, its records and its arrays; `reports.run.reading` reads them. No statistic is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt

from tuner.core.records import Trial, TrialRecord
from tuner.storage.schema.export import ExportDocument
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument

# `Any`: the file holds arrays of several types; each reader casts to its own.
Array: TypeAlias = npt.NDArray[Any]

NO_ARRAYS: Mapping[str, Array] = {}


@dataclass(frozen=True)
class Exports:
    """A folder that `mnist-tune export` wrote into."""

    place: str
    """Its name in the run's folder; "" where it is that folder, or elsewhere."""
    document: ExportDocument


@dataclass(frozen=True)
class RunData:
    """All that a report says of a run comes from here."""

    folder: Path
    info: RunDocument
    records: tuple[TrialRecord, ...]
    """In the order in which the trials ended; without refits, so that whatever ranks, draws or averages them has validation figures."""
    running: tuple[Trial, ...] = ()
    """Started and not finished when the journal was last written."""
    result: ResultDocument | None = None
    arrays: Mapping[str, Array] = field(default_factory=lambda: NO_ARRAYS)
    exports: tuple[Exports, ...] = ()
    """The content of export.json in this folder."""
    refits: tuple[TrialRecord, ...] = ()
    """Trainings on all images, in the order in which they ended. They have no validation figures."""

    @property
    def every(self) -> tuple[TrialRecord, ...]:
        """All trials that have ended, the refits last."""
        return (*self.records, *self.refits)

    def record(self, trial: str) -> TrialRecord | None:
        """The record of a trial, or None where it has not ended."""
        return next((record for record in chain(self.records, self.refits) if record.trial == trial), None)

    def of(self, trials: Sequence[str]) -> tuple[TrialRecord, ...]:
        """The records of these trials that have ended, in the order given."""
        return tuple(record for trial in trials if (record := self.record(trial)) is not None)
