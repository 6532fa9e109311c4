"""Keras callbacks of a trial, which record its epochs and stop it early. Imports Keras."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from search_spaces.keras.training import last_learning_rate
from tuner.core.records import HISTORY_METRICS, TRAINING_METRICS
from tuner.data.dataset import Dataset
from tuner.processes.tasks import PATIENCE, RESTORE_BEST, TrainTask

OnEpoch: TypeAlias = Callable[[int, Mapping[str, float]], None]
_ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy")
_PATIENCE_SHARE = 0.25
_LEAST_PATIENCE = 3


class Scores(NamedTuple):
    """Scores of validation images."""

    accuracy: float
    loss: float
    """Cross-entropy."""
    balanced_accuracy: float | None
    """None where it was not measured."""


class DivergedError(ArithmeticError):
    """A loss that is no number."""


class EpochRecorder(keras.callbacks.Callback):  # type: ignore[misc]
    """A recorder of each epoch's metrics, which raises where the loss is no number.

    Args:
        on_epoch: called after each epoch with its number, from 1, and its metrics.
        validates: True where there are validation images.
        measure: returns the scores on them, for a training that doesn't report its own; None: all do.
    """

    def __init__(self, on_epoch: OnEpoch, *, validates: bool, measure: Callable[[], Scores] | None = None) -> None:
        super().__init__()
        self._metrics = HISTORY_METRICS if validates else TRAINING_METRICS
        self.history: dict[str, list[float]] = {metric: [] for metric in self._metrics}
        self.reported: set[str] = set()
        """Metrics that came from the training itself."""
        self.measure = measure
        self._on_epoch = on_epoch
        self._began = time.perf_counter()

    @property
    def epochs(self) -> int:
        """Return the number of epochs that have ended."""
        return len(self.history["loss"])

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        metrics = self._read(logs or {})
        for metric, value in metrics.items():
            self.history[metric].append(value)
        if not all(math.isfinite(metrics[metric]) for metric in self.reported & {"loss", "val_loss"}):
            raise DivergedError(f"the loss was no number after epoch {self.epochs}")
        self._on_epoch(self.epochs, metrics)
        # The next epoch begins after the measurement, and a user's `fit` may not report its beginning.
        self._began = time.perf_counter()

    def _read(self, logs: Mapping[str, float]) -> dict[str, float]:
        metrics = {metric: self._value(metric, logs) for metric in self._metrics}
        self.reported |= {metric for metric, value in metrics.items() if value is not None}
        filled = {metric: math.nan if value is None else value for metric, value in metrics.items()}
        if self.measure is not None and "val_accuracy" in metrics and metrics["val_accuracy"] is None:
            scores = self.measure()
            filled["val_accuracy"] = scores.accuracy
            if metrics["val_loss"] is None:
                filled["val_loss"] = scores.loss
        return filled

    def _value(self, metric: str, logs: Mapping[str, float]) -> float | None:
        if metric == "learning_rate":
            return last_learning_rate(self.model) if getattr(self.model, "optimizer", None) is not None else None
        if metric == "seconds":
            return time.perf_counter() - self._began
        return logged_value(metric, logs)


def logged_value(metric: str, logs: Mapping[str, float]) -> float | None:
    """Return a metric of a training's logs under any of its usual names; None where it is missing."""
    prefix = "val_" if metric.startswith("val_") else ""
    names = _ACCURACIES if metric == f"{prefix}accuracy" else ("cross_entropy", "loss")
    value = next((logs[prefix + name] for name in names if prefix + name in logs), None)
    return None if value is None else float(value)


class StopAtChance(keras.callbacks.Callback):  # type: ignore[misc]
    """Early stopping of a training that after a third of its epochs is no better than always naming the largest class.

    It must be so on training images too: after few steps BatchNorm's moving statistics lag behind.
    """

    def __init__(self, epochs: int, chance: float) -> None:
        super().__init__()
        self._after = math.ceil(epochs / 3)
        self._chance = chance

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        logs = logs or {}
        best = max(logs.get("accuracy", 1.0), logs.get("val_accuracy", 1.0))
        if epoch + 1 >= self._after and best <= self._chance:
            self.model.stop_training = True


class StopAfter(keras.callbacks.Callback):  # type: ignore[misc]
    """Stopping of a training after a number of passes."""

    def __init__(self, passes: int) -> None:
        super().__init__()
        self._passes = passes

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if epoch + 1 >= self._passes:
            self.model.stop_training = True


def stopping(task: TrainTask, data: Dataset) -> list[Any]:
    """Return the early stopping of a task: patience under a constant learning rate, else only at chance level.

    A study may set its own patience, and restore the best weights; else studies and trainings don't stop early. A refit
    has no validation images: it ends where its confirmation did.
    """
    if task.refit:
        return [] if task.stop_after is None else [StopAfter(task.stop_after)]
    given, restore = task.configuration.get(PATIENCE), bool(task.configuration.get(RESTORE_BEST, False))
    if given is None and not restore and not task.stop_early:
        return []
    if given is None and not restore and task.configuration.get("schedule") != "constant":
        # With weighted classes a network may be better than chance although its accuracy is below the largest class's share.
        constant = 1 / len(np.unique(data.y_validation)) if task.objective == "balanced_accuracy" else None
        return [StopAtChance(task.passes, chance_level(data.y_validation, constant))]
    patience = max(_LEAST_PATIENCE, math.ceil(task.passes * _PATIENCE_SHARE)) if given is None else int(given)
    return [keras.callbacks.EarlyStopping(_watched(task), patience=patience, mode="min", restore_best_weights=restore)]


def _watched(task: TrainTask) -> str:
    """Return the metric of early stopping; a user's HyperModel has no cross-entropy apart from its loss."""
    return "val_loss" if ":" in task.space.name else "val_cross_entropy"


def chance_level(labels: NDArray[np.int64], share: float | None = None) -> float:
    """Return the accuracy of a guess that is right for a share of the images, plus two standard errors.

    Args:
        labels: (n,).
        share: None: the share of the largest class.
    """
    share = float(np.bincount(labels).max()) / len(labels) if share is None else share
    return share + 2 * math.sqrt(share * (1 - share) / len(labels))
