"""A worker process that trains several trials as one program. JSON lines in and out, as those of `tuner.workers.worker`.

Started as `python -m tuner.workers.stacked_worker DATA_FOLDER`, with Keras on JAX.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tuner.core.errors import UsageError
from tuner.workers import worker

if TYPE_CHECKING:
    from tuner.core.records import Json
    from tuner.data.dataset import Dataset
    from tuner.spaces.callbacks import OnEpoch


def validate_device() -> None:
    """Raise UsageError where this process has a GPU and JAX can't use it: it would train on the processor without a word."""
    import jax

    if os.environ.get("CUDA_VISIBLE_DEVICES") != "-1" and jax.default_backend() == "cpu":
        raise UsageError(
            "--stack-trials can't use the GPU. Expected JAX with CUDA. Received: JAX for the CPU. "
            "Install it: pip install 'jax[cuda12]', or give --device cpu."
        )


def run_task(document: Json, data: Dataset, on_epoch: OnEpoch) -> Json:
    """Run a stack; each event of its tasks is reported as an epoch of it."""
    from tuner.processes.tasks import StackTask, task_from_json
    from tuner.training.stacked_trials import run_stack

    task = task_from_json(document)
    if not isinstance(task, StackTask):
        raise ValueError(f"Expected a task of the kind stack. Received: {task.kind}")
    count = 0

    def on_event(event: Mapping[str, object]) -> None:
        nonlocal count
        count += 1
        on_epoch(count, event)  # type: ignore[arg-type]

    return run_stack(task, data, on_event)


def main(data_folder: str) -> None:
    """Serve stacks until standard input ends; end with one line where there is no device for them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        validate_device()
    except UsageError as error:
        sys.exit(str(error))
    worker.run_task = run_task
    worker.main(data_folder)


if __name__ == "__main__":
    main(sys.argv[1])
