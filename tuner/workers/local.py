"""The workers of a run: a small interface, and its implementation by local processes.

Each worker is a separate process, so that a crash costs one trial and a trial that hangs can be killed.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from tuner.core.errors import RunFailed
from tuner.core.records import Json
from tuner.processes.child import ChildProcess
from tuner.processes.environment import worker_environment
from tuner.processes.kernels import format_kernels
from tuner.processes.tasks import Event, Task, task_to_json

TRIALS_A_PROCESS = 50
"""The number of tasks after which a worker restarts: oneDNN never frees kernels of new shapes, some MB a trial."""
WORKER_MODULE = "tuner.workers.worker"
_STARTS_BEFORE_GIVING_UP = 3


class Workers(Protocol):
    """The interface of workers: submit a task, receive its events, close."""

    @property
    def size(self) -> int:
        """Return the number of tasks at the same time; it may change."""

    def submit(self, task: Task) -> None:
        """Queue a task."""

    def next_event(self, timeout_s: float) -> Event | None:
        """Return the next event of a worker, or None after the timeout."""

    def drop(self) -> None:
        """Drop all tasks; end the running ones."""

    def close(self) -> None:
        """End every worker."""


@dataclass
class LocalWorkers:
    """Local processes, one thread each.

    Args:
        size: the number of processes.
        data_folder: the folder that `tuner.data.dataset.save_arrays` wrote.
        log_folder: the folder for the workers' output.
        gpus: the number of GPUs to share; 0 for the CPU.
        timeout_s: the timeout of one training.
        module: the module that a worker process runs.
        trials_a_process: the number of tasks after which a process restarts.
        backend: Keras's in the processes; None: that of this process.
    """

    size: int
    data_folder: Path
    log_folder: Path
    gpus: int = 0
    timeout_s: float | None = None
    module: str = WORKER_MODULE
    trials_a_process: int = TRIALS_A_PROCESS
    backend: str | None = None
    _said: queue.SimpleQueue[Said] = field(default_factory=queue.SimpleQueue)
    _waiting: deque[Assignment] = field(default_factory=deque)
    _failed_starts: int = 0
    _processes: list[WorkerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log_folder.mkdir(parents=True, exist_ok=True)
        self._processes = [self._start(number) for number in range(self.size)]

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, task: Task) -> None:
        """Queue a task; the first free worker takes it."""
        self._waiting.append(Assignment(task))
        self._hand_out()

    def next_event(self, timeout_s: float) -> Event | None:
        """Return the next event of a task, or None after the timeout.

        Raises:
            RunFailed: where workers can't be started.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            late = self._kill_late()
            if late is not None:
                return late
            try:
                said = self._said.get(timeout=max(0.0, min(self._next_deadline(), deadline) - time.monotonic()))
            except queue.Empty:
                if time.monotonic() >= deadline:
                    return None
                continue
            event = self._take(said)
            if event is not None:
                return event

    def drop(self) -> None:
        """Drop the waiting tasks, and restart the processes of the running ones."""
        self._waiting.clear()
        for process in list(self._processes):
            if process.running is not None:
                self._replace(process)

    def close(self) -> None:
        """End every process."""
        for process in self._processes:
            process.end()
        self._processes = []

    @property
    def free(self) -> int:
        """Return the number of processes, started or starting, without a task, less the tasks that wait."""
        return sum(process.running is None for process in self._processes) - len(self._waiting)

    def pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [process.popen.pid for process in self._processes]

    def _start(self, number: int) -> WorkerProcess:
        log = self.log_folder / f"worker-{number}.log"
        environment = worker_environment(number, self.gpus, self.backend)
        return WorkerProcess(number, (self.module, str(self.data_folder)), log, self._said, environment)

    def _take(self, said: Said) -> Event | None:
        process, message = said.process, said.message
        if process not in self._processes:  # one that was ended on purpose
            return None
        if message is None:
            return self._lost(process)
        if message["event"] == "ready":
            process.ready, self._failed_starts = True, 0
            self._hand_out()
            return None
        return self._event(process, message)

    def _event(self, process: WorkerProcess, message: Json) -> Event | None:
        running = process.running
        if running is None or message["task"] != running.task.id:
            return None
        event = Event(
            kind=message["event"],
            task=running.task.id,
            worker=process.number,
            body=message.get("body", {}),
            error=message.get("error"),
            duration_s=message.get("duration_s", 0.0),
            no_space=message.get("no_space", False),
        )
        if event.kind != "epoch":
            process.running = None
            process.served += 1
            if process.served >= self.trials_a_process:
                self._replace(process)
            self._hand_out()
        return event

    def _replace(self, process: WorkerProcess) -> None:
        """End a process, and start another one in its place."""
        process.end()
        self._processes[self._processes.index(process)] = self._start(process.number)

    def _lost(self, process: WorkerProcess) -> Event | None:
        """Replace a process that died, and run its task again once; return the task's failure the second time."""
        reason, format_last = process.exit_reason(), process.format_last()
        running = process.running
        if not process.ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS_BEFORE_GIVING_UP:
                raise RunFailed(f"Workers can't be started: {reason}. {format_last}")
        self._replace(process)
        if running is None:
            return None
        running.losses += 1
        if running.losses < 2:
            self._waiting.appendleft(running)
            return None
        error = f"lost its process twice: {reason}. {format_last}".strip()
        return self._failed(process, running, error)

    def _kill_late(self) -> Event | None:
        if self.timeout_s is None:
            return None
        for process in self._processes:
            running = process.running
            if running is None or running.task.kind != "train" or time.monotonic() < running.began + self.timeout_s:
                continue
            self._replace(process)
            return self._failed(process, running, f"timeout: took longer than {self.timeout_s:g} s")
        return None

    def _next_deadline(self) -> float:
        if self.timeout_s is None:
            return float("inf")
        begins = [process.running.began for process in self._processes if process.running is not None]
        return min(begins, default=float("inf")) + self.timeout_s

    def _failed(self, process: WorkerProcess, running: Assignment, error: str) -> Event:
        duration_s = time.monotonic() - running.began
        return Event(kind="failed", task=running.task.id, worker=process.number, error=error, duration_s=duration_s)

    def _hand_out(self) -> None:
        for process in self._processes:
            if not self._waiting:
                return
            if process.ready and process.running is None:
                assignment = self._waiting.popleft()
                assignment.began = time.monotonic()
                process.hand(assignment)


