"""A run on a Dask cluster of several processes: the same result as on this machine, whatever its workers do. Nothing is trained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.kit.journal_files import read_journal
from tests.kit.processes.dask_processes import free_port, running, scheduler, worker
from tests.kit.runs.searches import whole
from tuner.core.errors import RunFailed, UsageError
from tuner.core.records import Json
from tuner.options.search_options import SearchOptions
from tuner.processes.tasks import Event, SpaceRef, TrainTask
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import as_json
from tuner.workers.dask.cluster import ClusterWorkers
from tuner.workers.dask.files import content_key, write_files
from tuner.workers.dask.worker import differences

distributed = pytest.importorskip("distributed")

FAKE = "tests.kit.processes.fake_worker"
SPACE = SpaceRef(name="compact8k", max_params=None, max_macs=None, classes=10)


def make_cluster(workers: int) -> Any:
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with make_cluster(2) as made:
        yield made


def options(**changes: Any) -> SearchOptions:
    return SearchOptions(**{"space": "compact8k", "data": "digits", "max_epochs": 9, **changes})


def start(path: Path, observer: Observer | None = None, **changes: Any) -> Json:
    return as_json(
        launch.start(
            options(**changes), RunFolder(path), observer or Observer(), command=["mnist-tune"], worker_module=FAKE
        )
    )


def contents(path: Path) -> set[tuple[str, str, float, int, float | None]]:
    return {
        (r.trial, json.dumps(dict(r.configuration)), r.epochs, r.seed, r.val_accuracy)
        for r in read_state(path / "trials.jsonl").finished.values()
    }


def pool_of(cluster: Any, folder: Path, notes: list[str] | None = None, **changes: Any) -> ClusterWorkers:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (data / "dataset.json").write_text("{}")
    note = (lambda text: None) if notes is None else notes.append
    return ClusterWorkers(cluster.scheduler_address, data, folder / "logs", module=FAKE, note=note, **changes)


def task(name: str, **configuration: Any) -> TrainTask:
    return TrainTask(id=name, space=SPACE, configuration=configuration, epochs=1, seed=1)


def until_done(pool: ClusterWorkers, count: int, limit_s: float = 60) -> list[Event]:
    ended: list[Event] = []
    deadline = time.monotonic() + limit_s
    while len(ended) < count and time.monotonic() < deadline:
        event = pool.next_event(1.0)
        if event is not None and event.kind != "epoch":
            ended.append(event)
    return ended


def test_a_run_on_a_cluster_is_the_run_on_this_machine(cluster: Any, tmp_path: Path) -> None:
    path, here = whole()
    there = start(tmp_path / "there", scheduler=cluster.scheduler_address)
    assert there == here
    assert contents(tmp_path / "there") == contents(path)
    assert any("cluster" in reason for reason in RunFolder(tmp_path / "there").read_run().nondeterminism)
    assert not (tmp_path / "there" / ".work").exists()


def test_a_refit_on_a_cluster_is_the_refit_on_this_machine(cluster: Any, tmp_path: Path) -> None:
    path, here = whole(refit=True, max_epochs=1)
    there = start(tmp_path / "there", scheduler=cluster.scheduler_address, refit=True, max_epochs=1)
    assert len(there["refit"]["trials"]) == 3
    assert there == here
    assert contents(tmp_path / "there") == contents(path)


def test_both_workers_train_and_epochs_are_told(cluster: Any, tmp_path: Path) -> None:
    with closing(pool_of(cluster, tmp_path)) as pool:
        assert pool.size == 2
        for number in range(6):
            pool.submit(task(str(number), sleep=0.3))
        kinds: set[str] = set()
        ended: list[Event] = []
        while len(ended) < 6:
            event = pool.next_event(20)
            assert event is not None
            kinds.add(event.kind)
            ended += [event] if event.kind == "finished" else []
    assert kinds == {"epoch", "finished"}
    assert {event.worker for event in ended} == {0, 1}


def test_what_fails_on_a_worker_fails_as_it_would_here(cluster: Any, tmp_path: Path) -> None:
    with closing(pool_of(cluster, tmp_path, timeout_s=1.0)) as pool:
        pool.submit(task("raises", fail="ValueError: no"))
        pool.submit(task("dies", die="always"))
        pool.submit(task("late", sleep=60))
        pool.submit(task("fine"))
        errors = {event.task: event.error for event in until_done(pool, 4)}
    assert errors == {
        "raises": "ValueError: no",
        "dies": "lost its process twice: it ended with exit code 3. last words",
        "late": "timeout: took longer than 1 s",
        "fine": None,
    }


def test_dropped_trainings_end_and_leave_the_workers_free(cluster: Any, tmp_path: Path) -> None:
    with closing(pool_of(cluster, tmp_path)) as pool:
        for number in range(4):
            pool.submit(task(str(number), sleep=600))
        time.sleep(2)
        pool.drop()
        pool.submit(task("next", score=0.7))
        (event,) = until_done(pool, 1)
    assert (event.task, event.body["val_accuracy"]) == ("next", 0.7)


def test_a_cluster_is_left_as_it_was_found(cluster: Any, tmp_path: Path) -> None:
    with closing(pool_of(cluster, tmp_path)) as pool:
        pool.submit(task("one"))
        until_done(pool, 1)
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        plugins = client.run(lambda dask_worker: [name for name in dask_worker.plugins if "mnist-tune" in name])
        assert list(plugins.values()) == [[], []]
        left = client.run(lambda dask_worker: sorted(os.listdir(dask_worker.local_directory)))
    assert [name for names in left.values() for name in names if "mnist-tune" in name] == []


def broken(*arguments: Any, **named: Any) -> Any:
    raise RuntimeError("no connection's")


def test_an_error_that_is_no_connection_s_is_raised(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(pool_of(cluster, tmp_path)) as pool:
        with monkeypatch.context() as patched:
            patched.setattr(pool._client, "submit", broken)
            with pytest.raises(RuntimeError, match="no connection's"):
                pool.submit(task("one", score=0.3))
        (event,) = until_done(pool, 1)
        assert (event.task, event.body["val_accuracy"]) == ("one", 0.3)


def test_a_pool_that_can_not_leave_cleanly_says_so_and_is_closed(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = pool_of(cluster, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(pool._client, "unregister_worker_plugin", broken)
        with pytest.raises(RuntimeError, match="no connection's"):
            pool.close()
    assert pool._client.status == "closed"
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        client.unregister_worker_plugin(pool._name)


def test_two_runs_share_a_cluster(cluster: Any, tmp_path: Path) -> None:
    _, alone = whole()
    found: dict[str, Json] = {}
    runs = [
        threading.Thread(
            target=lambda name=name: found.update({name: start(tmp_path / name, scheduler=cluster.scheduler_address)})
        )
        for name in ("one", "two")
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert found == {"one": alone, "two": alone}


class Interfering(Observer):
    """Kills a worker of a cluster, and lets another join, in the middle of a run."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._finished = 0

    def trial_finished(self, record: Any, *, restored: bool) -> None:
        self._finished += 1
        if self._finished == 3:
            victim = next(iter(self._cluster.workers.values()))
            os.kill(victim.pid, signal.SIGKILL)
        if self._finished == 5:
            self._cluster.scale(3)


