"""A worker that trains nothing and leaves a run without contradictions, for tests of `mnist-tune verify`."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.kit.processes import fake_worker
from tuner.core.records import metrics_of
from tuner.data.dataset import Dataset, open_arrays
from tuner.stats.metrics import balanced_accuracy, score_int8, score_seeds, score_test_set
from tuner.storage.files import whole_file

OnEpoch = Callable[[int, Mapping[str, float]], None]


def run_task(task: dict[str, Any], folder: Path, on_epoch: OnEpoch) -> dict[str, Any]:
    if task["kind"] == "train":
        return train(task, open_arrays(folder))
    return evaluate(task, open_arrays(folder)) if task["kind"] == "evaluate" else export()


def number_of(*parts: object) -> int:
    text = json.dumps(parts, sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def train(task: dict[str, Any], data: Dataset) -> dict[str, Any]:
    """Return a result whose number of correct validation images depends on configuration, epochs and seed; trials that the environment names fail."""
    if task["id"] in os.environ.get("FAILING_TRIALS", "").split():
        raise ValueError("no")
    labels = np.asarray(data.fold(task["fold"]).y_validation)
    number = number_of(task["configuration"], task["epochs"], task["seed"])
    right = len(labels) // 2 + number % (len(labels) // 2)
    passes = task["stop_after"] or math.ceil(task["epochs"])
    share = right / len(labels)
    metrics = {"accuracy": share, "val_accuracy": share, "loss": 1 - share, "val_loss": 1 - share + number / 2**40}
    metrics |= {"learning_rate": 0.1, "seconds": 0.1}
    names = metrics_of("refit" if task["refit"] else "search")
    predictions = probabilities_of(labels, right).argmax(axis=1)
    int8 = task["objective"] == "int8" and not task["refit"]
    if task["keep"]:
        if int8:
            write(Path(task["keep"]).with_suffix(".tflite"), task["seed"])
        keep(task, Path(task["keep"]), probabilities_of(labels, right), labels)
    return {
        "val_accuracy": None if task["refit"] else metrics["val_accuracy"],
        "val_loss": None if task["refit"] else metrics["val_loss"],
        "val_balanced_accuracy": None if task["refit"] else balanced_accuracy(labels, predictions),
        "val_int8_accuracy": float((int8_of(predictions) == labels).mean()) if int8 else None,
        "epochs_run": passes,
        "history": {name: [metrics[name]] * passes for name in names},
    }


def int8_of(predictions: NDArray[Any]) -> NDArray[np.int64]:
    """Return predictions of which every tenth is the next class instead."""
    return np.where(np.arange(len(predictions)) % 10, predictions, (predictions + 1) % 10).astype(np.int64)


def write(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(seed))


def probabilities_of(labels: NDArray[Any], right: int) -> NDArray[np.float32]:
    """Return probabilities that classify the first `right` images correctly, the others wrongly."""
    guesses = (labels + (np.arange(len(labels)) >= right)) % 10
    return np.asarray(0.02 + 0.8 * np.eye(10)[guesses], np.float32)


def keep(task: dict[str, Any], path: Path, probabilities: NDArray[np.float32], labels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {} if task["refit"] else {"validation_probabilities": probabilities}
    if task["objective"] == "int8" and not task["refit"]:
        arrays["int8_predictions"] = int8_of(probabilities.argmax(axis=1))
    if task["fold"] and not task["refit"]:
        arrays["validation_labels"] = labels
    fake_worker.save(path.with_suffix(".npz"), **arrays)
    with whole_file(path.with_suffix(".keras"), f".{path.name}.partial.keras") as temporary:
        temporary.write_text(json.dumps(task["seed"]))


def evaluate(task: dict[str, Any], data: Dataset) -> dict[str, Any]:
    if not task["test"]:
        fake_worker.save(Path(task["arrays"]), kernels=np.zeros((3, 3, 2), np.float32))
        return {"test": None}
    labels = np.asarray(data.y_test)
    half = len(labels) // 2
    models = [probabilities_of(labels, half + number_of(Path(path).read_text()) % half) for path in task["models"]]
    per_seed = np.array([one.argmax(axis=1) for one in models])
    exported = models[task["exported"]]
    arrays = {"test/labels": labels, "test/probabilities": exported, "test/predictions_per_seed": per_seed}
    test = {**score_test_set(exported, labels, data.class_names), **score_seeds(per_seed, labels)}
    if task["int8"] is not None:
        arrays["test/int8_predictions"] = int8_of(exported.argmax(axis=1))
        test["int8"] = score_int8(arrays["test/int8_predictions"], labels)
    fake_worker.save(Path(task["arrays"]), **arrays)
    return {"test": test}


def export() -> dict[str, Any]:
    return {"savedmodel": False, "keras": True, "difference": None, "note": None}


def main(data_folder: str) -> None:
    served: Any = fake_worker
    served.run_task = run_task
    fake_worker.serve_for_ever(Path(data_folder))


if __name__ == "__main__":
    main(sys.argv[1])
