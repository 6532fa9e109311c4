"""What the terminal shows: plain lines, the live view, the answer."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from mnist_tune.progress.headline import format_headline
from tests.kit.records import record, trial
from tests.kit.replacing import replace
from tests.kit.runs.followed_runs import a_run, followed
from tuner.storage.schema.documents import validate
from tuner.storage.schema.result import ResultDocument, Target
from tuner.storage.schema.run import Bracket, Rung


def test_plain_lines_where_the_output_is_no_terminal() -> None:
    progress, stream = followed()
    with progress:
        progress.trial_started(trial(1))
        progress.epoch_ended(trial(1), 0, 1, {"val_accuracy": 0.9})
        progress.trial_finished(record(1, val_accuracy=0.9123, duration_s=12.4), restored=False)
        progress.trial_finished(record(2, status="failed"), restored=True)
    lines = stream.getvalue().splitlines()
    assert "\x1b" not in stream.getvalue()
    assert lines[-2] == "[1/3] 0001  bracket 0 rung 0  2 epochs  1,000 parameters  val 91.23%  12 s"
    assert lines[-1].endswith("failed: ValueError: no  1 s  from the journal")


def test_the_live_view_shows_rungs_running_trials_and_the_best() -> None:
    progress, _ = followed(terminal=True)
    with progress:
        progress.trial_finished(record(1, val_accuracy=0.9123), restored=False)
        progress.trial_finished(record(2, val_accuracy=0.9), restored=False)
        progress.trial_started(trial(3, epochs=5))
        progress.epoch_ended(trial(3, epochs=5), 0, 3, {"val_accuracy": 0.8})
        console = Console(file=io.StringIO(), width=100, record=True)
        console.print(progress._view())
        shown = console.export_text()
    for words in ("●●·", "91.23%", "3/5", "80.00%", "Best so far", "2 of 3 trials", "left"):
        assert words in shown


def test_digits_in_place_of_mnist_are_said_loudly() -> None:
    data = replace(a_run().data, name="digits", fallback=True)
    assert "NOT MNIST" in followed(run=a_run(data=data))[1].getvalue()


def test_quiet_says_nothing() -> None:
    progress, stream = followed(quiet=True)
    with progress:
        progress.trial_finished(record(1), restored=False)
        progress.note("something")
    assert stream.getvalue() == ""


def test_markup_in_an_error_is_only_text() -> None:
    progress, stream = followed()
    with progress:
        progress.trial_finished(record(1, status="failed", error="ValueError: [bold]x[/nonsense]"), restored=False)
    assert "[bold]x[/nonsense]" in stream.getvalue()


def a_result(**test: Any) -> ResultDocument:
    measured = {"n": 10000, "accuracy": 0.9946, "sd": 0.0005, "exported_accuracy": 0.9946, "errors": 54}
    document = {
        "trial": "0001", "trials": ["0001"], "configuration": {}, "epochs": 15, "parameters": 7884,
        "validation": {"n": 3, "mean": 0.995, "sd": 0.0004},
        "test": {**measured, "accuracy_ci95": [0.993, 0.9959], **test},
    }  # fmt: skip
    return validate(document, ResultDocument)


def test_the_answer_has_its_spread_and_its_interval() -> None:
    said = format_headline(a_result(), a_run())
    assert said.startswith("Test accuracy on mnist: 99.46% ± 0.05 over 3 seeds with 7,884 of at most 8,000 parameters.")
    assert "99.46% [99.30%, 99.59%], 54 errors of 10,000" in said


def test_the_answer_without_a_test_says_so() -> None:
    assert "the test set was left alone" in format_headline(replace(a_result(), test=None), a_run())


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            Target(0.994, True),
            " It is the smallest finalist whose mean validation accuracy reaches 99.40%.",
        ),
        (Target(0.99456, False), " No finalist's mean validation accuracy reaches 99.456%."),
    ],
)
def test_the_answer_says_whether_the_target_was_reached(target: Target, said: str) -> None:
    assert format_headline(replace(a_result(), target=target), a_run()) == format_headline(a_result(), a_run()) + said
    untested = replace(a_result(), test=None)
    assert format_headline(replace(untested, target=target), a_run()) == format_headline(untested, a_run()) + said


@pytest.mark.parametrize(("budget_s", "said"), [(None, "  about 14 min left"), (600, "  about 9 min left"), (90, "")])
def test_a_plain_line_says_how_long_a_long_run_may_yet_take(
    budget_s: float | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 96 epochs and nine trials: two trials of 2 epochs took 30 s each, one an epoch is 10 s and 10 s a trial."""
    run = a_run()
    rungs = (Rung(rung=0, size=3, epochs=2), Rung(rung=1, size=2, epochs=6))
    run.plan = replace(run.plan, brackets=(Bracket(bracket=0, rungs=rungs),))
    run.options["time_budget"] = budget_s
    progress, stream = followed(run=run)
    began = progress._standing.began
    monkeypatch.setattr("mnist_tune.progress.progress.time.monotonic", lambda: began + 60)
    for number, epochs, duration_s in ((1, 2, 30), (2, 2, 30), (3, 6, 70), (4, 6, 70)):
        trial_record = record(number, val_accuracy=0.9123, duration_s=duration_s, epochs=epochs, rung=epochs // 6)
        progress.trial_finished(trial_record, restored=False)
        if number < 4:
            assert " left" not in stream.getvalue()
    assert stream.getvalue().endswith(f"val 91.23%  70 s{said}\n")
