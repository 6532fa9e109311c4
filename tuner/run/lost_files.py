"""Missing and damaged files of a completed run. `tuner.run.restoration` makes them again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuner.core.errors import JournalError
from tuner.options.run_options import RunOptions
from tuner.options.study_options import StudyOptions
from tuner.storage.files import is_whole_archive, is_whole_model
from tuner.storage.npz_io import Arrays, read_npz
from tuner.storage.run_folder import RunFolder, sha256_of
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument

RESULT, ARRAYS, MODEL, SAVED_MODEL, INT8 = "result.json", "evaluation.npz", "best.keras", "best", "best-int8.tflite"
_NOTHING = np.empty(0)


@dataclass(frozen=True)
class Lack:
    """The files that a completed run lacks, and the files from which they are made again."""

    parts: tuple[str, ...]
    """Names of the missing or damaged files."""
    result: ResultDocument | None
    """result.json; None where it is missing."""
    arrays: Arrays | None
    """The arrays of evaluation.npz; None where it is missing."""

    @property
    def needs_training(self) -> bool:
        """Return whether more than the result is missing."""
        return self.parts != (RESULT,)


def find_lack(options: RunOptions, folder: RunFolder, run: RunDocument) -> Lack:
    """Return the missing and damaged files of a completed run.

    Args:
        options: of the run.
        folder: of the run.
        run: its run.json.
    """
    result, arrays = _read_result(folder), _read_arrays(folder)
    study = isinstance(options, StudyOptions)
    if (
        result is None
        and arrays is not None
        and not study
        and options.test
        and not has_predictions(arrays, len(class_names(run)))
    ):
        arrays = None  # the test predictions are in no other file: evaluate again
    saved = result is not None and result.model.savedmodel
    quantised = getattr(options, "objective", None) == "int8"
    there = {
        RESULT: result is not None,
        ARRAYS: arrays is not None,
        MODEL: study or is_whole_archive(folder.keras_model) or _has_weights(folder, run),
        SAVED_MODEL: study or folder.saved_model.is_dir() or not saved,
        INT8: not quantised or is_as_written(folder.int8_model, result),
    }
    return Lack(tuple(name for name, is_there in there.items() if not is_there), result, arrays)


def is_as_written(path: Path, result: ResultDocument | None) -> bool:
    """Return whether a file in the run's folder is there and has the SHA-256 in result.json, where that has one.

    Args:
        path: directly in the folder.
        result: result.json; None where it is missing.
    """
    recorded = None if result is None else (result.files or {}).get(path.name)
    return path.is_file() and recorded in (None, sha256_of(path))


def _has_weights(folder: RunFolder, run: RunDocument) -> bool:
    """Return whether the folder holds the weights of a user's own network, which has no Keras file."""
    return run.space.model is not None and is_whole_model(folder.weights)


def has_predictions(arrays: Arrays, classes: int) -> bool:
    """Return whether evaluation.npz holds predictions of test images that belong together."""
    labels, probabilities, predictions = (
        arrays.get(f"test/{name}", _NOTHING) for name in ("labels", "probabilities", "predictions_per_seed")
    )
    if (labels.ndim, probabilities.ndim, predictions.ndim) != (1, 2, 2) or not labels.size or not len(predictions):
        return False
    if (labels.dtype.kind, probabilities.dtype.kind, predictions.dtype.kind) != ("i", "f", "i"):
        return False
    fits = len(labels) == len(probabilities) == predictions.shape[1] and probabilities.shape[1] == classes
    return fits and bool(labels.min() >= 0 and labels.max() < classes and np.isfinite(probabilities).all())


def class_names(run: RunDocument) -> list[str]:
    """Return the names of a run's classes, or their numbers."""
    return list(run.data.class_names) or [str(number) for number in range(run.data.classes)]


def _read_result(folder: RunFolder) -> ResultDocument | None:
    try:
        return folder.read_result()
    except JournalError:
        return None


def _read_arrays(folder: RunFolder) -> Arrays | None:
    try:
        return read_npz(folder.evaluation)
    except ValueError:
        return None
