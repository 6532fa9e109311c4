"""`--at-least`: the lower bound of a mean, the goal, its finalists and winner, and whole runs with a worker that trains nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mnist_tune import cli
from tests.kit.records import record
from tests.kit.runs.searches import start
from tests.kit.runs.verified_runs import MODEL, SMALL, WORKER
from tests.kit.tampering import Victim
from tuner.core.errors import UsageError
from tuner.core.records import Objective, TrialRecord
from tuner.options.search_options import SearchOptions
from tuner.run import launch
from tuner.run.confirmation import Confirmed
from tuner.run.observer import Observer
from tuner.run.sessions import search
from tuner.run.target import (
    Goal,
    Seeds,
    finalists_around,
    format_missed,
    goal_of,
    has_reached,
    scored_images,
    smallest_first,
)
from tuner.stats.intervals import effective_images, lower_bound_of_mean, wilson_interval
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.data_set import DataSet
from tuner.verification.evidence import Request
from tuner.verification.verify import verify


def bound(*scores: float, images: float = 6000, shared: bool = False) -> float:
    mean, sd = float(np.mean(scores)), float(np.std(scores, ddof=1))
    return lower_bound_of_mean(mean, sd, len(scores), images, shared=shared)


def test_seeds_that_differ_have_student_s_bound() -> None:
    scores = (0.985, 0.990, 0.995)
    expected = stats.ttest_1samp(scores, 0).confidence_interval(0.9).low
    assert bound(*scores) == pytest.approx(expected)


def test_seeds_that_are_alike_have_wilson_s_bound_of_all_images() -> None:
    expected = stats.binomtest(17_820, 18_000).proportion_ci(0.9, "wilson").low
    assert bound(0.99, 0.99, 0.99) == pytest.approx(expected)


def test_perfect_seeds_have_a_bound_below_one() -> None:
    assert bound(1.0, 1.0, 1.0, images=100) == pytest.approx(wilson_interval(300, 300, stats.norm.ppf(0.95))[0])


def test_of_shared_images_both_variances_count() -> None:
    scores = (0.985, 0.990, 0.995)
    of_seeds = 0.99 - bound(*scores)
    of_images = 0.99 - stats.binomtest(5940, 6000).proportion_ci(0.9, "wilson").low
    assert 0.99 - bound(*scores, shared=True) == pytest.approx(math.hypot(of_seeds, of_images))


@pytest.mark.parametrize("shared", [False, True])
def test_the_bound_covers_as_often_as_it_says(shared: bool) -> None:
    """Seeds vary by .2 points around 98%; so do images by chance, which seeds that share them have in common."""
    rng, covered, rounds = np.random.default_rng(1), 0, 600
    for _ in range(rounds):
        means = np.clip(rng.normal(0.98, 0.002, 3), 0, 1)
        if shared:  # an image is hard for all seeds alike
            hardness = rng.uniform(size=2000)
            scores = [float((hardness < mean).mean()) for mean in means]
        else:
            scores = [rng.binomial(2000, mean) / 2000 for mean in means]
        covered += bound(*scores, images=2000, shared=shared) <= 0.98
    assert covered / rounds >= 0.93


def data(**changes: Any) -> DataSet:
    values: dict[str, Any] = {"name": "mnist", "classes": 10, "train": 54_000, "validation": 6_000, "test": 10_000}
    return DataSet(**{**values, **changes})


def options(**changes: Any) -> SearchOptions:
    return SearchOptions(space="compact8k", **changes)


def test_the_goal_of_the_options() -> None:
    assert goal_of(options(), data()) is None
    assert goal_of(options(target=99.4), data()) == Goal(0.994)
    assert goal_of(options(at_least=99), data()) == Goal(0.99, Seeds(3, 6000, False))
    assert goal_of(options(at_least=99, target=None, confirm_seeds=5), data()) == Goal(0.99, Seeds(5, 6000, False))


@pytest.mark.parametrize(("given", "unit"), [({}, "parameters"), ({"max_ram": 9000}, "parameters"), ({"max_flash": 9000}, "flash"), ({"board": "rp2040"}, "flash")])  # fmt: skip
def test_the_budget_s_unit(given: dict[str, Any], unit: str) -> None:
    goal = goal_of(options(at_least=99, **given), data())
    assert goal is not None
    assert goal.unit == unit
    sized = goal_of(options(target=99, **given), data())
    assert sized is not None
    assert sized.unit == "parameters"


@pytest.mark.parametrize("changes", [{"given_validation": True}, {"train": 5000}])
def test_seeds_share_images_where_there_are_no_folds(changes: dict[str, Any]) -> None:
    goal = goal_of(options(at_least=99), data(**changes))
    assert goal is not None
    assert goal.seeds is not None
    assert goal.seeds.shared


@pytest.mark.parametrize(
    ("objective", "counts", "images"),
    [
        ("balanced_accuracy", (3000, 3000), 6000),
        ("balanced_accuracy", (5990, 10), 4 / (1 / 5990 + 1 / 10)),
        ("balanced_accuracy", (6000, 0), 6000),
        ("val_accuracy", (5990, 10), 6000),
        ("int8", (5990, 10), 6000),
    ],
)
def test_few_images_of_a_class_tell_little_of_a_balanced_accuracy(
    objective: Objective, counts: tuple[int, int], images: float
) -> None:
    goal = goal_of(options(at_least=99, objective=objective), data(class_counts={"validation": counts}))
    assert goal is not None
    assert goal.seeds is not None
    assert goal.seeds.images == pytest.approx(images)


GOAL = Goal(0.99, Seeds(3, 6000, False))


def finalist(number: int, parameters: int, *scores: float, flash: int | None = None) -> Confirmed:
    seeds = [
        record(
            n,
            val_accuracy=score,
            parameters=parameters,
            flash=flash,
            phase="confirm",
            repetition=n,
            configuration={"a": number},
        )
        for n, score in enumerate(scores, start=1)
    ]
    return Confirmed(f"{number:04d}", tuple(seeds), 0)


def test_the_smallest_whose_bound_reaches_it_wins() -> None:
    small = finalist(1, 500, 0.990, 0.991, 0.9905)
    middle = finalist(2, 700, 0.9921, 0.9922, 0.9923)
    large = finalist(3, 900, 0.995, 0.9951, 0.9952)
    assert [has_reached(one, GOAL) for one in (small, middle, large)] == [False, True, True]
    assert [one.configuration["a"] for one in smallest_first([large, small, middle], GOAL)] == [2, 3, 1]
    assert has_reached(small, Goal(0.99))


def test_one_seed_that_is_left_has_no_bound() -> None:
    one = finalist(1, 500, 1.0)
    assert GOAL.bound(one) is None
    assert not has_reached(one, GOAL)
    assert "one seed, which has none" in format_missed(one, GOAL)


def test_the_smallest_may_be_that_of_the_least_flash() -> None:
    scores = (0.995, 0.9951, 0.9952)
    few_parameters, little_flash = finalist(1, 500, *scores, flash=9000), finalist(2, 700, *scores, flash=8000)
    by_flash = Goal(0.99, GOAL.seeds, "flash")
    assert smallest_first([few_parameters, little_flash], GOAL)[0] is few_parameters
    assert smallest_first([few_parameters, little_flash], by_flash)[0] is little_flash


def test_finalists_are_taken_where_a_bound_may_be_expected() -> None:
    scores = (0.989, 0.9901, 0.9913, 0.9922, 0.994)
    trials = [record(n, parameters=1000 * n, val_accuracy=score) for n, score in enumerate(scores, start=1)]
    assert [one.trial for one in finalists_around(trials, 3, GOAL)] == ["0004", "0005", "0003"]
    assert [one.trial for one in finalists_around(trials, 3, Goal(0.99))] == ["0002", "0003", "0001"]


def test_a_missed_goal_is_one_line() -> None:
    words = format_missed(finalist(1, 500, 0.990, 0.991, 0.9905), GOAL)
    assert words.startswith(
        "No finalist's mean validation accuracy is at least 99% with 95% confidence: the lower bound of the winner"
    )
    assert "of a mean of 99.05%" in words
    assert "\n" not in words


def test_both_together_are_refused() -> None:
    with pytest.raises(UsageError, match=r"Give one of them\. Received: --target 99 --at-least 98\.5"):
        options(target=99, at_least=98.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"at_least": 0.99}, r"--at-least is a percentage.*give 99"),
        ({"at_least": 101}, r"--at-least is out of range\. Expected a percentage above 1 and up to 100"),
        ({"at_least": 99, "confirm_seeds": 1}, r"--at-least needs the spread over seeds\. Expected --confirm-seeds of 2 or more\. Received: 1"),
    ],
)  # fmt: skip
def test_what_makes_no_bound_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        options(**given)


def test_the_command_line_takes_a_percentage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--space", "compact8k", "--at-least", "99%", "--target", "99"]) == 2
    assert "Received: --target 99 --at-least 99" in capsys.readouterr().err


# Whole runs


@pytest.mark.parametrize("given", [{}, {"board": "rp2040"}])
def test_a_run_says_what_its_finalists_reach(tmp_path: Path, given: dict[str, Any]) -> None:
    result = start(tmp_path / "run", at_least=10, confirm_top=5, max_epochs=4, **given)
    bounds = [one.get("bound", 0.0) for one in result["finalists"]]
    size = "flash" if given else "parameters"
    reaching = [one[size] for one, low in zip(result["finalists"], bounds, strict=True) if low >= 0.1]
    reached = bool(reaching)
    expected = {"accuracy": 0.1, "reached": reached, "by": "bound", **({"unit": "flash"} if given else {})}
    assert result["target"] == expected
    if reached:
        assert result[size] == min(reaching)
    notes = RunFolder(tmp_path / "run").read_run().notes
    assert any(note.startswith("No finalist's mean") for note in notes) is not reached


def test_verify_knows_the_rule(tmp_path: Path) -> None:
    path = tmp_path / "run"
    chosen = SearchOptions(**{**SMALL, "max_epochs": 3}, at_least=60, confirm_top=3, confirm_seeds=2)
    launch.start(chosen, RunFolder(path), Observer(), command=["mnist-tune"], worker_module=WORKER)

    def faults() -> dict[str, str]:
        checks = verify(RunFolder(path), Request(inspect_model=lambda path: None))
        return {check.name: check.detail for check in checks if check.failed and check.name not in MODEL}

    assert faults() == {}
    Victim(path).edit("result.json", lambda document: document["finalists"][0].update(bound=0.99))
    assert "finalists.0.bound" in faults()["winner"]


def test_finalists_are_taken_from_the_front_by_flash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's records are without their bytes, which stay in the journal."""
    seen: list[TrialRecord] = []

    def chosen(records: Sequence[TrialRecord], top: int, goal: Goal) -> list[TrialRecord]:
        seen.extend(records)
        return finalists_around(records, top, goal)

    monkeypatch.setattr(search, "finalists_around", chosen)
    start(tmp_path / "run", at_least=10, max_epochs=4, board="rp2040")
    journal = read_state(tmp_path / "run" / "trials.jsonl").finished
    assert seen
    assert {one.trial: one.flash for one in seen} == {one.trial: journal[one.trial].flash for one in seen}
    assert None not in {one.flash for one in seen}


@pytest.mark.parametrize(
    ("objective", "counts", "images"),
    [
        ("val_accuracy", (90, 10), 100),
        ("balanced_accuracy", (50, 50), 100),
        # The ten images count as much as the ninety: 4 / (1/90 + 1/10).
        ("balanced_accuracy", (90, 10), 36),
        ("balanced_accuracy", (90, 0), 90),
        ("balanced_accuracy", (), 100),
    ],
)
def test_a_balanced_score_is_as_certain_as_fewer_images(
    objective: Objective, counts: tuple[int, ...], images: int
) -> None:
    data = DataSet(name="a", classes=2, train=900, validation=100, test=100, class_counts={"validation": counts})
    assert scored_images(objective, data) == pytest.approx(images)


def test_classes_of_the_same_size_are_as_certain_as_all_their_images() -> None:
    assert effective_images([25, 25, 25]) == pytest.approx(75)
    with pytest.raises(ValueError, match="at least one class"):
        effective_images([])
