"""`--objective int8`: which trials are quantised, what ranks and chooses, what the run keeps. Workers that train nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mnist_tune.api import given_options
from tests.kit.records import record
from tests.kit.runs.clocks import spend_budget
from tests.kit.runs.oracle_driver import make
from tests.kit.runs.searches import Killed, contents, resume, start, whole
from tests.kit.runs.verified_runs import MODEL, SMALL, WORKER
from tests.kit.tampering import Victim
from tuner.core.errors import UsageError
from tuner.core.records import SCORE_KEYS, Json, TrialRecord, objective_of_trial, rank_key
from tuner.export.formats import ExportError
from tuner.options.search_options import SearchOptions
from tuner.options.train_options import TrainOptions
from tuner.processes.tasks import Event
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.run.restoration import Restoration
from tuner.run.sessions import quantisation
from tuner.run.sessions.quantisation import check_quantisation
from tuner.run.trial_sources import Networks, SearchSource
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.trials import Finished
from tuner.verification import models, retraining
from tuner.verification.check import failed, passed
from tuner.verification.evidence import Evidence, Request
from tuner.verification.retraining import same_training
from tuner.verification.verify import verify

INT8: Any = {"objective": "int8", "max_epochs": 4, "confirm_top": 2, "confirm_seeds": 3}


def records(path: Path) -> list[TrialRecord]:
    return list(read_state(path / "trials.jsonl").finished.values())


@pytest.mark.parametrize(
    ("objective", "epochs", "expected"),
    [
        ("int8", 15, "int8"),
        ("int8", 14, "val_accuracy"),
        ("int8", 0.5, "val_accuracy"),
        ("balanced_accuracy", 2, "balanced_accuracy"),
        ("val_accuracy", 15, "val_accuracy"),
    ],
)
def test_shorter_trials_are_not_quantised(objective: Any, epochs: float, expected: str) -> None:
    assert objective_of_trial(objective, epochs, 15) == expected


@pytest.mark.parametrize(("objective", "key"), SCORE_KEYS.items())
def test_the_score_is_the_objective_s(objective: Any, key: str) -> None:
    values: dict[str, Any] = {"val_accuracy": 0.1, "val_balanced_accuracy": 0.2, "val_int8_accuracy": 0.3}
    assert record(1, objective=objective, **values).score == values[key]
    assert key in set(Finished.__struct_fields__)


def test_only_hyperbands_longest_trials_have_the_objective() -> None:
    oracle, networks = make(max_epochs=4), Networks(space=Sizes(), ref=None)  # type: ignore[arg-type]
    source = SearchSource(oracle, networks, 1, lambda *_: None, "int8", 4)
    trial = source.next()
    found = set()
    while trial is not None:
        found.add((trial.epochs, trial.objective))
        trial = source.next()
    assert found == {(2, "val_accuracy"), (4, "int8")}


class Sizes:
    def count_parameters(self, _: Any) -> int:
        return 1000


def test_a_search_ranks_short_trials_by_accuracy_and_chooses_by_int8() -> None:
    """The fake worker's int8 accuracies are in another order than its accuracies."""
    path, result = whole(**INT8)
    searched = [one for one in records(path) if one.phase == "search"]
    short, long = ([one for one in searched if (one.epochs == 4) is is_long] for is_long in (False, True))
    assert short
    assert {one.val_int8_accuracy for one in short} == {None}
    assert {one.objective for one in short} == {"val_accuracy"}
    assert all(one.val_int8_accuracy is not None and one.objective == "int8" for one in long)
    best = sorted(long, key=lambda one: -(one.val_int8_accuracy or 0))[:2]
    assert {one["search_trial"] for one in result["finalists"]} == {one.trial for one in best}
    first, second = (one["validation"] for one in result["finalists"])
    assert first["int8_accuracy"]["mean"] > second["int8_accuracy"]["mean"]
    # In the order in which they began: the journal has them as they ended.
    promoted = sorted((one for one in long if one.rung == 1 and one.bracket == 0), key=lambda one: one.trial)
    below = sorted((one for one in short if one.bracket == 0), key=rank_key)
    assert [one.configuration for one in promoted] == [one.configuration for one in below[: len(promoted)]]


def test_the_winner_s_own_int8_file_is_kept_tested_and_named() -> None:
    path, result = whole(**INT8)
    by_name = {one.trial: one for one in records(path)}
    exported = by_name[result["trial"]]
    scores = result["validation"]["int8_accuracy"]["per_seed"]
    assert exported.val_int8_accuracy == sorted(scores)[1]
    right = round(100 * (exported.val_int8_accuracy or 0))
    assert (path / "best-int8.tflite").read_text() == str(right)
    assert result["test"]["int8"]["errors"] == 100 - right
    assert result["model"]["int8"] is True
    written = json.loads((path / "result.json").read_text())
    assert "best-int8.tflite" in written["files"]


