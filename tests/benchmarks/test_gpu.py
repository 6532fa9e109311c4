"""The measurement of a GPU says what it can't do, and divides trials' time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu
from tuner.core.errors import RunFailed
from tuner.processes.tasks import Event

SIDES: tuple[tuple[gpu.Side, int], ...] = (("workers", 1), ("one program", 3))


def test_without_a_gpu_one_line_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gpu, "count_gpus", lambda: 0)
    assert gpu.main(["--out", str(tmp_path / "gpu.json")]) == 0
    assert capsys.readouterr().out.splitlines() == [gpu.NO_GPU.strip()]
    assert not list(tmp_path.iterdir())


QUICK = ["--cpu", "--trials", "1", "--workers", "1", "2", "--data", "digits", "--samples", "50"]


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Replace measurements by made-up ones, of which that of one program fails; return the default file."""

    def measure(case: gpu.Case, *_: Any) -> gpu.Measured:
        if case.side == "one program":
            raise RunFailed("Workers can't be started")
        return gpu.Measured(2.0, 1.5)

    monkeypatch.setattr(gpu, "measure", measure)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(gpu, "RESULT", tmp_path / "default.json")
    return tmp_path / "default.json"


def test_a_side_that_fails_costs_no_other_row(made_up: Path, tmp_path: Path) -> None:
    assert gpu.main([*QUICK, "--out", str(tmp_path / "gpu.json")]) == 0
    rows = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert [(row["side"], row.get("error")) for row in rows] == [
        ("workers", None),
        ("one program", "Workers can't be started"),
        ("keras-tuner", None),
        ("workers", None),
    ]


def test_each_row_is_kept_once_it_is_measured(made_up: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(case: gpu.Case, *_: Any) -> gpu.Measured:
        if case.side == "keras-tuner":
            raise KeyboardInterrupt
        return gpu.Measured(2.0, 1.5)

    monkeypatch.setattr(gpu, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gpu.main([*QUICK, "--out", str(tmp_path / "gpu.json")])
    rows = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert [row["side"] for row in rows] == ["workers", "one program"]


def test_a_smoke_test_writes_no_result(made_up: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main(QUICK) == 0
    assert not made_up.exists()
    assert "Wrote" not in capsys.readouterr().out


def test_a_case_ends_with_the_time() -> None:
    class Slow:
        size = 1

        def submit(self, task: Any) -> None:
            pass

        def next_event(self, timeout_s: float) -> None:
            assert timeout_s <= 0.1
            time.sleep(timeout_s)

        def drop(self) -> None:
            pass

        def close(self) -> None:
            pass

    tasks = gpu.tasks_of(gpu.Case("digits", "workers", 1, 2, 1))
    with pytest.raises(RunFailed, match="0 of 2 trials were done when the time was over"):
        gpu._train(Slow(), tasks, time.monotonic() + 0.1)


def test_every_side_is_measured_before_more_workers_are() -> None:
    found = gpu.cases(8, (1, 2, 4), ("digits", "mnist"), 3)
    assert [(case.side, case.workers) for case in found if case.data == "mnist"] == [
        ("workers", 1),
        ("one program", 8),
        ("keras-tuner", 1),
        ("workers", 2),
        ("workers", 4),
    ]


def test_every_side_trains_the_same_trials() -> None:
    first, second = (gpu.tasks_of(gpu.Case("digits", side, workers, 3, 1)) for side, workers in SIDES)
    assert first == second
    assert {task.configuration["batch_size"] for task in first} == {64}


def test_the_time_of_trials_is_divided() -> None:
    def ended(seconds: list[float], duration_s: float) -> Event:
        body = {"history": {"seconds": seconds}}
        return Event(kind="finished", task="0001", worker=0, body=body, duration_s=duration_s)

    failed = Event(kind="failed", task="0002", worker=0, error="no")
    found = gpu._divided([ended([5.0, 1.0, 1.0], 8.5), ended([2.0], 2.0), failed], 20.0, 3.0)
    assert (found.first_epochs_s, found.steady_s, found.other_s) == (4.0, 5.0, 1.5)
    assert (found.starting_s, found.failed) == (3.0, 1)
