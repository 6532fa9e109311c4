"""A run from its options to its result: search, confirm, evaluate, export. What is said of it is the reports' business."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from search_spaces.registry import load_family
from tuner.budget import Budget, ConfirmationPlan, Forecast, affordable
from tuner.confirmation import Confirmed, confirmed, finalists
from tuner.data import Dataset, load_dataset, open_arrays, save_arrays
from tuner.engine import Engine
from tuner.errors import Interrupted, RunFailed, UsageError
from tuner.journal import Journal, now, read_state
from tuner.observer import Observer
from tuner.options import SearchOptions
from tuner.quiet import quiet_imports
from tuner.records import Configuration, Json, TrialRecord, rank_key
from tuner.result import collect_arrays, result_json
from tuner.run_document import new_run
from tuner.run_folder import RunFolder, write_bytes, write_json
from tuner.tasks import EvaluateTask, Event, ExportTask, SpaceRef, Task
from tuner.workers import WORKER_MODULE, LocalWorkers, count_gpus, default_size

_POLL_S = 1.0


def start(
    options: SearchOptions,
    folder: RunFolder,
    observer: Observer,
    *,
    command: Sequence[str],
    force: bool = False,
    worker_module: str = WORKER_MODULE,
) -> Json:
    """Runs a search in a new folder.

    Args:
        options: what is searched, and how.
        folder: where; must not hold anything yet, unless `force`.
        observer: hears of everything that happens.
        command: the command line, for run.json.
        force: write over the run that is there.
        worker_module: what worker processes run; tests give one that trains nothing.

    Returns:
        The run's result, as in result.json.

    Raises:
        UsageError: where options, data and space don't go together, or the folder is taken.
        RunFailed: where no trial completed.
        Interrupted: after Ctrl-C; what finished is kept.
    """
    data = load_dataset(
        options.data, validation=options.validation, seed=options.seed, train_samples=options.train_samples
    )
    space = make_space(options, len(data.class_names))
    folder.create(force=force)
    save_arrays(data, folder.work / "data")
    gpus = usable_gpus(options)
    run = new_run(options, data, space, command, gpus)
    folder.write_run(run)
    return _Run(options, folder, observer, data, space, run, gpus, worker_module).go()


def resume(
    options: SearchOptions, folder: RunFolder, observer: Observer, *, worker_module: str = WORKER_MODULE
) -> Json | None:
    """Goes on with a run; None where it was done already.

    Raises:
        UsageError: where the data have changed since the run began.
        JournalError: where its journal is damaged.
    """
    run = folder.read_run()
    if run["status"] == "completed":
        return None
    data = _data_again(options, folder, run)
    space = make_space(options, len(data.class_names))
    return _Run(options, folder, observer, data, space, run, usable_gpus(options), worker_module).go()


def make_space(options: SearchOptions, classes: int) -> Any:
    """What of a run's space needs no Keras (untyped: each family has its own class).

    Raises:
        UsageError: where the space is unknown, or no network of it fits the caps.
    """
    try:
        return load_family(options.space, max_params=options.max_params, max_macs=options.max_macs, classes=classes)
    except ValueError as error:
        raise UsageError(str(error)) from error


def usable_gpus(options: SearchOptions) -> int:
    """How many GPUs the run uses.

    Raises:
        UsageError: where one was asked for and none is there.
    """
    gpus = 0 if options.device == "cpu" else count_gpus()
    if options.device == "gpu" and not gpus:
        raise UsageError(
            "--device gpu needs a GPU that nvidia-smi lists. Received: none. Leave the option out to use the CPU."
        )
    return gpus


@dataclass
class _Run:
    """One invocation of a run: all of its phases, over what the journal already holds."""

    options: SearchOptions
    folder: RunFolder
    observer: Observer
    data: Dataset
    space: Any
    run: Json
    gpus: int
    worker_module: str
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.options.time_budget)
        self._elapsed_before = float(self.run["times"]["elapsed_s"])

    def go(self) -> Json:
        """All phases, and the status of the run whatever happens."""
        self._set_status("running")
        self.observer.run_began(self.run)
        try:
            result = self._phases()
        except KeyboardInterrupt as interrupt:
            self._end("interrupted", "stopped by Ctrl-C")
            raise Interrupted(
                f"Interrupted. What finished is kept; go on with: mnist-tune --out {self.folder.path} --resume"
            ) from interrupt
        except Exception as error:
            self._end("failed", str(error))
            raise
        self.folder.clean()
        self._end("completed", None)
        return result

    def _phases(self) -> Json:
        state = read_state(self.folder.journal)
        recorded = {name: trial.configuration for name, trial in {**state.started, **state.finished}.items()}
        with (
            self._workers() as workers,
            Journal(self.folder.journal) as journal,
        ):
            # The workers are starting; the parent's own long import runs beside theirs.
            with quiet_imports():
                from tuner.oracle import Proposer
            from tuner.sources import Networks

            engine = Engine(workers, journal, state, self.observer)
            networks = Networks(self.space, self._ref())
            proposer = Proposer(self.space, self.options, references=self._references(), recorded=recorded)
            self.run["plan"] = proposer.plan_json(self.options.algorithm)
            self.folder.write_run(self.run)
            with self._phase("search", proposer.planned_trials):
                records = self._search(engine, proposer, networks)
            found = self._confirm(engine, networks, records, proposer.planned_trials)
            with self._phase("evaluate", 0):
                return self._evaluate(workers, found)

    def _workers(self) -> LocalWorkers:
        return LocalWorkers(
            size=self.options.workers or default_size(self.options.device, self.gpus),
            data_folder=self.folder.work / "data",
            log_folder=self.folder.work / "logs",
            gpus=self.gpus,
            timeout_s=self.options.trial_timeout,
            module=self.worker_module,
        )

    def _search(self, engine: Engine, proposer: Any, networks: Any) -> list[TrialRecord]:
        from tuner.sources import SearchSource

        forecast = self._forecast(engine)
        wanted = ConfirmationPlan(self.options.confirm_top, self.options.confirm_seeds)

        def time_is_up() -> bool:
            if self.options.time_budget is None:
                return False
            needed = forecast.confirmation_s(wanted, list(engine.state.finished.values()))
            return self.budget.left_s() < self.budget.reserve_s(needed)

        source = SearchSource(proposer, networks, self.options.seed, self._rung_ended)
        if not engine.run(source, time_is_up=time_is_up):
            ended = sum(record.phase == "search" for record in engine.state.finished.values())
            self._note(f"The time budget ended the search after {ended} of {proposer.planned_trials} trials.")
        records = [record for record in engine.state.finished.values() if record.phase == "search"]
        if not any(record.completed for record in records):
            raise RunFailed(_no_trial_completed(records))
        return records

    def _rung_ended(self, bracket: int, rung: int) -> None:
        self._set_status("running")
        self.observer.rung_ended(bracket, rung)

    def _confirm(self, engine: Engine, networks: Any, records: list[TrialRecord], planned: int) -> list[Confirmed]:
        from tuner.sources import ConfirmationSource

        wanted = ConfirmationPlan(self.options.confirm_top, self.options.confirm_seeds)
        plan = affordable(wanted, self.budget.left_s(), self._forecast(engine), records)
        if plan != wanted:
            self._note(
                f"The time budget left {plan.top} of {wanted.top} finalists and {plan.seeds} of {wanted.seeds} seeds to confirm."
            )
        candidates = finalists(records, plan.top)
        source = ConfirmationSource(
            candidates, plan.seeds, planned + 1, wanted.seeds, networks, self.options.seed, self.folder
        )
        with self._phase("confirm", source.size):
            engine.run(source)
        found = confirmed(candidates, source.records)
        if not found:
            raise RunFailed(f"No finalist could be confirmed. {source.records[0].error}")
        return found

    def _evaluate(self, workers: LocalWorkers, found: list[Confirmed]) -> Json:
        winner = found[0]
        models = [self.folder.kept(record.trial).with_suffix(".keras") for record in winner.records]
        exported = models[winner.median]
        arrays = self.folder.work / "winner.npz"
        evaluated = do_task(
            workers,
            EvaluateTask(
                id="evaluate",
                space=self._ref(),
                configuration=dict(winner.configuration),
                models=tuple(str(path.absolute()) for path in models),
                exported=winner.median,
                arrays=str(arrays.absolute()),
                test=self.options.test,
                seed=self.options.seed,
            ),
        )
        write_bytes(self.folder.keras_model, exported.read_bytes())
        model = do_task(
            workers,
            ExportTask(
                id="export",
                model=str(self.folder.keras_model.absolute()),
                folder=str(self.folder.saved_model.absolute()),
            ),
        )
        if model["note"]:
            self._note(model["note"])
        collect_arrays(self.folder, self.data, found, arrays)
        result = result_json(found, evaluated["test"], model)
        write_json(self.folder.result_json, result)
        return result

    def _ref(self) -> SpaceRef:
        return SpaceRef(
            name=self.options.space,
            max_params=self.options.max_params,
            max_macs=self.options.max_macs,
            classes=len(self.data.class_names),
        )

    def _references(self) -> list[Configuration]:
        included = [reference["name"] for reference in self.run["references"] if reference["included"]]
        return [dict(reference.values) for reference in self.space.references_that_fit() if reference.name in included]

    def _forecast(self, engine: Engine) -> Forecast:
        return Forecast(self.options.max_epochs, engine.workers.size, len(self.data.y_train), len(self.data.y_test))

    @contextlib.contextmanager
    def _phase(self, name: str, trials: int) -> Iterator[None]:
        self.observer.phase_began(name, trials)
        began = time.monotonic()
        try:
            yield
        finally:
            phases = self.run["times"]["phases"]
            phases[name] = round(phases.get(name, 0.0) + time.monotonic() - began, 1)

    def _note(self, text: str) -> None:
        if text not in self.run["notes"]:
            self.run["notes"].append(text)
        self.observer.note(text)

    def _set_status(self, status: str, error: str | None = None) -> None:
        self.run["status"], self.run["error"] = status, error
        spent = time.monotonic() - self.budget.began
        self.run["times"]["elapsed_s"] = round(self._elapsed_before + spent, 1)
        self.folder.write_run(self.run)

    def _end(self, status: str, error: str | None) -> None:
        self.run["times"]["ended"] = now()
        self._set_status(status, error)
        self.observer.run_ended(self.run)


def do_task(workers: LocalWorkers, task: Task) -> Json:
    """Has one task done, and waits for it.

    Raises:
        RunFailed: where it failed.
    """
    workers.submit(task)
    event: Event | None = None
    while event is None or event.kind == "epoch":
        event = workers.next_event(_POLL_S)
    if event.kind == "failed":
        raise RunFailed(f"The winner could not be handled ({task.kind}). {event.error}")
    return event.body


def _data_again(options: SearchOptions, folder: RunFolder, run: Json) -> Dataset:
    """The data of a run that goes on: what its workers mapped, or the source again."""
    kept = folder.work / "data"
    if kept.is_dir():
        data = open_arrays(kept)
    else:
        data = load_dataset(
            options.data, validation=options.validation, seed=options.seed, train_samples=options.train_samples
        )
        save_arrays(data, kept)
    if data.sha256 != run["data"]["sha256"]:
        raise UsageError(
            f"The data have changed since this run began. Expected sha256 {run['data']['sha256'][:16]}…. "
            f"Received: {data.sha256[:16]}…. Give the same data, or start a new run."
        )
    return data


def _no_trial_completed(records: Sequence[TrialRecord]) -> str:
    if not records:
        return "No trial completed before the time budget was spent. Give more time, or fewer epochs (--max-epochs)."
    return f"None of {len(records)} trials completed. The last one: {sorted(records, key=rank_key)[-1].error}"
