"""One invocation of a run, whatever its kind: its status, its phases, its workers, its winner's evaluation and export.

What is trained belongs to the kinds: `tuner.search`, `tuner.training`, `tuner.study`.
"""

from __future__ import annotations

import abc
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from tuner.budget import Budget
from tuner.confirmation import Confirmed
from tuner.data import Dataset
from tuner.digests import with_digests
from tuner.disk import is_no_space
from tuner.engine import Engine, slim, stop_if_no_space
from tuner.errors import Interrupted, NoSpace, RunFailed
from tuner.files import write_bytes
from tuner.journal import Journal, JournalState, now, read_state
from tuner.observer import Observer
from tuner.options import Options
from tuner.records import Configuration, Json, Trial, TrialRecord
from tuner.refit import Refitted
from tuner.result import collect_arrays, result_json
from tuner.run_folder import MODEL_SUFFIX, RunFolder, write_json
from tuner.spaces.model_interface import ModelInterface
from tuner.tasks import EvaluateTask, Event, ExportTask, SpaceRef, Task
from tuner.worker_environment import default_size
from tuner.workers import LocalWorkers, Workers

_POLL_S = 1.0
_WRITTEN_EVERY_S = 10.0
"""How much of its time a run that is killed may lose count of, besides the trials that were running."""


