"""A Dask worker's side of a run: one training at a time, in a local process.

A training runs as on one machine: one thread, killed at its timeout, run again once if its process dies. Imports Dask;
nothing of it runs in the parent.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import distributed

from tuner.core.machine import versions
from tuner.core.records import Json
from tuner.options.run_options import Device
from tuner.processes.environment import count_gpus
from tuner.processes.tasks import Event, TrainTask, task_from_json
from tuner.workers.dask.files import Files, taken, write_files
from tuner.workers.local import WORKER_MODULE, LocalWorkers

RESOURCE = "mnist-tune-trial"
"""The resource of which a Dask worker has one, and a training of any run takes one. A worker also has a resource named as each run
that it serves."""
_POLL_S = 0.5
_UNLIKE = ("mnist-tune", "keras", "tensorflow", "jax", "numpy", "backend")


@dataclass
class RunPlugin(distributed.WorkerPlugin):
    """A run's plugin on every Dask worker, those that join late too.

    A worker with other versions than the parent's gets no training, because its results might differ.

    Args:
        name: the run's name on this cluster.
        versions: the parent's versions.
        device: the device of trainings.
        timeout_s: the timeout of one training.
        module: the module that the local process runs.
    """

    name: str
    versions: Mapping[str, str]
    device: Device = "cpu"
    timeout_s: float | None = None
    module: str = WORKER_MODULE
    _pool: LocalWorkers | None = field(default=None, repr=False)
    _folder: Path | None = field(default=None, repr=False)
    _dropped: int = field(default=0, repr=False)

    async def setup(self, worker: Any) -> None:
        """Called by Dask when a worker joins the run (untyped)."""
        self._folder = Path(worker.local_directory) / self.name
        unlike = differences(self.versions, versions())
        if unlike:
            worker.log_event(self.name, {"event": "refused", "worker": worker.address, "why": unlike})
        else:
            await worker.set_resources(**{RESOURCE: 1, self.name: 1})

    def teardown(self, worker: Any) -> None:
        """Called by Dask when the run or the worker ends."""
        self.drop()
        if self._pool is not None:
            self._pool.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def drop(self) -> None:
        """End the running training."""
        self._dropped += 1

    def train(self, document: Json, data: Files, worker: Any) -> Json:
        """Train, and report each epoch to the parent.

        Args:
            document: a `TrainTask` as JSON.
            data: the files that `tuner.data.dataset.save_arrays` wrote.
            worker: the Dask worker (untyped).

        Returns:
            The event that ended it as JSON, with `files` where its model is kept.
        """
        task = task_from_json(document)
        if not isinstance(task, TrainTask) or self._folder is None:
            raise TypeError(f"Expected a training. Received: {task.kind}")
        kept = self._folder / "kept" / task.id
        pool = self._started(data)
        pool.submit(replace(task, keep=str(kept)) if task.keep else task)
        event = self._end_of(task, pool, worker)
        files = taken(kept) if task.keep and event.kind == "finished" else {}
        return {**_event_json(event), "files": files, "address": worker.address}

    def _end_of(self, task: TrainTask, pool: LocalWorkers, worker: Any) -> Event:
        dropped = self._dropped
        while self._dropped == dropped:
            event = pool.next_event(_POLL_S)
            if event is not None and event.kind != "epoch":
                return event
            if event is not None:
                said = {**_event_json(event), "address": worker.address}
                worker.log_event(self.name, said)
        pool.drop()
        return Event(kind="failed", task=task.id, worker=0, error="dropped")

    def _started(self, data: Files) -> LocalWorkers:
        if self._pool is None:
            folder = self._folder or Path()
            write_files(data, folder / "data")
            self._pool = LocalWorkers(
                size=1,
                data_folder=folder / "data",
                log_folder=folder / "logs",
                gpus=0 if self.device == "cpu" else count_gpus(),
                timeout_s=self.timeout_s,
                module=self.module,
            )
        return self._pool


def train_here(document: Json, data: Files, name: str) -> Json:
    """Hand a training to the run's plugin on this worker; Dask runs it."""
    worker = distributed.get_worker()
    plugin: Any = worker.plugins[name]  # Dask's type is the base class
    result: Json = plugin.train(document, data, worker)
    return result


def drop_here(name: str, dask_worker: Any = None) -> None:
    """End the training that runs on this worker; Dask runs it on all workers, and passes the worker."""
    plugin = dask_worker.plugins.get(name)
    if plugin is not None:
        plugin.drop()


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Return the packages whose versions differ and may change a model, in words; empty where none does."""
    pairs = ((package, ours.get(package, "none"), theirs.get(package, "none")) for package in _UNLIKE)
    return ", ".join(f"{package} {there} (here {here})" for package, here, there in pairs if here != there)


def _event_json(event: Event) -> Json:
    return {
        "event": event.kind,
        "task": event.task,
        "body": event.body,
        "error": event.error,
        "duration_s": event.duration_s,
    }
