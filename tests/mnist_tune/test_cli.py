"""The command line: exit codes, one-line mistakes, and what it passes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnist_tune import cli
from mnist_tune.api import given_options
from mnist_tune.api import runs as api
from mnist_tune.cli.entry import COMMANDS
from mnist_tune.version import __version__
from tuner.core.errors import Interrupted, JournalError


class Called:
    """Stands in for the search, and keeps what it was given."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.options: dict[str, Any] = {}
        self.others: dict[str, Any] = {}
        self._error = error

    def __call__(self, options: dict[str, Any], **others: Any) -> None:
        self.options, self.others = options, others
        if self._error is not None:
            raise self._error


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    stand_in = Called()
    monkeypatch.setattr(api, "run_search", stand_in)
    return stand_in


def test_only_what_was_typed_is_passed_on(called: Called) -> None:
    assert cli.main(["--space", "compact8k"]) == 0
    assert called.options == {"space": "compact8k"}
    assert called.others["command"] == ["mnist-tune", "--space", "compact8k"]


def test_every_option_arrives(called: Called) -> None:
    words = "--space compact8k --data digits --validation 0.2 --train-samples 100 --max-params 500 --max-macs 9000"
    words += " --algorithm random --max-epochs 3 --factor 2 --iterations 2 --max-trials 4 --no-references --workers 3"
    words += " --device cpu --seed 0 --confirm-top 1 --confirm-seeds 2 --target 99.4 --refit --no-test --time-budget 1h30m --trial-timeout 90s"
    words += " --out here --force --quiet"
    assert cli.main(words.split()) == 0
    assert called.options == {
        "space": "compact8k",
        "data": "digits",
        "validation": 0.2,
        "train_samples": 100,
        "max_params": 500,
        "max_macs": 9000,
        "algorithm": "random",
        "max_epochs": 3,
        "factor": 2,
        "iterations": 2,
        "max_trials": 4,
        "references": False,
        "workers": 3,
        "device": "cpu",
        "seed": 0,
        "confirm_top": 1,
        "confirm_seeds": 2,
        "target": 99.4,
        "refit": True,
        "test": False,
        "time_budget": 5400.0,
        "trial_timeout": 90.0,
    }
    assert {key: called.others[key] for key in ("out", "force", "quiet", "resume")} == {
        "out": "here",
        "force": True,
        "quiet": True,
        "resume": False,
    }


def test_a_target_may_have_its_sign(called: Called) -> None:
    cli.main(["--space", "compact8k", "--target", "99.4%"])
    assert called.options["target"] == 99.4


def test_auto_workers_are_the_default(called: Called) -> None:
    cli.main(["--space", "compact8k", "--workers", "auto"])
    assert called.options["workers"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serach"], "Unknown command serach"),
        (["repord"], "Did you mean report?"),
        (["compact8k"], "Did you mean mnist-tune --space compact8k?"),
        (["separable-7825"], "Did you mean mnist-tune train separable-7825?"),
        (["hyperband"], "Unknown command hyperband. Expected"),
        (["--space", "compact8k", "--bogus"], "Unknown option --bogus. See"),
        (["--max-parm", "5"], "Unknown option --max-parm. Did you mean --max-params? See: mnist-tune --help"),
        (["--max_params=5"], "Unknown option --max_params. Did you mean --max-params?"),
        (["train", "dense128", "--max-epochs", "3"], "Did you mean --epochs? See: mnist-tune train --help"),
        (["predict", "run", "image", "--jsn"], "Did you mean --json?"),
        (["compare", "a", "b", "--ot", "c"], "Did you mean --out?"),
        (["--space", "compact8k", "oops"], "Unexpected argument oops"),
        (["--space", "compact8k", "--algorithm", "hyperbnd"], "Received: hyperbnd. Did you mean hyperband?"),
        (["--space", "compact8k", "--device", "GPU"], "Did you mean gpu?"),
        (["--space", "compact8k", "--device", "quantum"], "Expected one of auto, cpu, gpu. Received: quantum."),
        (["--space", "compact8k", "--data", "fashon"], "Did you mean fashion_mnist?"),
        (["--space", "compact9k"], "Did you mean 'compact8k'?"),
        (["study", "dropot", "--data", "digits"], "Did you mean dropout?"),
        (["--space"], "--space"),
        (["--space", "compact8k", "--seed", "one"], "one"),
        (["--space", "compact8k", "--workers", "many"], "many"),
        (["--space", "compact8k", "--time-budget", "soon"], "soon"),
        (["--space", "compact8k", "--time-budget", "5"], "Expected 5s, 5m or 5h. Received: 5"),
        (["--space", "compact8k", "--trial-timeout", "10"], "Expected 10s, 10m or 10h. Received: 10"),
        (["--space", "compact8k", "--time-budget", "5s"], "Expected 1m or more"),
        (["--space", "compact8k", "--time-budget", "0.99m"], "Received: 59.4s"),
        (["--out", "no/such/run", "--resume", "--time-budget", "59s"], "Expected 1m or more"),
        (["--data", "digits"], "Expected --space NAME"),
        (["--space", "compact8k", "--resume"], "--resume needs the folder"),
        (["--space", "compact8k", "--out", "x", "--resume", "--force"], "Expected one of them"),
        (["--space", "compact8k", "--seed", "-1"], "--seed"),
        (["--space", "compact8k", "--target", "0.994"], "--target is a percentage"),
        (["--space", "compact8k", "--target", "0.994%"], "Expected more than 1 and up to 100"),
        (["--space", "compact8k", "--target", "high"], "expected a percentage such as 99.4. Received: high"),
        (["--space", "compact8k", "--out", "no/such/run", "--resume"], "not a run's folder"),
        (["report"], "RUN"),
        (["report", "no/such/run"], "not a run's folder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize(
    ("error", "code"), [(JournalError("damaged"), 1), (KeyboardInterrupt(), 130), (Interrupted("stopped"), 130)]
)
def test_exit_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api, "run_search", Called(error))
    assert cli.main(["--space", "compact8k"]) == code
    assert capsys.readouterr().err.startswith("mnist-tune: ")


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "run_search", Called(ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError):
        cli.main(["--space", "compact8k"])


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"mnist-tune {__version__}\n"
    assert cli.main([]) == 0
    first = capsys.readouterr().out
    assert len(first.splitlines()) <= 8
    assert all(name in first for name in (*COMMANDS, "mnist-tune --space compact8k"))


def test_the_module_runs() -> None:
    done = subprocess.run([sys.executable, "-m", "mnist_tune", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"mnist-tune {__version__}\n"


def test_the_command_of_a_python_call_would_do_the_same() -> None:
    words = given_options.command_line(
        given_options.make_options({"space": "compact8k", "test": False, "max_epochs": 3}), Path("out")
    )
    assert words == ["mnist-tune", "--space", "compact8k", "--max-epochs", "3", "--no-test", "--out", "out"]
