"""A worker that trains nothing: its results follow from the task's configuration. For tests of scheduling.

Only the tasks are made up: how it hears, answers, fails and ends is the real worker's.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuner.processes.serving import Parent
from tuner.storage.files import whole_file
from tuner.workers import worker

OnEpoch = Callable[[int, Mapping[str, float]], None]


def run_task(task: dict[str, Any], folder: Path, on_epoch: OnEpoch) -> dict[str, Any]:
    if task["kind"] == "train":
        return train(task, folder, on_epoch)
    if task["kind"] in os.environ.get("FAKE_FAILING_TASKS", "").split(","):
        raise ValueError("not today")
    return evaluate(task) if task["kind"] == "evaluate" else export(task)


def evaluate(task: dict[str, Any]) -> dict[str, Any]:
    save(Path(task["arrays"]), kernels=np.zeros((3, 3, 2), np.float32))
    scores = [score_in(Path(path)) for path in task["models"]]
    mean = sum(scores) / len(scores)
    test: dict[str, Any] = {
        "n": 100,
        "accuracy": mean,
        "sd": None,
        "per_seed": scores,
        "exported_accuracy": scores[task["exported"]],
        "errors": round(100 * (1 - scores[task["exported"]])),
        "accuracy_ci95": [mean, mean],
    }
    if task["int8"] is not None:
        predictions = np.zeros(100, np.int64)
        save(Path(task["arrays"]), **{"kernels": np.zeros((3, 3, 2), np.float32), "test/int8_predictions": predictions})
        right = int(Path(task["int8"]).read_text())
        test["int8"] = {"accuracy": right / 100, "errors": 100 - right, "accuracy_ci95": [right / 100, right / 100]}
    faults, notes = (
        [words for words in os.environ.get(f"FAKE_{name}", "").split(",") if words] for name in ("FAULTS", "NOTES")
    )
    return {"test": test if task["test"] else None, "faults": faults, "notes": notes}


def export(task: dict[str, Any]) -> dict[str, Any]:
    Path(task["folder"]).mkdir(exist_ok=True)
    return {"savedmodel": True, "keras": True, "difference": 0.0, "note": None}


def score_of(task: dict[str, Any]) -> float:
    """Return a number that depends on configuration, epochs and seed, as a real score does."""
    text = json.dumps([task["configuration"], task["epochs"], task["seed"]], sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 2**24


def train(task: dict[str, Any], folder: Path, on_epoch: OnEpoch) -> dict[str, Any]:
    configuration = task["configuration"]
    misbehave(task, folder)
    time.sleep(float(configuration.get("sleep", os.environ.get("FAKE_SLEEP", "0"))))
    score = float(configuration.get("score", score_of(task)))
    if task.get("refit"):
        return refit(task, (1 + score) / 2, on_epoch)
    on_epoch(1, {"val_accuracy": score})
    int8 = int8_score_of(task, score)
    if task.get("keep"):
        if int8 is not None:
            keep_int8(task, int8)
        keep(task, Path(task["keep"]), len(np.load(folder / "y_validation.npy")), score)
    passes = math.ceil(task["epochs"])
    return {
        "val_accuracy": score,
        "val_loss": 1 - score,
        # The other way round, so that the two objectives disagree.
        "val_balanced_accuracy": 1 - score,
        "val_int8_accuracy": int8,
        "epochs_run": passes,
        "history": {"val_accuracy": [score] * passes, "accuracy": [score] * passes},
    }


def int8_score_of(task: dict[str, Any], score: float) -> float | None:
    """Return the int8 network's score, which ranks trials in another order than their own scores."""
    return (7 * score) % 1 if task.get("objective") == "int8" else None


def keep_int8(task: dict[str, Any], score: float) -> None:
    path = Path(task["keep"]).with_suffix(".tflite")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(round(100 * score)))


def refit(task: dict[str, Any], score: float, on_epoch: OnEpoch) -> dict[str, Any]:
    """Return the result of a training without validation; trials that the environment names, or all, fail."""
    if task["id"] in (failing := os.environ.get("FAKE_REFITS_FAIL", "")) or failing == "all":
        raise ValueError("no refit")
    time.sleep(float(os.environ.get("FAKE_REFIT_SLEEP", "0")))
    metrics = {"loss": 1 - score, "accuracy": score, "learning_rate": 0.1, "seconds": 0.1}
    on_epoch(1, metrics)
    if task.get("objective") == "int8":
        keep_int8(task, score)
    path, passes = Path(task["keep"]), min(math.ceil(task["epochs"]), task["stop_after"])
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path.with_suffix(".npz"), **{"weights/names": np.array(["conv"])})
    with whole_file(path.with_suffix(".keras"), f".{path.name}.partial.keras") as temporary:
        write_model(temporary, score)
    history = {metric: [value] * passes for metric, value in metrics.items()}
    return {"val_accuracy": None, "val_loss": None, "epochs_run": passes, "history": history}


def misbehave(task: dict[str, Any], folder: Path) -> None:
    """Die, fail or take too much memory, if the configuration or the environment asks for it."""
    configuration = task["configuration"]
    marker = folder / f"seen-{task['id']}"
    first = not marker.exists()
    marker.touch()
    with (folder / "seeds").open("a") as seeds:
        seeds.write(f"{task['id']} {task['seed']}\n")
    if configuration.get("die") == "always" or (configuration.get("die") == "once" and first):
        sys.stderr.write("last words\n")
        sys.stderr.flush()
        os._exit(3)
    if configuration.get("fail"):
        name, _, text = str(configuration["fail"]).partition(": ")
        raise type(name, (Exception,), {})(text)
    hungry = configuration.get("hungry")
    if hungry == "always" or (hungry == "once" and first):
        import resource

        limit = 2**30
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        bytearray(2 * limit)


def keep(task: dict[str, Any], path: Path, images: int, score: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"validation_probabilities": np.full((images, 10), 0.1, np.float32)}
    arrays |= {f"study/{name}": np.zeros(4 if name == "gradient_noise" else 2) for name in task.get("diagnostics", ())}
    save(path.with_suffix(".npz"), **arrays)
    with whole_file(path.with_suffix(".keras"), f".{path.name}.partial.keras") as temporary:
        # Padded, so that a small disk is soon full.
        write_model(temporary, score, " " * int(os.environ.get("FAKE_MODEL_BYTES", "0")))


def write_model(path: Path, score: float, padding: str = "") -> None:
    """Write an archive like Keras's, whose bytes follow from the score alone."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("score.json"), json.dumps(score) + padding)


def score_in(path: Path) -> float:
    with zipfile.ZipFile(path) as archive:
        return float(json.loads(archive.read("score.json")))


def save(path: Path, **arrays: Any) -> None:
    with whole_file(path, f".{path.stem}.partial.npz") as temporary:
        np.savez(temporary, **arrays)


def main(data_folder: str) -> None:
    folder = Path(data_folder)
    if (folder / "broken").exists():
        sys.stderr.write("no backend\n")
        sys.exit(5)
    serve_for_ever(folder)


def serve_for_ever(folder: Path) -> None:
    # The worker's own names: what it serves with is what is tested.
    served: Any = worker
    served.run_task = run_task
    parent = Parent()
    parent.send({"event": "ready"})
    while True:
        served._serve(parent.receive(), folder, parent)


if __name__ == "__main__":
    main(sys.argv[1])
