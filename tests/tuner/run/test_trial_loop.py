"""The loop between trials and workers: journal, resumption, failures, time. Workers are faked in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from search_spaces.networks.costs import LayerSummary
from tests.kit.journal_files import read_journal
from tests.kit.records import trial
from tuner.core.errors import NoSpace, RunFailed
from tuner.core.records import Trial, TrialRecord
from tuner.processes.tasks import Event, SpaceRef, Task, TrainTask
from tuner.run.observer import Observer
from tuner.run.trial_loop import TrialLoop
from tuner.storage.journal import Journal, JournalState, read_state

SPACE = SpaceRef(name="compact8k", max_params=None, max_macs=None, classes=10)
LAYERS = (LayerSummary(name="conv_1", kind="conv", shape=(26, 26, 8), parameters=88, multiply_adds=48672),)


class FakeWorkers:
    """Does each task at once; what comes of it is in its configuration."""

    def __init__(self, size: int = 2) -> None:
        self.size = size
        self.submitted: list[str] = []
        self.dropped = False
        self._events: deque[Event] = deque()

    def submit(self, task: Task) -> None:
        assert isinstance(task, TrainTask)
        self.submitted.append(task.id)
        self._events.extend(_events(task))

    def next_event(self, timeout_s: float) -> Event | None:
        return self._events.popleft() if self._events else None

    def drop(self) -> None:
        self.dropped = True
        self._events.clear()

    def close(self) -> None:
        pass


def _events(task: TrainTask) -> list[Event]:
    if "fail" in task.configuration:
        epoch = Event(kind="epoch", task=task.id, worker=0, body={"epoch": 1, **_metrics(0.1)})
        return [epoch, Event(kind="failed", task=task.id, worker=0, error=str(task.configuration["fail"]))]
    score = float(task.configuration.get("score", 0.5))
    history = {metric: [value] * task.passes for metric, value in _metrics(score).items()}
    body = {"val_accuracy": score, "val_loss": 0.1, "epochs_run": task.passes, "history": history}
    return [Event(kind="finished", task=task.id, worker=1, body=body, duration_s=2.0)]


def _metrics(score: float) -> dict[str, float]:
    metrics = dict.fromkeys(("loss", "accuracy", "val_loss", "learning_rate", "seconds"), 0.1)
    return {**metrics, "val_accuracy": score}


class ListSource:
    """Trials from a list."""

    def __init__(self, trials: list[Trial], accepted: bool = True) -> None:
        self._trials = deque(trials)
        self._accepted = accepted
        self.records: list[TrialRecord] = []

    def next(self) -> Trial | None:
        return self._trials.popleft() if self._trials else None

    def task(self, trial: Trial) -> TrainTask:
        return TrainTask(
            id=trial.trial, space=SPACE, configuration=trial.configuration, epochs=trial.epochs, seed=trial.seed
        )

    def memory(self, trial: Trial) -> tuple[int | None, int | None]:
        return None, None

    def layers(self, trial: Trial) -> tuple[LayerSummary, ...]:
        return LAYERS

    def accepts(self, record: TrialRecord) -> bool:
        return self._accepted

    def report(self, record: TrialRecord) -> None:
        self.records.append(record)


class Heard(Observer):
    def __init__(self) -> None:
        self.words: list[str] = []

    def trial_started(self, trial: Trial) -> None:
        self.words.append(f"started {trial.trial}")

    def epoch_ended(self, trial: Trial, worker: int, epoch: int, metrics: Mapping[str, float]) -> None:
        self.words.append(f"epoch {trial.trial}")

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        self.words.append(f"{'restored' if restored else 'finished'} {record.trial}")


def run(
    path: Path, source: ListSource, workers: FakeWorkers, state: JournalState | None = None, **arguments: Any
) -> bool:
    heard = arguments.pop("observer", Observer())
    with Journal(path) as journal:
        return TrialLoop(workers, journal, state or JournalState(), heard).run(source, **arguments)


def trials(count: int, **configuration: Any) -> list[Trial]:
    return [trial(n, configuration={"n": n, **configuration}) for n in range(1, count + 1)]


def test_every_trial_is_started_finished_and_reported(tmp_path: Path) -> None:
    path, source = tmp_path / "trials.jsonl", ListSource(trials(5))
    assert run(path, source, FakeWorkers())
    events = [(event["event"], event["trial"]) for event in read_journal(path)]
    assert sorted(events) == sorted((e, f"{n:04d}") for n in range(1, 6) for e in ("started", "finished"))
    assert [r.trial for r in source.records] == [f"{n:04d}" for n in range(1, 6)]
    assert read_state(path).finished["0001"].layers == LAYERS
    assert source.records[0].layers == ()


def test_a_hyperparameter_that_nobody_declared_is_told_by_its_name(tmp_path: Path) -> None:
    class Asks(FakeWorkers):
        def submit(self, task: Task) -> None:
            body = {"val_accuracy": 0.5, "val_loss": 0.1, "epochs_run": 1, "history": {}, "undeclared": ["dropout_3"]}
            self._events.append(Event(kind="finished", task=task.id, worker=1, body=body))

    said: list[str] = []
    with Journal(tmp_path / "trials.jsonl") as journal:
        TrialLoop(Asks(), journal, JournalState(), Observer(), note=said.append).run(ListSource(trials(1)))
    (note,) = said
    assert "dropout_3" in note
    assert "keep their defaults" in note


def test_no_more_trials_run_than_there_are_workers(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    run(path, ListSource(trials(6)), FakeWorkers(size=2))
    running = most = 0
    for event in read_journal(path):
        running += 1 if event["event"] == "started" else -1
        most = max(most, running)
    assert most == 2


def test_a_resumed_run_trains_only_what_has_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    run(path, ListSource(trials(3)), FakeWorkers())
    with Journal(path) as journal:
        journal.started(trial(4, configuration={"n": 4}))
    workers, heard, source = FakeWorkers(), Heard(), ListSource(trials(5))
    run(path, source, workers, read_state(path), observer=heard)
    assert workers.submitted == ["0004", "0005"]
    assert heard.words[:3] == ["restored 0001", "restored 0002", "restored 0003"]
    assert len(source.records) == 5


def test_a_record_whose_model_is_gone_is_trained_again(tmp_path: Path) -> None:
    path, workers = tmp_path / "trials.jsonl", FakeWorkers()
    run(path, ListSource(trials(1)), FakeWorkers())
    run(path, ListSource(trials(1), accepted=False), workers, read_state(path))
    assert workers.submitted == ["0001"]


def test_a_failed_trial_keeps_its_reason_and_the_epochs_that_it_had(tmp_path: Path) -> None:
    path, source = tmp_path / "trials.jsonl", ListSource([*trials(1, fail="ValueError: no"), trial(2)])
    assert run(path, source, FakeWorkers())
    failed, completed = read_state(path).finished.values()
    assert (failed.status, failed.error, failed.val_accuracy, failed.epochs_run) == (
        "failed",
        "ValueError: no",
        None,
        1,
    )
    assert list(read_state(path).finished["0001"].history["val_accuracy"]) == [0.1]
    assert completed.completed


def test_three_failures_alike_at_the_start_end_the_run_with_the_reason(tmp_path: Path) -> None:
    source = ListSource(trials(9, fail="ValueError: 7 is no number"))
    with pytest.raises(RunFailed, match="ValueError: 7 is no number"):
        run(tmp_path / "trials.jsonl", source, FakeWorkers())
    assert len(source.records) == 3


def test_whether_a_run_is_hopeless_does_not_depend_on_who_ends_first(tmp_path: Path) -> None:
    """The fourth trial may end before the first three have failed: with more workers the run must stop all the same."""

    class FourthFirst(FakeWorkers):
        def next_event(self, timeout_s: float) -> Event | None:
            self._events = deque(sorted(self._events, key=lambda event: event.task != "0004"))
            return super().next_event(timeout_s)

    todo = [trial(n, configuration={"n": n} if n == 4 else {"n": n, "fail": "ValueError: no"}) for n in range(1, 9)]
    for size, workers in ((1, FakeWorkers(size=1)), (4, FourthFirst(size=4))):
        with pytest.raises(RunFailed, match="The first 3 trials all failed the same way"):
            run(tmp_path / f"{size}.jsonl", ListSource(list(todo)), workers)


def test_a_full_disk_stops_the_run_and_blames_no_trial(tmp_path: Path) -> None:
    class Full(FakeWorkers):
        def next_event(self, timeout_s: float) -> Event | None:
            return Event(kind="failed", task="0001", worker=0, error="OSError: no space", no_space=True)

    path, workers = tmp_path / "trials.jsonl", Full()
    with pytest.raises(NoSpace, match="no space"):
        run(path, ListSource(trials(5)), workers)
    assert workers.dropped
    assert [event["event"] for event in read_journal(path)] == ["started", "started"]


def test_three_failures_of_different_kinds_do_not(tmp_path: Path) -> None:
    kinds = ["ValueError: a", "DivergedError: b", "ValueError: c", "ValueError: d"]
    source = ListSource([trial(n, configuration={"fail": kind}) for n, kind in enumerate(kinds, start=1)])
    assert run(tmp_path / "trials.jsonl", source, FakeWorkers())
    assert len(source.records) == 4


def test_time_that_is_up_drops_running_trials(tmp_path: Path) -> None:
    path, workers = tmp_path / "trials.jsonl", FakeWorkers(size=1)
    up = iter([False, False, True])
    assert not run(path, ListSource(trials(5)), workers, time_is_up=lambda: next(up))
    state = read_state(path)
    assert (len(state.finished), len(state.started)) == (2, 0)


def test_an_interrupt_drops_running_trials(tmp_path: Path) -> None:
    class Interrupted(FakeWorkers):
        def next_event(self, timeout_s: float) -> Event | None:
            raise KeyboardInterrupt

    workers = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "trials.jsonl", ListSource(trials(5)), workers)
    assert workers.dropped
    assert len(read_state(tmp_path / "trials.jsonl").started) == 2
