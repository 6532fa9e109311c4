"""A worker: one process, one task at a time, JSON lines in and out.

Started as `python -m tuner.workers.worker DATA_FOLDER`; `tuner.processes.serving` holds the pipes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.core.disk_full import is_no_space
from tuner.core.failures import is_out_of_memory, reason
from tuner.processes.child import OUT_OF_MEMORY_CODE
from tuner.processes.environment import prepare_device
from tuner.processes.serving import Parent

if TYPE_CHECKING:
    from tuner.core.records import Json
    from tuner.data.dataset import Dataset
    from tuner.spaces.callbacks import OnEpoch


def main(data_folder: str) -> None:
    """Serve tasks until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = Parent()
    prepare_device()
    from tuner.data.dataset import open_arrays

    data = open_arrays(Path(data_folder))
    import tuner.training.trial  # noqa: F401 - the long import, before the first task

    # Each trial ends with two collections: exempt the million objects that the imports made.
    gc.collect()
    gc.freeze()
    parent.send({"event": "ready"})
    while True:
        _serve(parent.receive(), data, parent)


def run_task(document: Json, data: Dataset, on_epoch: OnEpoch) -> Json:
    """Run a task; return its result as JSON values."""
    from tuner.export.run_export import export_winner
    from tuner.processes.tasks import EvaluateTask, ExportTask, TrainTask, task_from_json
    from tuner.training.evaluation import evaluate
    from tuner.training.trial import run_trial

    task = task_from_json(document)
    if isinstance(task, TrainTask):
        return run_trial(task, data, on_epoch)
    if isinstance(task, EvaluateTask):
        return evaluate(task, data)
    if isinstance(task, ExportTask):
        return export_winner(task, data)
    raise ValueError(f"Expected a task of the kind train, evaluate or export. Received: {task.kind}")


def _serve(document: Json, data: Dataset, parent: Parent) -> None:
    began = time.perf_counter()

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
        parent.send({"event": "epoch", "task": document["id"], "body": {"epoch": epoch, **metrics}})

    try:
        body = run_task(document, data, on_epoch)
        event: Json = {"event": "finished", "body": body}
    except (Exception, SystemExit) as error:  # a user's fit may call sys.exit
        _log(error)
        no_space = is_no_space(error)
        if not no_space and is_out_of_memory(error):
            # A fresh process may have more: the task is run again once, as if the system had killed this one.
            os._exit(OUT_OF_MEMORY_CODE)
        event = {"event": "failed", "error": reason(error), "no_space": no_space}
    parent.send({**event, "task": document["id"], "duration_s": time.perf_counter() - began})


def _log(error: BaseException) -> None:
    import traceback

    with contextlib.suppress(OSError):  # the disk of the log may be full
        traceback.print_exception(error)


if __name__ == "__main__":
    main(sys.argv[1])
