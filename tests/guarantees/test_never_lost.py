"""What was trained is kept, whatever fails afterwards: result, model, page and table are there, with a note and exit code 1."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.pages.page import write_report
from reports.pages.trials_csv import write_trials_csv
from tests.kit.runs.searches import FAKE
from tuner.core.errors import RunFailed
from tuner.options.search_options import SearchOptions
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.run import RunDocument


class Reporter(Observer):
    """Writes page and table at the end, as the program does."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run_ended(self, run: RunDocument) -> None:
        write_trials_csv(self._path)
        write_report(self._path)


def search(path: Path) -> None:
    options = SearchOptions(
        space="compact2k", data="digits", algorithm="random", max_trials=2, max_epochs=1, confirm_top=1, confirm_seeds=2
    )
    launch.start(options, RunFolder(path), Reporter(path), command=["mnist-tune"], worker_module=FAKE)


KEPT = {"best.keras", "result.json", "evaluation.npz", "run.json", "trials.jsonl", "trials.csv", "report.html"}


@pytest.mark.parametrize(
    ("variable", "words", "status"),
    [
        (("FAKE_FAULTS", "The page lacks feature maps: no maps"), "The page lacks feature maps", "completed"),
        (("FAKE_FAILING_TASKS", "export"), r"could not be handled \(export\). ValueError: not today", "completed"),
        (("FAKE_FAILING_TASKS", "evaluate"), r"could not be handled \(evaluate\). ValueError: not today", "failed"),
    ],
)
def test_a_failure_after_the_training_leaves_all_that_was_trained(
    variable: tuple[str, str], words: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable)
    path = tmp_path / "run"
    with pytest.raises(RunFailed, match=words) as caught:
        search(path)
    assert caught.value.exit_code == 1
    folder = RunFolder(path)
    run, result = folder.read_run(), folder.read_result()
    assert run.status == status
    assert {file.name for file in path.iterdir()} >= KEPT
    assert result is not None
    assert result.validation.n == 2
    assert (result.test is None) == (variable[1] == "evaluate")
    said = " ".join([*run.notes, run.error or "", result.model.note or ""])
    assert "not today" in said or "feature maps" in said


def test_what_a_page_lacks_without_a_fault_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = "The page lacks the network to try: layer memory (LSTM) is none that a page computes."
    monkeypatch.setenv("FAKE_NOTES", note)
    search(tmp_path / "run")
    run = RunFolder(tmp_path / "run").read_run()
    assert run.status == "completed"
    assert note in run.notes


def test_a_winner_that_was_not_evaluated_is_when_the_run_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAILING_TASKS", "evaluate")
    path = tmp_path / "run"
    with pytest.raises(RunFailed):
        search(path)
    monkeypatch.delenv("FAKE_FAILING_TASKS")
    folder = RunFolder(path)
    options = SearchOptions(
        space="compact2k", data="digits", algorithm="random", max_trials=2, max_epochs=1, confirm_top=1, confirm_seeds=2
    )
    trained = folder.journal.read_text(encoding="utf-8").count("finished")
    result = launch.resume(options, folder, Reporter(path), worker_module=FAKE)
    assert result is not None
    assert result.test is not None
    assert result.test.n == 100
    assert folder.journal.read_text(encoding="utf-8").count("finished") == trained
