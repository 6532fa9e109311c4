"""Completed runs that lack a file: what the journal gives again, what is trained again, and what is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_tune import cli
from tests.kit.marks import slow_after
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run
from tests.kit.runs.runs import DIGITS, FAKE, studying, training
from tuner.core.errors import Interrupted, UsageError
from tuner.core.records import Json, TrialRecord
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.run import launch
from tuner.run.lost_files import find_lack, has_predictions
from tuner.run.observer import Observer
from tuner.run.restoration import found_again, recompute_test, refit_again
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder, file_digests
from tuner.storage.schema.documents import as_json


def searching(**changes: Any) -> SearchOptions:
    return SearchOptions(**{"space": "compact8k", "max_epochs": 4, "confirm_seeds": 2, **DIGITS, **changes})


KINDS: dict[str, RunOptions] = {
    "search": searching(),
    "refit": searching(refit=True),
    "target": searching(target=60.0, confirm_top=3),
    "train": training(seeds=2),
    "study": studying(seeds=2),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A completed run of a kind, made when it is first asked for."""
    folder, made = tmp_path_factory.mktemp("whole"), set()

    def run(kind: str) -> Path:
        if kind not in made:
            launch.start(KINDS[kind], RunFolder(folder / kind), Observer(), command=["mnist-tune"], worker_module=FAKE)
            made.add(kind)
        return folder / kind

    return run


class Heard(Observer):
    """What was trained, and what was said."""

    def __init__(self) -> None:
        self.trained: list[str] = []
        self.notes: list[str] = []

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        self.trained.append(record.trial)

    def note(self, text: str) -> None:
        self.notes.append(text)


def lack_of(options: RunOptions, path: Path) -> tuple[str, ...]:
    return find_lack(options, RunFolder(path), RunFolder(path).read_run()).parts


def without(whole: Path, folder: Path, *names: str) -> Path:
    shutil.copytree(whole, folder)
    for name in names:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def resume(path: Path, kind: str) -> tuple[Json | None, Heard]:
    heard = Heard()
    result = launch.resume(KINDS[kind], RunFolder(path), heard, worker_module=FAKE)
    return None if result is None else as_json(result), heard


def result_of(path: Path) -> Json:
    """result.json but for what times and the export's rounding make of it; its digests are those of the files that are there."""
    result: Json = json.loads((path / "result.json").read_text())
    assert result.pop("files") == file_digests(RunFolder(path))
    result["model"] = {**result["model"], "difference": None}
    for arm in result.get("study", {}).get("arms", ()):
        del arm["duration_mean_s"]
    return result


def trials_of(result: Json, *, exported: bool) -> list[str]:
    """The trials whose models the result is of."""
    evaluated = result.get("refit") or result
    return [evaluated["trial"]] if exported else sorted({*result["trials"], *evaluated["trials"]})


@pytest.mark.parametrize("kind", slow_after(1, ["train", "search", "refit"]))
def test_a_lost_model_is_trained_again_alone(kind: str, whole: Callable[[str], Path], tmp_path: Path) -> None:
    run = without(whole(kind), tmp_path / "run", "best.keras")
    before = {name: (run / name).read_bytes() for name in ("trials.jsonl", "result.json", "evaluation.npz")}
    notes_before = RunFolder(run).read_run().notes
    _, heard = resume(run, kind)
    assert heard.trained == trials_of(result_of(run), exported=True)
    assert (run / "best.keras").read_bytes() == (whole(kind) / "best.keras").read_bytes()
    assert {name: (run / name).read_bytes() for name in before} == before
    assert not (run / ".work").exists()
    document = RunFolder(run).read_run()
    assert document.status == "completed"
    # Nothing is said again that was said when the run began, such as that its training images are few.
    assert document.notes == [*notes_before, *heard.notes]
    assert len(heard.notes) == 1
    assert not any("test set" in note for note in heard.notes)
    assert resume(run, kind)[0] is None


