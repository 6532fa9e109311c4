"""`--objective`: which score ranks, promotes, chooses and resumes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_tune import cli, search, train
from tests.kit.records import record
from tests.kit.runs.oracle_driver import drive, make
from tests.kit.runs.searches import Killed, contents, resume, start, whole
from tests.kit.runs.verified_runs import SMALL, WORKER
from tests.kit.tampering import Victim
from tuner.core.errors import UsageError
from tuner.core.records import Json, Objective, TrialRecord, rank_key
from tuner.options.search_options import SearchOptions
from tuner.run import launch
from tuner.run.confirmation import finalists
from tuner.run.observer import Observer
from tuner.run.target import Goal, finalists_around
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.verification.evidence import Request
from tuner.verification.verify import verify

BALANCED: Any = {"objective": "balanced_accuracy", "algorithm": "random", "max_trials": 4, "max_epochs": 2}


def pair(objective: Objective) -> list[TrialRecord]:
    """Two trials about which the objectives disagree: the first is better by accuracy, the second by balanced accuracy."""
    scores = [(0.95, 0.60), (0.90, 0.85)]
    return [
        record(
            number, val_accuracy=accuracy, val_balanced_accuracy=balanced, objective=objective, parameters=1000 + number
        )
        for number, (accuracy, balanced) in enumerate(scores, start=1)
    ]


@pytest.mark.parametrize(("objective", "best"), [("val_accuracy", "0001"), ("balanced_accuracy", "0002")])
def test_the_objective_ranks(objective: Objective, best: str) -> None:
    assert min(pair(objective), key=rank_key).trial == best
    assert finalists(pair(objective), 1)[0].trial == best


@pytest.mark.parametrize(("objective", "first"), [("val_accuracy", "0001"), ("balanced_accuracy", "0002")])
def test_a_target_is_one_of_the_objective(objective: Objective, first: str) -> None:
    assert finalists_around(pair(objective), 1, Goal(0.8))[0].trial == first


def test_ties_go_to_the_smaller_loss_then_to_the_smaller_network() -> None:
    one, other = (
        replace(each, val_balanced_accuracy=0.7, val_loss=loss)
        for each, loss in zip(pair("balanced_accuracy"), (0.2, 0.1), strict=True)
    )
    assert sorted([one, other], key=rank_key) == [other, one]
    other = replace(other, val_loss=0.2)
    assert sorted([other, one], key=rank_key) == [one, other]


def test_hyperband_promotes_by_balanced_accuracy() -> None:
    """All have the same accuracy, loss and size: without the objective the hash would decide."""
    oracle = make(max_epochs=3, objective="balanced_accuracy")
    waiting, told = [], {}
    while True:
        while (proposal := oracle.ask()) is not None:
            waiting.append(proposal)
        if not waiting:
            break
        proposal = waiting.pop(0)
        one = record(
            int(proposal.trial),
            configuration=proposal.configuration,
            epochs=proposal.epochs,
            bracket=proposal.bracket,
            rung=proposal.rung,
            objective="balanced_accuracy",
            val_balanced_accuracy=int(proposal.trial) / 1000,
        )
        told[proposal.trial] = one
        oracle.tell(one)
    first = [one for one in told.values() if (one.bracket, one.rung) == (0, 0)]
    second = [one for one in told.values() if (one.bracket, one.rung) == (0, 1)]
    best = sorted(first, key=lambda one: -(one.val_balanced_accuracy or 0))[: len(second)]
    assert [one.configuration for one in second] == [one.configuration for one in best]


def test_a_bayesian_search_is_told_the_objective() -> None:
    oracle: Any = make(algorithm="bayesian", max_trials=4, max_epochs=1, objective="balanced_accuracy")
    drive(oracle, objective="balanced_accuracy", val_balanced_accuracy=0.25)
    assert {trial.score for trial in oracle.trials.values()} == {0.25}


def events(path: Path) -> list[Json]:
    return [json.loads(line) for line in (path / "trials.jsonl").read_text().splitlines()]


def test_a_search_by_balanced_accuracy_chooses_by_it(tmp_path: Path) -> None:
    """The fake worker's balanced accuracy is 1 minus its accuracy."""
    result = start(tmp_path / "run", **BALANCED, confirm_top=2, confirm_seeds=3)
    searched = [r for r in read_state(tmp_path / "run" / "trials.jsonl").finished.values() if r.phase == "search"]
    worst = sorted(searched, key=lambda one: one.val_accuracy or 0)[:2]
    assert {finalist["search_trial"] for finalist in result["finalists"]} == {one.trial for one in worst}
    first, second = (finalist["validation"] for finalist in result["finalists"])
    assert first["balanced_accuracy"]["mean"] > second["balanced_accuracy"]["mean"]
    assert first["mean"] < second["mean"]
    assert first["mean"] == pytest.approx(1 - first["balanced_accuracy"]["mean"])
    median = sorted(first["balanced_accuracy"]["per_seed"])[1]
    places = [one["trial"] for one in events(tmp_path / "run") if one.get("val_balanced_accuracy") == median]
    assert result["trial"] in places
    assert all(event["objective"] == "balanced_accuracy" for event in events(tmp_path / "run"))