@pytest.mark.slow
def test_a_worker_that_is_killed_and_one_that_joins_late_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, here = whole()
    monkeypatch.setenv("FAKE_SLEEP", "0.3")
    with make_cluster(2) as cluster:
        there = start(tmp_path / "there", Interfering(cluster), scheduler=cluster.scheduler_address)
    assert there == here
    assert contents(tmp_path / "there") == contents(path)
    finished = [e["trial"] for e in read_journal(tmp_path / "there" / "trials.jsonl") if e["event"] == "finished"]
    assert len(finished) == len(set(finished))


@pytest.mark.slow
def test_a_run_waits_for_a_worker_and_lives_through_the_loss_of_all(tmp_path: Path) -> None:
    notes: list[str] = []
    with make_cluster(0) as cluster, closing(pool_of(cluster, tmp_path, notes)) as pool:
        pool.submit(task("early", score=0.4))
        assert pool.next_event(1.0) is None
        cluster.scale(1)
        (event,) = until_done(pool, 1)
        assert (event.task, event.body["val_accuracy"]) == ("early", 0.4)
        pool.submit(task("second", sleep=3))
        time.sleep(1)
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        (event,) = until_done(pool, 1)
    assert event.task == "second"
    assert event.kind == "finished"
    assert [note for note in notes if "no worker" in note] == notes


