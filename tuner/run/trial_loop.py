"""The loop that hands trials to workers and journals their results. It knows neither Keras nor oracles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from search_spaces.networks.costs import LayerSummary
from tuner.core.errors import NoSpace, RunFailed
from tuner.core.records import SCORE_KEYS, Json, Trial, TrialRecord, metrics_of, trial_name
from tuner.processes.tasks import Event, TrainTask
from tuner.run.compact_configuration import CompactConfiguration
from tuner.run.observer import Observer
from tuner.storage.journal import Journal, JournalState
from tuner.workers.local import Workers

_POLL_S = 1.0
_NO_HISTORY: Mapping[str, Sequence[float]] = {}
_FIRST = tuple(trial_name(number) for number in (1, 2, 3))


class Source(Protocol):
    """A source of trials, which takes their records."""

    def next(self) -> Trial | None:
        """Return the next trial; None where there is none now."""

    def task(self, trial: Trial) -> TrainTask:
        """Return the worker's task for it."""

    def layers(self, trial: Trial) -> tuple[LayerSummary, ...]:
        """Return the layers of its network."""

    def memory(self, trial: Trial) -> tuple[int | None, int | None]:
        """Return bytes of RAM and flash of its int8 network, where they are known."""

    def accepts(self, record: TrialRecord) -> bool:
        """Return whether a record of the journal can be reused, so that its trial need not run again."""

    def report(self, record: TrialRecord) -> None:
        """Take the record of a trial."""


@dataclass
class _Live:
    trial: Trial
    epochs: list[Json] = field(default_factory=list)


@dataclass
class TrialLoop:
    """The loop over the trials of a source, to the end or until time is up."""

    workers: Workers
    journal: Journal
    state: JournalState
    observer: Observer
    on_trial_end: Callable[[], None] = lambda: None
    """Called when a trial that was trained here has been journaled and reported."""
    note: Callable[[str], None] = lambda text: None
    """Called with notes for the user about a trial."""
    _live: dict[str, _Live] = field(default_factory=dict)

    def run(self, source: Source, *, time_is_up: Callable[[], bool] = lambda: False) -> bool:
        """Run trials until the source has none left.

        Returns:
            False where time was up first; running trials are dropped then.

        Raises:
            RunFailed: where the first three trials all failed the same way.
        """
        try:
            return self._run(source, time_is_up)
        finally:
            if self._live:
                self._live.clear()
                self.workers.drop()

    def _run(self, source: Source, time_is_up: Callable[[], bool]) -> bool:
        while True:
            if time_is_up():
                return False
            self._fill(source)
            if not self._live:
                return True
            event = self.workers.next_event(_POLL_S)
            if event is not None:
                self._take(event, source)

    def _fill(self, source: Source) -> None:
        while len(self._live) < self.workers.size:
            trial = source.next()
            if trial is None:
                return
            known = self.state.finished.get(trial.trial)
            if known is not None and same_training(trial, known) and source.accepts(known):
                self._finish(known, source, restored=True)
                continue
            self.journal.started(trial)
            self._live[trial.trial] = _Live(trial)
            self.workers.submit(source.task(trial))
            self.observer.trial_started(trial)

    def _take(self, event: Event, source: Source) -> None:
        live = self._live[event.task]
        if event.kind == "epoch":
            # A trial that is run again after its process was lost begins at epoch 1 again.
            del live.epochs[int(event.body["epoch"]) - 1 :]
            live.epochs.append(event.body)
            self.observer.epoch_ended(live.trial, event.worker, int(event.body["epoch"]), event.body)
            return
        stop_if_no_space(event)
        del self._live[event.task]
        if undeclared := event.body.get("undeclared"):
            self.note(
                f"The space declares {', '.join(undeclared)} only with values that discovery did not try: they are not searched, and "
                "keep their defaults. Declare them in build whatever the other values are, and they are searched."
            )
        record = self.journal.finished(_record(live, event, source.layers(live.trial), source.memory(live.trial)))
        kept = without_history(record)
        self.state.finished[record.trial] = kept
        self._finish(kept, source, restored=False)
        self.on_trial_end()

    def _finish(self, record: TrialRecord, source: Source, *, restored: bool) -> None:
        source.report(record)
        self.observer.trial_finished(record, restored=restored)
        stop_if_all_fail(self.state.finished)


def without_history(record: TrialRecord) -> TrialRecord:
    """Return a search's record without what was recorded for the report, which stays in the journal, to save memory.

    Records of other phases stay whole: they are few, and the result is made from them.
    """
    if record.phase != "search":
        return record
    configuration = CompactConfiguration.of(record.configuration)
    return replace(
        record, configuration=configuration, history=_NO_HISTORY, layers=(), ram=None, flash=None, finished_at=""
    )


def same_training(trial: Trial, record: TrialRecord) -> bool:
    """Return whether a record is of the same training: a resumed search may have other finalists."""
    return _training(trial) == _training(record)


def _training(trial: Trial) -> tuple[object, ...]:
    return (trial.configuration, trial.epochs, trial.seed, trial.fold)


def stop_if_no_space(event: Event) -> None:
    """Raise `NoSpace` where a worker reports a full disk. Its task is not journaled, and runs again on resuming."""
    if event.no_space:
        raise NoSpace(event.error or "a worker found the disk full")


def stop_if_all_fail(records: Mapping[str, TrialRecord]) -> None:
    """End a run whose first trials all fail for one reason: the next ones would too.

    The first ones of the plan are meant, not those that happen to end first: that would depend on the workers.

    Raises:
        RunFailed: with that reason.
    """
    first = [records[name] for name in _FIRST if name in records]
    if len(first) < len(_FIRST) or any(record.completed for record in first):
        return
    if len({_kind_of_failure(record) for record in first}) == 1:
        raise RunFailed(f"The first {len(_FIRST)} trials all failed the same way, so the run stops. {first[0].error}")


def _kind_of_failure(record: TrialRecord) -> str:
    return (record.error or "").split(":")[0]


def _record(
    live: _Live, event: Event, layers: tuple[LayerSummary, ...], memory: tuple[int | None, int | None]
) -> TrialRecord:
    body = event.body if event.kind == "finished" else {}
    trial = live.trial
    scores: Json = {key: body.get(key) for key in SCORE_KEYS.values()}
    history = body.get("history") or {m: [epoch[m] for epoch in live.epochs] for m in metrics_of(trial.phase)}
    return TrialRecord(
        trial=trial.trial,
        phase=trial.phase,
        bracket=trial.bracket,
        rung=trial.rung,
        repetition=trial.repetition,
        configuration=trial.configuration,
        epochs=trial.epochs,
        seed=trial.seed,
        parameters=trial.parameters,
        fold=trial.fold,
        origin=trial.origin,
        objective=trial.objective,
        status="completed" if event.kind == "finished" else "failed",
        **scores,
        val_loss=body.get("val_loss"),
        epochs_run=int(body.get("epochs_run", len(live.epochs))),
        history=history,
        duration_s=round(event.duration_s, 3),
        worker=event.worker,
        layers=layers,
        ram=memory[0],
        flash=memory[1],
        error=event.error,
    )
