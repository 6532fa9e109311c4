"""Fake workers of this machine, and tasks for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tuner.processes.tasks import Event, SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers

SPACE = SpaceRef(name="compact8k", max_params=None, max_macs=None, classes=10)


def task(name: str, **configuration: Any) -> TrainTask:
    return TrainTask(id=name, space=SPACE, configuration=configuration, epochs=1, seed=1)


@contextmanager
def workers(folder: Path, size: int = 1, timeout_s: float | None = None) -> Iterator[LocalWorkers]:
    with LocalWorkers(
        size, folder, folder / "logs", timeout_s=timeout_s, module="tests.kit.processes.fake_worker"
    ) as pool:
        yield pool


def until_done(pool: LocalWorkers, count: int) -> list[Event]:
    """Return the events that end tasks."""
    ended: list[Event] = []
    deadline = time.monotonic() + 30
    while len(ended) < count and time.monotonic() < deadline:
        event = pool.next_event(1.0)
        if event is not None and event.kind != "epoch":
            ended.append(event)
    return ended
