"""`--refit`: which seeds, which is exported, what time is kept; real trainings on all images; whole runs with a worker that trains nothing."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tune import cli
from mnist_tune.api import given_options
from mnist_tune.api.export import Request, _about
from mnist_tune.api.export_folder import ExportFolder
from mnist_tune.progress.headline import format_headline
from search_spaces.families.compact.family import CompactFamily
from tests.kit.journal_files import read_journal
from tests.kit.marks import slow_after
from tests.kit.processes.fake_worker import score_in
from tests.kit.records import record
from tests.kit.runs.followed_runs import a_run, followed
from tests.kit.runs.searches import contents, options, resume, start, whole
from tuner.core.errors import Interrupted
from tuner.core.records import TRAINING_METRICS, Json, TrialRecord, rank_key
from tuner.data.dataset import Dataset, load_dataset
from tuner.options.search_options import SearchOptions
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.run.confirmation import Confirmed
from tuner.run.observer import Observer
from tuner.run.refit import Refitted, format_shortfall, passes_of, refit_trials, refitted
from tuner.run.sessions import search
from tuner.run.time_budget import ConfirmationPlan, Forecast, affordable, affordable_refits
from tuner.spaces import callbacks
from tuner.spaces.network_training import predict
from tuner.storage.journal import read_state
from tuner.storage.npz_io import read_npz
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import validate
from tuner.storage.schema.result import Refit, ResultDocument
from tuner.storage.schema.trials import Finished
from tuner.training import trial

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

# Pure functions of records


def winner(*scores: float | None) -> Confirmed:
    """A winner confirmed with these scores by repetition; None: that seed failed."""
    records = tuple(
        record(
            30 + n, phase="confirm", repetition=n, seed=100 + n, configuration={"a": 1}, val_accuracy=score, epochs=9
        )
        for n, score in enumerate(scores, start=1)
        if score is not None
    )
    return Confirmed("0007", records, scores.count(None))


def refits(*repetitions: int, failed: Sequence[int] = ()) -> list[TrialRecord]:
    """Records of refits, the last one first: they end in any order."""
    return [
        record(
            60 + n,
            phase="refit",
            repetition=n,
            val_accuracy=None,
            val_loss=None,
            status="failed" if n in failed else "completed",
        )
        for n in reversed(repetitions)
    ]


@pytest.mark.parametrize(
    ("scores", "order"),
    [
        ((0.9,), [1]),
        ((0.91, 0.92), [1, 2]),
        ((0.92, 0.91), [2, 1]),
        ((0.93, 0.91, 0.92), [3, 1, 2]),
        ((0.9, 0.9, 0.9), [2, 1, 3]),
        ((0.93, None, 0.92), [3, 1]),
    ],
)
def test_every_confirmed_seed_is_refitted_the_median_first(scores: tuple[float | None, ...], order: list[int]) -> None:
    found = winner(*scores)
    trials = refit_trials(found, 61)
    assert [one.repetition for one in trials] == order
    for one in trials:
        assert (one.trial, one.phase, one.seed) == (f"{60 + one.repetition:04d}", "refit", 100 + one.repetition)
        assert (one.configuration, one.epochs, one.bracket, one.rung) == ({"a": 1}, 9, None, None)


@pytest.mark.parametrize(
    ("scores", "stand", "failed", "exported"),
    [
        ((0.9,), [1], [], 1),
        ((0.93, 0.91, 0.92), [1, 2, 3], [], 3),
        ((0.93, 0.91, 0.92), [1, 2, 3], [1], 3),
        # The median's refit failed or was not made: the lower of the two that stand, by what the confirmation found.
        ((0.93, 0.91, 0.92), [1, 2, 3], [3], 2),
        ((0.91, 0.93, 0.92), [1, 2], [], 1),
        ((0.93, 0.91, 0.92), [1, 2, 3], [2, 3], 1),
        ((0.91, 0.92, 0.93, 0.94, 0.95), [1, 2, 4, 5], [], 2),
        ((0.93, 0.91, 0.92), [1, 2, 3], [1, 2, 3], None),
        ((0.93, 0.91, 0.92), [], [], None),
    ],
)
def test_the_median_of_the_confirmation_is_exported(
    scores: tuple[float, ...], stand: list[int], failed: list[int], exported: int | None
) -> None:
    found = refitted(winner(*scores), refits(*stand, failed=failed), 60_000)
    repetitions = [one.repetition for one in found.records]
    assert repetitions == sorted(set(stand) - set(failed))
    if exported is None:
        assert found.to_refit() is None
        return
    assert repetitions[found.exported] == exported
    trials = tuple(f"{60 + n:04d}" for n in repetitions)
    assert found.to_refit() == Refit(trials=trials, trial=f"{60 + exported:04d}", images=60_000)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=7), st.data())
def test_neither_training_figures_nor_their_order_choose(drawn: list[int], data: st.DataObject) -> None:
    found = winner(*(0.9 + score / 1000 for score in drawn))
    stand = data.draw(st.lists(st.sampled_from(range(1, len(drawn) + 1)), min_size=1, unique=True))
    records = refits(*sorted(stand))
    expected = refitted(found, records, 10)
    other = [
        replace(one, history={"accuracy": [data.draw(st.floats(0, 1))]}) for one in data.draw(st.permutations(records))
    ]
    again = refitted(found, other, 10)
    assert expected.to_refit() == again.to_refit()
    median = found.records[found.median].repetition
    if median in stand:
        assert expected.records[expected.exported].repetition == median


def test_a_refit_is_as_long_as_its_confirmation_was() -> None:
    found = winner(0.9, 0.91, 0.92)
    early = replace(found, records=(replace(found.records[0], epochs_run=4), *found.records[1:]))
    trials = refit_trials(early, 61)
    assert passes_of(early, trials) == {"0061": 4, "0062": 9, "0063": 9}
    assert {one.epochs for one in trials} == {9}


@pytest.mark.parametrize(
    ("wanted", "records", "words"),
    [
        (3, refits(1, 2, 3), []),
        (3, refits(1, 2), ["The time budget left 2 of 3 seeds to refit."]),
        (3, [], ["The time budget left none to refit the winner: the exported model"]),
        (3, refits(1, 2, 3, failed=[2]), ["1 of 3 refits failed; the others are used."]),
        (3, refits(1, 2, failed=[2]), ["The time budget left 2 of 3", "1 of 2 refits failed; the others are used."]),
        (2, refits(1, 2, failed=[1, 2]), ["No refit completed, so the exported model"]),
        (1, refits(1, failed=[1]), ["The last one: ValueError: no"]),
    ],
)
def test_what_is_missing_is_told(wanted: int, records: list[TrialRecord], words: list[str]) -> None:
    told = format_shortfall(wanted, records)
    assert len(told) == len(words)
    assert all(part in line and "\n" not in line for part, line in zip(words, told, strict=True))


def test_a_refit_ranks_behind_whatever_has_a_score() -> None:
    ranked = sorted([*refits(1), record(2, val_accuracy=0.1), record(3, status="failed")], key=rank_key)
    assert [one.trial for one in ranked] == ["0002", "0061", "0003"]


# Time

FORECAST = Forecast(epochs=10, workers=1, train_images=1000, test_images=100, validation_images=100)
QUICK = [record(1, duration_s=20.0, epochs=2)]


def test_a_plan_with_a_refit_takes_its_time() -> None:
    plain, more = (FORECAST.confirmation_s(ConfirmationPlan(2, 3, refit), QUICK) for refit in (False, True))
    # Three trainings of ten epochs of ten seconds, on a tenth more images.
    assert more - plain == pytest.approx(1.15 * 3 * 100 * 1.1)


@pytest.mark.parametrize(
    ("left_s", "plan"),
    [(1e6, (3, 3, True)), (1200, (2, 3, True)), (850, (1, 3, True)), (300, (1, 1, True)), (180, (1, 1, False)), (0, (1, 1, False))],
)  # fmt: skip
def test_a_budget_keeps_time_for_the_refit(left_s: float, plan: tuple[int, int, bool]) -> None:
    assert affordable(ConfirmationPlan(3, 3, True), left_s, FORECAST, QUICK) == ConfirmationPlan(*plan)


@pytest.mark.parametrize(
    ("left_s", "workers", "seeds", "expected"),
    [(math.inf, 1, 3, 3), (1e6, 1, 3, 3), (90, 1, 3, 2), (60, 1, 3, 1), (60, 2, 3, 2), (30, 1, 3, 0), (-5, 1, 3, 0), (math.inf, 1, 0, 0)],
)  # fmt: skip
def test_what_is_left_is_filled_with_refits(left_s: float, workers: int, seeds: int, expected: int) -> None:
    confirmed = [
        record(n, phase="confirm", duration_s=duration, epochs=10) for n, duration in enumerate((18.0, 20.0, 19.0))
    ]
    assert affordable_refits(seeds, left_s, replace(FORECAST, workers=workers), confirmed) == expected


# One training


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", validation=0.1, seed=1, train_samples=300)


def task(epochs: float = 1, keep: str | None = None, stop_after: int | None = None, **changes: Any) -> TrainTask:
    configuration = {**CompactFamily(max_params=1000).sample(np.random.default_rng(3)), "network": "C4 P C4 GAP 1x1:10"}
    return TrainTask(
        id="a",
        space=SpaceRef(name="compact8k", max_params=1000, max_macs=None, classes=10),
        configuration={**configuration, **changes},
        epochs=epochs,
        seed=5,
        keep=keep,
        refit=True,
        stop_after=stop_after,
    )


def run(todo: TrainTask, data: Dataset) -> Json:
    return trial.run_trial(todo, data, lambda *_: None)


def test_training_and_validation_images_are_joined(digits: Dataset) -> None:
    joined = digits.joined()
    assert len(joined.x_train) == len(joined.y_train) == 300 + len(digits.y_validation)
    assert len(joined.x_validation) == len(joined.y_validation) == 0
    np.testing.assert_array_equal(joined.x_train[300:], digits.x_validation)
    np.testing.assert_array_equal(joined.y_train, np.concatenate([digits.y_train, digits.y_validation]))
    assert (joined.x_train.dtype, joined.y_train.dtype) == (digits.x_train.dtype, digits.y_train.dtype)
    assert joined.x_test is digits.x_test


def test_a_refit_is_the_training_on_all_images_and_has_no_validation_figures(digits: Dataset, tmp_path: Path) -> None:
    body = run(task(epochs=2, keep=str(tmp_path / "refit")), digits)
    plain = replace(task(epochs=2, keep=str(tmp_path / "plain")), refit=False, stop_early=False)
    same = run(plain, replace(digits, x_train=digits.joined().x_train, y_train=digits.joined().y_train))
    assert (body["val_accuracy"], body["val_loss"], body["epochs_run"]) == (None, None, 2)
    assert tuple(body["history"]) == TRAINING_METRICS
    for metric in ("loss", "accuracy", "learning_rate"):
        assert body["history"][metric] == same["history"][metric]
    kept, beside = (read_npz(tmp_path / f"{name}.npz") for name in ("refit", "plain"))
    assert "validation_probabilities" not in kept
    assert set(beside) - set(kept) == {"validation_probabilities"}
    np.testing.assert_array_equal(kept["weights/statistics"], beside["weights/statistics"])
    assert (tmp_path / "refit.keras").exists()


@pytest.mark.slow
def test_a_refit_stops_where_its_confirmation_did_and_not_before(digits: Dataset) -> None:
    whole = run(task(epochs=4, schedule="one-cycle"), digits)["history"]["learning_rate"]
    short = run(task(epochs=4, schedule="one-cycle", stop_after=2), digits)["history"]["learning_rate"]
    assert (len(whole), len(short)) == (4, 2)
    assert short == whole[:2]
    # A configuration that would be ended at chance: there is nothing to tell that by.
    hopeless = run(task(epochs=4, optimizer="sgd", learning_rate_sgd=1e-9, schedule="cosine"), digits)
    assert hopeless["epochs_run"] == 4


def test_a_refit_of_a_share_sees_a_share_of_all_images(digits: Dataset) -> None:
    body = run(task(epochs=0.5), digits)
    assert body["epochs_run"] == 1
    assert all(len(series) == 1 for series in body["history"].values())


def test_a_refit_that_diverges_fails(digits: Dataset) -> None:
    with pytest.raises(callbacks.DivergedError, match="no number after epoch 1"):
        run(task(epochs=3, optimizer="sgd", learning_rate_sgd=float("inf"), schedule="constant"), digits)


# Whole runs


def of_phase(path: Path, phase: str) -> list[TrialRecord]:
    found = (one for one in read_state(path / "trials.jsonl").finished.values() if one.phase == phase)
    return sorted(found, key=lambda one: one.repetition)


def notes(path: Path) -> list[str]:
    found: list[str] = RunFolder(path).read_run().notes
    return found


WITHOUT = ("refit", "test", "model")
"""Keys of result.json that a refit may change."""


@pytest.fixture
def plain() -> tuple[Path, Json]:
    return whole()


@pytest.fixture
def undisturbed() -> tuple[Path, Json]:
    """A run with a refit, and its result."""
    return whole(refit=True)


@pytest.fixture
def short() -> tuple[Path, Json]:
    """A run of one epoch with a refit, and its result."""
    return whole(refit=True, max_epochs=1)


def test_the_refits_are_tested_and_exported_and_nothing_else_changes(
    plain: tuple[Path, Json], undisturbed: tuple[Path, Json]
) -> None:
    path, result = undisturbed
    records = of_phase(path, "refit")
    confirmed = {one.trial: one for one in of_phase(path, "confirm")}
    assert {k: v for k, v in result.items() if k not in WITHOUT} == {
        k: v for k, v in plain[1].items() if k not in WITHOUT
    }
    assert "refit" not in plain[1]
    assert contents(path) - contents(plain[0]) == {
        (one.trial, json.dumps(dict(result["configuration"])), result["epochs"], one.seed, None) for one in records
    }
    data = RunFolder(path).read_run().data
    images = data.train + data.validation
    exported = confirmed[result["trial"]].repetition
    assert result["refit"] == {
        "trials": [one.trial for one in records],
        "trial": records[exported - 1].trial,
        "images": images,
    }
    assert [one.seed for one in records] == [confirmed[name].seed for name in result["trials"]]
    assert result["test"]["per_seed"] == [one.history["accuracy"][-1] for one in records]
    assert score_in(path / "best.keras") == records[exported - 1].history["accuracy"][-1]
    assert notes(path) == []
    assert set(RunFolder(path).read_run().times.phases) == {"search", "confirm", "refit", "evaluate"}
    arrays = read_npz(path / "evaluation.npz")
    assert {key.split("/")[1] for key in arrays if key.startswith("refit/")} == set(result["refit"]["trials"])
    assert not [key for key in arrays if key.startswith("refit/") and "validation" in key]
    validate(json.loads((path / "result.json").read_text()), ResultDocument)


def test_records_of_refits_have_no_validation_figures(short: tuple[Path, Json]) -> None:
    events = [event for event in read_journal(short[0] / "trials.jsonl") if event["phase"] == "refit"]
    finished = [event for event in events if event["event"] == "finished"]
    assert len(finished) == 3
    for event in finished:
        assert (event["status"], event["val_accuracy"], event["val_loss"]) == ("completed", None, None)
        assert tuple(event["history"]) == TRAINING_METRICS


@pytest.mark.parametrize("workers", slow_after(1, [1, 3]))
def test_workers_change_nothing(tmp_path: Path, workers: int) -> None:
    results = [start(tmp_path / f"{n}", refit=True, target=60, workers=n) for n in (2, workers)]
    assert results[0] == results[1]
    assert contents(tmp_path / "2") == contents(tmp_path / f"{workers}")


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_other_searches_are_refitted_too(tmp_path: Path, algorithm: Any) -> None:
    result = start(tmp_path / "run", refit=True, algorithm=algorithm, max_trials=4, workers=1, confirm_seeds=2)
    assert len(result["refit"]["trials"]) == 2
    # Numbers follow those of the search and of the whole confirmation.
    assert result["refit"]["trials"] == ["0009", "0010"]


def test_without_the_test_set_the_refit_is_exported_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "run"
    result = start(path, refit=True, test=False)
    assert result["test"] is None
    (exported,) = [one for one in of_phase(path, "refit") if one.trial == result["refit"]["trial"]]
    assert score_in(path / "best.keras") == exported.history["accuracy"][-1]


def failing(result: Json, which: str) -> str:
    """The name of the refit that is to fail: the exported one, or another one."""
    names: list[str] = result["refit"]["trials"]
    others = [name for name in names if name != result["refit"]["trial"]]
    return str(result["refit"]["trial"]) if which == "exported" else others[0]


@pytest.mark.parametrize("which", ["exported", "other"])
def test_a_refit_that_fails_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, undisturbed: tuple[Path, Json]
) -> None:
    unfailed = undisturbed[1]
    lost = failing(unfailed, which)
    monkeypatch.setenv("FAKE_REFITS_FAIL", lost)
    result = start(tmp_path / "run", refit=True)
    stand = [name for name in unfailed["refit"]["trials"] if name != lost]
    assert result["refit"]["trials"] == stand
    assert len(result["test"]["per_seed"]) == 2
    assert result["validation"] == unfailed["validation"]
    if which == "other":
        assert result["refit"]["trial"] == unfailed["refit"]["trial"]
    else:
        scores = dict(zip(unfailed["refit"]["trials"], unfailed["validation"]["per_seed"], strict=True))
        assert result["refit"]["trial"] == min(stand, key=lambda name: scores[name])
    assert notes(tmp_path / "run") == ["1 of 3 refits failed; the others are used."]
    (failed,) = [one for one in of_phase(tmp_path / "run", "refit") if not one.completed]
    assert (failed.trial, failed.error) == (lost, "ValueError: no refit")


def test_where_all_fail_the_confirmed_models_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: tuple[Path, Json]
) -> None:
    monkeypatch.setenv("FAKE_REFITS_FAIL", "all")
    path = tmp_path / "run"
    result = start(path, refit=True)
    assert result.pop("refit") is None
    assert result == plain[1]
    assert (path / "best.keras").read_bytes() == (plain[0] / "best.keras").read_bytes()
    (note,) = notes(path)
    assert note.startswith("No refit completed, so the exported model and the test figures are of the confirmed models")
    assert note.endswith("ValueError: no refit")
    assert RunFolder(path).read_run().status == "completed"


@pytest.mark.slow
def test_a_time_limit_holds_for_refits_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_REFIT_SLEEP", "60")
    result = start(tmp_path / "run", refit=True, max_epochs=1, confirm_seeds=1, confirm_top=1, trial_timeout=3)
    assert result["refit"] is None
    (lost,) = of_phase(tmp_path / "run", "refit")
    assert "3 s" in (lost.error or "")


@pytest.mark.parametrize(
    ("left", "count", "words"),
    [(0, None, "The time budget left none to refit"), (2, 2, "2 of 3 seeds")],
)
def test_a_time_budget_leaves_fewer_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int, count: int | None, words: str
) -> None:
    monkeypatch.setattr(search, "affordable_refits", lambda *_: left)
    result = start(tmp_path / "run", refit=True, time_budget=3600.0)
    if count is None:
        assert result["refit"] is None
    else:
        assert len(result["refit"]["trials"]) == count
        # The median's seed is there whatever is left out.
        confirmed = {one.trial: one.repetition for one in of_phase(tmp_path / "run", "confirm")}
        refits = {one.trial: one.repetition for one in of_phase(tmp_path / "run", "refit")}
        assert refits[result["refit"]["trial"]] == confirmed[result["trial"]]
    told = notes(tmp_path / "run")
    assert len(told) == 1
    assert words in told[0]


def test_the_search_leaves_time_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[ConfirmationPlan] = []

    def watched(wanted: ConfirmationPlan, *others: Any) -> ConfirmationPlan:
        plans.append(wanted)
        return affordable(wanted, *others)

    monkeypatch.setattr(search, "affordable", watched)
    for refit in (True, False):
        start(tmp_path / f"{refit}", refit=refit, max_epochs=1, time_budget=3600.0)
    assert plans == [ConfirmationPlan(2, 3, True), ConfirmationPlan(2, 3, False)]


class Impatient(Observer):
    """Interrupts a run when so many refits have ended."""

    def __init__(self, after: int) -> None:
        self._left = after

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        self._left -= record.phase == "refit"
        if record.phase == "refit" and not self._left:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("after", "workers"), slow_after(1, [(2, 2), (1, 1), (2, 1), (3, 1)]))
def test_an_interrupted_refit_is_gone_on_with(
    tmp_path: Path, after: int, workers: int, undisturbed: tuple[Path, Json]
) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start(path, Impatient(after), refit=True, workers=workers)
    assert RunFolder(path).read_result() is None
    ended = {one.trial for one in of_phase(path, "refit")}
    assert len(ended) >= after
    assert resume(path, refit=True) == undisturbed[1]
    assert contents(path) == contents(undisturbed[0])
    events = [event for event in read_journal(path / "trials.jsonl") if event["trial"] in ended]
    assert [event["event"] for event in events].count("started") == len(ended)
    assert [event["event"] for event in events].count("finished") == len(ended)


def no_model(kept: Path) -> None:
    kept.with_suffix(".keras").unlink()


def a_folder_for_a_model(kept: Path) -> None:
    kept.with_suffix(".keras").unlink()
    kept.with_suffix(".keras").mkdir()
    (kept.with_suffix(".keras") / "saved_model.pb").touch()


def torn_model(kept: Path) -> None:
    kept.with_suffix(".keras").write_bytes(kept.with_suffix(".keras").read_bytes()[:-30])


def changed_model(kept: Path) -> None:
    content = bytearray(kept.with_suffix(".keras").read_bytes())
    content[content.index(b"0.") + 2] ^= 1  # a digit of the score
    kept.with_suffix(".keras").write_bytes(content)


def torn_arrays(kept: Path) -> None:
    kept.with_suffix(".npz").write_bytes(kept.with_suffix(".npz").read_bytes()[:-30])


@pytest.fixture(scope="module")
def all_refitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted when its last refit had ended; not to be changed."""
    path = tmp_path_factory.mktemp("refitted") / "run"
    with pytest.raises(Interrupted):
        start(path, Impatient(3), refit=True)
    return path


