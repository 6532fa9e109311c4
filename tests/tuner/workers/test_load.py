"""What two thousand trials cost the loop, and more workers than cores. The limits are of CPU and memory, never of a clock."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import guarantees
from benchmarks.guarantees import Figure, Marks, measured, run_loop
from tests.kit.records import record
from tuner.run.trial_loop import without_history
from tuner.storage.journal import read_state

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="CPU and memory as Linux counts them")


def os_errors_as_usage(figures: list[Figure]) -> None:
    for figure in figures:
        sys.stdout.write(f"{figure.value:g} {figure.unit}: {figure.how}\n")
        assert figure.within, figure


@pytest.mark.slow
@pytest.mark.parametrize("part", ["loop", "memory", "resume", "workers"])
def test_two_thousand_trials_and_eight_workers(part: str) -> None:
    os_errors_as_usage(measured(part))


def test_what_a_search_keeps_of_a_trial_has_no_history(tmp_path: Path) -> None:
    """The journal has it."""
    kept = without_history(record(val_accuracy=0.5, history={"loss": [0.1] * 15}, ram=20_000, flash=9_000))
    assert (dict(kept.history), kept.layers, kept.val_accuracy) == ({}, (), 0.5)
    assert (kept.ram, kept.flash) == (None, None)
    assert dict(kept.configuration) == {"filters": 1}
    confirmed = record(phase="confirm", ram=20_000)
    assert without_history(confirmed) is confirmed


@pytest.mark.parametrize("algorithm", ["hyperband", "random"])
def test_a_search_from_its_journal_asks_for_nothing_again(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, marks = tmp_path / "trials.jsonl", Marks()
    run_loop(algorithm, 60, path, marks)
    before = path.read_bytes()
    assert len(read_state(path).finished) == marks.trials == 60
    monkeypatch.setattr(guarantees.InstantWorkers, "submit", None)
    again = Marks()
    run_loop(algorithm, 60, path, again)
    assert again.trials == 60
    assert path.read_bytes() == before


def test_a_slope_is_a_slope() -> None:
    marks = Marks(points=[(100, 5.0), (200, 30.0), (300, 50.0), (400, 70.0)])
    assert marks.slope(200) == pytest.approx(0.2)
    assert not Figure("a", 2.0, "s", 1.0, "").within
    assert Figure("a", 2.0, "s", None, "").within
