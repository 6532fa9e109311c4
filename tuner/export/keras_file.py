"""The Keras file: the model in Keras's own format, without the state of its training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from tuner.export.formats import Classify, Images, Opened, Probabilities
from tuner.export.signature import float_signature

# Keras has no types: its models are `Any` here.

_BATCH = 200


class KerasFile:
    """`model.keras`."""

    def write(self, model: Any, path: Path, calibration: Images) -> None:
        """Write it."""
        model.save(path)

    def open(self, path: Path) -> Opened:
        """Load it in safe mode: no code of a file is run."""
        model = keras.models.load_model(path, compile=False, safe_mode=True)
        shape, given = tuple(model.input_shape), tuple(model.output_shape)
        signature = float_signature(shape, str(model.output_names[0]), given, taken=str(model.inputs[0].name))
        return Opened(classifier(model), signature)


def classifier(model: Any) -> Classify:
    """Return a Keras model as a function of images; it runs as a graph, since some layers round differently eagerly."""

    def classify(images: Images) -> Probabilities:
        parts = (
            np.asarray(model.predict_on_batch(images[start : start + _BATCH]), np.float32)
            for start in range(0, len(images), _BATCH)
        )
        return np.concatenate(list(parts))

    return classify


KERAS = KerasFile()
