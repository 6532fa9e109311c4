"""The exported model: a SavedModel that takes uint8 images and gives probabilities, compared with its Keras original."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tuner.data import Dataset
from tuner.records import Json
from tuner.tasks import ExportTask

_COMPARED = 1000
_TOLERANCE = 1e-4
NEEDS_TENSORFLOW = (
    "The SavedModel was not written: that needs TensorFlow as Keras's backend. best.keras holds the same model; to export it, "
    "load it with keras.models.load_model under KERAS_BACKEND=tensorflow and call its export method."
)


class ExportError(RuntimeError):
    """An exported model that can't be read again, or answers differently."""


def export_savedmodel(task: ExportTask, data: Dataset) -> Json:
    """Writes `task.model` (a Keras file) as a SavedModel, loads it again and compares the two.

    Returns:
        As `model` in result.json; without TensorFlow, a note says what is needed.

    Raises:
        ExportError: where probabilities differ by more than 1e-4.
    """
    if keras.config.backend() != "tensorflow" or importlib.util.find_spec("tensorflow") is None:
        return {"savedmodel": False, "keras": True, "difference": None, "note": NEEDS_TENSORFLOW}
    import tensorflow as tf

    model = keras.models.load_model(task.model, compile=False)
    folder = Path(task.folder)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    signature = [keras.InputSpec(shape=(None, *model.input_shape[1:]), dtype="uint8")]
    model.export(str(partial), format="tf_saved_model", input_signature=signature, verbose=False)
    images = data.x_validation[:_COMPARED]
    difference = largest_difference(model, tf.saved_model.load(str(partial)), images)
    if not difference <= _TOLERANCE:
        shutil.rmtree(partial, ignore_errors=True)
        raise ExportError(f"the SavedModel's probabilities differ from the Keras model's by {difference:.2g}")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return {"savedmodel": True, "keras": True, "difference": difference, "note": None}


def largest_difference(model: Any, loaded: Any, images: np.ndarray[Any, Any]) -> float:
    """Of probabilities, between a Keras model and a loaded SavedModel, over images (n, 28, 28) uint8."""
    images = np.ascontiguousarray(images)
    ours = np.asarray(model(images, training=False))
    theirs = np.asarray(loaded.serve(images))
    return float(np.abs(ours - theirs).max())
