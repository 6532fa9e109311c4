"""A worker that trains nothing: what it does follows from the task's configuration. For tests of scheduling."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def serve(task: dict[str, Any], folder: Path) -> None:
    if task["kind"] == "train":
        train(task, folder)
    else:
        say(
            {
                "event": "finished",
                "task": task["id"],
                "body": evaluate(task) if task["kind"] == "evaluate" else export(task),
            }
        )


def evaluate(task: dict[str, Any]) -> dict[str, Any]:
    np.savez(task["arrays"], kernels=np.zeros((3, 3, 2), np.float32))
    scores = [json.loads(Path(path).read_text()) for path in task["models"]]
    mean = sum(scores) / len(scores)
    return {"test": {"n": 100, "accuracy": mean, "per_seed": scores} if task["test"] else None}


def export(task: dict[str, Any]) -> dict[str, Any]:
    Path(task["folder"]).mkdir(exist_ok=True)
    return {"savedmodel": True, "keras": True, "difference": 0.0, "note": None}


def score_of(task: dict[str, Any]) -> float:
    """A number that depends on configuration, epochs and seed, as a real score does."""
    text = json.dumps([task["configuration"], task["epochs"], task["seed"]], sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 2**24


def train(task: dict[str, Any], folder: Path) -> None:
    configuration = task["configuration"]
    marker = folder / f"seen-{task['id']}"
    first = not marker.exists()
    marker.touch()
    if configuration.get("die") == "always" or (configuration.get("die") == "once" and first):
        sys.stderr.write("last words\n")
        sys.stderr.flush()
        os._exit(3)
    if configuration.get("fail"):
        say({"event": "failed", "task": task["id"], "error": configuration["fail"], "duration_s": 0.0})
        return
    time.sleep(float(configuration.get("sleep", os.environ.get("FAKE_SLEEP", "0"))))
    score = float(configuration.get("score", score_of(task)))
    say({"event": "epoch", "task": task["id"], "body": {"epoch": 1, "val_accuracy": score}})
    if task.get("keep"):
        path = Path(task["keep"])
        path.parent.mkdir(parents=True, exist_ok=True)
        images = len(np.load(folder / "y_validation.npy"))
        arrays: dict[str, Any] = {"validation_probabilities": np.full((images, 10), 0.1, np.float32)}
        arrays |= {
            f"study/{name}": np.zeros(4 if name == "gradient_noise" else 2) for name in task.get("diagnostics", ())
        }
        np.savez(path.with_suffix(".npz"), **arrays)
        path.with_suffix(".keras").write_text(json.dumps(score))
    body = {
        "val_accuracy": score,
        "val_loss": 1 - score,
        "epochs_run": task["epochs"],
        "history": {"val_accuracy": [score] * task["epochs"], "accuracy": [score] * task["epochs"]},
    }
    say({"event": "finished", "task": task["id"], "body": body, "duration_s": 0.01})


def main() -> None:
    folder = Path(sys.argv[1])
    if (folder / "broken").exists():
        sys.stderr.write("no backend\n")
        sys.exit(5)
    say({"event": "ready"})
    for line in sys.stdin:
        serve(json.loads(line), folder)


if __name__ == "__main__":
    main()
