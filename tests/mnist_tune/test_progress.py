"""What the terminal shows: plain lines, the live view, the answer."""

from __future__ import annotations

import io
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mnist_tune.progress.headline import format_headline
from mnist_tune.progress.progress import Progress
from tests.kit.records import record, trial
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run
from tests.kit.runs.followed_runs import a_run, followed
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import validate
from tuner.storage.schema.result import ResultDocument, Target
from tuner.storage.schema.run import Bracket, RunDocument, Rung


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
    for words in ("●●·", "91.23%", "3/5", "80.00%", "Best so far", "2 of 3 trials", "estimating the time left"):
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


def read_pictures(**console: bool) -> str:
    """What the terminal shows while a data set's pictures are decoded."""
    stream = io.StringIO()
    quiet = console.pop("quiet", False)
    with Progress(Console(file=stream, width=100, **console), Path("run"), quiet=quiet) as progress:  # type: ignore[arg-type]
        for done in (256, 512, 600):
            progress.pictures_decoded(done, 600)
    return stream.getvalue()


def test_a_terminal_shows_how_many_pictures_are_read() -> None:
    shown = read_pictures(force_terminal=True)
    assert "Reading pictures" in shown
    assert "600/600" in shown


@pytest.mark.parametrize("console", [{"force_terminal": False}, {"force_terminal": True, "quiet": True}])
def test_a_file_or_a_quiet_terminal_shows_nothing_while_pictures_are_read(console: dict[str, bool]) -> None:
    assert read_pictures(**console) == ""


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


def follow_trials(run: RunDocument, trials: Sequence[tuple[float, float]]) -> list[str]:
    """The lines of trials of these epochs and seconds, one after the other."""
    progress, stream = followed(run=run)
    for number, (epochs, duration_s) in enumerate(trials, 1):
        progress.trial_finished(
            record(number, val_accuracy=0.9123, duration_s=duration_s, epochs=epochs, rung=0), restored=False
        )
    return stream.getvalue().splitlines()[-len(trials) :]


def a_planned_run(**options: Any) -> RunDocument:
    """A run of 96 epochs and nine trials, in two lengths."""
    run = a_run()
    rungs = (Rung(rung=0, size=3, epochs=2), Rung(rung=1, size=2, epochs=6))
    run.plan = replace(run.plan, brackets=(Bracket(bracket=0, rungs=rungs),))
    run.options.update(options)
    return run


@pytest.mark.parametrize(("budget_s", "said"), [(None, "  about 12 min left"), (660, "  about 11 min left"), (30, "")])
def test_a_plain_line_says_how_long_a_long_run_may_yet_take(budget_s: float | None, said: str) -> None:
    """Trials of 2 epochs took 30 s, those of 6 took 70 s: 10 s an epoch and 10 s a trial."""
    lines = follow_trials(a_planned_run(time_budget=budget_s), [(2, 30), (2, 30), (6, 70), (6, 70), (6, 70), (6, 70)])
    assert not any(" left" in line for line in lines[:5])
    assert lines[5].endswith(f"val 91.23%  70 s{said}")


def test_no_time_left_is_said_while_the_estimates_still_fall() -> None:
    """The first trials of a search that takes two minutes compile for 40 s each: "about 42 min left" would be said."""
    slow, quick = [(2.0, 40.0), (2.0, 40.0), (6.0, 90.0), (6.0, 80.0)], [(2.0, 2.0), (6.0, 5.0)]
    lines = follow_trials(a_planned_run(), [*slow, *quick])
    assert not any(" left" in line for line in lines)


def test_a_live_view_says_that_it_is_estimating() -> None:
    progress, _ = followed(terminal=True, run=a_planned_run())
    with progress:
        progress.trial_finished(record(1, duration_s=40.0), restored=False)
        assert progress._footer() == "1 of 3 trials · 0.0 s so far · estimating the time left"


def test_a_live_view_has_no_empty_table_and_no_time_left_of_seconds() -> None:
    progress, _ = followed(terminal=True, run=a_planned_run(time_budget=30))
    with progress:
        for number, epochs in enumerate((2, 2, 6, 6, 6, 6), 1):
            progress.trial_finished(record(number, epochs=epochs, duration_s=10.0 * epochs + 10), restored=False)
        progress.phase_began("evaluate", 0)
        assert progress._footer() == "0.0 s so far"
        console = Console(file=io.StringIO(), width=100, record=True)
        console.print(progress._view())
        assert "running" not in console.export_text()