@dataclass
class Session(abc.ABC, Generic[Options]):
    """One invocation of a run: all of its phases, over what the journal already holds."""

    options: Options
    folder: RunFolder
    observer: Observer
    data: Dataset
    space: Any
    """What of the run's space needs no Keras (untyped: each family has its own class)."""
    run: Json
    """The content of run.json, kept up to date."""
    gpus: int
    worker_module: str
    budget: Budget = field(init=False)
    state: JournalState = field(init=False)
    """What the journal held when this invocation began, and what has ended since."""
    faults: list[str] = field(default_factory=list)
    """What could not be made of what was trained, in words."""
    workers: Workers = field(init=False)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(getattr(self.options, "time_budget", None))
        self._elapsed_before = float(self.run["times"]["elapsed_s"])
        self._phase: tuple[str, float, float] | None = None
        self._written = -_WRITTEN_EVERY_S

    @abc.abstractmethod
    def phases(self) -> Json:
        """Trains what there is to train, and returns the content of result.json, written."""

    def go(self) -> Json:
        """All phases, and the status of the run whatever happens."""
        try:
            self.set_status("running")
            self.observer.run_began(self.run)
            result = self._with_workers()
        except KeyboardInterrupt as interrupt:
            signal_name = str(interrupt) or "Ctrl-C"
            self._end("interrupted", f"stopped by {signal_name}")
            raise Interrupted(f"Interrupted. What finished is kept; {self._go_on_words()}") from interrupt
        except Exception as error:
            told = self._failed(error)
            if told is error:
                raise
            raise told from error
        self._completed()
        if self.faults:
            raise RunFailed(
                f"The run is done and kept, but for this: {' '.join(self.faults)} Received: {self.folder.path}"
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
                f"The disk is full: the run is done but for its report. Make space, then {self._go_on_words()}"
            ) from error

    def _failed(self, error: Exception) -> Exception:
        """Writes down that the run failed; how the user is told."""
        if not is_no_space(error):
            self._end("failed", str(error))
            return error
        reason = f"The disk is full, so the run stops. What finished is kept; make space, then {self._go_on_words()}"
        # Neither status nor report may find room; those that are there stay.
        with contextlib.suppress(OSError):
            self._write_end("failed", reason)
        with contextlib.suppress(OSError):
            self.observer.run_ended(self.run)
        return NoSpace(reason)

    def _go_on_words(self) -> str:
        # Somebody's own space is named anew where a run is gone on with.
        code = f" --space {self.options.space}" if ":" in self.options.space else ""
        return f"go on with: mnist-tune --out {self.folder.path} --resume{code}"

    def _with_workers(self) -> Json:
        self.state = read_state(self.folder.journal)
        self.state.finished = {name: slim(record) for name, record in self.state.finished.items()}
        with contextlib.closing(self._make_workers()) as workers, Journal(self.folder.journal) as journal:
            self.workers = workers
            self.engine = Engine(workers, journal, self.state, self.observer, self._trial_ended, self.note)
            return self.phases()

    def _make_workers(self) -> Workers:
        if self.options.scheduler is not None:
            return self._cluster(self.options.scheduler)
        return LocalWorkers(
            size=self.options.workers or default_size(self.options.device, self.gpus),
            data_folder=self.folder.work / "data",
            log_folder=self.folder.work / "logs",
            gpus=self.gpus,
            timeout_s=self.options.trial_timeout,
            module=self.worker_module,
        )

    def _cluster(self, address: str) -> Workers:
        from tuner.cluster import ClusterWorkers

        return ClusterWorkers(
            address=address,
            data_folder=self.folder.work / "data",
            log_folder=self.folder.work / "logs",
            device=self.options.device,
            timeout_s=self.options.trial_timeout,
            module=self.worker_module,
            note=self.note,
        )

    def evaluate(
        self, found: Sequence[Confirmed], *, test: bool, target: float | None = None, refit: Refitted | None = None
    ) -> Json:
        """Lets the winner of the confirmed meet the test set, exports it, and writes result.json.

        Args:
            found: the winner first.
            test: whether the test set is met.
            target: the validation accuracy that the winner was to reach, in (0, 1]; None without one.
            refit: the winner's refits, which stand in for its confirmed models if there are any; None where none was asked for.
        """
        records, exported = self.evaluated_records(found[0], refit)
        models = [self.kept_model(record) for record in records]
        arrays = self.folder.work / "winner.npz"
        try:
            evaluated = self.evaluate_models(found[0], models, exported, arrays, test=test)
        except RunFailed:
            # What was trained stands, and resuming evaluates it again.
            model = self._keep_model(models[exported], "The winner was not evaluated, and no SavedModel was made.")
            collect_arrays(self.folder, self.data, found, None, refit)
            self.write_result(result_json(found, None, model, target, refit))
            raise
        model = self.export_model(found[0].configuration, models[exported])
        collect_arrays(self.folder, self.data, found, arrays, refit)
        return self.write_result(result_json(found, evaluated["test"], model, target, refit))

    def write_result(self, result: Json) -> Json:
        """Write result.json, with the digests of the files that are there; return the result."""
        write_json(self.folder.result_json, with_digests(self.folder, result))
        return result

    def evaluated_records(self, winner: Confirmed, refit: Refitted | None) -> tuple[Sequence[TrialRecord], int]:
        """Return the records of the models that meet the test set, and which of them is exported."""
        if refit is not None and refit.records:
            return refit.records, refit.exported
        return winner.records, winner.median

    def evaluate_models(
        self, winner: Confirmed, models: Sequence[Path], exported: int, arrays: Path, *, test: bool
    ) -> Json:
        """Have a worker evaluate the winner's models, and leave the arrays of the figures at a path."""
        own = self.folder.own_images
        evaluated = do_task(
            self.workers,
            EvaluateTask(
                id="evaluate",
                space=self.ref(),
                configuration=dict(winner.configuration),
                models=tuple(str(path.absolute()) for path in models),
                exported=exported,
                arrays=str(arrays.absolute()),
                test=test,
                seed=self.options.seed,
                custom=True,
                own_images=str(own.absolute()) if own.exists() else None,
            ),
        )
        self._tell_faults(evaluated)
        return evaluated

    def kept_model(self, record: TrialRecord) -> Path:
        """
        Raises:
            RunFailed: where the model that a training kept is gone.
        """
        kept = self.folder.kept_model(record.trial)
        if kept is None:
            raise RunFailed(f"The model of trial {record.trial} is gone. Expected it in {self.folder.work}.")
        return kept

    def _keep_model(self, kept: Path, note: str) -> Json:
        """Leave the winner's model as it was kept; `model` of result.json."""
        whole = kept.suffix == MODEL_SUFFIX
        write_bytes(self.folder.keras_model if whole else self.folder.weights, kept.read_bytes())
        return {"savedmodel": False, "keras": whole, "difference": None, "note": note}

    def export_model(self, configuration: Configuration, kept: Path) -> Json:
        """Leave the winner's model as a Keras file and a SavedModel; return `model` of result.json.

        Args:
            configuration: the winner's.
            kept: what a training left of it, or best.keras itself.
        """
        if self.ref().interface is None:
            write_bytes(self.folder.keras_model, kept.read_bytes())
            kept = self.folder.keras_model
        task = ExportTask(
            id="export",
            space=self.ref(),
            configuration=dict(configuration),
            model=str(kept.absolute()),
            keras_file=str(self.folder.keras_model.absolute()),
            folder=str(self.folder.saved_model.absolute()),
        )
        try:
            model = do_task(self.workers, task)
        except RunFailed as error:
            model = {**self._keep_model(kept, str(error)), "faults": [str(error)]}
        if model["note"]:
            self.note(model["note"])
        self._tell_faults(model)
        return {name: value for name, value in model.items() if name != "faults"}

    def _tell_faults(self, answer: Json) -> None:
        for fault in answer.get("faults", ()):
            self.faults.append(fault)
            self.note(fault)

    def set_plan(self, algorithm: str, trials: Sequence[Trial]) -> None:
        """Writes down what a list of trials means to do."""
        epochs = sum(trial.epochs for trial in trials)
        self.run["plan"] = {"algorithm": algorithm, "brackets": [], "trials": len(trials), "epochs": epochs}
        self.folder.write_run(self.run)

    def ref(self) -> SpaceRef:
        """How a worker makes the space."""
        model = self.run["space"].get("model")
        return SpaceRef(
            name=self.options.space,
            max_params=self.options.max_params,
            max_macs=self.options.max_macs,
            classes=len(self.data.class_names),
            interface=None if model is None else ModelInterface.from_json(model),
        )

    @contextlib.contextmanager
    def phase(self, name: str, trials: int) -> Iterator[None]:
        """Tells the observer of a phase, and adds its seconds up."""
        self.observer.phase_began(name, trials)
        self._phase = (name, self.run["times"]["phases"].get(name, 0.0), time.monotonic())
        try:
            yield
        finally:
            self._count_time()
            self._phase = None

    def note(self, text: str) -> None:
        """Something that the user and the reader of the report should know."""
        if text not in self.run["notes"]:
            self.run["notes"].append(text)
        self.observer.note(text)

    def set_status(self, status: str, error: str | None = None) -> None:
        """Writes run.json."""
        self.run["status"], self.run["error"] = status, error
        self._count_time()
        self.folder.write_run(self.run)
        self._written = time.monotonic()

    def _trial_ended(self) -> None:
        """Has run.json know how long this took: a run that is killed goes on counting from there."""
        if time.monotonic() - self._written >= _WRITTEN_EVERY_S:
            self.set_status("running")

    def _count_time(self) -> None:
        times, moment = self.run["times"], time.monotonic()
        times["elapsed_s"] = round(self._elapsed_before + moment - self.budget.began, 1)
        if self._phase is not None:
            name, before, began = self._phase
            times["phases"][name] = round(before + moment - began, 1)

    def _end(self, status: str, error: str | None) -> None:
        self._write_end(status, error)
        self.observer.run_ended(self.run)

    def _write_end(self, status: str, error: str | None) -> None:
        self.run["times"]["ended"] = now()
        self.set_status(status, error)


def do_task(workers: Workers, task: Task) -> Json:
    """Has one task done, and waits for it.

    Raises:
        RunFailed: where it failed.
    """
    workers.submit(task)
    event: Event | None = None
    while event is None or event.kind == "epoch":
        event = workers.next_event(_POLL_S)
    stop_if_no_space(event)
    if event.kind == "failed":
        raise RunFailed(f"The winner could not be handled ({task.kind}). {event.error}")
    return event.body
