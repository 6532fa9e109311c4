"""Local processes that really train, on digits: what their earlier trials leave behind."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from search_spaces.families.compact.family import CompactFamily
from tuner.data.dataset import load_dataset, save_arrays
from tuner.processes.tasks import Event, SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arrays") / "data"
    save_arrays(load_dataset("digits", validation=0.1, seed=1, train_samples=200), folder)
    return folder


def tasks(count: int) -> list[TrainTask]:
    family = CompactFamily()
    space = SpaceRef(name="compact8k", max_params=None, max_macs=None, classes=10)
    draws = [family.sample(np.random.default_rng([3, number])) for number in range(count)]
    return [
        TrainTask(id=f"{number:04d}", space=space, configuration=draw, epochs=2, seed=7)
        for number, draw in enumerate(draws)
    ]


def run_all(pool: LocalWorkers, todo: list[TrainTask]) -> dict[str, Event]:
    for task in todo:
        pool.submit(task)
    ended: dict[str, Event] = {}
    while len(ended) < len(todo):
        event = pool.next_event(60)
        if event is not None and event.kind != "epoch":
            ended[event.task] = event
    return ended


def numbers(event: Event) -> dict[str, Any]:
    """A record without what is measured by the clock."""
    history = {key: value for key, value in event.body["history"].items() if key != "seconds"}
    return {**event.body, "history": history}


def test_a_trial_gives_the_same_record_alone_and_after_eight_others(arrays: Path, tmp_path: Path) -> None:
    todo = tasks(9)
    with LocalWorkers(1, arrays, tmp_path / "logs") as pool:
        alone = run_all(pool, todo[-1:])["0008"]
    with LocalWorkers(1, arrays, tmp_path / "logs") as pool:
        after = run_all(pool, todo)["0008"]
    assert alone.kind == after.kind == "finished"
    assert numbers(alone) == numbers(after)


def test_a_worker_s_memory_does_not_grow_with_its_trials(arrays: Path, tmp_path: Path) -> None:
    """The same training again and again: what stays is lost. (Shapes that are new cost oneDNN's kernels besides.)"""
    memory = []
    with LocalWorkers(1, arrays, tmp_path / "logs") as pool:
        process = psutil.Process(pool.pids()[0])
        for number in range(30):
            run_all(pool, [replace(tasks(1)[0], id=f"{number:04d}")])
            memory.append(process.memory_info().rss / 2**20)
        assert pool.pids() == [process.pid]
    slope = float(np.polyfit(np.arange(20), memory[10:], 1)[0])
    sys.stdout.write(
        f"memory of a worker: {memory[0]:.0f} MB after 1 trial, {memory[-1]:.0f} after 30, {slope:.2f} a trial\n"
    )
    assert slope < 1
