"""A worker of programs that trains nothing: each trial of a stack has a made-up score, and fails or dies as its configuration says."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.kit.processes import fake_worker
from tuner.processes.serving import Parent
from tuner.workers import worker


def run_task(stack: dict[str, Any], folder: Path, on_epoch: Callable[[int, Mapping[str, Any]], None]) -> dict[str, Any]:
    with (folder / "programs").open("a") as programs:
        programs.write(" ".join(task["id"] for task in stack["tasks"]) + "\n")
    for number, task in enumerate(stack["tasks"], start=1):
        configuration = task["configuration"]
        if configuration.get("die") == "in company" and len(stack["tasks"]) > 1:
            os._exit(3)
        if configuration.get("die") == "always":
            os._exit(3)
        score = fake_worker.score_of(task)
        own = {"id": task["id"], "duration_s": 0.5}
        metrics = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"), score)
        on_epoch(number, {**own, "event": "epoch", "body": {"epoch": 1, **metrics}})
        if configuration.get("diverge"):
            on_epoch(number, {**own, "event": "failed", "error": "DivergedError: the loss was no number after epoch 2"})
            continue
        body = {
            "val_accuracy": score,
            "val_loss": 1 - score,
            "val_balanced_accuracy": None,
            "epochs_run": 1,
            "history": {metric: [value] for metric, value in metrics.items()},
        }
        on_epoch(number, {**own, "event": "finished", "body": body})
    return {}


def main(data_folder: str) -> None:
    served: Any = worker
    served.run_task = run_task
    parent = Parent()
    parent.send({"event": "ready"})
    while True:
        served._serve(parent.receive(), Path(data_folder), parent)


if __name__ == "__main__":
    main(sys.argv[1])