@pytest.mark.parametrize(
    "damage", slow_after(2, [no_model, torn_arrays, torn_model, changed_model, a_folder_for_a_model])
)
def test_a_kept_model_that_is_gone_or_damaged_is_trained_again(
    tmp_path: Path, damage: Callable[[Path], None], undisturbed: tuple[Path, Json], all_refitted: Path
) -> None:
    path = Path(shutil.copytree(all_refitted, tmp_path / "run"))
    lost = of_phase(path, "refit")[0].trial
    damage(RunFolder(path).kept(lost))
    assert resume(path, refit=True) == undisturbed[1]
    events = [event["event"] for event in read_journal(path / "trials.jsonl") if event["trial"] == lost]
    assert events == ["started", "finished", "started", "finished"]


def test_what_is_trained_costs_a_resumed_run_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start(path, Impatient(2), refit=True, workers=1)
    asked: list[int] = []

    def none_left(seeds: int, *_: Any) -> int:
        asked.append(seeds)
        return 0

    monkeypatch.setattr(search, "affordable_refits", none_left)
    result = resume(path, refit=True, time_budget=3600.0)
    assert asked == [1]
    assert result is not None
    assert len(result["refit"]["trials"]) == 2
    assert notes(path)[-1] == "The time budget left 2 of 3 seeds to refit."


