"""A run's folder, read into frozen dataclasses (the contract is docs/run-folder.md).

What a run has not done yet is None or empty. No statistic is computed here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy.typing as npt

from reports.array_checks import check_arrays, readable_texts
from reports.exports import EXPORT_NAME, Exports, read_exports
from reports.study_data import RunKind, StudyPlan, StudyResult, read_plan, read_study_result
from search_spaces.networks import LayerSummary
from tuner.documents import EXPORTS, RESULT, RUN
from tuner.errors import JournalError, UsageError
from tuner.journal import JOURNAL_NAME, read_state
from tuner.json_files import read_document, readable, refuse_links
from tuner.npy import load_archive
from tuner.records import TRAINING_METRICS, Configuration, Json, Trial, TrialRecord, Value

RunStatus: TypeAlias = Literal["running", "completed", "failed", "interrupted"]
# `Any`: the file holds arrays of several types; each reader casts to its own.
Array: TypeAlias = npt.NDArray[Any]

MOST_ARRAY_BYTES = 2 * 2**30
"""Of evaluation.npz once unpacked."""
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


def read_run(folder: Path) -> RunData:
    """Reads a run's folder, finished or not.

    Raises:
        UsageError: where the folder holds no run.
        JournalError: where a file of it is damaged.
    """
    if not os.path.isfile(folder / "run.json"):  # never raises, whatever the name
        raise UsageError(
            f"{folder} is not a run's folder: it has no run.json. Give the folder of a run, such as runs/<name>."
        )
    refuse_links(folder)
    info = run_info(readable(read_document(folder / "run.json", RUN)))
    state = read_state(folder / JOURNAL_NAME, to_show=True)
    result_json = folder / "result.json"
    result = _result(readable(read_document(result_json, RESULT))) if result_json.is_file() else None
    return RunData(
        folder=folder,
        info=info,
        records=tuple(record for record in state.finished.values() if record.phase != "refit"),
        refits=tuple(_without_validation(record) for record in state.finished.values() if record.phase == "refit"),
        running=tuple(state.started.values()),
        result=result,
        arrays=_arrays(folder / "evaluation.npz", info.data.classes),
        exports=tuple(
            read_exports(readable(read_document(path, EXPORTS)), readable(_place(folder, path)))
            for path in _export_documents(folder)
        ),
    )


def _without_validation(record: TrialRecord) -> TrialRecord:
    """A refit has no honest figures of validation images, whatever its file says."""
    history = {metric: values for metric, values in record.history.items() if metric in TRAINING_METRICS}
    return replace(record, val_accuracy=None, val_loss=None, history=history)


def _export_documents(folder: Path) -> list[Path]:
    """In the run's folder itself and in the folders in it, by name."""
    found = (folder / EXPORT_NAME, *sorted(folder.glob(f"[!.]*/{EXPORT_NAME}")))
    # A link could lead anywhere: what is not the folder's own is not shown.
    return [path for path in found if path.is_file() and not path.is_symlink() and not path.parent.is_symlink()]


def _place(folder: Path, path: Path) -> str:
    return "" if path.parent == folder else path.parent.name


def run_info(document: Json) -> RunInfo:
    """`run.json` from its parsed text.

    Raises:
        KeyError: where a key that every run has from its start is missing.
    """
    space, times, plan = document["space"], document["times"], document["plan"]
    return RunInfo(
        version=str(document["program"]["version"]),
        command=tuple(str(word) for word in document["command"]),
        options=document["options"],
        seed=int(document["seed"]),
        space=str(space["name"]),
        max_params=space.get("max_params"),
        max_macs=space.get("max_macs"),
        hyperparameters=tuple(_hyperparameter(item) for item in space.get("hyperparameters") or ()),
        references=tuple(_reference(item) for item in document.get("references") or ()),
        data=_data(document["data"]),
        plan=Plan(str(plan.get("algorithm")), _planned(plan), plan.get("trials")),
        versions={str(key): str(value) for key, value in document["versions"].items()},
        machine=document["machine"],
        nondeterminism=tuple(document.get("nondeterminism") or ()),
        notes=tuple(document.get("notes") or ()),
        status=document["status"],
        error=document.get("error"),
        started=str(times["started"]),
        ended=times.get("ended"),
        elapsed_s=times.get("elapsed_s"),
        phases={key: float(value) for key, value in (times.get("phases") or {}).items() if value is not None},
        kind=document.get("kind") or "search",
        study=read_plan(document.get("study")),
    )


def _arrays(path: Path, classes: int) -> Mapping[str, Array]:
    if not path.is_file():
        return NO_ARRAYS
    try:
        found = load_archive(path, MOST_ARRAY_BYTES)
        check_arrays(found, classes)
    except ValueError as error:
        raise JournalError(f"{path} can't be read: {error}. Restore it from a copy, or resume the run.") from error
    return {key: readable_texts(array) for key, array in found.items()}


