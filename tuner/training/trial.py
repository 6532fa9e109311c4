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
from tuner.core.records import SCORE_KEYS, Json
from tuner.data.dataset import Dataset
from tuner.data.splits import share_indices
from tuner.processes.tasks import RESTORE_BEST, TrainTask
from tuner.spaces.adapter import hyperparameters
from tuner.spaces.callbacks import EpochRecorder, OnEpoch, Scores, stopping
from tuner.spaces.discovery import is_active
from tuner.spaces.kept_models import save_kept_model
from tuner.spaces.loading import make_space
from tuner.spaces.network_training import predict, train_network
from tuner.stats.metrics import Probabilities, balanced_accuracy, class_weights, is_unbalanced
from tuner.storage.files import write_bytes
from tuner.storage.npz_io import Arrays, write_npz
from tuner.storage.run_folder import INT8_SUFFIX
from tuner.training.diagnostics import measure, reset_peak_memory
from tuner.training.int8 import QuantisedTrial, quantised_trial
from tuner.training.weight_statistics import weight_arrays


def run_trial(task: TrainTask, data: Dataset, on_epoch: OnEpoch) -> Json:
    """Train a configuration.

    Args:
        task: what to train.
        data: images (n, h, w) or (n, h, w, 3) uint8 and labels; the test set isn't touched.
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
        data = with_share_of_training(data, task.epochs, task.seed)
    space, hp = make_space(task.space), hyperparameters(task.configuration)
    recorder = EpochRecorder(on_epoch, validates=not task.refit)
    callbacks = stopping(task, data)
    probabilities: Probabilities | None = None
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
        scores = trained.scores
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
            **(_arguments(task, data) if isinstance(space, KerasSpace) else {}),
        )
        history, epochs_run = recorder.history, recorder.epochs
        probabilities = predict(model, data.x_validation) if _needs_probabilities(task, data) else None
        scores = None if task.refit else _scores(task, history, probabilities, data)
    int8 = quantised_trial(task, model, data)
    if task.keep is not None:
        if probabilities is None and not task.refit:
            probabilities = predict(model, data.x_validation)
        _keep(task, Path(task.keep), model, data, probabilities, int8=int8)
    return {
        "val_accuracy": None if scores is None else scores.accuracy,
        "val_loss": None if scores is None else scores.loss,
        SCORE_KEYS["balanced_accuracy"]: None if scores is None else scores.balanced_accuracy,
        SCORE_KEYS["int8"]: None if int8 is None else int8.accuracy,
        "epochs_run": epochs_run,
        "history": history,
        "undeclared": _undeclared(task, hp),
    }


def _arguments(task: TrainTask, data: Dataset) -> dict[str, Any]:
    """Return the arguments that only a space of ours has; another HyperModel has the seed of `keras.utils.set_random_seed`."""
    seed = {"seed": task.seed}  # for shuffling and augmentation
    if task.objective != "balanced_accuracy":
        return seed
    # Measured on MNIST with class c reduced to 1 / (c + 1) of its images: balanced accuracy rises by 0.15 points with 14,813 images, by 6 with 1,476.
    return seed | {"class_weight": class_weights(np.asarray(data.y_train))}


def _needs_probabilities(task: TrainTask, data: Dataset) -> bool:
    """Return whether a trial's balanced accuracy is worth the second that it takes: a kept model is asked anyway."""
    if task.refit:
        return False
    unbalanced = is_unbalanced(np.bincount(data.y_validation).tolist())
    return task.keep is not None or task.objective == "balanced_accuracy" or unbalanced


def _scores(
    task: TrainTask, history: Mapping[str, list[float]], probabilities: Probabilities | None, data: Dataset
) -> Scores:
    last = int(np.argmin(history["val_loss"])) if task.configuration.get(RESTORE_BEST) else -1
    labels, balanced = np.asarray(data.y_validation), None
    if probabilities is not None:
        balanced = balanced_accuracy(labels, probabilities.argmax(axis=1))
    return Scores(history["val_accuracy"][last], history["val_loss"][last], balanced)


def _undeclared(task: TrainTask, hp: Any) -> list[str]:
    """Return the hyperparameters that a user's HyperModel used although discovery missed them."""
    if task.space.interface is None:
        return []
    return sorted(
        {
            hyperparameter.name
            for hyperparameter in hp.space
            if hyperparameter.name not in task.configuration and is_active(hyperparameter, hp.values)
        }
    )


def with_share_of_training(data: Dataset, share: float, seed: int) -> Dataset:
    """Return the data set with a fraction of its training images, the same ones for the same seed."""
    rows = share_indices(data.y_train, share, seed)
    return replace(data, x_train=data.x_train[rows], y_train=data.y_train[rows])


def give_memory_back() -> None:
    """Return freed memory from the C library to the system, where it can (glibc): tensors fragment the heap."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _keep(
    task: TrainTask,
    path: Path,
    model: Any,
    data: Dataset,
    probabilities: Probabilities | None,
    *,
    int8: QuantisedTrial | None,
) -> None:
    """Write the model, its int8 file and the report's arrays of it, for the end of the run."""
    arrays = {**_validated(task, probabilities, data), **weight_arrays(model)}
    if int8 is not None and int8.predictions is not None:
        arrays["int8_predictions"] = int8.predictions
    if task.diagnostics:
        # Some diagnostics train the model further.
        weights = model.get_weights()
        arrays |= measure(task, model, data)
        model.set_weights(weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_npz(path.with_suffix(".npz"), arrays)
    if int8 is not None:
        write_bytes(path.with_suffix(INT8_SUFFIX), int8.content)
    save_kept_model(model, task.space, path)


def _validated(task: TrainTask, probabilities: Probabilities | None, data: Dataset) -> Arrays:
    if probabilities is None:
        return {}
    arrays: Arrays = {"validation_probabilities": probabilities}
    if task.fold:
        arrays["validation_labels"] = np.asarray(data.y_validation)
    return arrays