@pytest.mark.parametrize("phase", ["search", "evaluate", "confirm"])
def test_a_phase_without_trials_has_no_count(phase: str) -> None:
    progress, stream = followed()
    progress.phase_began(phase, 0)
    assert "0 of 0" not in progress._footer()
    progress.trial_finished(replace(record(1, val_accuracy=0.9), phase=phase), restored=False)
    assert "/0]" not in stream.getvalue()


def test_a_time_budget_is_echoed_with_its_unit() -> None:
    assert "Time budget: 5 min 00 s\n" in followed(run=a_planned_run(time_budget=300.0))[1].getvalue()


ENDING = """\
Result  {headline}
Page    {run}/report.html
Model   {run}/best.keras, and as a SavedModel {run}/best
Next    mnist-tune predict {run} IMAGE
        mnist-tune export {run} --format litert
"""


def end(path: Path, **settings: Any) -> str:
    """What the terminal says at the end of a run in a folder."""
    stream = io.StringIO()
    console = Console(file=stream, width=100, highlight=False, **settings)
    Progress(console, path, quiet=True).summary(RunFolder(path))
    return stream.getvalue()


def test_a_run_ends_with_its_result_page_model_and_next_commands(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run", FakeRun(failed=0))
    (path / "report.html").touch()
    (path / "best.keras").touch()
    (path / "best").mkdir(exist_ok=True)
    folder = RunFolder(path)
    result = folder.read_result()
    assert result is not None
    assert end(path) == ENDING.format(run=path, headline=format_headline(result, folder.read_run()))


def test_a_next_command_can_be_copied(tmp_path: Path) -> None:
    path = build_run(tmp_path / "a run; rm", FakeRun(failed=0))
    (path / "best.keras").touch()
    line = next(line for line in end(path).splitlines() if line.startswith("Next"))
    assert shlex.split(line.removeprefix("Next")) == ["mnist-tune", "predict", str(path), "IMAGE"]


def test_a_run_without_a_model_has_none_in_its_last_lines(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run", FakeRun(failed=0))
    shutil.rmtree(path / "best", ignore_errors=True)
    (path / "best.keras").unlink(missing_ok=True)
    said = end(path)
    assert "Model" not in said
    assert said.splitlines()[-1] == f"Next    mnist-tune report {path} --figures figures"


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour_obeys_no_color_and_dumb_terminals(environment: dict[str, str], coloured: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, highlight=False, _environ=environment)
    progress = Progress(console, Path("run"), quiet=False)
    with progress:
        progress.run_began(a_run())
        progress.note("careful")
    assert ("\x1b[33mcareful" in stream.getvalue()) == coloured
    assert (progress._console.is_dumb_terminal) == (environment["TERM"] == "dumb")


def test_a_dumb_terminal_has_plain_lines() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, highlight=False, _environ={"TERM": "dumb"})
    progress = Progress(console, Path("run"), quiet=False)
    with progress:
        progress.run_began(a_run())
        progress.phase_began("search", 3)
        progress.trial_finished(record(1, val_accuracy=0.9123), restored=False)
    assert "[1/3] 0001" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_script_whose_output_is_ascii_follows_a_run(terminal: bool, tmp_path: Path) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    path = build_run(tmp_path / "run", FakeRun(failed=0))
    console = Console(file=stream, force_terminal=terminal, width=100, highlight=False, _environ={"TERM": "xterm"})
    progress = Progress(console, path, quiet=False)
    with progress:
        progress.run_began(a_run(data=replace(a_run().data, name="digits", fallback=True)))
        progress.phase_began("search", 3)
        progress.trial_started(trial(1))
        progress.trial_finished(record(1, val_accuracy=0.9123), restored=False)
        progress.note("λ × 3")
    progress.summary(RunFolder(path))
    stream.seek(0)
    said = stream.read()
    assert "8x8 digits" in said
    assert "\\u03bb x 3" in said
    assert "Result  " in said
