"""One worker process as its parent sees it: started, listened to, handed tasks, ended; and why it ended by itself."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tuner.records import Json
from tuner.tasks import OUT_OF_MEMORY_CODE, Task, task_to_json
from tuner.worker_environment import worker_environment

_LOG_LINES = 3
_LAST_BYTES = 2**16
"""Of what a process printed, in which its last words are looked for."""


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


@dataclass(eq=False)
class WorkerProcess:
    """A process that does one task after another.

    Args:
        number: its place among the workers.
        log: where what it prints is kept.
        popen: the process, with pipes for tasks and for what it says.
        said: where what it says goes.
    """

    number: int
    log: Path
    popen: subprocess.Popen[bytes]
    said: queue.SimpleQueue[Said] = field(repr=False)
    ready: bool = False
    running: Assignment | None = None
    served: int = 0
    """How many tasks it has ended."""

    def __post_init__(self) -> None:
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @classmethod
    def start(
        cls, number: int, words: Sequence[str], log: Path, said: queue.SimpleQueue[Said], gpus: int
    ) -> WorkerProcess:
        """Starts one that runs a module, named with its arguments; it says when it is ready."""
        with log.open("wb") as errors:
            popen = subprocess.Popen(
                [sys.executable, "-P", "-m", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=worker_environment(number, gpus),
            )
        return cls(number, log, popen, said)

    def hand(self, assignment: Assignment) -> None:
        """Gives it a task. One that has just died is told of by what it said."""
        self.running = assignment
        with contextlib.suppress(OSError):
            if self.popen.stdin is not None:
                self.popen.stdin.write(json.dumps(task_to_json(assignment.task)).encode() + b"\n")
                self.popen.stdin.flush()

    def end(self) -> None:
        """Kills it, and waits until nothing of it is left."""
        self.popen.kill()
        self.popen.wait()
        with contextlib.suppress(OSError):
            if self.popen.stdin is not None:
                self.popen.stdin.close()
        self._listener.join()

    def exit_reason(self) -> str:
        """Why it ended by itself, in words."""
        code = self.popen.wait()
        if code == -9:
            return "it was killed (signal 9; out of memory?)"
        if code == OUT_OF_MEMORY_CODE:
            return "it ran out of memory"
        return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"

    def last_words(self) -> str:
        """The last lines that it printed."""
        lines = _tail(self.log).split("\n")
        return " / ".join([line.strip() for line in lines if line.strip()][-_LOG_LINES:])

    def _listen(self) -> None:
        if self.popen.stdout is not None:
            with self.popen.stdout as stream:
                self._hear(stream)
        self.said.put(Said(self, None))

    def _hear(self, stream: IO[bytes]) -> None:
        for line in stream:
            with contextlib.suppress(ValueError):  # a line torn by the death of its process
                self.said.put(Said(self, json.loads(line)))


def _tail(log: Path) -> str:
    """The end of a log, however long it is."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
