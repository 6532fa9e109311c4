"""Real training on digits, killed and resumed; the same seed with other workers, elsewhere, under other salts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kit.journal_files import read_journal
from tests.kit.processes.crash import alive, contents, result_of, wrong_with

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="process groups and /proc as Linux has them"),
]

SEARCH = [
    "--space",
    "compact8k",
    "--algorithm",
    "random",
    "--max-trials",
    "6",
    "--max-epochs",
    "2",
    "--confirm-top",
    "1",
]
SEARCH += ["--confirm-seeds", "3", "--no-references"]
STUDY = ["study", "dropout", "--seeds", "2", "--epochs", "1"]
KILLS = 5
SEED = 5


def command(words: list[str], out: Path, **environment: str) -> subprocess.Popen[str]:
    resume = ["--resume"] if (out / "run.json").exists() else [*words, "--data", "digits", "--train-samples", "300"]
    return subprocess.Popen(
        [sys.executable, "-m", "mnist_tune", *resume, "--quiet", "--out", str(out)],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def to_its_end(words: list[str], out: Path, **environment: str) -> None:
    process = command(words, out, **environment)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert errors == ""


def lines(out: Path) -> int:
    journal = out / "trials.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def kill_after(words: list[str], out: Path, more: int, after_s: float) -> bool:
    """Kills a run's group when its journal has so many lines more, and some time has gone by; False where it ended first."""
    process, before = command(words, out), lines(out)
    deadline = time.monotonic() + 300
    while lines(out) < before + more and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(after_s)
    if process.poll() is not None:
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return True


def test_five_kills_of_real_training(tmp_path: Path) -> None:
    chance, killed, runs = random.Random(SEED), 0, 0
    undisturbed = tmp_path / "undisturbed"
    to_its_end(SEARCH, undisturbed)
    while killed < KILLS:
        out = tmp_path / str(runs)
        for _ in range(5):
            if not kill_after(SEARCH, out, chance.choice([1, 2, 3]), chance.uniform(0, 0.5)):
                break
            killed += 1
        to_its_end(SEARCH, out)
        assert wrong_with(out, undisturbed) == []
        runs += 1
    sys.stdout.write(f"{killed} kills over {runs} runs\n")


def test_the_same_seed_is_the_same_run_with_real_training(tmp_path: Path) -> None:
    to_its_end([*STUDY, "--workers", "1"], tmp_path / "one", PYTHONHASHSEED="1")
    to_its_end([*STUDY, "--workers", "4"], tmp_path / "elsewhere" / "four", PYTHONHASHSEED="2", TZ="Pacific/Kiritimati")
    assert contents(tmp_path / "one") == contents(tmp_path / "elsewhere" / "four")
    assert result_of(tmp_path / "one") == result_of(tmp_path / "elsewhere" / "four")


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_first_and_the_last_seed_train(tmp_path: Path, seed: int) -> None:
    to_its_end([*STUDY, "--seed", str(seed)], tmp_path / "a")
    to_its_end([*STUDY, "--seed", str(seed), "--workers", "1"], tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert result_of(tmp_path / "a") == result_of(tmp_path / "b")


def test_sigterm_ends_real_workers_too(tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = command(SEARCH, out)
    while lines(out) < 3 and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors.count("\n") == 1
    assert not alive(process.pid)
    assert (out / "report.html").is_file()


def test_real_workers_of_a_command_that_was_killed_end_by_themselves(tmp_path: Path) -> None:
    """While they train, and while they still import: only the command is killed."""
    for number, wanted in enumerate((0, 1)):
        out = tmp_path / str(number)
        process = command(["train", "dense128", "--seeds", "4", "--epochs", "400"], out)
        while not (out / "run.json").exists() or lines(out) < wanted:
            time.sleep(0.02)
        time.sleep(1.0)
        process.kill()
        process.communicate()
        deadline = time.monotonic() + 120
        while alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not alive(process.pid)
        assert all(event["event"] == "started" for event in read_journal(out / "trials.jsonl"))
