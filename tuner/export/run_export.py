"""The winner's files that a run itself writes: `best.keras`, and the SavedModel in `best/`. Runs in a worker."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import keras

from tuner.core.disk_full import is_no_space
from tuner.core.failures import reason
from tuner.core.records import Json
from tuner.data.dataset import Dataset
from tuner.export.formats import FORMATS, ExportError, savedmodel_fits
from tuner.export.writing import Sample, write_checked
from tuner.processes.tasks import ExportTask
from tuner.spaces.kept_models import compile_plainly, load_kept_model
from tuner.spaces.network_training import predict
from tuner.storage.files import whole_file, write_bytes
from tuner.storage.run_folder import WEIGHTS_SUFFIX, remove

NEEDS_TENSORFLOW = (
    "The SavedModel was not written: that needs TensorFlow as Keras's backend. best.keras holds the same model; to export it: "
    "KERAS_BACKEND=tensorflow mnist-tune export RUN."
)

NO_PATTERN = (
    "The SavedModel was not written: TensorFlow can't read one from a path with [, ], * or ?. best.keras holds the same model; to "
    "export it elsewhere: mnist-tune export RUN -o DIR."
)

NO_SAVEDMODEL = (
    "The SavedModel was not written: the rehearsal before the search showed that none can be made of these networks."
)


def export_winner(task: ExportTask, data: Dataset) -> Json:
    """Write the model as a SavedModel, load that again and compare the two on validation images; a user's own as a Keras file too.

    Returns:
        `model` of result.json, whose note says what to do about a missing format; and "faults": messages about files
        that could not be written.
    """
    written_before = task.space.interface is None or task.model == task.keras_file
    unwritten = None if written_before else _write_keras_file(task)
    written: Json = {"savedmodel": False, "difference": None, "note": None}
    faults = [] if unwritten is None else [unwritten]
    try:
        written |= _write_savedmodel(task, data)
    except ExportError as error:
        faults.append(str(error))
    note = written["note"] or " ".join(faults) or None
    return {**written, "keras": unwritten is None, "note": note, "faults": faults}


def _load(task: ExportTask) -> Any:
    return load_kept_model(Path(task.model), task.space, task.configuration)


def _write_keras_file(task: ExportTask) -> str | None:
    """Write `best.keras`; where that fails, write the weights alone and return a message."""
    path, model = Path(task.keras_file), _load(task)
    compile_plainly(model)
    try:
        with whole_file(path, f".{path.stem}.partial.keras") as temporary:
            model.save(temporary)
    except Exception as error:
        if is_no_space(error):
            raise
        weights = path.with_suffix(WEIGHTS_SUFFIX)
        write_bytes(weights, Path(task.model).read_bytes())
        return f"best.keras could not be written ({reason(error)}); {weights.name} holds the weights."
    return None


def _write_savedmodel(task: ExportTask, data: Dataset) -> Json:
    if keras.config.backend() != "tensorflow" or importlib.util.find_spec("tensorflow") is None:
        return {"note": NEEDS_TENSORFLOW}
    if task.space.interface is not None and not task.space.interface.savedmodel:
        return {"note": NO_SAVEDMODEL}
    folder = Path(task.folder)
    if not savedmodel_fits(folder):
        return {"note": NO_PATTERN}
    partial = folder.with_name(f".{folder.name}.partial")
    remove(partial)
    sample, model = Sample.of(data, test=False), _load(task)
    _, agreement = write_checked(FORMATS["savedmodel"], model, partial, sample, predict(model, sample.images))
    remove(folder)
    partial.rename(folder)
    return {"savedmodel": True, "difference": agreement.difference}
