"""`python -m research.watched_weights DATA_FOLDER`: a worker with moving averages of the weights during a training.

The training itself is unchanged.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from numpy.typing import NDArray

from search_spaces.keras import keras_space, training
from tuner.core.records import Json
from tuner.workers import worker

# Keras has no types: its models and callbacks are `Any` here.

WINDOWS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Fractions of a training's steps."""
AVERAGED = {"weights": {True}, "statistics": {False}, "both": {True, False}}
"""Kind of average → the averaged variables: trainable (True), non-trainable (False)."""
_BATCH = 500

_run_task = worker.run_task


class Averages(keras.callbacks.Callback):  # type: ignore[misc]
    """A callback with moving averages of all weights, updated whenever Keras returns from its steps.

    Args:
        windows: fractions of the training's steps.
    """

    def __init__(self, windows: Sequence[float]) -> None:
        super().__init__()
        self.averages: dict[float, list[NDArray[Any]]] = {window: [] for window in windows}
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Update the averages, with the weight of all steps since the last update."""
        steps, total = int(self.model.optimizer.iterations), self.params["epochs"] * self.params["steps"]
        weights = self.model.get_weights()
        for window, average in self.averages.items():
            kept = max(0.0, 1.0 - 1.0 / (window * total)) ** (steps - self._steps)
            pairs = zip(average or weights, weights, strict=True)
            average[:] = [kept * old + (1.0 - kept) * new for old, new in pairs]
        self._steps = steps


def accuracies(model: Any, averages: Mapping[float, Sequence[NDArray[Any]]], data: tuple[Any, Any]) -> Json:
    """Return the accuracy of the model, and with each average of weights, of BatchNorm's statistics, and of both."""
    last = model.get_weights()
    trained = {id(weight) for weight in model.trainable_weights}
    is_trained = [id(weight) in trained for weight in model.weights]

    def accuracy(weights: Sequence[NDArray[Any]]) -> float:
        model.set_weights(weights)
        return round(float(model.evaluate(*data, batch_size=_BATCH, verbose=0, return_dict=True)["accuracy"]), 6)

    result: Json = {"last": accuracy(last), "averages": []}
    for window, average in averages.items():
        for of, kinds in AVERAGED.items():
            mixed = [new if kind in kinds else old for old, new, kind in zip(last, average, is_trained, strict=True)]
            result["averages"].append({"window": window, "of": of, "val_accuracy": accuracy(mixed)})
    model.set_weights(last)
    return result


def main(data_folder: str) -> None:
    """Serve tasks; add the accuracies to each training's result."""
    measured: Json = {}

    def fit_model(model: Any, *arguments: Any, **options: Any) -> Any:
        watching = Averages(WINDOWS)
        options["callbacks"] = [*options.get("callbacks", ()), watching]
        history = training.fit_model(model, *arguments, **options)
        measured.update(accuracies(model, watching.averages, options["validation_data"]))
        return history

    def run_task(document: Json, data: Any, on_epoch: Any) -> Json:
        return {**_run_task(document, data, on_epoch), **measured}

    setattr(keras_space, "fit_model", fit_model)  # noqa: B010 - mypy wants no module's function replaced
    setattr(worker, "run_task", run_task)  # noqa: B010
    worker.main(data_folder)


if __name__ == "__main__":
    main(sys.argv[1])
