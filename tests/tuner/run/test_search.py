"""A whole run with a worker that trains nothing: phases, files, resumption, budgets, determinism."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from search_spaces.families.registry import load_family
from tests.kit.marks import slow_after
from tests.kit.replacing import replace
from tests.kit.runs.clocks import spend_budget
from tests.kit.runs.searches import Killed, contents, options, resume, start, whole
from tuner.core.errors import Interrupted, RunFailed, UsageError
from tuner.core.records import TrialRecord
from tuner.run import launch as search
from tuner.run.observer import Observer
from tuner.run.sessions import session
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.run import RunPhase


def test_a_run_leaves_what_it_should() -> None:
    path, result = whole()
    names = {path.name for path in path.iterdir()}
    assert names == {"run.json", "trials.jsonl", "result.json", "evaluation.npz", "best", "best.keras"}
    run = RunFolder(path).read_run()
    assert (run.status, run.error, run.notes) == ("completed", None, [])
    assert set(run.times.phases) == {"search", "confirm", "evaluate"}
    written = json.loads((path / "result.json").read_text())
    assert set(written.pop("files")) == {"trials.jsonl", "evaluation.npz", "best.keras"}
    assert json.dumps(result) == json.dumps(written)


def test_the_winner_has_the_best_mean_of_the_finalists() -> None:
    path, result = whole()
    means = [finalist["validation"]["mean"] for finalist in result["finalists"]]
    assert means == sorted(means, reverse=True)
    assert result["validation"]["mean"] == means[0]
    state = read_state(path / "trials.jsonl")
    exported = state.finished[result["trial"]].val_accuracy
    assert exported == sorted(result["validation"]["per_seed"])[1]


@pytest.mark.parametrize("changes", [{"workers": 1}, {"workers": 4}])
def test_workers_change_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    path, result = whole()
    assert start(tmp_path / "other", **changes) == result
    assert contents(tmp_path / "other") == contents(path)


def test_the_command_line_s_folder_is_never_overwritten_silently(tmp_path: Path) -> None:
    shutil.copytree(whole(max_epochs=1)[0], tmp_path / "run")
    with pytest.raises(UsageError, match="is taken"):
        start(tmp_path / "run", max_epochs=1)
    start(tmp_path / "run", force=True, max_epochs=1)


def test_force_never_removes_what_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(UsageError, match="without run"):
        start(tmp_path, force=True)
    assert (tmp_path / "precious.txt").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"space": "compact9k"}, "compact8k"), ({"max_params": 10}, "smallest"), ({"data": "nowhere.npz"}, "nowhere.npz")],
)
def test_a_mistake_leaves_no_folder(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        start(tmp_path / "run", **changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("space", ["compact9k", "my_spaces.py", "my-space:Model"])
def test_an_unknown_space_is_told_before_the_data_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    monkeypatch.delattr(search, "load_run_data")
    with pytest.raises(UsageError, match="Received: '" + space.replace(".", r"\.")):
        start(tmp_path / "run", space=space)


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    shutil.copytree(whole(max_epochs=1)[0], tmp_path / "run")
    assert resume(tmp_path / "run", max_epochs=1) is None


def test_an_interrupted_run_says_so_and_goes_on_to_the_same_end(tmp_path: Path) -> None:
    class Impatient(Observer):
        def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
            if record.trial == "0005":
                raise KeyboardInterrupt

    path, undisturbed = whole()
    with pytest.raises(Interrupted, match="--resume"):
        start(tmp_path / "run", Impatient())
    assert RunFolder(tmp_path / "run").read_run().status == "interrupted"
    assert resume(tmp_path / "run") == undisturbed
    assert contents(tmp_path / "run") == contents(path)


def test_a_run_whose_data_changed_is_not_resumed(tmp_path: Path) -> None:
    path = Path(shutil.copytree(whole(max_epochs=1)[0], tmp_path / "run"))
    run = RunFolder(path).read_run()
    RunFolder(path).write_run(replace(run, status="interrupted", data=replace(run.data, sha256="0" * 64)))
    with pytest.raises(UsageError, match="data have changed"):
        resume(path, max_epochs=1)


def test_a_spent_budget_drops_finalists_then_seeds_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spend_budget(monkeypatch, tmp_path / "run", after=13)
    start(tmp_path / "run", time_budget=3600.0)
    run = RunFolder(tmp_path / "run").read_run()
    assert run.status == "completed"
    assert "The time budget left 1 of 2 finalists and 1 of 3 seeds to confirm." in run.notes
    assert "A time budget ended the search by the clock." in run.nondeterminism


def test_the_test_set_can_be_left_alone(tmp_path: Path) -> None:
    assert start(tmp_path / "run", max_epochs=1, test=False)["test"] is None


def test_published_networks_are_listed_and_the_best_three_tried() -> None:
    run, without = whole()[0], whole(references=False)[0]
    references = RunFolder(run).read_run().references
    assert sum(reference.included for reference in references) == 3
    assert all(reference.fits for reference in references if reference.included)
    assert any(reference.assumed for reference in references)
    assert not any(reference.included for reference in RunFolder(without).read_run().references)
    # The space's own defaults are nobody's publication: they come next, or first of all; then larger networks, scaled.
    family = load_family("compact8k")
    best = [dict(own.values) for own in family.references_that_fit()[:3]]
    default, scaled = family.default_configuration(), [own for _, own in family.scaled_references()[:2]]
    for folder, known in ((run, [*best, default, *scaled]), (without, [default])):
        trials = read_state(folder / "trials.jsonl").finished
        first = [dict(trials[f"{number:04d}"].configuration) for number in range(1, len(known) + 2)]
        assert first[:-1] == known
        assert first[-1] not in [*best, default, *scaled]


def test_known_configurations_that_have_no_place_are_not_said_to_be_tried(tmp_path: Path) -> None:
    start(tmp_path / "run", max_epochs=3)  # Three trials before the first promotion.
    tried = {
        own.name: (own.trial, own.scaled)
        for own in RunFolder(tmp_path / "run").read_run().references
        if own.included or own.scaled
    }
    assert sorted(str(trial) for trial, _ in tried.values()) == ["0001", "0002", "0003"]
    assert all(scaled is None for _, scaled in tried.values())
    scaled = {own.name: own.scaled for own in RunFolder(whole()[0]).read_run().references}
    assert {name: trial for name, trial in scaled.items() if trial} == {"wide-9994": "0005", "c12-8172": "0006"}


def test_workers_that_cannot_start_fail_the_run_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="can't be started"):
        search.start(
            options(), RunFolder(tmp_path / "run"), Observer(), command=[], worker_module="tests.no_such_module"
        )
    assert RunFolder(tmp_path / "run").read_run().status == "failed"


@pytest.mark.parametrize("phase", slow_after(1, ["search", "confirm"]))
def test_a_killed_run_keeps_count_of_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: RunPhase) -> None:
    monkeypatch.setattr(session, "_WRITTEN_EVERY_S", 0.0)
    monkeypatch.setenv("FAKE_SLEEP", "0.2")
    path = tmp_path / "run"
    changes: dict[str, Any] = {"max_epochs": 3, "workers": 1}
    with pytest.raises(SystemExit):
        start(path, Killed(phase, after=3), **changes)
    killed = RunFolder(path).read_run().times
    assert killed.phases[phase] >= 2 * 0.2
    assert killed.elapsed_s >= killed.phases[phase]
    resume(path, **changes)
    times = RunFolder(path).read_run().times
    assert times.phases[phase] > killed.phases[phase]
    rounding = 0.05 * (1 + len(times.phases))
    assert times.elapsed_s + rounding >= sum(times.phases.values()) > killed.elapsed_s