def test_a_journal_by_accuracy_has_one_key_more(tmp_path: Path) -> None:
    start(tmp_path / "run", algorithm="random", max_trials=2, max_epochs=1, confirm_seeds=1)
    started, finished = (
        [e for e in events(tmp_path / "run") if e["event"] == kind] for kind in ("started", "finished")
    )
    assert not any("objective" in event or "val_balanced_accuracy" in event for event in started)
    assert not any("objective" in event for event in finished)
    assert all("val_balanced_accuracy" in event for event in finished)


@pytest.mark.parametrize("phase", ["search", "confirm"])
def test_a_killed_run_ends_as_one_that_was_not(tmp_path: Path, phase: str) -> None:
    path, undisturbed = whole(**BALANCED)
    with pytest.raises(SystemExit):
        start(tmp_path / "run", Killed(phase, 2), **BALANCED)
    resumed = resume(tmp_path / "run", **BALANCED)
    assert resumed is not None
    assert contents(tmp_path / "run") == contents(path)
    assert resumed["finalists"] == undisturbed["finalists"]


def test_a_resumed_run_keeps_its_objective(tmp_path: Path) -> None:
    shutil.copytree(whole(**BALANCED)[0], tmp_path / "run")
    with pytest.raises(UsageError, match=r"--objective is balanced_accuracy in this run\. Received: val_accuracy"):
        search("compact8k", out=tmp_path / "run", resume=True, quiet=True, objective="val_accuracy")


@pytest.mark.parametrize("value", ["accuracy", "f1", "", "VAL_ACCURACY", 1, True])
def test_an_unknown_objective_is_a_mistake_in_one_line(value: Any) -> None:
    expected = "--objective is out of range. Expected one of val_accuracy, balanced_accuracy, int8. Received: "
    for call, name in ((search, "compact8k"), (train, "dense128")):
        with pytest.raises(UsageError) as caught:
            call(name, objective=value)
        assert str(caught.value).startswith(f"{expected}{value}.")
        assert "\n" not in str(caught.value)


def test_the_command_line_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--space", "compact8k", "--objective", "recall"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Expected one of val_accuracy, balanced_accuracy, int8. Received: recall" in error


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verified") / "run"
    options = SearchOptions(**{**SMALL, "max_epochs": 3}, objective="balanced_accuracy", confirm_seeds=1)
    launch.start(options, RunFolder(path), Observer(), command=["mnist-tune"], worker_module=WORKER)
    return path


def faults(run: Path) -> dict[str, str]:
    checks = verify(RunFolder(run), Request(inspect_model=lambda path: None))
    return {
        check.name: check.detail for check in checks if check.failed and check.name not in ("Keras model", "SavedModel")
    }


def test_verify_replays_by_the_objective(verified: Path) -> None:
    assert faults(verified) == {}


def test_verify_sees_other_objectives_and_scores(verified: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(verified, other)
    Victim(other).edit("run.json", lambda document: document["options"].update(objective="val_accuracy"))
    assert "was ranked by balanced_accuracy. Expected val_accuracy" in faults(other)["trials"]

    better = tmp_path / "better"
    shutil.copytree(verified, better)
    exported = Victim(better).exported
    Victim(better).edit_trial(exported, lambda event: event.update(val_balanced_accuracy=1.0))
    assert "balanced accuracy of the validation images is" in faults(better)["kept probabilities"]
