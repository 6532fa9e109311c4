"""The int8 network of a trial: quantised after the training and scored on the validation images. Runs in a worker.

Only where the trial is ranked by it. `tuner.export.int8` quantises and asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import Dataset
from tuner.export.int8 import layer_errors, predict_int8, quantise
from tuner.export.writing import calibration_images
from tuner.processes.tasks import TrainTask
from tuner.storage.npz_io import Arrays

COMPARED_LAYERS = 100
"""Images on which the int8 network's layers are compared with the float one's."""

# A Keras model has no types: it is `Any` here.


@dataclass(frozen=True, eq=False)
class QuantisedTrial:
    """The int8 network of a trial."""

    content: bytes
    """The file."""
    predictions: NDArray[np.int64] | None
    """Classes of the validation images (n,); None of a refit, which has none."""
    accuracy: float | None


def quantised_trial(task: TrainTask, model: Any, data: Dataset) -> QuantisedTrial | None:
    """Quantise a trained model, calibrated by its own training images; None where the trial is ranked by another score.

    Raises:
        ExportError: where the network can't be quantised; the trial fails then, for a device could not run it.
    """
    if task.objective != "int8":
        return None
    content = quantise(model, calibration_images(data))
    if task.refit:
        return QuantisedTrial(content, None, None)
    predictions = predict_int8(content, np.asarray(data.x_validation))
    return QuantisedTrial(content, predictions, float((predictions == data.y_validation).mean()))


def layer_arrays(model: Any, content: bytes, data: Dataset) -> Arrays:
    """Return the errors of the int8 network's layers, as evaluation.npz has them."""
    errors = layer_errors(model, content, np.asarray(data.x_validation[:COMPARED_LAYERS]))
    return {"int8/names": np.array(errors.names), "int8/snr_db": errors.snr_db}
