"""Several trials as one program: what `trial.run_trial` does for one, without keeping models. Runs in a worker, on JAX."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias

import jax
import keras
import numpy as np

from search_spaces.keras.model import build_model
from search_spaces.stacked.program import Epoch, Scores, StackedTraining, on_device
from tuner.core.failures import reason
from tuner.core.records import HISTORY_METRICS, SCORE_KEYS, Json
from tuner.data.dataset import Dataset
from tuner.processes.tasks import StackTask, TrainTask
from tuner.spaces.callbacks import DivergedError, stopping
from tuner.spaces.loading import make_space
from tuner.stats.metrics import balanced_accuracy, class_weights, is_unbalanced
from tuner.training.trial import with_share_of_training

OnEvent: TypeAlias = Callable[[Json], None]


@dataclass
class _Trial:
    """One trial of a stack, as it trains."""

    task: TrainTask
    callbacks: Sequence[Any]
    """Keras's, for early stopping."""
    model: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(stop_training=False))
    history: dict[str, list[float]] = field(default_factory=lambda: {metric: [] for metric in HISTORY_METRICS})
    ended: bool = False

    def __post_init__(self) -> None:
        for callback in self.callbacks:
            callback.set_model(self.model)
            callback.on_train_begin()

    def stops(self, metrics: Mapping[str, float]) -> bool:
        """Return whether its training ends early after this epoch."""
        logs = {
            "accuracy": metrics["accuracy"],
            "cross_entropy": metrics["loss"],
            "val_accuracy": metrics["val_accuracy"],
            "val_cross_entropy": metrics["val_loss"],
        }
        for callback in self.callbacks:
            callback.on_epoch_end(len(self.history["loss"]) - 1, logs)
        return bool(self.model.stop_training)


def run_stack(stack: StackTask, data: Dataset, on_event: OnEvent) -> Json:
    """Train several configurations together, from scratch.

    Args:
        stack: its tasks share space, epochs, seed, fold, objective and batch size.
        data: images and labels; the test set isn't touched.
        on_event: called with each event of a task: its `id`, `event` ("epoch", "finished", "failed"), `body`, `error` and
            `duration_s`, the task's part of the program's time.

    Returns:
        An empty object: the tasks' events say all.
    """
    try:
        _train(stack, data, on_event)
    finally:
        jax.clear_caches()
        keras.backend.clear_session()
    return {}


def _train(stack: StackTask, data: Dataset, on_event: OnEvent) -> None:
    began, first = time.perf_counter(), stack.tasks[0]
    data = data.fold(first.fold)
    if first.epochs < 1:
        data = with_share_of_training(data, first.epochs, first.seed)
    training, models = _make(stack, data)
    state = training.initial_state(models, data.x_train)
    del models
    train, validation = on_device(data.x_train, data.y_train), on_device(data.x_validation, data.y_validation)
    trials = [_Trial(task, stopping(task, data)) for task in stack.tasks]
    for number in range(training.epochs):
        epoch_began = time.perf_counter()
        state, epoch = training.epoch(state, *train, number)
        scores = training.evaluate(state, *validation)
        now = time.perf_counter()
        seconds = (now - epoch_began) / len(trials)
        for place, trial in enumerate(trials):
            if trial.ended:
                continue
            metrics = _metrics(epoch, scores, place, data, seconds)
            _report(
                trial,
                metrics,
                scores.predictions[place],
                data,
                duration_s=(now - began) / len(trials),
                last=number + 1 == training.epochs,
                on_event=on_event,
            )
        if all(trial.ended for trial in trials):
            return


def _make(stack: StackTask, data: Dataset) -> tuple[StackedTraining, list[Any]]:
    """Return the training, and the Keras models that have the initial weights of its trials."""
    first, space = stack.tasks[0], make_space(stack.tasks[0].space)
    configurations = [task.configuration for task in stack.tasks]
    networks, recipes = zip(*((space.specs(values), space.recipe(values)) for values in configurations), strict=True)
    models = []
    # Initial weights are drawn on the processor: a GPU would compile a program for every shape.
    with jax.default_device(jax.devices("cpu")[0]):
        for specs in networks:
            keras.utils.set_random_seed(first.seed)
            models.append(build_model(specs, image_shape=space.problem.image_shape))
    weights = None
    if first.objective == "balanced_accuracy":
        by_class = class_weights(np.asarray(data.y_train))
        weights = tuple(float(by_class.get(label, 1.0)) for label in range(space.classes))
    training = StackedTraining(
        networks=networks,
        recipes=recipes,
        input_shape=space.problem.input_shape,
        images=len(data.y_train),
        epochs=first.passes,
        seed=first.seed,
        class_weights=weights,
    )
    return training, models


def _metrics(epoch: Epoch, scores: Scores, place: int, data: Dataset, seconds: float) -> dict[str, float]:
    hits = scores.predictions[place] == np.asarray(data.y_validation).reshape(-1)
    return {
        "loss": float(epoch.losses[place]),
        "accuracy": float(epoch.accuracies[place]),
        "val_loss": float(scores.losses[place].mean()),
        "val_accuracy": float(hits.mean()),
        "learning_rate": float(epoch.learning_rates[place]),
        "seconds": seconds,
    }


def _report(
    trial: _Trial,
    metrics: dict[str, float],
    predictions: np.ndarray[Any, Any],
    data: Dataset,
    *,
    duration_s: float,
    last: bool,
    on_event: OnEvent,
) -> None:
    """Report an epoch of a trial, and its end where it diverged, stops early or has trained all epochs."""
    common = {"id": trial.task.id, "duration_s": duration_s}
    for metric, value in metrics.items():
        trial.history[metric].append(value)
    epochs = len(trial.history["loss"])
    if not (math.isfinite(metrics["loss"]) and math.isfinite(metrics["val_loss"])):
        trial.ended = True
        error = DivergedError(f"the loss was no number after epoch {epochs}")
        on_event({**common, "event": "failed", "error": reason(error)})
        return
    on_event({**common, "event": "epoch", "body": {"epoch": epochs, **metrics}})
    if trial.stops(metrics) or last:
        trial.ended = True
        on_event({**common, "event": "finished", "body": _result(trial, metrics, predictions, data, epochs)})


def _result(
    trial: _Trial, metrics: Mapping[str, float], predictions: np.ndarray[Any, Any], data: Dataset, epochs: int
) -> Json:
    """Return what `run_trial` returns."""
    labels, balanced = np.asarray(data.y_validation).reshape(-1), None
    if trial.task.objective == "balanced_accuracy" or is_unbalanced(np.bincount(labels).tolist()):
        balanced = balanced_accuracy(labels, predictions)
    return {
        "val_accuracy": metrics["val_accuracy"],
        "val_loss": metrics["val_loss"],
        SCORE_KEYS["balanced_accuracy"]: balanced,
        SCORE_KEYS["int8"]: None,
        "epochs_run": epochs,
        "history": trial.history,
        "undeclared": [],
    }
