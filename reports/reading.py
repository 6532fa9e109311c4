"""A run's folder, read into the dataclasses of `reports.run_data` (the contract is docs/run-folder.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from reports.array_checks import check_arrays, readable_texts
from reports.exports import EXPORT_NAME, read_exports
from reports.run_data import (
    NO_ARRAYS,
    Array,
    DataSet,
    Finalist,
    Hyperparameter,
    Plan,
    PlannedRung,
    Reference,
    Refit,
    Result,
    RunData,
    RunInfo,
    Target,
    TestScores,
    Validation,
)
from reports.study_data import read_plan, read_study_result
from search_spaces.networks.costs import LayerSummary
from tuner.documents import EXPORTS, RESULT, RUN
from tuner.errors import JournalError, UsageError
from tuner.files import refuse_links
from tuner.journal import JOURNAL_NAME, check_journal, read_state
from tuner.json_files import read_document, readable
from tuner.npz_io import read_npz
from tuner.records import TRAINING_METRICS, Configuration, Json, TrialRecord


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
    document = read_document(folder / "run.json", RUN)
    check_journal(folder, document)
    info = run_info(readable(document))
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
        plan=Plan(
            str(plan.get("algorithm")),
            _planned(plan),
            plan.get("trials"),
            float(plan.get("epochs") or 0),
            bool(plan.get("exhausted")),
        ),
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
        found = read_npz(path)
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
