"""`mnist-tune verify`: a good run passes, and each way of tampering with one is seen by the check that is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from inference.models import find_model
from mnist_tune import cli, load_run
from search_spaces.families.registry import find_reference
from tests.kit.marks import slow_after
from tests.kit.paths import TESTS
from tests.kit.picture_files import write_classes
from tests.kit.runs.clocks import spend_budget
from tests.kit.runs.verified_runs import MODEL, SMALL, WORKER, of_version_0_1_0, studying
from tests.kit.tampering import (
    CAREFUL,
    CARELESS,
    Tampering,
    Victim,
    another_l2,
    at,
    scored,
    without_trial,
)
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.train_options import TrainOptions
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.storage.run_folder import RunFolder
from tuner.verification.check import Check
from tuner.verification.evidence import Request
from tuner.verification.verify import CHECKS, verify

OLD = TESTS / "data" / "run-0.1.0"


def made(path: Path, options: RunOptions) -> Path:
    launch.start(options, RunFolder(path), Observer(), command=["mnist-tune"], worker_module=WORKER)
    return path


def checked(run: Path, **request: Any) -> Mapping[str, Check]:
    checks = verify(RunFolder(run), Request(**{"inspect_model": find_model, **request}))
    return {check.name: check for check in checks}


def failures(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: check.detail for name, check in checks.items() if check.failed and name not in MODEL}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random search of three trials, two finalists."""
    return made(
        tmp_path_factory.mktemp("sound") / "run",
        SearchOptions(**SMALL, algorithm="random", max_trials=3, confirm_seeds=1),
    )


def test_a_good_run_passes_every_check(sound: Path) -> None:
    checks = checked(sound)
    assert set(checks) == set(CHECKS)
    assert failures(checks) == {}
    impossible = {name for name, check in checks.items() if check.status == "not possible"}
    assert impossible == {"promotions", "SavedModel"}


@pytest.mark.parametrize("tampering", CARELESS, ids=lambda tampering: tampering.name)
def test_careless_tampering_is_seen_by_its_check(tampering: Tampering, sound: Path, tmp_path: Path) -> None:
    run = tampering.apply(sound, tmp_path / "run")
    assert tampering.check in failures(checked(run))


@pytest.mark.parametrize("tampering", slow_after(12, CAREFUL), ids=lambda tampering: tampering.name)
def test_careful_tampering_is_seen_by_its_check(tampering: Tampering, sound: Path, tmp_path: Path) -> None:
    run = tampering.apply(sound, tmp_path / "run")
    assert tampering.check in failures(checked(run))


def test_there_are_thirty_ways_and_more_for_most_checks() -> None:
    ways = [*CARELESS, *CAREFUL]
    assert len({tampering.name for tampering in ways}) == len(ways) >= 30
    assert {tampering.check for tampering in ways} == set(CHECKS) - MODEL - {"promotions"}


