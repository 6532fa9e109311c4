"""Files that a completed run lacks: what of it is gone or damaged, and what is still there. `tuner.run.restoration` makes them again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuner.core.errors import JournalError
from tuner.options.run_options import RunOptions, StudyOptions
from tuner.storage.files import is_whole_archive, is_whole_model
from tuner.storage.npz_io import Arrays, read_npz
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument

RESULT, ARRAYS, MODEL, SAVED_MODEL = "result.json", "evaluation.npz", "best.keras", "best"
_NOTHING = np.empty(0)


@dataclass(frozen=True)
class Lack:
    """The files that a completed run lacks, and those that may replace them."""

    parts: tuple[str, ...]
    """Names of the files that are gone or damaged."""
    result: ResultDocument | None
    """result.json."""
    arrays: Arrays | None
    """Those of evaluation.npz."""

    @property
    def needs_training(self) -> bool:
        """Return whether more than the result is missing."""
        return self.parts != (RESULT,)


def find_lack(options: RunOptions, folder: RunFolder, run: RunDocument) -> Lack:
    """Look at the files of a completed run.

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
        arrays = None  # nothing else says how the winner did on the test set
    saved = result is not None and result.model.savedmodel
    there = {
        RESULT: result is not None,
        ARRAYS: arrays is not None,
        MODEL: study or is_whole_archive(folder.keras_model) or _has_weights(folder, run),
        SAVED_MODEL: study or folder.saved_model.is_dir() or not saved,
    }
    return Lack(tuple(name for name, is_there in there.items() if not is_there), result, arrays)


def _has_weights(folder: RunFolder, run: RunDocument) -> bool:
    """Return whether the weights alone are there, of a user's own network that no Keras file holds."""
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
