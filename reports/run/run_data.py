"""The data of a run: its documents, records and arrays, as `reports.run.reading` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt

from tuner.core.records import VALIDATION_WORDS, Objective, Trial, TrialRecord
from tuner.stats.metrics import is_unbalanced
from tuner.storage.schema.export import ExportDocument
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument

# `Any`: the file holds arrays of several types; each reader casts to its type.
Array: TypeAlias = npt.NDArray[Any]

NO_ARRAYS: Mapping[str, Array] = {}


@dataclass(frozen=True)
class Exports:
    """A folder that `mnist-tune export` wrote into."""

    place: str
    """The folder's name in the run's folder; "" for that folder itself, or one elsewhere."""
    document: ExportDocument


@dataclass(frozen=True)
class RunData:
    """The data of a run."""

    folder: Path
    info: RunDocument
    records: tuple[TrialRecord, ...]
    """In the order in which the trials ended, without refits, which have no validation metrics."""
    running: tuple[Trial, ...] = ()
    """Trials that had started and not ended when the journal was last written."""
    result: ResultDocument | None = None
    arrays: Mapping[str, Array] = field(default_factory=lambda: NO_ARRAYS)
    exports: tuple[Exports, ...] = ()
    """The content of export.json in this folder."""
    refits: tuple[TrialRecord, ...] = ()
    """Trainings on all images, in the order in which they ended."""

    @property
    def every(self) -> tuple[TrialRecord, ...]:
        """All trials that have ended, the refits last."""
        return (*self.records, *self.refits)

    @property
    def objective(self) -> Objective:
        """The score by which trials are ranked."""
        if not self.records:
            return objective_of(self.info)
        # In an int8 run the shorter trials are not quantised, and have the objective val_accuracy.
        return next((one.objective for one in self.records if one.objective != "val_accuracy"), "val_accuracy")

    @property
    def score_name(self) -> str:
        """The name of the score: "validation accuracy", "balanced validation accuracy" or "int8 validation accuracy"."""
        return VALIDATION_WORDS[self.objective]

    @property
    def other_scores(self) -> tuple[Objective, ...]:
        """Return the scores that the page shows beside accuracy."""
        return other_scores(self.info)

    def by_accuracy(self) -> RunData:
        """Return the run with its trials ranked by accuracy, whatever its objective."""
        return replace(self, records=tuple(replace(record, objective="val_accuracy") for record in self.records))

    def record(self, trial: str) -> TrialRecord | None:
        """Return the record of a trial, or None if it has not ended."""
        return next((record for record in chain(self.records, self.refits) if record.trial == trial), None)

    def of(self, trials: Sequence[str]) -> tuple[TrialRecord, ...]:
        """Return the records of those of these trials that have ended, in the order given."""
        return tuple(record for trial in trials if (record := self.record(trial)) is not None)


def objective_of(run: RunDocument) -> Objective:
    """Return the objective in the options of a run.json, which are not validated; the default where it has none."""
    given = run.options.get("objective")
    return next((objective for objective in VALIDATION_WORDS if objective == given), "val_accuracy")


def other_scores(run: RunDocument) -> tuple[Objective, ...]:
    """Return the scores that are shown beside accuracy: the objective's, and balanced accuracy where the test set's classes are unbalanced."""
    objective = objective_of(run)
    unbalanced = is_unbalanced(run.data.class_counts.get("test", ()))
    shown: dict[Objective, bool] = {"balanced_accuracy": unbalanced, "int8": False}
    return tuple(score for score, is_shown in shown.items() if is_shown or score == objective)
