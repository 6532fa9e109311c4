"""The whole command with real training on digits: elsewhere, killed and asked to end; the same with workers that train nothing: `test_crash.py`."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.journal_files import read_journal
from tests.kit.processes.crash import alive, contents, result_of, wrong_with

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="process groups and /proc as Linux has them"),
]

SEARCH = ["--space", "compact8k", "--max-epochs", "3", "--confirm-top", "1", "--confirm-seeds", "2", "--no-references"]
KILLS = 3
SEED = 5


def _listen_to_ctrl_c() -> None:
    """A shell's background jobs, the tests among them, ignore it, and so do those that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(words: list[str], out: Path, **environment: str) -> subprocess.Popen[str]:
    """Starts a run in a process group of its own, or resumes it."""
    resume = ["--resume"] if (out / "run.json").exists() else [*words, "--data", "digits", "--train-samples", "300"]
    return subprocess.Popen(
        [sys.executable, "-m", "mnist_tune", *resume, "--out", str(out)],
        start_new_session=True,
        preexec_fn=_listen_to_ctrl_c,  # noqa: PLW1509 - it takes no lock
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def to_its_end(words: list[str], out: Path, **environment: str) -> str:
    process = command(words, out, **environment)
    told, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert errors == ""
    return told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search with Hyperband from nothing; beside it what it told."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    told = to_its_end([*SEARCH, "--workers", "2"], out, PYTHONHASHSEED="1")
    out.with_name("told").write_text(told, encoding="utf-8")
    return out


def test_a_search_from_nothing_to_a_model_that_answers(undisturbed: Path) -> None:
    assert "Test accuracy on scikit-learn's 8×8 digits" in undisturbed.with_name("told").read_text(encoding="utf-8")
    names = {path.name for path in undisturbed.iterdir()}
    expected = {"run.json", "trials.jsonl", "result.json", "evaluation.npz", "best", "best.keras", "trials.csv"}
    assert names == expected | {"report.html"}
    result = json.loads((undisturbed / "result.json").read_text())
    assert result["parameters"] <= 8000
    assert result["test"]["n"] == 500
    assert result["model"]["difference"] <= 1e-4
    _savedmodel_agrees_with_keras(undisturbed)


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


def test_the_same_seed_is_the_same_run_elsewhere(undisturbed: Path, tmp_path: Path) -> None:
    """With another number of workers, another salt of hashes, in another time zone."""
    out = tmp_path / "elsewhere" / "run"
    to_its_end([*SEARCH, "--workers", "1"], out, PYTHONHASHSEED="2", TZ="Pacific/Kiritimati")
    assert contents(out) == contents(undisturbed)
    assert result_of(out) == result_of(undisturbed)


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_first_and_the_last_seed_train(tmp_path: Path, seed: int) -> None:
    to_its_end(["study", "dropout", "--seeds", "2", "--epochs", "1", "--seed", str(seed)], tmp_path / "run")
    assert {record["status"] for record in contents(tmp_path / "run").values()} == {"completed"}


def lines(out: Path) -> int:
    journal = out / "trials.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def wait_for_lines(process: subprocess.Popen[str], out: Path, count: int) -> None:
    deadline = time.monotonic() + 300
    while lines(out) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def wait_for_its_group(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(process.pid)


def test_killed_and_resumed_a_run_ends_as_if_undisturbed(undisturbed: Path, tmp_path: Path) -> None:
    chance, out = random.Random(SEED), tmp_path / "run"
    for _ in range(KILLS):
        process = command(SEARCH, out)
        wait_for_lines(process, out, lines(out) + chance.choice([1, 2, 3]))
        time.sleep(chance.uniform(0, 0.5))
        assert process.poll() is None, "it ended before it was killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        wait_for_its_group(process)
    to_its_end(SEARCH, out)
    assert wrong_with(out, undisturbed) == []


@pytest.mark.parametrize(("send", "name"), [(os.killpg, "SIGINT"), (os.kill, "SIGTERM")], ids=["Ctrl-C", "SIGTERM"])
def test_asked_to_end_it_ends_its_workers_and_says_how_to_go_on(
    tmp_path: Path, send: Callable[[int, int], None], name: str
) -> None:
    """Ctrl-C reaches the whole group, a batch system's SIGTERM the command alone."""
    out = tmp_path / "run"
    process = command([*SEARCH, "--quiet"], out)
    wait_for_lines(process, out, 3)
    send(process.pid, getattr(signal, name))
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors.count("\n") == 1
    assert "--resume" in errors
    assert not alive(process.pid)
    assert (out / "report.html").is_file()
    assert json.loads((out / "run.json").read_text())["status"] == "interrupted"


def test_workers_of_a_command_that_was_killed_end_by_themselves(tmp_path: Path) -> None:
    """While they train, and while they still import: only the command is killed."""
    for number, wanted in enumerate((0, 1)):
        out = tmp_path / str(number)
        process = command(["train", "dense128", "--seeds", "4", "--epochs", "400"], out)
        while not (out / "run.json").exists() or lines(out) < wanted:
            time.sleep(0.02)
        time.sleep(1.0)
        process.kill()
        process.communicate()
        wait_for_its_group(process)
        assert all(event["event"] == "started" for event in read_journal(out / "trials.jsonl"))