@pytest.mark.parametrize("kind", slow_after(2, ["train", "refit", "search", "target"]))
def test_lost_arrays_have_the_winner_s_seeds_trained_and_evaluated_again(
    kind: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    run = without(whole(kind), tmp_path / "run", "evaluation.npz", "result.json", "best.keras", "best")
    result, heard = resume(run, kind)
    assert result is not None
    assert result_of(run) == result_of(whole(kind))
    assert sorted(heard.trained) == trials_of(result, exported=False)
    assert (run / "trials.jsonl").read_bytes() == (whole(kind) / "trials.jsonl").read_bytes()
    assert ["met once more" in note for note in heard.notes].count(True) == 1
    with np.load(run / "evaluation.npz", allow_pickle=False) as arrays:
        there = {name.split("/")[1] for name in arrays.files if name.startswith("confirm/")}
    assert there == set(result["trials"])
    assert (run / "best").is_dir()
    assert lack_of(KINDS[kind], run) == ()


def test_a_damaged_model_or_archive_counts_as_lost(whole: Callable[[str], Path], tmp_path: Path) -> None:
    run = without(whole("train"), tmp_path / "run")
    for name in ("best.keras", "evaluation.npz"):
        content = (run / name).read_bytes()
        for damaged in (content[: len(content) // 2], b"", b"x", content.replace(b"PK\x01\x02", b"PK\x01\x03")):
            (run / name).write_bytes(damaged)
            assert name in lack_of(KINDS["train"], run)
        (run / name).write_bytes(content)
    assert lack_of(KINDS["train"], run) == ()


def test_without_a_test_set_none_is_met_again(tmp_path: Path) -> None:
    run, options = tmp_path / "run", training(seeds=2, test=False)
    launch.start(options, RunFolder(run), Observer(), command=["mnist-tune"], worker_module=FAKE)
    first = result_of(run)
    (run / "result.json").unlink()
    (run / "evaluation.npz").unlink()
    heard = Heard()
    launch.resume(options, RunFolder(run), heard, worker_module=FAKE)
    assert result_of(run) == first
    assert not any("test set" in note for note in heard.notes)


@pytest.mark.parametrize("content", slow_after(2, [None, "{}", "", '{"schema": 1']))
def test_a_lost_or_damaged_result_of_a_study_comes_from_its_journal(
    content: str | None, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    run = without(whole("study"), tmp_path / "run", "result.json")
    if content is not None:
        (run / "result.json").write_text(content)
    _, heard = resume(run, "study")
    assert heard.trained == []
    assert result_of(run) == result_of(whole("study"))
    assert heard.notes == ["result.json was lost, and made again from the journal."]


def test_what_was_measured_of_a_study_is_not_made_again_and_that_is_said(
    whole: Callable[[str], Path], tmp_path: Path
) -> None:
    run = without(whole("study"), tmp_path / "run", "evaluation.npz")
    _, heard = resume(run, "study")
    (note,) = heard.notes
    assert "can't be made again" in note
    assert result_of(run) == result_of(whole("study"))


@pytest.mark.slow
def test_a_restoration_that_is_interrupted_is_resumed(whole: Callable[[str], Path], tmp_path: Path) -> None:
    class Impatient(Heard):
        def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
            raise KeyboardInterrupt

    run = without(whole("search"), tmp_path / "run", "evaluation.npz", "best.keras")
    with pytest.raises(Interrupted, match="--resume"):
        launch.resume(KINDS["search"], RunFolder(run), Impatient(), worker_module=FAKE)
    assert RunFolder(run).read_run().status == "completed"
    resume(run, "search")
    assert lack_of(KINDS["search"], run) == ()
    assert result_of(run) == result_of(whole("search"))


def test_other_numbers_than_the_journal_s_are_said(
    whole: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = without(whole("train"), tmp_path / "run", "best.keras")
    monkeypatch.setattr("tuner.run.restoration._last_values", lambda record: (record.worker, object()))
    _, heard = resume(run, "train")
    assert any("gave other numbers than in the journal" in note for note in heard.notes)


def test_a_run_that_has_all_of_its_files_lacks_nothing(whole: Callable[[str], Path]) -> None:
    for kind in ("train", "refit", "study"):
        assert lack_of(KINDS[kind], whole(kind)) == ()


def test_what_can_t_be_made_again_without_the_data_is_told_in_one_line(
    whole: Callable[[str], Path], tmp_path: Path
) -> None:
    run = without(whole("train"), tmp_path / "run", "best.keras")
    document = RunFolder(run).read_run()
    RunFolder(run).write_run(replace(document, data=replace(document.data, sha256="0" * 64)))
    before = sorted(run.rglob("*"))
    with pytest.raises(
        UsageError, match=r"best\.keras can't be made again without the data of the run\. The data have changed"
    ):
        resume(run, "train")
    assert sorted(run.rglob("*")) == before
    assert RunFolder(run).read_run().status == "completed"


def test_a_journal_without_a_confirmed_trial_gives_nothing_again(whole: Callable[[str], Path]) -> None:
    state = read_state(whole("refit") / "trials.jsonl")
    run = RunFolder(whole("refit")).read_run()
    assert len(found_again(KINDS["refit"], run, state)) == 2
    state.finished = {name: record for name, record in state.finished.items() if record.phase != "confirm"}
    with pytest.raises(UsageError, match="no confirmed trial"):
        found_again(KINDS["refit"], run, state)


PREDICTIONS: dict[str, Any] = {
    "test/labels": np.array([0, 1]),
    "test/probabilities": np.array([[0.5, 0.5], [0.1, 0.9]], np.float32),
    "test/predictions_per_seed": np.array([[0, 1]]),
}


@pytest.mark.parametrize(
    ("changes", "sound"),
    [
        ({}, True),
        ({"test/labels": np.array([0, 2])}, False),
        ({"test/labels": np.array([-1, 0])}, False),
        ({"test/labels": np.array([0.0, 1.0])}, False),
        ({"test/labels": np.array([0])}, False),
        ({"test/labels": np.array([], int)}, False),
        ({"test/labels": np.array(["0", "1"])}, False),
        ({"test/probabilities": np.array([0.5, 0.5])}, False),
        ({"test/probabilities": np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])}, False),
        ({"test/probabilities": np.array([[np.nan, 0.5], [0.1, 0.9]])}, False),
        ({"test/predictions_per_seed": np.array([0, 1])}, False),
        ({"test/predictions_per_seed": np.empty((0, 2), int)}, False),
        ({"test/predictions_per_seed": np.array([[0, 1, 1]])}, False),
    ],
)
def test_predictions_of_a_stranger_are_believed_where_they_belong_together(
    changes: dict[str, Any], sound: bool
) -> None:
    arrays = {**PREDICTIONS, **changes}
    assert has_predictions(arrays, 2) == sound
    for name in PREDICTIONS:
        assert not has_predictions({key: array for key, array in arrays.items() if key != name}, 2)


def test_refits_of_seeds_that_were_not_confirmed_are_left_out(whole: Callable[[str], Path]) -> None:
    run, state = RunFolder(whole("refit")).read_run(), read_state(whole("refit") / "trials.jsonl")
    winner = found_again(KINDS["refit"], run, state)[0]
    refits = [record for record in state.finished.values() if record.phase == "refit"]
    state.finished |= {"0999": replace(refits[0], trial="0999", repetition=77)}
    again = refit_again(KINDS["refit"], run, state, winner)
    assert again is not None
    assert {record.trial for record in again.records} == {record.trial for record in refits}


@pytest.mark.parametrize("study", [None, {"base": "nothing"}])
def test_a_study_that_can_t_be_compared_again_is_one_line(
    study: Json | None, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    run = without(whole("study"), tmp_path / "run", "result.json")
    document = RunFolder(run).read_run()
    RunFolder(run).write_run(replace(document, study=study and replace(document.study, **study)))
    with pytest.raises(UsageError) as caught:
        resume(run, "study")
    assert "\n" not in str(caught.value)
    assert not (run / "result.json").exists()


def test_test_figures_come_from_the_predictions_that_were_kept(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", FakeRun(brackets=((0, ((2, 2),)),), failed=0, test=300, validation=80))
    with np.load(run / "evaluation.npz", allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    test = recompute_test(arrays, [str(digit) for digit in range(10)])
    labels, predicted = arrays["test/labels"], arrays["test/predictions_per_seed"]
    assert test.per_seed == tuple(float(np.mean(row == labels)) for row in predicted)
    assert test.accuracy == pytest.approx(np.mean(predicted == labels))
    assert test.errors == int((arrays["test/probabilities"].argmax(axis=1) != labels).sum())
    assert test.n == 300


# --- a lost journal ---------------------------------------------------------------------------------------------------

TINY = FakeRun(brackets=((0, ((2, 2),)),), failed=0, finalists=1, seeds=1, test=80, validation=80)


@pytest.mark.parametrize(
    "words",
    [
        ["report", "run"],
        ["report", "run", "--figures", "figures"],
        ["--out", "run", "--resume"],
        ["compare", "run", "other"],
        ["train", "run:0001"],
    ],
    ids=" ".join,
)
def test_a_run_without_its_journal_is_an_error_and_nothing_is_written(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    build_run(tmp_path / "run", TINY)
    build_run(tmp_path / "other", TINY)
    (tmp_path / "run" / "trials.csv").write_text("kept")
    (tmp_path / "run" / "report.html").write_text("kept")
    (tmp_path / "run" / "trials.jsonl").unlink()
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(words) == 2
    err = capsys.readouterr().err
    assert "trials.jsonl" in err
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "run" / "trials.csv").read_text() == "kept"
    assert (tmp_path / "run" / "report.html").read_text() == "kept"


def test_a_run_that_has_only_begun_needs_no_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is opened once workers start, and the page is there before."""
    run = build_run(tmp_path / "run", FakeRun(brackets=(), failed=0, confirm=False, status="running"))
    document = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**document, "plan": {**document["plan"], "trials": 0}}))
    (run / "trials.jsonl").unlink()
    assert cli.main(["report", str(run)]) == 0
