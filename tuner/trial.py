"""A trial: (space, configuration, epochs, seed, data) → record, and on request its model. Runs in a worker.

A pure function: it trains from scratch, with every random number from its seed, and leaves nothing behind in the process.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import inspect
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np

from search_spaces.keras_space import KerasSpace
from search_spaces.registry import load_space
from search_spaces.training import last_learning_rate
from tuner.arrays import Arrays, save_arrays_file
from tuner.data import Dataset
from tuner.diagnostics import measure, reset_peak_memory
from tuner.files import whole_file
from tuner.records import HISTORY_METRICS, TRAINING_METRICS, Json
from tuner.splits import share_indices
from tuner.tasks import PATIENCE, RESTORE_BEST, SpaceRef, TrainTask
from tuner.weights import weight_arrays

OnEpoch = Callable[[int, Mapping[str, float]], None]

_ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy")
_PATIENCE_SHARE = 0.25
_LEAST_PATIENCE = 3


class DivergedError(ArithmeticError):
    """A loss that is no number."""


def make_space(ref: SpaceRef) -> Any:
    """The space of a run, with its caps. `Any`: a `keras_tuner.HyperModel`, which is untyped.

    Raises:
        ValueError: where there is none of this name.
    """
    if ":" in ref.name:
        return _user_space(ref)
    return load_space(ref.name, max_params=ref.max_params, max_macs=ref.max_macs, classes=ref.classes)


def _user_space(ref: SpaceRef) -> Any:
    """Somebody's own HyperModel; what its constructor asks for by name of caps and classes is given to it."""
    module, _, attribute = ref.name.partition(":")
    # Last, and only where its user named code: what lies in the current folder stands in for no module of anybody else's.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    made = getattr(importlib.import_module(module), attribute)
    if isinstance(made, type):
        offered = {"max_params": ref.max_params, "max_macs": ref.max_macs, "classes": ref.classes}
        taken = inspect.signature(made).parameters
        made = made(**{name: value for name, value in offered.items() if name in taken and value is not None})
    if not isinstance(made, keras_tuner.HyperModel):
        raise ValueError(f"{ref.name} is no keras_tuner.HyperModel but {type(made).__name__}")
    return made


def run_trial(task: TrainTask, data: Dataset, on_epoch: OnEpoch) -> Json:
    """Trains a configuration.

    Args:
        task: what to train.
        data: images (n, 28, 28) uint8 and labels; the test set isn't touched.
        on_epoch: called after each epoch with its number, from 1, and its metrics.

    Returns:
        The part of a `TrialRecord` that training yields, as JSON values.

    Raises:
        DivergedError: where a loss became no number.
    """
    keras.utils.set_random_seed(task.seed)
    try:
        return _train(task, data, on_epoch)
    finally:
        keras.backend.clear_session()
        gc.collect()
        give_memory_back()


def _train(task: TrainTask, data: Dataset, on_epoch: OnEpoch) -> Json:
    data = data.joined() if task.refit else data.fold(task.fold)
    if task.epochs < 1:
        data = _share_of(data, task.epochs, task.seed)
    space = make_space(task.space)
    hp = keras_tuner.HyperParameters()
    hp.values = dict(task.configuration)
    model = space.build(hp)
    recorder = _Recorder(on_epoch, validates=not task.refit)
    reset_peak_memory()
    space.fit(
        hp,
        model,
        data.x_train,
        data.y_train,
        epochs=task.passes,
        validation_data=None if task.refit else (data.x_validation, data.y_validation),
        callbacks=[recorder, *_stopping(task, data)],
        verbose=0,
        # Of shuffling and augmentation; another HyperModel has the seed of `keras.utils.set_random_seed`.
        **({"seed": task.seed} if isinstance(space, KerasSpace) else {}),
    )
    history = recorder.history
    if task.keep is not None:
        _keep(task, model, data, Path(task.keep))
    return {**_scores(task, history), "epochs_run": len(history["loss"]), "history": history}


def _scores(task: TrainTask, history: Mapping[str, list[float]]) -> Json:
    if task.refit:
        return {"val_accuracy": None, "val_loss": None}
    last = int(np.argmin(history["val_loss"])) if task.configuration.get(RESTORE_BEST) else -1
    return {"val_accuracy": history["val_accuracy"][last], "val_loss": history["val_loss"][last]}


def _share_of(data: Dataset, share: float, seed: int) -> Dataset:
    """The data set with a share of its training images: the same ones for every configuration that has this seed."""
    rows = share_indices(data.y_train, share, seed)
    return replace(data, x_train=data.x_train[rows], y_train=data.y_train[rows])


