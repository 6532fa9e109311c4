"""Local processes: events, deaths, time limits. With a worker that trains nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.runs.worker_pool import task, until_done, workers
from tuner.core.errors import RunFailed
from tuner.processes.environment import count_gpus, worker_environment
from tuner.processes.kernels import format_kernels
from tuner.workers.local import LocalWorkers


def test_tasks_are_done_by_several_processes(tmp_path: Path) -> None:
    with workers(tmp_path, size=2) as pool:
        for number in range(6):
            pool.submit(task(str(number), sleep=0.2))
        ended = until_done(pool, 6)
    assert {event.task for event in ended} == {str(number) for number in range(6)}
    assert {event.worker for event in ended} == {0, 1}


def test_epochs_are_told_as_they_end(tmp_path: Path) -> None:
    with workers(tmp_path) as pool:
        pool.submit(task("a", score=0.7))
        event = pool.next_event(20)
    assert event is not None
    assert (event.kind, event.body["val_accuracy"]) == ("epoch", 0.7)


def test_a_task_that_loses_its_process_is_run_again_once(tmp_path: Path) -> None:
    with workers(tmp_path) as pool:
        pool.submit(task("a", die="once"))
        pool.submit(task("b"))
        ended = until_done(pool, 2)
    assert [(event.task, event.kind) for event in ended] == [("a", "finished"), ("b", "finished")]


def test_a_task_that_loses_its_process_twice_fails_with_its_last_words(tmp_path: Path) -> None:
    with workers(tmp_path) as pool:
        pool.submit(task("a", die="always"))
        pool.submit(task("b"))
        ended = {event.task: event for event in until_done(pool, 2)}
    assert ended["b"].kind == "finished"
    assert ended["a"].error == "lost its process twice: it ended with exit code 3. last words"


def test_a_log_begins_with_what_the_processor_and_the_kernels_are(tmp_path: Path) -> None:
    with workers(tmp_path) as pool:
        pool.submit(task("a"))
        until_done(pool, 1)
    (log,) = (tmp_path / "logs").iterdir()
    assert log.read_text(encoding="utf-8").splitlines()[0] == format_kernels()


def test_a_task_that_raises_fails(tmp_path: Path) -> None:
    with workers(tmp_path) as pool:
        pool.submit(task("a", fail="ValueError: no"))
        (event,) = until_done(pool, 1)
    assert (event.kind, event.error) == ("failed", "ValueError: no")


def test_a_task_that_takes_too_long_is_killed_and_the_next_one_runs(tmp_path: Path) -> None:
    with workers(tmp_path, timeout_s=1.0) as pool:
        pool.submit(task("a", sleep=60))
        pool.submit(task("b"))
        ended = {event.task: event for event in until_done(pool, 2)}
    assert ended["a"].error == "timeout: took longer than 1 s"
    assert ended["b"].kind == "finished"


def test_dropped_tasks_are_never_heard_of_again(tmp_path: Path) -> None:
    with workers(tmp_path) as pool:
        pool.submit(task("a", sleep=60))
        assert pool.next_event(1.0) is None
        pool.drop()
        pool.submit(task("b"))
        assert [event.task for event in until_done(pool, 1)] == ["b"]


def test_workers_that_cannot_start_end_the_run_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with workers(tmp_path) as pool, pytest.raises(RunFailed, match=r"exit code 5.*no backend"):
        until_done(pool, 1)


def test_a_worker_starts_afresh_after_so_many_tasks(tmp_path: Path) -> None:
    with LocalWorkers(
        1, tmp_path, tmp_path / "logs", module="tests.kit.processes.fake_worker", trials_a_process=2
    ) as pool:
        pids = []
        for number in range(5):
            pool.submit(task(str(number)))
            assert [event.kind for event in until_done(pool, 1)] == ["finished"]
            pids.append(pool.pids()[0])
    assert pids[0] != pids[1] == pids[2] != pids[3] == pids[4]


def test_closing_leaves_no_process(tmp_path: Path) -> None:
    with workers(tmp_path, size=2) as pool:
        processes = [process.popen for process in pool._processes]
    assert all(process.poll() is not None for process in processes)


def test_a_worker_has_one_thread_and_no_gpu_unless_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    environment = worker_environment(3, gpus=0)
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert environment["CUDA_VISIBLE_DEVICES"] == "-1"
    assert worker_environment(3, gpus=2)["CUDA_VISIBLE_DEVICES"] == "1"


@pytest.mark.parametrize(
    ("backend", "gpus", "given", "expected"),
    [
        ("jax", 1, None, "--xla_gpu_deterministic_ops=true"),
        ("jax", 2, "--xla_dump_to=there", "--xla_gpu_deterministic_ops=true --xla_dump_to=there"),
        ("tensorflow", 1, None, None),
        ("tensorflow", 1, "--xla_dump_to=there", "--xla_dump_to=there"),
        ("jax", 0, None, "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"),
    ],
)
def test_jax_on_a_gpu_is_told_to_be_deterministic(
    backend: str, gpus: int, given: str | None, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    if given is not None:
        monkeypatch.setenv("XLA_FLAGS", given)
    assert worker_environment(0, gpus).get("XLA_FLAGS") == expected


@pytest.mark.slow
@pytest.mark.parametrize(("more", "known"), [("", True), (" --xla_no_such_flag=true", False)])
def test_jax_knows_the_flag_of_a_gpu(more: str, known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends a process with a flag that it doesn't know. Asked without a GPU."""
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    flags = worker_environment(0, gpus=1)["XLA_FLAGS"] + more
    done = subprocess.run(
        [sys.executable, "-c", "import jax; jax.numpy.ones(2).block_until_ready()"],
        env={**worker_environment(0, gpus=0), "XLA_FLAGS": flags},
        capture_output=True,
        check=False,
    )
    assert (done.returncode == 0) == known, done.stderr


@pytest.mark.parametrize(
    ("visible", "on_machine", "gpus", "of_workers"),
    [
        (None, 0, 0, ["-1", "-1"]),
        (None, 2, 2, ["0", "1", "0"]),
        ("3", 4, 1, ["3", "3"]),
        ("2,5", 8, 2, ["2", "5", "2"]),
        ("GPU-aa, GPU-bb", 8, 2, ["GPU-aa", "GPU-bb"]),
        ("", 4, 0, ["-1"]),
        ("-1", 4, 0, ["-1"]),
        ("0", 0, 0, ["-1"]),
    ],
)
def test_workers_take_turns_on_the_gpus_that_may_be_seen(
    visible: str | None, on_machine: int, gpus: int, of_workers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.processes.environment._machine_gpus", lambda: on_machine)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert count_gpus() == gpus
    assert [worker_environment(n, gpus)["CUDA_VISIBLE_DEVICES"] for n in range(len(of_workers))] == of_workers
