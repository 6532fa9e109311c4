"""One invocation of a run, whatever its kind: its status, its phases, its workers.

`evaluating_session` evaluates the winner; `search`, `train` and `study` know the trials of each kind of run.
"""

from __future__ import annotations

import abc
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from tuner.core.disk_full import is_no_space
from tuner.core.errors import Interrupted, NoSpace, RunFailed
from tuner.core.records import Trial
from tuner.data.dataset import Dataset
from tuner.options.run_options import Options
from tuner.options.search_options import SearchOptions
from tuner.processes.environment import default_size
from tuner.processes.tasks import SpaceRef
from tuner.run.observer import Observer
from tuner.run.time_budget import Budget
from tuner.run.trial_loop import TrialLoop, without_history
from tuner.storage.journal import Journal, JournalState, now, read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import Plan, RunDocument, RunPhase, RunStatus
from tuner.workers.local import LocalWorkers, Workers
from tuner.workers.stacked import StackedWorkers

_WRITTEN_EVERY_S = 10.0
"""Seconds between two updates of run.json's elapsed time, which a killed run may lose."""


@dataclass
class Session(abc.ABC, Generic[Options]):
    """One invocation of a run: all of its phases, over what the journal already holds."""

    options: Options
    folder: RunFolder
    observer: Observer
    data: Dataset
    space: Any
    """The part of the run's space that needs no Keras (untyped: each family has its own class)."""
    run: RunDocument
    """run.json, kept up to date."""
    gpus: int
    worker_module: str
    budget: Budget = field(init=False)
    state: JournalState = field(init=False)
    """The journal's state when this invocation began, and the records since."""
    faults: list[str] = field(default_factory=list)
    """Messages about files that could not be made from the trained models."""
    workers: Workers = field(init=False)
    engine: TrialLoop = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(getattr(self.options, "time_budget", None))
        self._elapsed_before = self.run.times.elapsed_s
        self._phase: tuple[RunPhase, float, float] | None = None
        self._written = -_WRITTEN_EVERY_S

    @abc.abstractmethod
    def phases(self) -> ResultDocument:
        """Run all phases; write and return result.json."""

    def execute(self) -> ResultDocument:
        """Run all phases, and write the status of the run whatever happens."""
        try:
            self.set_status("running")
            self.observer.run_began(self.run)
            result = self._with_workers()
        except KeyboardInterrupt as interrupt:
            signal_name = str(interrupt) or "Ctrl-C"
            self._end("interrupted", f"stopped by {signal_name}")
            raise Interrupted(f"Interrupted. What finished is kept; {self._format_go_on()}") from interrupt
        except Exception as error:
            reported = self._failed(error)
            if reported is error:
                raise
            raise reported from error
        self._completed()
        if self.faults:
            raise RunFailed(
                f"The run is done and kept, except for this: {' '.join(self.faults)} Received: {self.folder.path}"
            )
        return result

    def _completed(self) -> None:
        # The status first: once it is written nothing of this run is trained again, whatever happens to the rest.
        try:
            self._write_end("completed", None)
            self.folder.clean()
            self.observer.run_ended(self.run)
        except OSError as error:
            if not is_no_space(error):
                raise
            raise NoSpace(
                f"The disk is full: the run is done but for its report. Make space, then {self._format_go_on()}"
            ) from error

    def _failed(self, error: Exception) -> Exception:
        """Record that the run failed; return the error that the user sees."""
        if not is_no_space(error):
            self._end("failed", str(error))
            return error
        reason = f"The disk is full, so the run stops. What finished is kept; make space, then {self._format_go_on()}"
        # There may be no space for status and report; the old ones stay.
        with contextlib.suppress(OSError):
            self._write_end("failed", reason)
        with contextlib.suppress(OSError):
            self.observer.run_ended(self.run)
        return NoSpace(reason)

    def _format_go_on(self) -> str:
        # The user must name their own code again to resume a run.
        code = f" --space {self.options.space}" if ":" in self.options.space else ""
        return f"resume with: mnist-tune --out {self.folder.path} --resume{code}"

    def _with_workers(self) -> ResultDocument:
        self.state = read_state(self.folder.journal)
        self.state.finished = {name: without_history(record) for name, record in self.state.finished.items()}
        with contextlib.closing(self._make_workers()) as workers, Journal(self.folder.journal) as journal:
            self.workers = workers
            self.engine = TrialLoop(workers, journal, self.state, self.observer, self._trial_ended, self.add_note)
            return self.phases()

    def _make_workers(self) -> Workers:
        if self.options.scheduler is not None:
            return self._cluster(self.options.scheduler)
        most = getattr(self.options, "stack_trials", None)
        return self._local_workers() if most is None else self._stacked_workers(most)

    @property
    def trainings_at_once(self) -> int:
        """Return how many trainings that each have their own process run at the same time."""
        return self.workers.processes if isinstance(self.workers, StackedWorkers) else self.workers.size

    def _local_workers(self) -> LocalWorkers:
        return LocalWorkers(
            size=self._local_size,
            data_folder=self.folder.work / "data",
            log_folder=self.folder.work / "logs",
            gpus=self.gpus,
            timeout_s=self.options.trial_timeout,
            module=self.worker_module,
        )

    @property
    def _local_size(self) -> int:
        return self.options.workers or default_size(self.options.device, self.gpus)

    def _stacked_workers(self, most: int) -> Workers:
        return StackedWorkers(
            most=most,
            data_folder=self.folder.work / "data",
            log_folder=self.folder.work / "logs",
            gpus=self.gpus,
            processes=self._local_size,
            learns=isinstance(self.options, SearchOptions) and self.options.learns,
            make_others=self._local_workers,
        )

    def _cluster(self, address: str) -> Workers:
        from tuner.workers.dask.cluster import ClusterWorkers

        return ClusterWorkers(
            address=address,
            data_folder=self.folder.work / "data",
            log_folder=self.folder.work / "logs",
            device=self.options.device,
            timeout_s=self.options.trial_timeout,
            module=self.worker_module,
            note=self.add_note,
        )

    def set_plan(self, algorithm: str, trials: Sequence[Trial]) -> None:
        """Write the plan of a list of trials to run.json."""
        epochs = sum(trial.epochs for trial in trials)
        self.run.plan = Plan(algorithm=algorithm, trials=len(trials), epochs=epochs)
        self.folder.write_run(self.run)

    def ref(self) -> SpaceRef:
        """Return the reference from which a worker makes the space."""
        return SpaceRef.for_options(self.options, self.run.data, self.run.space.model)

    @contextlib.contextmanager
    def phase(self, name: RunPhase, trials: int) -> Iterator[None]:
        """Report a phase to the observer, and count its seconds."""
        self.observer.phase_began(name, trials)
        self._phase = (name, self.run.times.phases.get(name, 0.0), time.monotonic())
        try:
            yield
        finally:
            self._count_time()
            self._phase = None

    def add_note(self, text: str) -> None:
        """Add a note for the user and the reader of the report."""
        if text not in self.run.notes:
            self.run.notes.append(text)
        self.observer.note(text)

    def set_status(self, status: RunStatus, error: str | None = None) -> None:
        """Write run.json."""
        self.run.status, self.run.error = status, error
        self._count_time()
        self.folder.write_run(self.run)
        self._written = time.monotonic()

    def _trial_ended(self) -> None:
        """Update the elapsed time in run.json now and then: a killed run resumes counting from there."""
        if time.monotonic() - self._written >= _WRITTEN_EVERY_S:
            self.set_status("running")

    def _count_time(self) -> None:
        times, moment = self.run.times, time.monotonic()
        times.elapsed_s = round(self._elapsed_before + moment - self.budget.began, 1)
        if self._phase is not None:
            name, before, began = self._phase
            times.phases[name] = round(before + moment - began, 1)

    def _end(self, status: RunStatus, error: str | None) -> None:
        self._write_end(status, error)
        self.observer.run_ended(self.run)

    def _write_end(self, status: RunStatus, error: str | None) -> None:
        self.run.times.ended = now()
        self.set_status(status, error)
