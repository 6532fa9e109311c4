"""A worker: one process, one task at a time, JSON lines in and out.

Started as `python -m tuner.worker DATA_FOLDER`. Standard input brings tasks; what was standard output when it began takes
events; everything that libraries print goes to standard error, which the parent keeps in a file. When standard
input ends, its parent is gone and it ends too, at once.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tuner.disk import is_no_space
from tuner.failures import is_out_of_memory, reason
from tuner.machine import keras_backend
from tuner.tasks import OUT_OF_MEMORY_CODE

if TYPE_CHECKING:
    from tuner.callbacks import OnEpoch
    from tuner.data import Dataset
    from tuner.records import Json


def main(data_folder: str) -> None:
    """Serves tasks until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = private_output()
    tasks = _tasks()
    prepare_device()
    from tuner.data import open_arrays

    data = open_arrays(Path(data_folder))
    import tuner.trial  # noqa: F401 - the long import, before the first task

    # A trial ends with two collections; what the imports made, a million objects, need not be looked through again.
    gc.collect()
    gc.freeze()
    _say(out, {"event": "ready"})
    while True:
        _serve(tasks.get(), data, out)


def prepare_device() -> None:
    """One thread, growing memory, deterministic kernels: before the backend starts."""
    if keras_backend() != "tensorflow":
        return
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def run_task(document: Json, data: Dataset, on_epoch: OnEpoch) -> Json:
    """Does what a task says; its result as JSON values."""
    from tuner.evaluation import evaluate
    from tuner.export.run_export import export_winner
    from tuner.tasks import EvaluateTask, TrainTask, task_from_json
    from tuner.trial import run_trial

    task = task_from_json(document)
    if isinstance(task, TrainTask):
        return run_trial(task, data, on_epoch)
    if isinstance(task, EvaluateTask):
        return evaluate(task, data)
    return export_winner(task, data)


def _serve(document: Json, data: Dataset, out: IO[str]) -> None:
    began = time.perf_counter()

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
        _say(out, {"event": "epoch", "task": document["id"], "body": {"epoch": epoch, **metrics}})

    try:
        body = run_task(document, data, on_epoch)
        event: Json = {"event": "finished", "body": body}
    except (Exception, SystemExit) as error:  # somebody's own fit may call sys.exit
        _log(error)
        no_space = is_no_space(error)
        if not no_space and is_out_of_memory(error):
            # A fresh process may have more: the task is run again once, as if the system had killed this one.
            os._exit(OUT_OF_MEMORY_CODE)
        event = {"event": "failed", "error": reason(error), "no_space": no_space}
    _say(out, {**event, "task": document["id"], "duration_s": time.perf_counter() - began})


def _log(error: BaseException) -> None:
    import traceback

    with contextlib.suppress(OSError):  # the log's disk may be what is full
        traceback.print_exception(error)


def private_output() -> IO[str]:
    """Keeps standard output for events, and sends what others print there to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _tasks() -> queue.SimpleQueue[Json]:
    tasks: queue.SimpleQueue[Json] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            tasks.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return tasks


def _say(out: IO[str], event: Json) -> None:
    out.write(json.dumps(event) + "\n")
    out.flush()


if __name__ == "__main__":
    main(sys.argv[1])
