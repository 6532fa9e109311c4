"""Training a user's HyperModel by its own `fit`, and measuring the trained model. Imports Keras.

Keras Tuner accepts a `History`, a number, a dictionary or nothing from `fit`. Here the score of a trial is always
measured: accuracy and cross-entropy of the trained classifier on the validation images. So it is the score of the kept
model, whatever `fit` reports.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tuner.core.records import HISTORY_METRICS
from tuner.data.dataset import Dataset
from tuner.spaces.adapter import as_classifier, build_network, format_images
from tuner.spaces.callbacks import DivergedError, EpochRecorder, Scores, logged_value
from tuner.stats.metrics import balanced_accuracy, log_loss
from tuner.storage.schema.model_interface import ModelInterface

# Keras has no types: models, hyperparameters and what `fit` returns are `Any` here.

History: TypeAlias = Mapping[str, Sequence[float]]

_BATCH = 500
"""Images that are predicted at a time."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """The outcome of a training."""

    classifier: Any
    history: History
    """Metric → one value an epoch, NaN where `fit` did not report it; empty where it reported no epochs."""
    epochs_run: int
    scores: Scores | None
    """None where there were no validation images."""


def train_network(
    space: Any,
    hp: Any,
    interface: ModelInterface,
    data: Dataset,
    *,
    epochs: int,
    recorder: EpochRecorder,
    callbacks: Sequence[Any] = (),
    validates: bool = True,
) -> TrainedNetwork:
    """Build a HyperModel's network and train it by its own `fit`.

    Args:
        space: the HyperModel.
        hp: `keras_tuner.HyperParameters` with the configuration.
        interface: the result of the rehearsal.
        data: training and validation images uint8, and labels.
        epochs: passes.
        recorder: records epochs where `fit` passes callbacks to the model.
        callbacks: other callbacks.
        validates: False leaves the validation images out.

    Raises:
        DivergedError: where the trained model's output is not finite.
    """
    network = build_network(space, hp, interface)
    classifier = as_classifier(network, interface)
    if validates:
        recorder.measure = lambda: measured_scores(classifier, data)
    returned = call_fit(
        space, hp, network, interface, data, epochs=epochs, callbacks=[recorder, *callbacks], validates=validates
    )
    history = recorder.history if recorder.epochs else returned_history(returned, tuple(recorder.history))
    scores = measured_scores(classifier, data) if validates else None
    return TrainedNetwork(classifier, history, len(history["loss"]) or epochs, scores)


def call_fit(
    space: Any,
    hp: Any,
    network: Any,
    interface: ModelInterface,
    data: Dataset,
    *,
    epochs: int,
    callbacks: Sequence[Any],
    validates: bool = True,
) -> Any:
    """Call a HyperModel's `fit` on images in the form that it takes; return its result."""
    validation = (format_images(data.x_validation, interface.fit), data.y_validation) if validates else None
    return space.fit(
        hp,
        network,
        format_images(data.x_train, interface.fit),
        data.y_train,
        epochs=epochs,
        validation_data=validation,
        callbacks=list(callbacks),
        verbose=0,
    )


def measured_scores(classifier: Any, data: Dataset) -> Scores:
    """Return the scores of validation images.

    Raises:
        DivergedError: where a probability is not finite.
    """
    labels, probabilities = np.asarray(data.y_validation), predict(classifier, data.x_validation)
    if not np.isfinite(probabilities).all():
        raise DivergedError("the trained model gives something that is no number")
    predictions = probabilities.argmax(axis=1)
    return Scores(
        accuracy=float((predictions == labels).mean()),
        loss=float(log_loss(probabilities, labels)),
        balanced_accuracy=balanced_accuracy(labels, predictions),
    )


def returned_history(returned: Any, metrics: Sequence[str] = HISTORY_METRICS) -> dict[str, list[float]]:
    """Return the metrics of each epoch from what `fit` returned: those of a Keras `History`, else none."""
    logs = getattr(returned, "history", None)
    if not isinstance(logs, Mapping) or not all(isinstance(series, Sequence) for series in logs.values()):
        return {metric: [] for metric in metrics}
    count = max((len(series) for series in logs.values()), default=0)
    epochs = [{name: series[place] for name, series in logs.items() if place < len(series)} for place in range(count)]
    return {metric: [_value(metric, epoch) for epoch in epochs] for metric in metrics}


def _value(metric: str, logs: Mapping[str, float]) -> float:
    if metric in ("learning_rate", "seconds"):
        return float(logs.get(metric, math.nan))
    value = logged_value(metric, logs)
    return math.nan if value is None else value


def predict(model: Any, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return probabilities (n, classes) of uint8 images."""
    import keras

    # The same without a pipeline of data, which takes longer than a batch of small images; somebody's own `predict` is kept.
    if 0 < len(images) <= _BATCH and type(model).predict is keras.Model.predict and model.steps_per_execution == 1:
        return np.asarray(model.predict_on_batch(np.asarray(images)), dtype=np.float32)
    return np.asarray(model.predict(images, batch_size=_BATCH, verbose=0), dtype=np.float32)
