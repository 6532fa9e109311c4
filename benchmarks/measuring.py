"""Helpers of measurements: data, trainings, conditions, ratios of paired times."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tuner.core.errors import RunFailed, UsageError
from tuner.core.machine import versions
from tuner.core.records import Json
from tuner.data.dataset import Dataset, load_dataset
from tuner.processes.tasks import Event, Task
from tuner.run.run_document import describe_machine
from tuner.storage.schema.documents import as_json
from tuner.workers.local import Workers

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parent.parent
_WAIT_S = 60.0


def mnist(samples: int) -> Dataset:
    """Return `samples` of MNIST's training images, a tenth of them for validation.

    Raises:
        UsageError: where MNIST is unavailable.
    """
    if "MNIST_TUNE_DATA" not in os.environ:
        raise UsageError("MNIST is unavailable. Expected MNIST_TUNE_DATA to name its mnist.npz.")
    everything = load_dataset("mnist", validation=0.1, seed=1)
    train, validation = (
        _some(len(everything.x_train), samples * 9 // 10),
        _some(len(everything.x_validation), samples // 10),
    )
    return replace(
        everything,
        x_train=everything.x_train[train],
        y_train=everything.y_train[train],
        x_validation=everything.x_validation[validation],
        y_validation=everything.y_validation[validation],
    )


def _some(among: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.sort(np.random.default_rng(5).choice(among, count, replace=False))


def do_all(
    pool: Workers,
    tasks: Sequence[Task],
    after: Callable[[Event], None] = lambda event: None,
    *,
    may_fail: bool = False,
) -> list[Event]:
    """Run the tasks; return the final event of each, in their order.

    Args:
        pool: the workers.
        tasks: with distinct ids.
        after: called with each final event.
        may_fail: whether a task may fail.

    Raises:
        RunFailed: where a task fails that may not.
    """
    for task in tasks:
        pool.submit(task)
    ended: dict[str, Event] = {}
    while len(ended) < len(tasks):
        event = pool.next_event(_WAIT_S)
        if event is None or event.kind == "epoch":
            continue
        if event.kind == "failed" and not may_fail:
            raise RunFailed(f"Task {event.task} of the measurement failed: {event.error}")
        ended[event.task] = event
        after(event)
    return [ended[task.id] for task in tasks]


def conditions(packages: Iterable[str] = ()) -> Json:
    """Return the versions, the machine and its present load."""
    return {
        "versions": {**versions(), **{name: version(name) for name in packages}},
        "machine": {**as_json(describe_machine()), "load_1min": round(os.getloadavg()[0], 1)},
    }


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean of ratios of paired times."""
    return math.exp(math.fsum(map(math.log, ratios)) / len(ratios))


def quiet_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a subprocess: no GPU, no TensorFlow log."""
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", **(extra or {})}
