"""What a report knows of a run, as frozen dataclasses; `reports.reading` reads them.

What a run has not done yet is None or empty. No statistic is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy.typing as npt

from reports.exports import Exports
from reports.study_data import RunKind, StudyPlan, StudyResult
from search_spaces.networks.costs import LayerSummary
from tuner.records import Configuration, Trial, TrialRecord, Value

RunStatus: TypeAlias = Literal["running", "completed", "failed", "interrupted"]
# `Any`: the file holds arrays of several types; each reader casts to its own.
Array: TypeAlias = npt.NDArray[Any]

NO_ARRAYS: Mapping[str, Array] = {}


@dataclass(frozen=True)
class Hyperparameter:
    """What a space says of one of its settings."""

    name: str
    kind: str
    values: tuple[Value, ...] | None
    low: float | None
    high: float | None
    sampling: str | None
    conditions: tuple[tuple[str, tuple[Value, ...]], ...]
    """(name of the setting, values of it under which this one is active)"""
    description: str = ""
    default: Value | None = None
    """None where it isn't known."""


@dataclass(frozen=True)
class Reference:
    """A published network."""

    name: str
    network: str
    parameters: int
    multiply_adds: int | None
    published_accuracy: float | None
    published_epochs: int | None
    published_scores: Mapping[str, float]
    """Other scores that were published: f1, log_loss, auc_roc."""
    source: str
    fits: bool
    included: bool
    trial: str | None = None
    """Its first trial in this run, where it was tried."""
    scaled: str | None = None
    """The first trial of its likeness that was scaled to fit the caps, where one was tried."""
    assumed: str = ""
    """What of its recipe was not published, and what stands in for it."""


@dataclass(frozen=True)
class DataSet:
    """What the run was trained and measured on."""

    name: str
    sha256: str
    fallback: bool
    classes: int
    class_names: tuple[str, ...]
    train: int
    validation: int
    test: int
    class_counts: Mapping[str, tuple[int, ...]]
    mean: float | None
    sd: float | None
    pixel_histogram: tuple[int, ...]

    @property
    def is_mnist(self) -> bool:
        """Whether published figures of MNIST can stand beside this run's."""
        return self.name == "mnist" and not self.fallback

    @property
    def is_digits(self) -> bool:
        """Whether these are scikit-learn's small digits, asked for or fallen back on."""
        return self.fallback or self.name == "digits"

    def class_name(self, index: int) -> str:
        """The name of a class, or its number where it has none."""
        return self.class_names[index] if index < len(self.class_names) else str(index)


@dataclass(frozen=True)
class PlannedRung:
    """A rung as it was planned."""

    bracket: int
    rung: int
    size: int
    epochs: float


@dataclass(frozen=True)
class Plan:
    """What the search meant to do."""

    algorithm: str
    rungs: tuple[PlannedRung, ...]
    trials: int | None
    epochs: float = 0.0
    """Of all trials, the confirmation's too; 0 where the run has not said it yet."""
    exhausted: bool = False
    """Whether the space had fewer configurations than that."""


@dataclass(frozen=True)
class RunInfo:
    """`run.json`."""

    version: str
    command: tuple[str, ...]
    options: Mapping[str, object]
    seed: int
    space: str
    max_params: int | None
    max_macs: int | None
    hyperparameters: tuple[Hyperparameter, ...]
    references: tuple[Reference, ...]
    data: DataSet
    plan: Plan
    versions: Mapping[str, str]
    machine: Mapping[str, object]
    nondeterminism: tuple[str, ...]
    notes: tuple[str, ...]
    status: RunStatus
    error: str | None
    started: str
    ended: str | None
    elapsed_s: float | None
    phases: Mapping[str, float]
    kind: RunKind = "search"
    study: StudyPlan | None = None
    """What a study varies; None in other runs."""


@dataclass(frozen=True)
class Validation:
    """Validation scores of one configuration over its seeds."""

    n: int
    """Seeds."""
    mean: float | None
    sd: float | None
    per_seed: tuple[float, ...]
    loss_mean: float | None


@dataclass(frozen=True)
class Finalist:
    """A confirmed configuration."""

    configuration: Configuration
    parameters: int
    multiply_adds: int | None
    trials: tuple[str, ...]
    validation: Validation
    search_trial: str | None


@dataclass(frozen=True)
class TestScores:
    """What the winner is worth on the test set."""

    __test__ = False  # Not a test, whatever pytest makes of the name.

    n: int
    accuracy: float
    sd: float | None
    per_seed: tuple[float, ...]
    exported_accuracy: float | None
    errors: int | None
    interval: tuple[float, float] | None
    scores: Mapping[str, float | None]
    """precision, recall, f1, auc_roc, log_loss, calibration_error"""


@dataclass(frozen=True)
class Target:
    """What a search was to reach with as few parameters as it can."""

    accuracy: float
    """On validation images, in [0, 1]."""
    reached: bool
    """By the winner's mean over seeds."""


@dataclass(frozen=True)
class Refit:
    """The winner trained again on training and validation images together."""

    trials: tuple[str, ...]
    """Those that stand; the test figures are theirs."""
    trial: str
    """The exported one."""
    images: int


@dataclass(frozen=True)
class Result:
    """`result.json`."""

    trial: str
    """The winner's confirmed seed with the median validation score."""
    trials: tuple[str, ...]
    """The winner's confirmed seeds."""
    configuration: Configuration
    parameters: int
    multiply_adds: int | None
    epochs: float
    layers: tuple[LayerSummary, ...]
    validation: Validation
    test: TestScores | None
    finalists: tuple[Finalist, ...]
    model: Mapping[str, object]
    study: StudyResult | None = None
    target: Target | None = None
    """None where the search had none, as in all older runs."""
    refit: Refit | None = None
    """None where the confirmed models were tested and exported."""

    @property
    def exported(self) -> str:
        """The trial whose model is exported."""
        return self.trial if self.refit is None else self.refit.trial


@dataclass(frozen=True)
class RunData:
    """All that a report says of a run comes from here."""

    folder: Path
    info: RunInfo
    records: tuple[TrialRecord, ...]
    """In the order in which the trials ended; without refits, so that whatever ranks, draws or averages them has validation figures."""
    running: tuple[Trial, ...] = ()
    """Started and not finished when the journal was last written."""
    result: Result | None = None
    arrays: Mapping[str, Array] = field(default_factory=lambda: NO_ARRAYS)
    exports: tuple[Exports, ...] = ()
    """What `mnist-tune export` left in this folder."""
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
