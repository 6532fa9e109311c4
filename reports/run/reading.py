"""Reading of a run's folder into `reports.run.run_data.RunData` (the contract is docs/run-folder.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reports.run.array_checks import check_arrays, readable_texts
from reports.run.run_data import (
    NO_ARRAYS,
    Array,
    Exports,
    RunData,
)
from tuner.core.errors import JournalError, UsageError
from tuner.core.records import TRAINING_METRICS, TrialRecord
from tuner.storage.files import reject_symlinks
from tuner.storage.journal import JOURNAL_NAME, check_journal, read_state
from tuner.storage.npz_io import read_npz
from tuner.storage.schema.data_set import DataSet
from tuner.storage.schema.documents import read_document, readable
from tuner.storage.schema.export import EXPORT_NAME, ExportDocument
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument


def read_run(folder: Path) -> RunData:
    """Read a run's folder, finished or not.

    Raises:
        UsageError: where the folder holds no run.
        JournalError: where a file of it is damaged.
    """
    if not os.path.isfile(folder / "run.json"):  # never raises, whatever the name
        raise UsageError(
            f"{folder} is not a run's folder: it has no run.json. Give the folder of a run, such as runs/<name>."
        )
    reject_symlinks(folder)
    info = read_document(folder / "run.json", RunDocument, to_show=True)
    check_journal(folder, info)
    state = read_state(folder / JOURNAL_NAME, to_show=True)
    result_json = folder / "result.json"
    result = read_document(result_json, ResultDocument, to_show=True) if result_json.is_file() else None
    return RunData(
        folder=folder,
        info=info,
        records=tuple(record for record in state.finished.values() if record.phase != "refit"),
        refits=tuple(_without_validation(record) for record in state.finished.values() if record.phase == "refit"),
        running=tuple(state.started.values()),
        result=result,
        arrays=_arrays(folder / "evaluation.npz", info.data),
        exports=tuple(
            Exports(readable(_place(folder, path)), read_document(path, ExportDocument, to_show=True))
            for path in _export_documents(folder)
        ),
    )


def _without_validation(record: TrialRecord) -> TrialRecord:
    """Remove a refit's validation metrics: it was trained on the validation images."""
    history = {metric: values for metric, values in record.history.items() if metric in TRAINING_METRICS}
    return replace(
        record, val_accuracy=None, val_loss=None, val_balanced_accuracy=None, val_int8_accuracy=None, history=history
    )


def _export_documents(folder: Path) -> list[Path]:
    """Return the export documents in the run's folder and in its subfolders, by name."""
    candidates = (folder / EXPORT_NAME, *sorted(folder.glob(f"[!.]*/{EXPORT_NAME}")))
    # A symbolic link may lead outside the run's folder.
    return [path for path in candidates if path.is_file() and not path.is_symlink() and not path.parent.is_symlink()]


def _place(folder: Path, path: Path) -> str:
    return "" if path.parent == folder else path.parent.name


def _arrays(path: Path, data: DataSet) -> Mapping[str, Array]:
    if not path.is_file():
        return NO_ARRAYS
    try:
        arrays = read_npz(path)
        check_arrays(arrays, data.classes, data.input_shape)
    except ValueError as error:
        raise JournalError(f"{path} can't be read: {error}. Restore it from a copy, or resume the run.") from error
    return {key: readable_texts(array) for key, array in arrays.items()}