def lose_the_worker_of(pool: ClusterWorkers, name: str, cluster: Any) -> None:
    """Kills a worker that has finished a task, before anybody has asked for the result."""
    future = pool._sent[name].future
    while future.status != "finished":
        time.sleep(0.05)
    (address,) = pool._client.who_has([future])[future.key]
    (victim,) = [worker for worker in cluster.workers.values() if worker.worker_address == address]
    os.kill(victim.pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_result_that_is_lost_with_its_worker_and_all_data_is_trained_again(tmp_path: Path) -> None:
    with make_cluster(1) as cluster, closing(pool_of(cluster, tmp_path)) as pool:
        pool.submit(task("one", score=0.4))
        lose_the_worker_of(pool, "one", cluster)
        (event,) = until_done(pool, 1)
    assert (event.kind, event.task, event.body["val_accuracy"]) == ("finished", "one", 0.4)


@pytest.mark.slow
def test_nobody_waits_for_a_result_that_is_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.workers.dask.cluster._RESULT_S", 0.2)
    with make_cluster(2) as cluster, closing(pool_of(cluster, tmp_path)) as pool:
        pool.submit(task("long", sleep=4, score=0.4))
        lose_the_worker_of(pool, "long", cluster)
        pool.submit(task("short", score=0.5))
        events = until_done(pool, 2)
    assert [(event.task, event.kind) for event in events] == [("short", "finished"), ("long", "finished")]


class Ending(Observer):
    """Kills a process after the third trial."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._finished = 0

    def trial_finished(self, record: Any, *, restored: bool) -> None:
        self._finished += 1
        if self._finished == 3:
            self._process.kill()


@pytest.mark.slow
def test_a_run_whose_scheduler_dies_says_so_and_goes_on_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.workers.dask.connection._LOST_AFTER_S", 3.0)
    address = f"tcp://127.0.0.1:{free_port()}"
    path, here = whole()
    lost = pytest.raises(RunFailed, match=r"scheduler at tcp://.* is gone")
    with running(scheduler(address), worker(address)) as processes, lost:
        start(tmp_path / "there", Ending(processes[0]), scheduler=address)
    assert 3 <= len(read_state(tmp_path / "there" / "trials.jsonl").finished) < len(contents(path))
    there = launch.resume(options(workers=2), RunFolder(tmp_path / "there"), Observer(), worker_module=FAKE)
    assert there is not None
    assert as_json(there) == here
    assert contents(tmp_path / "there") == contents(path)


@pytest.mark.slow
def test_real_training_on_a_cluster_is_the_training_here(tmp_path: Path) -> None:
    small: dict[str, Any] = {"max_epochs": 2, "confirm_top": 1, "confirm_seeds": 1, "train_samples": 300}

    def run(name: str, **changes: Any) -> Json:
        return as_json(
            launch.start(options(**small, **changes), RunFolder(tmp_path / name), Observer(), command=["mnist-tune"])
        )

    here = run("here", workers=2)
    with make_cluster(2) as cluster:
        assert run("there", scheduler=cluster.scheduler_address) == here
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_a_scheduler_that_does_not_answer_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.workers.dask.connection._CONNECT_S", 0.5)
    with pytest.raises(UsageError, match="No Dask scheduler answers at this address"):
        start(tmp_path / "run", scheduler="tcp://127.0.0.1:9")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("address", ["", "nowhere", "tcp://", "gopher://x:1", "tcp://a b:1"])
def test_an_address_that_is_none_is_told_in_one_line(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.workers.dask.connection._CONNECT_S", 0.5)
    with pytest.raises(UsageError) as caught:
        start(tmp_path / "run", scheduler=address)
    assert "\n" not in str(caught.value)


def test_workers_and_scheduler_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="--workers are processes of this machine"):
        options(workers=2, scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"keras": "3.15"}, {"keras": "3.15", "python": "3.13"}, ""),
        ({"keras": "3.15"}, {"keras": "3.14"}, "keras 3.14 (here 3.15)"),
        ({"tensorflow": "2.21"}, {}, "tensorflow none (here 2.21)"),
        ({"backend": "jax"}, {"backend": "tensorflow"}, "backend tensorflow (here jax)"),
    ],
)
def test_installations_that_may_find_other_figures(ours: Json, theirs: Json, expected: str) -> None:
    assert differences(ours, theirs) == expected


def test_a_worker_with_other_versions_gets_no_trial(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.workers.dask.cluster.versions", lambda: {"keras": "2.0"})
    notes: list[str] = []
    with closing(pool_of(cluster, tmp_path, notes)) as pool:
        pool.submit(task("never"))
        deadline = time.monotonic() + 30
        while len(refused(notes)) < 2 and time.monotonic() < deadline:
            assert pool.next_event(0.5) is None
    assert len(refused(notes)) == 2


def refused(notes: list[str]) -> set[str]:
    return {note for note in notes if "gets no trial: " in note}


def test_data_are_named_by_their_content(tmp_path: Path) -> None:
    assert content_key({"a": b"1", "b": b"2"}) == content_key({"b": b"2", "a": b"1"})
    assert len({content_key(files) for files in ({}, {"a": b"1"}, {"a": b"2"}, {"b": b"1"}, {"a": b"", "1": b""})}) == 5
    write_files({"../x": b"1"}, tmp_path / "in" / "data")
    assert [path.name for path in (tmp_path / "in").rglob("*") if path.is_file()] == ["x"]
