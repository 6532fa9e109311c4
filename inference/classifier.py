"""Load and call a model. This module imports Keras or TensorFlow, so import it only when a model is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from inference.models import ModelFile, takes_images
from tuner.core.errors import MnistTuneError, UsageError
from tuner.core.pictures import LARGEST_SIDE, LEAST_SIDE
from tuner.images.prediction import Probabilities

# Keras and TensorFlow have no types: their models and tensors are `Any` here.

_BATCH = 256
_WANTED = (
    f"Expected a model from images (n, h, w) or (n, h, w, 3) of {LEAST_SIDE} to {LARGEST_SIDE} pixels a side to probabilities "
    "(n, classes)"
)


@dataclass(frozen=True)
class Classifier:
    """A loaded model: images (n, h, w) or (n, h, w, 3) uint8 to probabilities (n, classes)."""

    call: Any
    """The model's own function, untyped."""
    image_shape: tuple[int, ...]
    """(h, w) or (h, w, 3)."""
    classes: int

    def __call__(self, images: NDArray[np.uint8]) -> Probabilities:
        """Return the probabilities of images."""
        if images.shape[1:] != self.image_shape:
            raise UsageError(
                f"The images don't fit the model. Expected (n, {', '.join(map(str, self.image_shape))}). "
                f"Received: {images.shape}"
            )
        starts = range(0, len(images), _BATCH)
        parts = [_predicted(self.call, images[start : start + _BATCH], self.classes) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, self.classes), np.float32)


def load_classifier(model: ModelFile) -> Classifier:
    """Load a model as a function.

    Raises:
        UsageError: where it can't be loaded safely, or has other input or output shapes.
    """
    return _checked(model, _keras_model(model.path) if model.kind == "keras" else _saved_model(model.path))


def as_classifier(model: ModelFile, loaded: Any) -> Classifier:
    """Return a loaded Keras model as a function; `model` is its file.

    Raises:
        UsageError: where it has other input or output shapes.
    """
    return _checked(model, _classifier_of(loaded, model.path))


def _checked(model: ModelFile, classifier: Classifier) -> Classifier:
    if model.class_names is not None and len(model.class_names) != classifier.classes:
        raise UsageError(
            f"The model doesn't fit its run. Expected {len(model.class_names)} classes. "
            f"Received: {classifier.classes} ({model.path})"
        )
    if model.image_shape is not None and model.image_shape != classifier.image_shape:
        raise UsageError(
            f"The model doesn't fit its run. Expected images {model.image_shape}. "
            f"Received: {classifier.image_shape} ({model.path})"
        )
    classifier(np.zeros((1, *classifier.image_shape), np.uint8))
    return classifier


def _predicted(call: Any, images: NDArray[np.uint8], classes: int) -> Probabilities:
    try:
        answer = np.asarray(call(np.ascontiguousarray(images)), np.float32)
    except Exception as error:
        raise MnistTuneError(f"The model failed on {len(images)} images: {_short(error)}") from error
    if answer.shape != (len(images), classes):
        raise UsageError(f"{_WANTED}. Received: a model with outputs of shape {answer.shape} for {len(images)} images")
    if not (np.isfinite(answer).all() and (answer >= -1e-6).all() and np.allclose(answer.sum(axis=1), 1, atol=1e-2)):
        raise UsageError(f"{_WANTED}. Received: a model whose outputs are not probabilities (is its softmax missing?)")
    return answer


def _keras_model(path: Path) -> Classifier:
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise UsageError(f"The model can't be loaded safely: {_short(error)}. Received: {path}") from error
    return _classifier_of(model, path)


def _classifier_of(model: Any, path: Path) -> Classifier:
    taken, given = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    # As a graph, like evaluation and export: some Keras layers round differently in eager execution.
    return _classifier(model.predict_on_batch, taken, given, path)


def _saved_model(path: Path) -> Classifier:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise UsageError(
            f"A SavedModel needs TensorFlow. Install it, or name the .keras file. Received: {path}"
        ) from error
    try:
        loaded = tf.saved_model.load(str(path))
    except Exception as error:
        raise UsageError(f"The SavedModel can't be loaded: {_short(error)}. Received: {path}") from error
    signature: Any = getattr(loaded, "signatures", {}).get("serving_default")
    inputs = list(signature.structured_input_signature[1].items()) if signature is not None else []
    outputs = list(signature.structured_outputs.values()) if signature is not None else []
    if len(inputs) != 1 or len(outputs) != 1:
        raise UsageError(
            f"{_WANTED}. Received: a SavedModel with {len(inputs)} inputs and {len(outputs)} outputs: {path}"
        )
    (name, spec) = inputs[0]

    def call(images: NDArray[np.uint8]) -> Any:
        return next(iter(signature(**{name: tf.constant(images, spec.dtype)}).values())).numpy()

    return _classifier(call, _sides(spec.shape), _sides(outputs[0].shape), path)


def _sides(shape: Any) -> tuple[int | None, ...] | None:
    return None if shape.rank is None else tuple(shape.as_list())


def _classifier(call: Any, taken: Any, given: Any, path: Path) -> Classifier:
    """Return the classifier of a function with these input and output shapes."""
    fits = isinstance(taken, tuple) and takes_images(taken[1:]) and isinstance(given, tuple) and len(given) == 2
    if not fits or not isinstance(given[1], int) or given[1] < 2:
        raise UsageError(f"{_WANTED}. Received: {taken} to {given}, {path}")
    return Classifier(call, tuple(taken[1:]), int(given[1]))


def _short(error: BaseException) -> str:
    first = " ".join(str(error).split()).split(". ")[0]
    return (first or type(error).__name__)[:240].rstrip(".")
