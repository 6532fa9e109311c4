"""A worker process as its parent sees it: what it is doing, and what it says."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.core.records import Json
from tuner.processes.child import ChildProcess
from tuner.processes.environment import worker_environment
from tuner.processes.tasks import Task, task_to_json

_LOG_LINES = 3


@dataclass
class Assignment:
    """A task that a process has, or is to have."""

    task: Task
    began: float = 0.0
    losses: int = 0
    """How many processes this task has already lost."""


@dataclass(frozen=True)
class Said:
    """What a process said; None: it has ended."""

    process: WorkerProcess
    message: Json | None


class WorkerProcess(ChildProcess):
    """A process that does one task after another, and says when it is ready.

    Args:
        number: its place among the workers.
        words: the module that it runs, and its arguments.
        log: where what it prints is kept.
        said: where what it says goes.
        gpus: how many there are.
    """

    def __init__(self, number: int, words: Sequence[str], log: Path, said: queue.SimpleQueue[Said], gpus: int) -> None:
        self.number = number
        self.ready = False
        self.running: Assignment | None = None
        self.served = 0
        """How many tasks it has ended."""
        super().__init__(
            words, worker_environment(number, gpus), log.open("w+b"), lambda message: said.put(Said(self, message))
        )

    def hand(self, assignment: Assignment) -> None:
        """Give it a task. That one has just died is known by what it said."""
        self.running = assignment
        with contextlib.suppress(OSError):
            self.send(task_to_json(assignment.task))

    def last_words(self) -> str:
        """Return the last lines that it printed before it ended."""
        return " / ".join(self.last_lines()[-_LOG_LINES:])
