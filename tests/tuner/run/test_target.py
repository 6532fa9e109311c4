"""`--target`: the front, the finalists around the target, the winner; and whole runs with a worker that trains nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tune import cli
from tests.kit.marks import slow_after
from tests.kit.records import record
from tests.kit.runs.searches import contents, resume, start, whole
from tuner.core.errors import Interrupted
from tuner.core.records import ACCURACY_TOLERANCE, Json, TrialRecord
from tuner.run.confirmation import Confirmed
from tuner.run.observer import Observer
from tuner.run.sessions import search
from tuner.run.target import Goal, finalists_around, format_missed, front, has_reached, reaches, smallest_first
from tuner.run.time_budget import ConfirmationPlan
from tuner.stats.intervals import mean_and_sd
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder

TARGET = 0.994
GOAL = Goal(TARGET)

# The front and the finalists


def trials(*sizes: tuple[int, float | None], **changes: Any) -> list[TrialRecord]:
    """Trials 0001 and on, each (parameters, validation accuracy); failed where that is None."""
    return [
        record(
            number,
            parameters=parameters,
            val_accuracy=accuracy,
            status="completed" if accuracy is not None else "failed",
            **changes,
        )
        for number, (parameters, accuracy) in enumerate(sizes, start=1)
    ]


def names(records: list[TrialRecord]) -> list[int]:
    return [int(found.trial) for found in records]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([(500, 0.9)], [1]),
        ([(900, 0.95), (500, 0.9)], [2, 1]),
        ([(900, 0.9), (500, 0.9)], [2]),
        ([(900, 0.89), (500, 0.9)], [2]),
        ([(500, 0.9), (500, 0.95)], [2]),
        ([(500, 0.9), (700, 0.89), (800, 0.92), (900, 0.92), (950, 0.93)], [1, 3, 5]),
    ],
)
def test_the_front_is_what_nothing_smaller_equals(sizes: list[tuple[int, float]], expected: list[int]) -> None:
    assert names(front(trials(*sizes), GOAL)) == expected
    assert names(front(list(reversed(trials(*sizes))), GOAL)) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [({"val_loss": 0.1}, {"val_loss": 0.2}), ({"configuration": {"a": 2}}, {"configuration": {"a": 1}})],
)
def test_equals_in_both_are_told_apart_as_everywhere(first: dict[str, Any], second: dict[str, Any]) -> None:
    records = [record(1, **first), record(2, **second)]
    kept = front(records, GOAL)
    assert len(kept) == 1
    assert kept == front(list(reversed(records)), GOAL)
    if "val_loss" in first:
        assert names(kept) == [1]


STEPS = [(1000, 0.990), (2000, 0.992), (3000, 0.9935), (4000, 0.9942), (5000, 0.995), (6000, 0.996)]
"""A front; trial 4 is the smallest that reaches 99.4%."""


@pytest.mark.parametrize(
    ("sizes", "top", "expected"),
    [
        ([], 3, []),
        ([(500, None)], 3, []),
        ([(500, 0.999)], 3, [1]),
        ([(500, 0.9)], 3, [1]),
        (STEPS, 1, [4]),
        (STEPS, 2, [4, 5]),
        (STEPS, 3, [4, 5, 3]),
        (STEPS, 5, [4, 5, 3, 6, 2]),
        (STEPS, 9, [4, 5, 3, 6, 2, 1]),
        # All reached it, none did.
        ([(n, a + 0.005) for n, a in STEPS], 3, [1, 2, 3]),
        ([(n, a - 0.005) for n, a in STEPS], 3, [6, 5, 4]),
        # Only the largest: nothing larger is left, smaller ones follow.
        (STEPS[:4], 3, [4, 3, 2]),
        # 5,964 of 6,000 in 32 bits, and one image less.
        ([(1000, float(np.float32(5963 / 6000))), (2000, float(np.float32(5964 / 6000)))], 1, [2]),
        # The front has one member; the best of the others fill up, again by their own front.
        ([(500, 0.995), (600, 0.995), (700, 0.9945), (800, 0.994), (900, 0.9955)], 5, [1, 5, 2, 3, 4]),
        ([(500, 0.993), (600, 0.992), (700, 0.9925)], 3, [1, 3, 2]),
    ],
)
def test_finalists_stand_around_the_target(
    sizes: list[tuple[int, float | None]], top: int, expected: list[int]
) -> None:
    assert names(finalists_around(trials(*sizes), top, GOAL)) == expected
    assert names(finalists_around(list(reversed(trials(*sizes))), top, GOAL)) == expected


def test_only_the_longest_of_the_search_and_each_configuration_once() -> None:
    records = [
        record(1, parameters=100, val_accuracy=0.999, epochs=2),
        record(2, parameters=200, val_accuracy=0.999, epochs=15, phase="confirm", repetition=1),
        record(3, parameters=500, val_accuracy=0.995, epochs=15, configuration={"a": 1}),
        record(4, parameters=500, val_accuracy=0.996, epochs=15, configuration={"a": 1}),
        record(5, parameters=900, val_accuracy=0.997, epochs=15, configuration={"a": 2}),
    ]
    assert names(finalists_around(records, 5, GOAL)) == [4, 5]


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [(None, False), (float("nan"), False), (0.993, False), (TARGET, True), (TARGET - 1e-7, True), (1.0, True)],
)
def test_what_reaches_a_target(accuracy: float | None, expected: bool) -> None:
    assert reaches(accuracy, TARGET) is expected


@pytest.mark.parametrize("images", [6000, 10_000, 30_000])
def test_keras_s_32_bits_decide_nothing(images: int) -> None:
    for wrong in range(1, 200):
        target = round(1 - wrong / images, 12)
        assert reaches(float(np.float32(1 - wrong / images)), target)
        assert not reaches(float(np.float32(1 - (wrong + 1) / images)), target)


# The winner


def finalist(number: int, parameters: int, *scores: float, failed: int = 0) -> Confirmed:
    records = tuple(
        record(
            10 * number + place,
            phase="confirm",
            repetition=place,
            configuration={"a": number},
            parameters=parameters,
            val_accuracy=score,
            val_loss=1 - score,
        )
        for place, score in enumerate(scores, start=1)
    )
    return Confirmed(f"{number:04d}", records, failed)


@pytest.mark.parametrize(
    ("found", "expected", "reached"),
    [
        ([finalist(1, 900, 0.995)], [1], True),
        ([finalist(1, 900, 0.993)], [1], False),
        # All reach it, none does, one does.
        ([finalist(1, 900, 0.997), finalist(2, 500, 0.995), finalist(3, 700, 0.996)], [2, 3, 1], True),
        ([finalist(1, 900, 0.993), finalist(2, 500, 0.991), finalist(3, 700, 0.992)], [1, 3, 2], False),
        ([finalist(1, 500, 0.993), finalist(2, 900, 0.995), finalist(3, 700, 0.991)], [2, 1, 3], True),
        # The mean counts, not a seed.
        ([finalist(1, 500, 0.999, 0.987, 0.993), finalist(2, 900, 0.994, 0.994, 0.994)], [2, 1], True),
        # Of one size the more accurate, then the lower loss, then the configuration.
        ([finalist(1, 500, 0.995), finalist(2, 500, 0.996)], [2, 1], True),
        # A lost seed: behind the others that reach it, before those that don't.
        ([finalist(1, 500, 0.995, failed=1), finalist(2, 900, 0.995)], [2, 1], True),
        ([finalist(1, 500, 0.995, failed=1), finalist(2, 900, 0.993)], [1, 2], True),
        ([finalist(1, 500, 0.993, failed=1), finalist(2, 900, 0.99)], [2, 1], False),
    ],
)
def test_the_winner_is_the_smallest_that_reaches_it(found: list[Confirmed], expected: list[int], reached: bool) -> None:
    for order in (found, list(reversed(found))):
        ranked = smallest_first(order, GOAL)
        assert [one.configuration["a"] for one in ranked] == expected
        assert has_reached(ranked[0], GOAL) == reached


def test_no_finalists_stay_none() -> None:
    assert smallest_first([], GOAL) == []


def test_a_missed_target_is_told_in_a_line() -> None:
    words = format_missed(finalist(1, 500, 0.9939, 0.9939, 0.9941), GOAL)
    assert words.startswith("No finalist's mean validation accuracy reaches the target of 99.4%: ")
    assert "99.3967%" in words
    assert "\n" not in words


SCORES = st.lists(st.integers(0, 40).map(lambda n: 0.99 + n / 4000), min_size=1, max_size=3)
FINALISTS = st.lists(st.tuples(st.integers(1, 6), SCORES, st.integers(0, 1)), min_size=1, max_size=7)


@given(FINALISTS, st.integers(0, 44).map(lambda n: 0.99 + n / 4000))
def test_the_winner_is_never_larger_than_another_that_reaches_it(
    drawn: list[tuple[int, list[float], int]], target: float
) -> None:
    found = [finalist(n, 100 * size, *scores, failed=failed) for n, (size, scores, failed) in enumerate(drawn)]
    ranked = smallest_first(found, Goal(target))
    winner = ranked[0]
    reaching = [one for one in found if mean_and_sd(one.scores)[0] >= target - ACCURACY_TOLERANCE]
    assert sorted(map(id, ranked)) == sorted(map(id, found))
    assert has_reached(winner, Goal(target)) == bool(reaching)
    for other in reaching:
        assert winner.failed <= other.failed
        if winner.failed == other.failed:
            assert winner.records[0].parameters <= other.records[0].parameters
    if not reaching:
        assert winner == min(found, key=Confirmed.sort_key)


TRIALS = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 12)), max_size=12)


@given(TRIALS, st.integers(0, 12), st.integers(1, 13), st.randoms(use_true_random=False))
def test_the_finalists_are_fronts_whatever_the_order(
    drawn: list[tuple[int, int]], bar: int, top: int, chance: Any
) -> None:
    records = trials(*((100 * size, 0.9 + score / 1000) for size, score in drawn))
    target = 0.9 + bar / 1000
    found = finalists_around(records, top, Goal(target))
    shuffled = list(records)
    chance.shuffle(shuffled)
    assert found == finalists_around(shuffled, top, Goal(target))
    assert found == finalists_around(records, len(records) + 1, Goal(target))[:top]
    assert len(found) == min(top, len(records))
    reached = [r for r in records if reaches(r.val_accuracy, target)]
    if reached:
        assert found[0].parameters == min(r.parameters for r in reached)
    elif records:
        assert found[0].val_accuracy == max(r.val_accuracy or 0.0 for r in records)


# Whole runs


def searched(path: Path) -> list[TrialRecord]:
    return [found for found in read_state(path / "trials.jsonl").finished.values() if found.phase == "search"]


def means(result: Json) -> list[float]:
    return [one["validation"]["mean"] for one in result["finalists"]]


def confirmed_trials(result: Json) -> set[str]:
    return {one["search_trial"] for one in result["finalists"]}


@pytest.mark.parametrize(
    "changes", [{}, {"algorithm": "random", "max_trials": 12}, {"algorithm": "bayesian", "max_trials": 8, "workers": 1}]
)
def test_a_run_whose_target_is_reached(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "run"
    result = start(path, target=40, confirm_top=5, **changes)
    run = RunFolder(path).read_run()
    assert run.options["target"] == 40
    assert run.notes == []
    assert result["target"] == {"accuracy": 0.4, "reached": True}
    assert confirmed_trials(result) == {r.trial for r in finalists_around(searched(path), 5, Goal(0.4))}
    reaching = [one["parameters"] for one in result["finalists"] if one["validation"]["mean"] >= 0.4]
    assert result["parameters"] == min(reaching)
    assert result["validation"]["mean"] >= 0.4
    assert json.loads((path / "result.json").read_text())["target"] == result["target"]


def test_a_run_whose_target_is_not_reached_says_so() -> None:
    path, result = whole(target=99.99, confirm_top=3)
    assert result["target"] == {"accuracy": 0.9999, "reached": False}
    assert result["validation"]["mean"] == max(means(result))
    (note,) = RunFolder(path).read_run().notes
    assert note.startswith("No finalist's mean validation accuracy reaches the target of 99.99%")


def test_a_run_without_a_target_has_none() -> None:
    path, result = whole(max_epochs=1)
    assert "target" not in result
    assert RunFolder(path).read_run().options["target"] is None


def test_workers_change_nothing(tmp_path: Path) -> None:
    found = [start(tmp_path / f"{workers}", target=60, confirm_top=4, workers=workers) for workers in (2, 3)]
    assert found[0] == found[1]


def test_a_time_budget_leaves_the_most_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "affordable", lambda *_: ConfirmationPlan(1, 2))
    result = start(tmp_path / "run", target=60, confirm_top=4)
    assert confirmed_trials(result) == {finalists_around(searched(tmp_path / "run"), 1, Goal(0.6))[0].trial}
    assert result["validation"]["n"] == 2


@pytest.mark.parametrize(
    ("phase", "target"), slow_after(2, [("search", 40), ("confirm", 99.99), ("search", 99.99), ("confirm", 40)])
)
def test_an_interrupted_run_goes_on_to_the_same_winner(tmp_path: Path, phase: str, target: float) -> None:
    class Impatient(Observer):
        def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
            if record.phase == phase and record.trial > "0004":
                raise KeyboardInterrupt

    changes: dict[str, Any] = {"target": target, "confirm_top": 3}
    path, undisturbed = whole(**changes)
    with pytest.raises(Interrupted):
        start(tmp_path / "run", Impatient(), **changes)
    assert resume(tmp_path / "run", **changes) == undisturbed
    assert contents(tmp_path / "run") == contents(path)
    assert len(RunFolder(tmp_path / "run").read_run().notes) == (target == 99.99)


def test_another_target_is_refused_when_it_is_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run"
    start(path, target=40, max_epochs=1)
    before = (path / "run.json").read_bytes()
    assert cli.main(["--out", str(path), "--resume", "--target", "99"]) == 2
    assert "--target is 40 in this run. Received: 99.0" in capsys.readouterr().err
    assert (path / "run.json").read_bytes() == before
