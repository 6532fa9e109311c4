"""The SavedModel: TensorFlow's own format, also for TensorFlow Serving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tuner.export.formats import Images, Opened, Probabilities
from tuner.export.signature import INPUT_NAME, float_signature

# Keras and TensorFlow have no types: their models are `Any` here.

SERVING = "serving_default"


class SavedModel:
    """A folder: signature `serving_default`, endpoint `serve`."""

    def write(self, model: Any, path: Path, calibration: Images) -> None:
        """Write it."""
        spec = keras.InputSpec(shape=(None, *model.input_shape[1:]), dtype="uint8", name=INPUT_NAME)
        model.export(str(path), format="tf_saved_model", input_signature=[spec], verbose=False)

    def open(self, path: Path) -> Opened:
        """Load it, and classify with the signature that a server calls."""
        signature = tf.saved_model.load(str(path)).signatures[SERVING]
        (output, spec), *_ = signature.structured_outputs.items()
        taken = signature.structured_input_signature[1][INPUT_NAME]

        def classify(images: Images) -> Probabilities:
            return np.asarray(signature(**{INPUT_NAME: tf.constant(images)})[output], np.float32)

        return Opened(classify, float_signature(tuple(taken.shape), output, tuple(spec.shape)))


SAVED_MODEL = SavedModel()