def test_a_note_of_an_earlier_invocation_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget that left none, interrupted before the end, then gone on with without one: all is refitted, and nothing is said."""
    path = tmp_path / "run"

    class AtTheEnd(Observer):
        def phase_began(self, phase: str, trials: int) -> None:
            if phase == "evaluate":
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(search, "affordable_refits", lambda *_: 0)
        with pytest.raises(Interrupted):
            start(path, AtTheEnd(), refit=True)
    result = resume(path, refit=True)
    assert result is not None
    assert len(result["refit"]["trials"]) == 3
    assert notes(path) == []


@pytest.mark.parametrize("began", [True, False])
def test_a_resumed_run_keeps_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str], began: bool) -> None:
    path = tmp_path / "run"
    shutil.copytree(whole(refit=began, max_epochs=1)[0], path)
    before = (path / "run.json").read_bytes()
    assert cli.main(["--out", str(path), "--resume", "--refit", "--quiet"]) == (0 if began else 2)
    assert ("--refit is False in this run. Received: True" in capsys.readouterr().err) is not began
    assert ((path / "run.json").read_bytes() == before) or began


# Words and commands


def test_the_option_arrives_and_is_written_as_it_would_be_typed() -> None:
    made = given_options.make_options({"space": "compact8k", "refit": True, "max_epochs": 3})
    assert made.refit
    words = given_options.command_line(made, Path("out"))
    assert words == ["mnist-tune", "--space", "compact8k", "--max-epochs", "3", "--refit", "--out", "out"]
    assert options().refit is False
    assert SearchOptions.from_json({**options(refit=True).to_json()}).refit is True


REFIT = {"trials": ["0031", "0032"], "trial": "0031", "images": 60_000}
TEST = {"n": 10_000, "accuracy": 0.995, "sd": 0.0002, "per_seed": [0.995, 0.995]}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"test": TEST}, ["over 3 seeds with 7,900 of at most 8,000 parameters."]),
        ({"test": TEST, "refit": REFIT}, ["over 2 seeds", "These are models refitted on all 60,000 training images, the validation images included."]),
        ({"test": None, "refit": REFIT}, ["over 3 seeds", "left alone. The exported model is refitted on all 60,000 training"]),
        ({"test": TEST, "refit": None}, ["over 3 seeds", "Nothing was refitted: these are the confirmed models."]),
        ({"test": None, "refit": None}, ["Nothing was refitted"]),
    ],
)  # fmt: skip
def test_the_answer_says_what_its_figures_are_of(result: Json, words: list[str]) -> None:
    validation = {"n": 3, "mean": 0.99, "sd": 0.001}
    winner = {"trial": "0012", "trials": ["0012"], "configuration": {}, "epochs": 2, "parameters": 7900}
    told = format_headline(validate({**winner, "validation": validation, **result}, ResultDocument), a_run())
    assert all(part in told for part in words)
    assert ("refit" in told) == ("refit" in result)


def test_the_terminal_follows_refits(tmp_path: Path) -> None:
    for terminal in (True, False):
        progress, stream = followed(terminal=terminal)
        one = refits(1)[0]
        with progress:
            progress.phase_began("refit", 3)
            progress.trial_started(one)
            progress.epoch_ended(one, 0, 1, {"accuracy": 0.9})
            assert progress._running().row_count == 1
            progress.trial_finished(one, restored=False)
            progress.trial_finished(refits(2, failed=[2])[0], restored=False)
        assert progress._standing.best is None
    lines = stream.getvalue().splitlines()
    assert lines[-3].startswith("Refit: 3 trainings of the winner on all images")
    assert lines[-2] == "[1/3] 0061  2 epochs  1,000 parameters  refitted  1 s"
    assert "failed: ValueError: no" in lines[-1]


@pytest.mark.parametrize(("refit", "expected"), [(REFIT, "0031"), (None, "0012")])
def test_an_export_names_the_exported_trial(
    tmp_path: Path, refit: Json | None, expected: str, short: tuple[Path, Json]
) -> None:
    source = Path(shutil.copytree(short[0], tmp_path / "run"))
    folder = RunFolder(source)
    document = {**json.loads((source / "result.json").read_text()), "trial": "0012", "refit": refit}
    (source / "result.json").write_text(json.dumps(document))
    request = Request(folder, folder.read_run(), (), ExportFolder(tmp_path / "export", model=folder.keras_model), ())
    assert _about(request, {}).trial == expected


def test_the_winner_and_a_refit_can_be_trained_again(short: tuple[Path, Json]) -> None:
    path, result = short
    for name in (str(path), f"{path}:{result['refit']['trial']}"):
        assert dict(given_options.make_train_options({"name": name}).configuration) == result["configuration"]


@pytest.mark.parametrize(
    "refit",
    [7, [], "0031", {}, {"trials": ["0031"], "trial": "0031"}, {**REFIT, "trials": "0031"}, {**REFIT, "trial": "../x"},
     {**REFIT, "trials": ["<b>"]}, {**REFIT, "images": -1}, {**REFIT, "images": 1.5}],
)  # fmt: skip
def test_a_refit_of_another_form_is_refused(short: tuple[Path, Json], refit: Any) -> None:
    result = json.loads((short[0] / "result.json").read_text())
    validate({**result, "refit": None}, ResultDocument)
    with pytest.raises(ValueError, match="refit"):
        validate({**result, "refit": refit}, ResultDocument)


def test_the_journal_s_form_takes_refits_and_no_other_phase(short: tuple[Path, Json]) -> None:
    (event, *_) = [
        one for one in read_journal(short[0] / "trials.jsonl") if one["phase"] == "refit" and one["event"] == "finished"
    ]
    validate(event, Finished)
    with pytest.raises(ValueError, match="phase"):
        validate({**event, "phase": "again"}, Finished)


def test_nothing_is_refitted_where_nothing_stands() -> None:
    assert Refitted((), 0, 60_000).to_refit() is None


@pytest.mark.slow
def test_a_real_search_with_a_refit(tmp_path: Path) -> None:
    """From nothing to a refitted model that answers, its report and its exports; another run without the test set."""
    path = tmp_path / "run"
    words = ["--space", "compact8k", "--data", "digits", "--algorithm", "random", "--max-trials", "2", "--max-epochs", "2",
             "--confirm-top", "1", "--confirm-seeds", "2", "--refit", "--out", str(path)]  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "mnist_tune", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "These are models refitted on all 1,297 training images" in done.stdout
    result = json.loads((path / "result.json").read_text())
    run = json.loads((path / "run.json").read_text())
    assert result["refit"]["images"] == run["data"]["train"] + run["data"]["validation"] == 1297
    assert len(result["refit"]["trials"]) == len(result["test"]["per_seed"]) == 2
    for one in of_phase(path, "refit"):
        assert (one.val_accuracy, tuple(one.history), one.epochs_run) == (None, TRAINING_METRICS, 2)
    data = load_dataset("digits", validation=0.1, seed=1)
    import keras

    model = keras.models.load_model(path / "best.keras")
    share = float((predict(model, data.x_test).argmax(axis=1) == data.y_test).mean())
    assert share == pytest.approx(result["test"]["exported_accuracy"])
    page = (path / "report.html").read_text(encoding="utf-8")
    assert "refitted on all 1,297 training images, the validation images included" in page
    for command in (
        ["report", str(path)],
        ["export", str(path), "--format", "keras"],
        ["predict", str(path), "--synthetic", "3"],
    ):
        assert cli.main(command) == 0
    assert json.loads((path / "export" / "export.json").read_text())["trial"] == result["refit"]["trial"]
    assert "Refitted" in (path / "export" / "model_card.md").read_text(encoding="utf-8")
    shutil.copytree(path, tmp_path / "other")
    assert cli.main(["compare", str(path), str(tmp_path / "other"), "-o", str(tmp_path / "compare.html")]) == 0
