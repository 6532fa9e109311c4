"""Loading a model and calling it. The only module here that imports Keras or TensorFlow: import it when a model is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from inference.models import ModelFile
from tuner.core.errors import MnistTuneError, UsageError
from tuner.images.prediction import Classify, Probabilities
from tuner.images.preparation import SIZE

# Keras and TensorFlow have no types: their models and tensors are `Any` here.

_BATCH = 256
_WANTED = "Expected a model from images (n, 28, 28) to probabilities (n, classes)"


def load_classifier(model: ModelFile) -> Classify:
    """A model as a function.

    Raises:
        UsageError: where it can't be loaded safely, or takes or gives something else.
    """
    call, classes = _keras_model(model.path) if model.kind == "keras" else _saved_model(model.path)
    return _checked(model, call, classes)


def as_classify(model: ModelFile, loaded: Any) -> Classify:
    """Return a Keras model that is loaded already as a function; `model` says where it is from.

    Raises:
        UsageError: where it takes or gives something else.
    """
    return _checked(model, *_call_of(loaded, model.path))


def _checked(model: ModelFile, call: Any, classes: int) -> Classify:
    if model.class_names is not None and len(model.class_names) != classes:
        raise UsageError(
            f"The model doesn't fit its run: expected {len(model.class_names)} classes. Received: {classes} ({model.path})"
        )

    def classify(images: NDArray[np.uint8]) -> Probabilities:
        parts = [_asked(call, images[start : start + _BATCH], classes) for start in range(0, len(images), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, classes), np.float32)

    classify(np.zeros((1, SIZE, SIZE), np.uint8))
    return classify


def class_count(classify: Classify) -> int:
    """Return how many classes a model has."""
    return int(classify(np.zeros((1, SIZE, SIZE), np.uint8)).shape[1])


def _asked(call: Any, images: NDArray[np.uint8], classes: int) -> Probabilities:
    try:
        answer = np.asarray(call(np.ascontiguousarray(images)), np.float32)
    except Exception as error:
        raise MnistTuneError(f"The model failed on {len(images)} images: {_short(error)}") from error
    if answer.shape != (len(images), classes):
        raise UsageError(f"{_WANTED}. Received: a model that gave {answer.shape} for {len(images)} images")
    if not (np.isfinite(answer).all() and (answer >= -1e-6).all() and np.allclose(answer.sum(axis=1), 1, atol=1e-2)):
        raise UsageError(f"{_WANTED}. Received: a model whose answers are no probabilities (do they lack a softmax?)")
    return answer


def _keras_model(path: Path) -> tuple[Any, int]:
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise UsageError(f"The model can't be loaded safely: {_short(error)}. Received: {path}") from error
    return _call_of(model, path)


def _call_of(model: Any, path: Path) -> tuple[Any, int]:
    taken, given = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    # As a graph, as it was evaluated and as it is exported: some layers of Keras round otherwise where they run one by one.
    return model.predict_on_batch, _classes(taken, given, path)


def _saved_model(path: Path) -> tuple[Any, int]:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise UsageError(f"A SavedModel needs TensorFlow. Give the .keras file. Received: {path}") from error
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
    classes = _classes(_sides(spec.shape), _sides(outputs[0].shape), path)

    def call(images: NDArray[np.uint8]) -> Any:
        return next(iter(signature(**{name: tf.constant(images, spec.dtype)}).values())).numpy()

    return call, classes


def _sides(shape: Any) -> tuple[int | None, ...] | None:
    return None if shape.rank is None else tuple(shape.as_list())


def _classes(taken: Any, given: Any, path: Path) -> int:
    """The number of classes of a model that takes and gives these shapes."""
    fits = isinstance(taken, tuple) and taken[1:] == (SIZE, SIZE) and isinstance(given, tuple) and len(given) == 2
    if not fits or not isinstance(given[1], int) or given[1] < 2:
        raise UsageError(f"{_WANTED}. Received: {taken} to {given}, {path}")
    return int(given[1])


def _short(error: BaseException) -> str:
    first = " ".join(str(error).split()).split(". ")[0]
    return (first or type(error).__name__)[:240].rstrip(".")