def _hyperparameter(item: Json) -> Hyperparameter:
    values = item.get("values")
    return Hyperparameter(
        name=str(item["name"]),
        kind=str(item["kind"]),
        values=tuple(values) if values is not None else None,
        low=item.get("min"),
        high=item.get("max"),
        sampling=item.get("sampling"),
        conditions=tuple((str(c["name"]), tuple(c["values"])) for c in item.get("conditions") or ()),
        description=str(item.get("description") or ""),
        default=item.get("default"),
    )


def _reference(item: Json) -> Reference:
    return Reference(
        name=str(item["name"]),
        network=str(item.get("network", "")),
        parameters=int(item["parameters"]),
        multiply_adds=item.get("multiply_adds"),
        published_accuracy=item.get("published_accuracy"),
        published_epochs=item.get("published_epochs"),
        published_scores={str(name): float(score) for name, score in (item.get("published_scores") or {}).items()},
        source=str(item.get("source") or ""),
        fits=bool(item.get("fits")),
        included=bool(item.get("included")),
        trial=item.get("trial"),
        scaled=item.get("scaled"),
        assumed=str(item.get("assumed") or ""),
    )


def _data(item: Json) -> DataSet:
    counts = item.get("class_counts") or {}
    return DataSet(
        name=str(item["name"]),
        sha256=str(item.get("sha256") or ""),
        fallback=bool(item.get("fallback")),
        classes=int(item["classes"]),
        class_names=tuple(str(name) for name in item.get("class_names") or ()),
        train=int(item["train"]),
        validation=int(item["validation"]),
        test=int(item["test"]),
        class_counts={split: tuple(int(n) for n in values) for split, values in counts.items()},
        mean=item.get("mean"),
        sd=item.get("sd"),
        pixel_histogram=tuple(int(n) for n in item.get("pixel_histogram") or ()),
    )


def _planned(plan: Json) -> tuple[PlannedRung, ...]:
    return tuple(
        PlannedRung(int(bracket["bracket"]), int(rung["rung"]), int(rung["size"]), rung["epochs"])
        for bracket in plan.get("brackets") or ()
        for rung in bracket["rungs"]
    )


def _validation(item: Json) -> Validation:
    return Validation(
        n=int(item.get("n") or 0),
        mean=item.get("mean"),
        sd=item.get("sd"),
        per_seed=tuple(float(value) for value in item.get("per_seed") or () if value is not None),
        loss_mean=item.get("loss_mean"),
    )


def _finalist(item: Json) -> Finalist:
    return Finalist(
        configuration=item["configuration"],
        parameters=int(item["parameters"]),
        multiply_adds=item.get("multiply_adds"),
        trials=tuple(str(trial) for trial in item["trials"]),
        validation=_validation(item["validation"]),
        search_trial=item.get("search_trial"),
    )


def _test_scores(item: Json | None) -> TestScores | None:
    if item is None:
        return None
    interval = item.get("accuracy_ci95")
    names = ("precision", "recall", "f1", "auc_roc", "log_loss", "calibration_error")
    return TestScores(
        n=int(item["n"]),
        accuracy=float(item["accuracy"]),
        sd=item.get("sd"),
        per_seed=tuple(float(value) for value in item.get("per_seed") or ()),
        exported_accuracy=item.get("exported_accuracy"),
        errors=item.get("errors"),
        interval=(float(interval[0]), float(interval[1])) if interval else None,
        scores={name: item.get(name) for name in names},
    )


def _target(item: Json | None) -> Target | None:
    return None if item is None else Target(float(item["accuracy"]), bool(item["reached"]))


def _refit(item: Json | None) -> Refit | None:
    if item is None:
        return None
    return Refit(tuple(str(trial) for trial in item["trials"]), str(item["trial"]), int(item["images"]))


def _result(document: Json) -> Result:
    return Result(
        trial=str(document["trial"]),
        trials=tuple(str(trial) for trial in document["trials"]),
        configuration=cast(Configuration, document["configuration"]),
        parameters=int(document["parameters"]),
        multiply_adds=document.get("multiply_adds"),
        epochs=document["epochs"],
        layers=tuple(LayerSummary.from_json(layer) for layer in document.get("layers") or ()),
        validation=_validation(document["validation"]),
        test=_test_scores(document.get("test")),
        finalists=tuple(_finalist(item) for item in document.get("finalists") or ()),
        model=document.get("model") or {},
        study=read_study_result(document.get("study")),
        target=_target(document.get("target")),
        refit=_refit(document.get("refit")),
    )
