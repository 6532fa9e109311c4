"""The SavedModel that a run itself leaves in `best/`. Runs in a worker."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import keras

from tuner.data import Dataset
from tuner.export.formats import FORMATS, savedmodel_fits
from tuner.export.keras_file import classifier
from tuner.export.writing import Sample, remove, write_checked
from tuner.records import Json
from tuner.tasks import ExportTask

NEEDS_TENSORFLOW = (
    "The SavedModel was not written: that needs TensorFlow as Keras's backend. best.keras holds the same model; to export it: "
    "KERAS_BACKEND=tensorflow mnist-tune export RUN."
)

NO_PATTERN = (
    "The SavedModel was not written: TensorFlow can't read one from a path with [, ], * or ?. best.keras holds the same model; to "
    "export it elsewhere: mnist-tune export RUN -o DIR."
)


def export_savedmodel(task: ExportTask, data: Dataset) -> Json:
    """Writes `task.model` (a Keras file) as a SavedModel, loads it again and compares the two on validation images.

    Returns:
        As `model` in result.json; where TensorFlow is missing or can't read the folder, a note says what to do.

    Raises:
        ExportError: where the two disagree.
    """
    if keras.config.backend() != "tensorflow" or importlib.util.find_spec("tensorflow") is None:
        return _not_written(NEEDS_TENSORFLOW)
    if not savedmodel_fits(Path(task.folder)):
        return _not_written(NO_PATTERN)
    model = keras.models.load_model(task.model, compile=False)
    folder = Path(task.folder)
    partial = folder.with_name(f".{folder.name}.partial")
    remove(partial)
    sample = Sample.of(data, test=False)
    _, found = write_checked(FORMATS["savedmodel"], model, partial, sample, classifier(model)(sample.images))
    remove(folder)
    partial.rename(folder)
    return {"savedmodel": True, "keras": True, "difference": found.difference, "note": None}


def _not_written(note: str) -> Json:
    return {"savedmodel": False, "keras": True, "difference": None, "note": note}
