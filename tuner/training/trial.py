"""A trial: (space, configuration, epochs, seed, data) → record, and on request its model. Runs in a worker.

A pure function: it trains from scratch, with every random number from its seed, and leaves nothing behind in the process.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from search_spaces.keras.keras_space import KerasSpace
from tuner.core.records import Json
from tuner.data.dataset import Dataset
from tuner.data.splits import share_indices
from tuner.processes.tasks import RESTORE_BEST, TrainTask
from tuner.spaces.adapter import hyperparameters
from tuner.spaces.callbacks import EpochRecorder, OnEpoch, stopping
from tuner.spaces.discovery import is_active
from tuner.spaces.kept_models import save_kept_model
from tuner.spaces.loading import make_space
from tuner.spaces.network_training import predict, train_network
from tuner.storage.npz_io import Arrays, write_npz
from tuner.training.diagnostics import measure, reset_peak_memory
from tuner.training.weight_statistics import weight_arrays


def run_trial(task: TrainTask, data: Dataset, on_epoch: OnEpoch) -> Json:
    """Train a configuration.

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
    space, hp = make_space(task.space), hyperparameters(task.configuration)
    recorder = EpochRecorder(on_epoch, validates=not task.refit)
    callbacks = stopping(task, data)
    reset_peak_memory()
    if task.space.interface is not None:
        trained = train_network(
            space,
            hp,
            task.space.interface,
            data,
            epochs=task.passes,
            recorder=recorder,
            callbacks=callbacks,
            validates=not task.refit,
        )
        model, history, epochs_run = trained.classifier, trained.history, trained.epochs_run
        accuracy, loss = trained.scores or (None, None)
    else:
        model = space.build(hp)
        space.fit(
            hp,
            model,
            data.x_train,
            data.y_train,
            epochs=task.passes,
            validation_data=None if task.refit else (data.x_validation, data.y_validation),
            callbacks=[recorder, *callbacks],
            verbose=0,
            # Of shuffling and augmentation; another HyperModel has the seed of `keras.utils.set_random_seed`.
            **({"seed": task.seed} if isinstance(space, KerasSpace) else {}),
        )
        history, epochs_run = recorder.history, recorder.epochs
        accuracy, loss = _scores(task, history)
    if task.keep is not None:
        _keep(task, model, data, Path(task.keep))
    return {
        "val_accuracy": accuracy,
        "val_loss": loss,
        "epochs_run": epochs_run,
        "history": history,
        "undeclared": _undeclared(task, hp),
    }


def _scores(task: TrainTask, history: Mapping[str, list[float]]) -> tuple[float | None, float | None]:
    if task.refit:
        return None, None
    last = int(np.argmin(history["val_loss"])) if task.configuration.get(RESTORE_BEST) else -1
    return history["val_accuracy"][last], history["val_loss"][last]


def _undeclared(task: TrainTask, hp: Any) -> list[str]:
    """Return the hyperparameters that a user's HyperModel asked for though they are not declared: they had their defaults."""
    if task.space.interface is None:
        return []
    return sorted({own.name for own in hp.space if own.name not in task.configuration and is_active(own, hp.values)})


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


def _keep(task: TrainTask, model: Any, data: Dataset, path: Path) -> None:
    """Leave the model, and what a report wants of it, for the end of the run."""
    arrays = {**_validated(task, model, data), **weight_arrays(model)}
    if task.diagnostics:
        # Some of them train on, with the recipe's own optimizer.
        weights = model.get_weights()
        arrays |= measure(task, model, data)
        model.set_weights(weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_npz(path.with_suffix(".npz"), arrays)
    save_kept_model(model, task.space, path)


def _validated(task: TrainTask, model: Any, data: Dataset) -> Arrays:
    if task.refit:
        return {}
    arrays: Arrays = {"validation_probabilities": predict(model, data.x_validation)}
    if task.fold:
        arrays["validation_labels"] = np.asarray(data.y_validation)
    return arrays
