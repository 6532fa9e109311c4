"""A worker that trains nothing: what it does follows from the task's configuration. For tests of scheduling."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def serve(task: dict[str, Any], folder: Path) -> None:
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
    time.sleep(float(configuration.get("sleep", 0)))
    score = float(configuration.get("score", 0.5))
    say({"event": "epoch", "task": task["id"], "body": {"epoch": 1, "val_accuracy": score}})
    body = {
        "val_accuracy": score,
        "val_loss": 1 - score,
        "epochs_run": task["epochs"],
        "history": {"val_accuracy": [score] * task["epochs"]},
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