def give_memory_back() -> None:
    """Has the C library return what it holds of freed memory, where it can (glibc): tensors leave holes everywhere."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


class _Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps each epoch's metrics, and ends a training whose loss is no number. `validates`: whether it has validation images."""

    def __init__(self, on_epoch: OnEpoch, *, validates: bool) -> None:
        super().__init__()
        self._metrics = HISTORY_METRICS if validates else TRAINING_METRICS
        self.history: dict[str, list[float]] = {metric: [] for metric in self._metrics}
        self._on_epoch = on_epoch
        self._began = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        metrics = {metric: self._value(metric, logs or {}) for metric in self._metrics}
        for metric, value in metrics.items():
            self.history[metric].append(value)
        if not all(math.isfinite(metrics[metric]) for metric in ("loss", "val_loss") if metric in metrics):
            raise DivergedError(f"the loss was no number after epoch {epoch + 1}")
        self._on_epoch(epoch + 1, metrics)

    def _value(self, metric: str, logs: Mapping[str, float]) -> float:
        if metric == "learning_rate":
            return last_learning_rate(self.model)
        if metric == "seconds":
            return time.perf_counter() - self._began
        prefix = "val_" if metric.startswith("val_") else ""
        if metric == f"{prefix}accuracy":
            return _accuracy(logs, prefix)
        return float(logs.get(f"{prefix}cross_entropy", logs[f"{prefix}loss"]))


def _accuracy(logs: Mapping[str, float], prefix: str) -> float:
    for name in _ACCURACIES:
        if prefix + name in logs:
            return float(logs[prefix + name])
    raise ValueError(f"the model tells no accuracy: compile it with metrics=['accuracy']. Received: {', '.join(logs)}")


class _StopAtChance(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training that after a third of its epochs is no better than always naming the largest class.

    Neither on validation nor on training images: with few steps BatchNorm's moving statistics lag behind what is learnt.
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


class _StopAfter(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training after so many passes."""

    def __init__(self, passes: int) -> None:
        super().__init__()
        self._passes = passes

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if epoch + 1 >= self._passes:
            self.model.stop_training = True


def _stopping(task: TrainTask, data: Dataset) -> list[Any]:
    """Early stopping that only saves a search time: patience under a constant rate, else only where there is no hope.

    A study may ask for its own patience, and for the best weights; else it and a training stop nothing early. A refit has no
    images to stop by: it ends where its confirmation did.
    """
    if task.refit:
        return [] if task.stop_after is None else [_StopAfter(task.stop_after)]
    given, restore = task.configuration.get(PATIENCE), bool(task.configuration.get(RESTORE_BEST, False))
    if given is None and not restore and not task.stop_early:
        return []
    if given is None and not restore and task.configuration.get("schedule") != "constant":
        return [_StopAtChance(task.passes, chance_level(data.y_validation))]
    patience = max(_LEAST_PATIENCE, math.ceil(task.passes * _PATIENCE_SHARE)) if given is None else int(given)
    return [keras.callbacks.EarlyStopping(_watched(task), patience=patience, mode="min", restore_best_weights=restore)]


def _watched(task: TrainTask) -> str:
    """What early stopping looks at; another HyperModel has no cross-entropy apart from its loss."""
    return "val_loss" if ":" in task.space.name else "val_cross_entropy"


def chance_level(labels: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    """Accuracy of naming the largest class, and two standard errors."""
    share = float(np.bincount(labels).max()) / len(labels)
    return share + 2 * math.sqrt(share * (1 - share) / len(labels))


def _keep(task: TrainTask, model: Any, data: Dataset, path: Path) -> None:
    """Leaves the model, and what a report wants of it, for the end of the run."""
    arrays = {**_validated(task, model, data), **weight_arrays(model)}
    if task.diagnostics:
        # Some of them train on, with the recipe's own optimizer.
        weights = model.get_weights()
        arrays |= measure(task, model, data)
        model.set_weights(weights)
    # Plain losses and metrics, so that anybody can load the file.
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    path.parent.mkdir(parents=True, exist_ok=True)
    save_arrays_file(path.with_suffix(".npz"), arrays)
    with whole_file(path.with_suffix(".keras"), f".{path.name}.partial.keras") as temporary:
        model.save(temporary)


def _validated(task: TrainTask, model: Any, data: Dataset) -> Arrays:
    if task.refit:
        return {}
    arrays: Arrays = {"validation_probabilities": predict(model, data.x_validation)}
    if task.fold:
        arrays["validation_labels"] = np.asarray(data.y_validation)
    return arrays


def predict(model: Any, images: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Probabilities (n, classes) of images (n, 28, 28) uint8."""
    return np.asarray(model.predict(images, batch_size=500, verbose=0), dtype=np.float32)
