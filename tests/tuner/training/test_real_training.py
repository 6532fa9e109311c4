"""Real training in real processes, on digits: what only that can show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.families.compact.family import CompactFamily
from tuner.core.records import Json
from tuner.data.dataset import load_dataset, save_arrays
from tuner.processes.tasks import Event, SpaceRef, TrainTask
from tuner.storage.journal import read_state
from tuner.workers.local import LocalWorkers

SMALL = ["--space", "compact8k", "--data", "digits", "--max-epochs", "3", "--confirm-seeds", "2", "--no-references"]


def mnist_tune(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mnist_tune", *words], capture_output=True, text=True, check=False)


def contents(path: Path) -> set[tuple[str, float, int, float | None]]:
    """What of a run may not depend on workers, timing or place."""
    return {
        (json.dumps(dict(r.configuration)), r.epochs, r.seed, r.val_accuracy)
        for r in read_state(path / "trials.jsonl").finished.values()
    }


def result_of(path: Path) -> Json:
    """result.json but for what is measured of the export, and digests of files that hold times."""
    result: Json = json.loads((path / "result.json").read_text())
    result.pop("files")
    result["model"].pop("difference")
    return result


@pytest.mark.slow
def test_a_search_from_nothing_to_a_model_that_answers(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = mnist_tune("--space", "compact8k", "--data", "digits", "--algorithm", "random", "--max-trials", "2",
                      "--max-epochs", "2", "--confirm-top", "1", "--confirm-seeds", "2", "--out", str(out))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Test accuracy on scikit-learn's 8×8 digits" in done.stdout
    names = {path.name for path in out.iterdir()}
    expected = {"run.json", "trials.jsonl", "result.json", "evaluation.npz", "best", "best.keras", "trials.csv"}
    assert names == expected | {"report.html"}
    result = json.loads((out / "result.json").read_text())
    assert result["parameters"] <= 8000
    assert result["test"]["n"] == 500
    assert result["model"]["difference"] <= 1e-4
    _savedmodel_agrees_with_keras(out)


def _savedmodel_agrees_with_keras(out: Path) -> None:
    code = (
        "import sys, numpy as np, tensorflow as tf, keras\n"
        "images = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)\n"
        "loaded = tf.saved_model.load(sys.argv[1] + '/best')\n"
        "saved = loaded.serve(images).numpy()\n"
        "kept = keras.models.load_model(sys.argv[1] + '/best.keras').predict(images, verbose=0)\n"
        "assert saved.shape == (7, 10) and np.allclose(saved.sum(axis=1), 1, atol=1e-5)\n"
        "assert np.abs(saved - kept).max() < 1e-4\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_one_worker_or_two_give_the_same_run(tmp_path: Path) -> None:
    for workers in ("1", "2"):
        assert mnist_tune(*SMALL, "--workers", workers, "--out", str(tmp_path / workers)).returncode == 0
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert result_of(tmp_path / "1") == result_of(tmp_path / "2")


@pytest.mark.slow
def test_killed_and_resumed_a_run_ends_the_same(tmp_path: Path) -> None:
    assert mnist_tune(*SMALL, "--out", str(tmp_path / "undisturbed")).returncode == 0
    path = tmp_path / "run"
    for after, resume in ((2, []), (5, ["--resume"])):
        _kill_after_trials(path, after, resume)
    assert mnist_tune("--out", str(path), "--resume").returncode == 0
    assert contents(path) == contents(tmp_path / "undisturbed")
    assert result_of(path) == result_of(tmp_path / "undisturbed")


def _listen_to_ctrl_c() -> None:
    """A shell's background jobs, the tests among them, ignore it, and so do those that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _start_and_wait(path: Path, trials: int, words: list[str]) -> subprocess.Popen[str]:
    """Starts a run in a process group of its own, and waits until so many trials have ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist_tune", *([] if words else SMALL), *words, "--out", str(path)],
        start_new_session=True,
        preexec_fn=_listen_to_ctrl_c,  # noqa: PLW1509 - it takes no lock
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 240
    while len(read_state(path / "trials.jsonl").finished) < trials and time.monotonic() < deadline:
        time.sleep(0.2)
    return process


def _kill_after_trials(path: Path, trials: int, words: list[str]) -> None:
    process = _start_and_wait(path, trials, words)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
def test_ctrl_c_writes_the_report_and_says_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "run"
    process = _start_and_wait(path, 1, [])
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert errors.count("\n") == 1
    assert "--resume" in errors
    assert (path / "report.html").exists()
    assert json.loads((path / "run.json").read_text())["status"] == "interrupted"


def tasks(count: int) -> list[TrainTask]:
    family = CompactFamily()
    space = SpaceRef(name="compact8k", max_params=None, max_macs=None, classes=10)
    draws = [family.sample(np.random.default_rng([3, number])) for number in range(count)]
    return [
        TrainTask(id=f"{number:04d}", space=space, configuration=draw, epochs=2, seed=7)
        for number, draw in enumerate(draws)
    ]


def run_all(pool: LocalWorkers, todo: list[TrainTask]) -> dict[str, Event]:
    for task in todo:
        pool.submit(task)
    ended: dict[str, Event] = {}
    while len(ended) < len(todo):
        event = pool.next_event(60)
        if event is not None and event.kind != "epoch":
            ended[event.task] = event
    return ended


def numbers(event: Event) -> dict[str, Any]:
    """A record without what is measured by the clock."""
    history = {key: value for key, value in event.body["history"].items() if key != "seconds"}
    return {**event.body, "history": history}


@pytest.mark.slow
def test_a_trial_gives_the_same_record_alone_and_after_twenty_others(tmp_path: Path) -> None:
    save_arrays(load_dataset("digits", validation=0.1, seed=1), tmp_path / "data")
    todo = tasks(21)
    with LocalWorkers(1, tmp_path / "data", tmp_path / "logs") as pool:
        alone = run_all(pool, todo[-1:])["0020"]
    with LocalWorkers(1, tmp_path / "data", tmp_path / "logs") as pool:
        after = run_all(pool, todo)["0020"]
    assert alone.kind == after.kind == "finished"
    assert numbers(alone) == numbers(after)


@pytest.mark.slow
def test_a_worker_s_memory_does_not_grow_with_its_trials(tmp_path: Path) -> None:
    """The same training again and again: what stays is lost. (Shapes that are new cost oneDNN's kernels besides.)"""
    psutil = pytest.importorskip("psutil")
    save_arrays(load_dataset("digits", validation=0.1, seed=1), tmp_path / "data")
    memory = []
    with LocalWorkers(1, tmp_path / "data", tmp_path / "logs") as pool:
        process = psutil.Process(pool.pids()[0])
        for number in range(30):
            run_all(pool, [replace(tasks(1)[0], id=f"{number:04d}")])
            memory.append(process.memory_info().rss / 2**20)
        assert pool.pids() == [process.pid]
    slope = float(np.polyfit(np.arange(20), memory[10:], 1)[0])
    sys.stdout.write(
        f"memory of a worker: {memory[0]:.0f} MB after 1 trial, {memory[-1]:.0f} after 30, {slope:.2f} a trial\n"
    )
    assert slope < 1
