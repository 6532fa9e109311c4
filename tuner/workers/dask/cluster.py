"""The workers of a run on a Dask cluster. `worker` has a Dask worker's side; only `--scheduler` imports either.

Data travel once, named by their content. A training's files come back with its result, so that no file system need be
shared. The winner is evaluated and exported here, in one local process.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tuner.core.errors import UsageError
from tuner.core.failures import reason
from tuner.core.machine import versions
from tuner.core.records import Json
from tuner.options.run_options import Device
from tuner.processes.tasks import Event, Task, TrainTask, task_to_json
from tuner.workers.dask.connection import Connection, is_broken_connection
from tuner.workers.dask.files import Files, content_key, keep, read_files
from tuner.workers.dask.worker import RESOURCE, RunPlugin, drop_here, train_here
from tuner.workers.local import WORKER_MODULE, LocalWorkers

_COUNT_EVERY_S = 2.0
_RESULT_S = 60.0
"""The timeout of one result, before others are received."""


@dataclass
class _Sent:
    task: TrainTask
    future: Any
    """Dask's, untyped."""


@dataclass
class ClusterWorkers:
    """Dask workers, each with one training at a time.

    Args:
        address: the scheduler's, such as tcp://10.0.0.1:8786 or tls://….
        data_folder: the folder that `tuner.data.dataset.save_arrays` wrote.
        log_folder: the folder for the output of the local process that evaluates the winner.
        device: the device of trainings.
        timeout_s: the timeout of one training.
        module: the module that a worker's local process runs.
        note: called with notes for the user.

    Raises:
        UsageError: where no scheduler answers, or its workers can't import this program.
    """

    address: str
    data_folder: Path
    log_folder: Path
    device: Device = "cpu"
    timeout_s: float | None = None
    module: str = WORKER_MODULE
    note: Callable[[str], None] = lambda text: None
    _name: str = field(default_factory=lambda: f"mnist-tune-{uuid.uuid4().hex[:12]}")
    _connection: Connection = field(init=False)
    _files: Files = field(init=False, repr=False)
    _data: Any = None
    """The arrays on the cluster: Dask's future, untyped."""
    _said: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    _waiting: deque[TrainTask] = field(default_factory=deque)
    _sent: dict[str, _Sent] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    """A worker's address → its number in the journal."""
    _local: LocalWorkers | None = None
    _local_tasks: int = 0
    _size: int = 0
    _refused: set[str] = field(default_factory=set)
    """Addresses of workers that run other versions."""
    _counted: float = float("-inf")

    def __post_init__(self) -> None:
        self._connection = Connection(self.address)
        try:
            self._join()
        except BaseException:
            self._client.close()
            raise

    @property
    def _client(self) -> Any:
        """The Dask client, untyped."""
        return self._connection.client

    @property
    def size(self) -> int:
        """Return the number of trainings at the same time: one a worker, and 1 while no worker has joined."""
        return max(1, self.size_now())

    def submit(self, task: Task) -> None:
        """Queue a task: trainings on the cluster, the winner's evaluation and export here."""
        if isinstance(task, TrainTask):
            self._waiting.append(task)
            self._hand_out()
            return
        self._local_tasks += 1
        self._local_pool().submit(task)

    def next_event(self, timeout_s: float) -> Event | None:
        """Return the next event of a task, or None after the timeout.

        Raises:
            RunFailed: where the connection to the scheduler is lost.
        """
        if self._local_tasks:
            return self._local_event(timeout_s)
        deadline = time.monotonic() + timeout_s
        self._hand_out()
        while (left := deadline - time.monotonic()) > 0:
            self._connection.check()
            try:
                said = self._said.get(timeout=left)
            except queue.Empty:
                return None
            event = self._heard(said) if isinstance(said, dict) else self._ended(said)
            if event is not None:
                return event
        return None

    def drop(self) -> None:
        """Drop all tasks; end the running ones."""
        futures = [sent.future for sent in self._sent.values()]
        self._sent.clear()
        self._waiting.clear()
        if futures and self._connection.alive:
            with self._connection.may_break():
                self._client.cancel(futures)
                self._client.run(drop_here, self._name, on_error="ignore")
        if self._local is not None:
            self._local.drop()
        self._local_tasks = 0

    def close(self) -> None:
        """Drop all tasks, and remove the run's plugin from the cluster."""
        try:
            self.drop()
            if self._connection.alive:
                with self._connection.may_break():
                    self._client.unregister_worker_plugin(self._name)
        finally:
            if self._local is not None:
                self._local.close()
            self._client.close()

    def _join(self) -> None:
        self._files = read_files(self.data_folder)
        self._client.subscribe_topic(self._name, lambda event: self._said.put(event[1]))
        plugin = RunPlugin(self._name, versions(), self.device, self.timeout_s, self.module)
        try:
            self._client.register_plugin(plugin, name=self._name)
        except ImportError as error:
            raise UsageError(
                f"The cluster's workers can't import mnist-tune ({error}). Install the same version there that is here. "
                f"Received: --scheduler {self.address}"
            ) from error
        self._read_events()
        if not self.size_now():
            self.note(f"The cluster at {self.address} has no worker for this run yet; it waits for one to join.")

    def size_now(self) -> int:
        """Return the number of workers for this run, counted every other second."""
        if time.monotonic() > self._counted + _COUNT_EVERY_S and self._connection.alive:
            self._counted = time.monotonic()
            with self._connection.may_break():
                self._count()
        return self._size

    def _count(self) -> None:
        listed = self._client.scheduler_info(n_workers=-1)["workers"].values()
        self._size = sum(worker.get("resources", {}).get(self._name, 0) > 0 for worker in listed)
        if not self._size:
            self._read_events()

    def _read_events(self) -> None:
        """Read again which workers refused: one may have done so before the subscription arrived."""
        for _, message in self._client.get_events(self._name):
            if message["event"] == "refused":
                self._said.put(message)

    def _hand_out(self) -> None:
        """Send the waiting tasks, once there is a worker."""
        # Where the connection has just been lost, tasks keep waiting; its check ends the run if it doesn't return.
        with self._connection.may_break():
            while self._waiting and self._connection.alive and self.size_now():
                self._send(self._waiting[0], self._data_there())
                self._waiting.popleft()

    def _send(self, task: TrainTask, data: Any) -> None:
        future = self._client.submit(
            train_here,
            task_to_json(task),
            data,
            self._name,
            # A random key: Dask would compute two equal trainings once.
            key=f"{self._name}-{task.id}-{uuid.uuid4().hex[:8]}",
            pure=False,
            resources={RESOURCE: 1, self._name: 1},
        )
        self._sent[task.id] = _Sent(task, future)
        future.add_done_callback(self._said.put)

    def _data_there(self) -> Any:
        """Return the data on the cluster (Dask's future, untyped): sent once, and again where every copy was lost."""
        if self._data is None or self._data.status != "finished":
            key = f"mnist-tune-data-{content_key(self._files)}"
            self._data = self._client.scatter({key: self._files}, broadcast=True)[key]
        return self._data

    def _heard(self, message: Json) -> Event | None:
        """Return the event of a worker's message; None where it is a refusal, or of a dropped task."""
        if message["event"] == "refused":
            if message["worker"] in self._refused:
                return None
            self._refused.add(message["worker"])
            self.note(f"The cluster's worker {message['worker']} gets no trial: {message['why']}.")
            return None
        return self._event(message) if message["task"] in self._sent else None

    def _ended(self, future: Any) -> Event | None:
        """Return the event of a future's end: a result or a failure; None where its workers died and it runs again."""
        sent = next((sent for sent in self._sent.values() if sent.future.key == future.key), None)
        if sent is None:
            return None
        try:
            message = self._message(future)
        except TimeoutError:
            # Dask computes it again, and calls back when that is done.
            future.add_done_callback(self._said.put)
            return None
        del self._sent[sent.task.id]
        if message is None and future.status == "error":
            return Event(kind="failed", task=sent.task.id, worker=0, error=reason(future.exception()))
        if message is None:
            self._waiting.appendleft(sent.task)
            return None
        if sent.task.keep is not None:
            keep(message["files"], Path(sent.task.keep))
        return self._event(message)

    def _message(self, future: Any) -> Json | None:
        """Return a worker's result; None where the training failed, or was lost.

        Raises:
            TimeoutError: where it was lost with its worker, and isn't trained again yet.
        """
        if future.status != "finished":
            return None
        try:
            return cast(Json, future.result(timeout=_RESULT_S))
        except TimeoutError:
            raise
        except Exception as error:
            # A finished result may be lost on its way: then the future's status changes, or the connection breaks.
            if future.status == "finished" and self._connection.alive and not is_broken_connection(error):
                raise
            return None

    def _event(self, message: Json) -> Event:
        return Event(
            kind=message["event"],
            task=message["task"],
            worker=self._numbers.setdefault(message["address"], len(self._numbers)),
            body=message["body"],
            error=message["error"],
            duration_s=message["duration_s"],
        )

    def _local_pool(self) -> LocalWorkers:
        if self._local is None:
            self._local = LocalWorkers(
                size=1, data_folder=self.data_folder, log_folder=self.log_folder, module=self.module
            )
        return self._local

    def _local_event(self, timeout_s: float) -> Event | None:
        event = self._local_pool().next_event(timeout_s)
        if event is not None and event.kind != "epoch":
            self._local_tasks -= 1
        return event