def test_a_refit_s_int8_file_is_exported(tmp_path: Path) -> None:
    result = start(tmp_path / "run", **INT8, refit=True)
    exported = next(one for one in records(tmp_path / "run") if one.trial == result["refit"]["trial"])
    assert exported.val_int8_accuracy is None
    accuracy = exported.history["accuracy"][-1]
    assert (tmp_path / "run" / "best-int8.tflite").read_text() == str(round(100 * accuracy))


def test_short_finalists_are_quantised_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time budget may end the search before a long trial has."""
    spend_budget(monkeypatch, tmp_path / "run", after=2)
    result = start(tmp_path / "run", **INT8, time_budget=3600.0)
    assert {one.epochs for one in records(tmp_path / "run")} == {2}
    assert result["validation"]["int8_accuracy"]["per_seed"]


@pytest.mark.parametrize("phase", ["search", "confirm"])
def test_a_killed_run_ends_as_one_that_was_not(tmp_path: Path, phase: str) -> None:
    path, undisturbed = whole(**INT8)
    with pytest.raises(SystemExit):
        start(tmp_path / "run", Killed(phase, 2), **INT8)
    resumed = resume(tmp_path / "run", **INT8)
    assert resumed is not None
    assert contents(tmp_path / "run") == contents(path)
    assert resumed["finalists"] == undisturbed["finalists"]


def test_a_confirmed_seed_without_its_int8_file_is_trained_again(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        start(tmp_path / "run", Killed("confirm", 3), **INT8)
    kept = sorted((tmp_path / "run" / ".work" / "models").glob("*.tflite"))
    kept[0].unlink()
    resumed = resume(tmp_path / "run", **INT8)
    assert resumed is not None
    lines = [json.loads(line) for line in (tmp_path / "run" / "trials.jsonl").read_text().splitlines()]
    assert sum(line["event"] == "started" and line["trial"] == kept[0].stem for line in lines) == 2


def test_a_lost_int8_file_is_made_again_alone(tmp_path: Path) -> None:
    path = Path(shutil.copytree(whole(**INT8)[0], tmp_path / "run"))
    lost = (path / "best-int8.tflite").read_bytes()
    others = {name: (path / name).read_bytes() for name in ("best.keras", "trials.jsonl", "evaluation.npz")}
    (path / "best-int8.tflite").unlink()
    assert resume(path, **INT8) is not None
    assert (path / "best-int8.tflite").read_bytes() == lost
    assert {name: (path / name).read_bytes() for name in others} == others


def test_a_damaged_int8_file_is_made_again_and_not_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, scored = Path(shutil.copytree(whole(**INT8)[0], tmp_path / "run")), []
    undamaged = (path / "best-int8.tflite").read_bytes()
    (path / "best-int8.tflite").write_text("0")
    (path / "evaluation.npz").unlink()
    evaluate = Restoration.evaluate_models

    def noted(*given: Any, int8: Path, **named: Any) -> Any:
        scored.append(int8.read_bytes())
        return evaluate(*given, int8=int8, **named)

    monkeypatch.setattr(Restoration, "evaluate_models", noted)
    assert resume(path, **INT8) is not None
    assert (path / "best-int8.tflite").read_bytes() == undamaged
    assert scored == [undamaged]
    assert "from the journal: evaluation.npz, best-int8.tflite." in (path / "run.json").read_text()


def test_a_run_by_accuracy_has_none_of_it(tmp_path: Path) -> None:
    result = start(tmp_path / "run", max_epochs=2, confirm_seeds=1)
    assert not (tmp_path / "run" / "best-int8.tflite").exists()
    assert "int8" not in (tmp_path / "run" / "trials.jsonl").read_text()
    assert "int8" not in json.dumps(result)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "val_accuracy"),
        ({"board": "rp2040"}, "int8"),
        ({"board": "rp2040", "objective": "val_accuracy"}, "val_accuracy"),
        ({"max_flash": 20_000}, "val_accuracy"),
        ({"objective": None}, "val_accuracy"),
    ],
)
def test_int8_is_the_default_with_a_board(given: Any, expected: str) -> None:
    options = SearchOptions(space="compact8k", **given)
    assert options.objective == expected
    assert SearchOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, False),
        ({"board": "rp2040"}, False),
        ({"board": "rp2040", "objective": "val_accuracy"}, True),
        ({"objective": "int8"}, True),
    ],
)
def test_the_equivalent_command_names_an_objective_that_is_no_default(given: Any, said: bool) -> None:
    words = given_options.command_line(SearchOptions(space="compact8k", **given), Path("out"))
    assert ("--objective" in words) is said


def test_runs_without_an_objective_were_ranked_by_accuracy() -> None:
    document = SearchOptions(space="compact8k", board="rp2040").to_json()
    del document["objective"]
    assert SearchOptions.from_json(document).objective == "val_accuracy"


def test_a_missing_package_is_said_before_anything_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation, "missing_packages", lambda: ("ai_edge_litert",))
    expected = (
        r"--objective int8, the default with --board, needs ai_edge_litert, which is not installed\. "
        r'Install: pip install "mnist-tune\[litert\]", or give --objective val_accuracy\.'
    )
    with pytest.raises(UsageError, match=expected):
        start(tmp_path / "run", board="rp2040")
    assert not (tmp_path / "run").exists()


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation, "keras_backend", lambda: "jax")
    with pytest.raises(UsageError, match=r"needs TensorFlow as Keras's backend.*Received: jax"):
        check_quantisation(SearchOptions(space="compact8k", objective="int8"))
    check_quantisation(SearchOptions(space="compact8k"))


def test_somebody_s_own_networks_are_refused() -> None:
    options = TrainOptions(space="mine:Model", name="x", configuration={}, objective="int8")
    with pytest.raises(UsageError, match="goes with the program's own spaces"):
        check_quantisation(options)


# Verification


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verified") / "run"
    options = SearchOptions(**{**SMALL, "max_epochs": 3}, objective="int8", confirm_seeds=2)
    launch.start(options, RunFolder(path), Observer(), command=["mnist-tune"], worker_module=WORKER)
    return path


def faults(run: Path) -> dict[str, str]:
    checks = verify(RunFolder(run), Request(inspect_model=lambda path: None))
    return {check.name: check.detail for check in checks if check.failed and check.name not in MODEL}


def changed(run: Path, path: Path) -> Victim:
    shutil.copytree(run, path)
    return Victim(path)


def test_verify_replays_by_the_objective(verified: Path) -> None:
    assert faults(verified) == {}


def test_verify_sees_a_better_int8_accuracy(verified: Path, tmp_path: Path) -> None:
    victim = changed(verified, tmp_path / "run")
    victim.edit_trial(victim.exported, lambda event: event.update(val_int8_accuracy=1.0))
    assert "the int8 network is right on" in faults(tmp_path / "run")["kept probabilities"]


def test_verify_sees_a_long_trial_that_was_ranked_by_accuracy(verified: Path, tmp_path: Path) -> None:
    victim = changed(verified, tmp_path / "run")
    victim.edit_trial(victim.exported, lambda event: event.pop("objective"))
    assert "was ranked by val_accuracy. Expected int8" in faults(tmp_path / "run")["trials"]


def test_verify_sees_a_better_int8_test_accuracy(verified: Path, tmp_path: Path) -> None:
    victim = changed(verified, tmp_path / "run")
    victim.edit("result.json", lambda document: document["test"]["int8"].update(accuracy=1.0))
    assert "test.int8.accuracy is 1.0" in faults(tmp_path / "run")["test figures"]


def test_verify_sees_a_lost_int8_file(verified: Path, tmp_path: Path) -> None:
    changed(verified, tmp_path / "run")
    (tmp_path / "run" / "best-int8.tflite").unlink()
    assert "best-int8.tflite is missing" in faults(tmp_path / "run")["exported files"]


def test_verify_compares_no_int8_file_that_is_lost_or_that_it_can_t_make(
    verified: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(verified, tmp_path / "run")
    evidence = Evidence(RunFolder(tmp_path / "run"), Request(inspect_model=lambda path: None))
    monkeypatch.setattr(models, "missing_requirement", lambda: "TensorFlow as Keras's backend")
    detail = models._with_int8(evidence, passed("asked")).detail
    assert detail == "asked; best-int8.tflite not compared, which needs TensorFlow as Keras's backend"
    (tmp_path / "run" / "best-int8.tflite").unlink()
    monkeypatch.setattr(models, "missing_requirement", lambda: None)
    assert models._with_int8(evidence, passed("asked")) == passed("asked")


def test_a_model_that_can_t_be_quantised_fails_its_check(verified: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise ExportError("The network can't be quantised to int8: no scale")

    evidence = Evidence(RunFolder(verified), Request(inspect_model=lambda path: None))
    for name, value in (("missing_requirement", lambda: None), ("_model", lambda _: None), ("quantise", refuse)):
        monkeypatch.setattr(models, name, value)
    assert models._with_int8(evidence, passed("asked")) == failed("The network can't be quantised to int8: no scale")


def test_an_int8_trial_is_not_trained_again_where_it_can_t_be_quantised(
    verified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "missing_requirement", lambda: "ai_edge_litert")
    monkeypatch.setattr(
        retraining, "_trained", lambda _, tasks: [Event(kind="failed", task=task.id, worker=0) for task in tasks]
    )
    checks = retraining.retrained(Evidence(RunFolder(verified), Request(inspect_model=lambda path: None)), 1000)
    by_name = {f"trial {one.trial} trained again": one for one in records(verified) if one.completed}
    assert {by_name[check.name].objective for check in checks if check.failed} == {"val_accuracy"}
    outcomes = {(check.status, check.detail) for check in checks if by_name[check.name].objective == "int8"}
    assert outcomes == {("not possible", "its int8 network needs ai_edge_litert")}


@pytest.mark.parametrize(("measured", "same"), [(0.9, True), (None, True), (0.8, False)])
def test_a_trial_trained_again_compares_its_objective(measured: float | None, same: bool) -> None:
    one = record(1, objective="int8", val_int8_accuracy=0.9)
    body: Json = {**asdict(one), "val_int8_accuracy": measured}
    assert same_training(one, body) is same