_LOG_LINES = 3


@dataclass
class Assignment:
    """A task that waits for a process, or runs in one."""

    task: Task
    began: float = 0.0
    losses: int = 0
    """The number of processes that died on this task."""


@dataclass(frozen=True)
class Said:
    """An event of a process; None: it has ended."""

    process: WorkerProcess
    message: Json | None


class WorkerProcess(ChildProcess):
    """A process that runs one task after another, and reports when it is ready.

    Args:
        number: its place among the workers.
        words: the module that it runs, and its arguments.
        log: where what it prints is kept, after a line about the processor and the kernels.
        said: where what it says goes.
        environment: its variables.
    """

    def __init__(
        self,
        number: int,
        words: Sequence[str],
        log: Path,
        said: queue.SimpleQueue[Said],
        environment: Mapping[str, str],
    ) -> None:
        self.number = number
        self.ready = False
        self.running: Assignment | None = None
        self.served = 0
        """The number of tasks that it has ended."""
        output = log.open("w+b")
        output.write(f"{format_kernels()}\n".encode())
        output.flush()
        super().__init__(words, environment, output, lambda message: said.put(Said(self, message)))

    def hand(self, assignment: Assignment) -> None:
        """Send it a task; its death is reported by its messages, not here."""
        self.running = assignment
        with contextlib.suppress(OSError):
            self.send(task_to_json(assignment.task))

    def format_last(self) -> str:
        """Return the last lines that it printed before it ended."""
        return " / ".join(self.last_lines()[-_LOG_LINES:])