def test_a_tampered_run_fails_on_the_command_line_and_a_good_one_does_not(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.verification.verify.CHECKS", {k: v for k, v in CHECKS.items() if k not in MODEL})
    assert cli.main(["verify", str(sound)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(CHECKS) - len(MODEL) + 1
    assert lines[-1] == "26 passed, 0 failed, 1 not possible"
    run = Victim(shutil.copytree(sound, tmp_path / "run"))
    run.edit("result.json", lambda result: result["validation"].update(mean=0.999))
    assert cli.main(["verify", str(run.path), "--json"]) == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["run"], document["failed"]) == (str(run.path), 1)
    (wrong,) = [check for check in document["checks"] if check["status"] == "failed"]
    assert wrong["name"] == "validation figures"
    assert wrong["detail"].startswith("validation.mean is 0.999. Expected 0.")
    assert err == "mnist-tune: 1 of 27 checks failed: validation figures.\n"


def test_from_python_the_checks_are_a_list(sound: Path) -> None:
    checks = load_run(sound).verify()
    assert [check.name for check in checks] == list(CHECKS)
    assert checks[0].status == "passed"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "not a run's folder"),
        (["RUN", "--retrain", "-1"], "--retrain: expected a whole number from 0"),
        (["RUN", "--retrain", "many"], "--retrain"),
        ([], "arguments are required: RUN"),
    ],
)
def test_wrong_usage_is_told(words: list[str], told: str, sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", *(str(sound) if word == "RUN" else word for word in words)]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_nothing_in_the_folder_is_changed(sound: Path, tmp_path: Path) -> None:
    run = shutil.copytree(sound, tmp_path / "run")
    before = {path: (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes()) for path in run.rglob("*")}
    checked(run)
    assert {path: (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes()) for path in run.rglob("*")} == before


def test_what_a_terminal_obeys_is_not_printed(sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Victim(shutil.copytree(sound, tmp_path / "run"))
    run.edit("run.json", lambda document: document["options"].update({"\x1b[2J\n": 1}))
    assert cli.main(["verify", str(run.path)]) == 1
    out, err = capsys.readouterr()
    assert "\\x1b[2J" in out
    assert "\x1b" not in out + err


# --- code that a run brings along ---------------------------------------------------------------------------------------


def of_somebody(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A run whose space is code, and the file that the code writes."""
    run, proof = Victim(shutil.copytree(sound, tmp_path / "run")), tmp_path / "proof"
    (tmp_path / "stranger_s_space.py").write_text(f"open({str(proof)!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    name = "stranger_s_space:Space"
    run.edit("run.json", lambda document: document["options"].update(space=name))
    run.edit("run.json", lambda document: document["space"].update(name=name))
    return run.path, proof


def test_a_space_that_only_the_run_names_is_not_imported(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, proof = of_somebody(sound, tmp_path, monkeypatch)
    checks = checked(run, retrain=1)
    assert not proof.exists()
    assert failures(checks) == {}
    for name in ("space", "configurations", "samples", "parameters", "multiply-adds", "accuracies", "retraining"):
        assert checks[name].status == "not possible"
        assert "Name it with --space to check it" in checks[name].detail


@pytest.mark.slow
def test_a_space_that_its_user_names_is_imported(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, proof = of_somebody(sound, tmp_path, monkeypatch)
    checks = checked(run, space="stranger_s_space:Space")
    assert proof.exists()
    assert "the space can't be made" in checks["space"].detail


# --- runs of other kinds and states -------------------------------------------------------------------------------------


def search_of(path: Path, **changes: Any) -> Path:
    return made(path, SearchOptions(**{**SMALL, "confirm_seeds": 2, **changes}))


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hyperband, with a target and refits."""
    return search_of(tmp_path_factory.mktemp("promoted") / "run", max_epochs=3, refit=True, target=70.0)


def test_hyperband_with_a_target_and_refits_passes(promoted: Path) -> None:
    checks = checked(promoted)
    assert failures(checks) == {}
    assert {name for name, check in checks.items() if check.status == "not possible"} == {"SavedModel"}


def loser(victim: Victim) -> str:
    """A trial of the first bracket's first rung that was not promoted; the last bracket's trials have no rung above them."""
    above = [event["configuration"] for event in victim.finished() if event["rung"]]
    first = (event for event in victim.finished() if (event["bracket"], event["rung"]) == (0, 0))
    return next(str(event["trial"]) for event in first if event["configuration"] not in above)


def promote_another(victim: Victim) -> None:
    """Gives the one place of the last rung to a trial that was not the best."""
    (other,) = [event for event in victim.finished() if event["trial"] == loser(victim)]
    (last,) = [event for event in victim.finished() if event["rung"] == 1]
    same = {key: other[key] for key in ("configuration", "parameters", "origin")}
    victim.edit_trial(last["trial"], lambda event: event.update(same))


PROMOTIONS = (
    Tampering("a better trial was not promoted", "promotions", lambda v: v.edit_trial(loser(v), scored(129, 130))),
    Tampering("another trial was promoted", "promotions", promote_another),
    Tampering("a rung of more epochs", "plan", lambda v: v.edit("run.json", at("plan", "brackets", 0, "rungs", 0, "epochs", 2))),
    Tampering("a larger rung", "plan", lambda v: v.edit("run.json", at("plan", "brackets", 0, "rungs", 0, "size", 9))),
    Tampering("a trial of another rung", "samples", lambda v: v.edit_trial("0001", at("bracket", 1))),
    Tampering("the target said to be missed", "winner", lambda v: v.edit("result.json", at("target", "reached", False))),
    Tampering("another refit exported", "winner", lambda v: v.edit("result.json", at("refit", "trial", v.exported))),
    Tampering("a refit left out", "trials", without_trial(lambda v: str(v.document("result.json")["refit"]["trials"][0]))),
)  # fmt: skip


@pytest.mark.parametrize("tampering", slow_after(2, PROMOTIONS), ids=lambda tampering: tampering.name)
def test_tampering_with_hyperband_is_seen_by_its_check(tampering: Tampering, promoted: Path, tmp_path: Path) -> None:
    run = tampering.apply(promoted, tmp_path / "run")
    assert tampering.check in failures(checked(run))


def training(**changes: Any) -> TrainOptions:
    values = find_reference("dense128")[1].values
    given = {"space": "dense", "name": "dense128", "configuration": dict(values), "data": "digits", "workers": 2}
    return TrainOptions(**{**given, **changes})


KINDS: dict[str, tuple[RunOptions, tuple[Tampering, ...]]] = {
    "bayesian": (
        SearchOptions(**SMALL, algorithm="bayesian", max_trials=6),
        (Tampering("the model chose another", "samples", lambda v: v.edit_trial("0006", another_l2)),),
    ),
    "training": (
        training(),
        (
            Tampering("a seed left out", "trials", without_trial(lambda v: "0002")),
            Tampering("another configuration", "repetitions", lambda v: v.edit_trial("0002", another_l2)),
            Tampering("stopped early", "histories", lambda v: v.edit_trial("0002", at("epochs_run", 14))),
        ),
    ),
    "training without test": (training(test=False, seeds=1), ()),
    "study": (
        studying(),
        (
            Tampering("an arm of fewer epochs", "plan", lambda v: v.edit("run.json", at("study", "arms", 0, "epochs", 1))),
            Tampering("a better verdict", "winner", lambda v: v.edit("result.json", at("study", "comparisons", 0, "verdict", "better"))),
            Tampering("an arm's mean", "winner", lambda v: v.edit("result.json", at("study", "arms", 0, "mean", 0.99))),
        ),
    ),
    "study of values": (studying(name="activation", values=("relu", "tanh"), seeds=2), ()),
    "min resource": (SearchOptions(**{**SMALL, "max_epochs": 2}, min_resource=0.3, confirm_seeds=1), ()),
    "train samples": (SearchOptions(**SMALL, algorithm="random", max_trials=2, train_samples=300), ()),
    "two iterations": (SearchOptions(**{**SMALL, "max_epochs": 3}, iterations=2, references=False, seed=5), ()),
    "larger caps": (SearchOptions(**SMALL, algorithm="random", max_trials=4, max_params=2500, max_macs=500_000), ()),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("options", "ways"), KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_run_passes_and_its_tampering_is_seen(
    options: RunOptions, ways: tuple[Tampering, ...], tmp_path: Path
) -> None:
    run = made(tmp_path / "sound", options)
    assert failures(checked(run)) == {}
    for place, tampering in enumerate(ways):
        assert tampering.check in failures(checked(tampering.apply(run, tmp_path / f"{place}"))), tampering.name


@pytest.mark.slow
@pytest.mark.parametrize("validation", [None, "validation"])
def test_a_run_on_photographs_passes(validation: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "zoo"
    for place, split in enumerate(("train", validation, "test")):
        if split is not None:
            counts = {f"kind {number}": 8 if split == "train" else 3 for number in range(10)}
            write_classes(folder / split, counts, sizes=((40, 30), (30, 30)), first=1000 * place)
    pictures: dict[str, Any] = {"image_size": "28", "grayscale": True, "resize": "pad", "drop_duplicates": True}
    run = made(tmp_path / "run", training(data=str(folder), validation=0.2, **pictures))
    assert failures(checked(run)) == {}
    assert load_run(run).info["data"]["given_validation"] == (validation is not None)
    next((folder / "test" / "kind 3").iterdir()).unlink()
    assert "data" in failures(checked(run, data=str(folder)))


@pytest.mark.slow
@pytest.mark.parametrize("failing", ["0001", "0002 0005", "0009", "0003 0008 0009"])
def test_a_run_with_failed_trials_passes(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILING_TRIALS", failing)
    run = search_of(tmp_path / "run", max_epochs=3)
    assert len([r for r in load_run(run).trials().status if r == "failed"]) == len(failing.split())
    assert failures(checked(run)) == {}


@pytest.mark.slow
def test_a_run_that_a_clock_cut_short_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spend_budget(monkeypatch, tmp_path / "run", after=4)
    run = search_of(tmp_path / "run", max_epochs=3, time_budget=3600.0, confirm_seeds=3, refit=True)
    checks = checked(run)
    assert failures(checks) == {}
    assert "not run: a clock" in checks["trials"].detail


@pytest.mark.slow
def test_trials_of_finalists_that_are_none_any_more_don_t_count_where_a_clock_cut_short(
    sound: Path, tmp_path: Path
) -> None:
    """What is left of an earlier invocation: one finalist was confirmed this time."""
    victim = Victim(shutil.copytree(sound, tmp_path / "run"))
    victim.edit(
        "run.json", lambda document: document["nondeterminism"].append("A time budget ended the search by the clock.")
    )
    victim.edit("result.json", lambda result: result["finalists"].pop())
    victim.reseal()
    assert failures(checked(victim.path)) == {}
    (stale,) = {e["trial"] for e in victim.finished("confirm")} - {victim.exported}
    victim.edit_trial(stale, another_l2)
    victim.reseal()
    assert failures(checked(victim.path)) == {}
    victim.edit_trial(victim.exported, another_l2)
    victim.reseal()
    assert "repetitions" in failures(checked(victim.path))


def interrupted(run: Path, lines: int) -> Path:
    """Makes a run of it that was killed after so many lines."""
    victim = Victim(run)
    victim.edit_lines(lambda all_lines: all_lines[:lines])
    victim.edit("run.json", lambda document: document.update(status="interrupted"))
    for name in ("result.json", "evaluation.npz", "best.keras"):
        (run / name).unlink()
    return run


@pytest.mark.parametrize("lines", slow_after(2, [5, 0, 1, 2, 9]))
def test_a_run_that_was_interrupted_passes(lines: int, sound: Path, tmp_path: Path) -> None:
    run = interrupted(shutil.copytree(sound, tmp_path / "run"), lines)
    checks = checked(run)
    assert failures(checks) == {}
    assert checks["winner"].detail == "there is no result.json: the run is interrupted"


@pytest.mark.slow
def test_a_run_that_was_resumed_passes(sound: Path, tmp_path: Path) -> None:
    run = RunFolder(interrupted(shutil.copytree(sound, tmp_path / "run"), 5))
    options = SearchOptions.from_json(run.read_run().options)
    launch.resume(options, run, Observer(), worker_module=WORKER)
    assert failures(checked(run.path)) == {}


# --- version 0.1.0 ------------------------------------------------------------------------------------------------------


def test_a_run_of_version_0_1_0_passes_and_its_journal_is_said_not_to_be_chained(sound: Path, tmp_path: Path) -> None:
    checks = checked(of_version_0_1_0(shutil.copytree(sound, tmp_path / "run")))
    assert failures(checks) == {}
    assert checks["journal chain"].status == checks["digests"].status == "not possible"
    assert checks["journal chain"].detail.startswith("not chained: version 0.1.0 of mnist-tune wrote 10 lines")


def test_a_later_version_s_journal_has_a_chain_whatever_its_run_json_says(sound: Path, tmp_path: Path) -> None:
    run = of_version_0_1_0(shutil.copytree(sound, tmp_path / "run"))
    Victim(run).edit("run.json", lambda document: document["program"].update(version="0.2.0"))
    assert {"journal chain", "digests"} <= set(failures(checked(run)))


def test_the_folder_that_version_0_1_0_left(tmp_path: Path) -> None:
    """A worker that trains nothing made up its scores, and gave no whole history."""
    checks = checked(OLD)
    assert set(failures(checks)) == {"histories", "accuracies"}
    assert checks["journal chain"].detail.startswith("not chained: version 0.1.0 of mnist-tune wrote 10 lines")
    assert checks["promotions"].status == "passed"


@pytest.mark.slow
def test_the_folder_that_version_0_1_0_left_is_chained_from_where_it_was_resumed(tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(OLD, tmp_path / "run"))
    launch.resume(SearchOptions.from_json(run.read_run().options), run, Observer(), worker_module=WORKER)
    checks = checked(run.path)
    assert set(failures(checks)) == {"histories", "accuracies"}
    assert checks["journal chain"].detail.startswith("not chained: version 0.1.0 of mnist-tune wrote 10 lines")
