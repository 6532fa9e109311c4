"""What a study showed: planted effects are found, absent ones are not, and words follow the numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.kit.run_builder import make_record
from tuner.core.records import TrialRecord
from tuner.stats.paired_tests import corrected_interval, paired_test
from tuner.storage.schema.documents import as_json, validate
from tuner.storage.schema.study import StudyPlan
from tuner.study.comparisons import ArmScores, compare_arms, differences
from tuner.study.conclusion_text import conclusion
from tuner.study.result import study_result


def arm(label: str, scores: Sequence[float | None], start: int = 1, seeds: int | None = None) -> ArmScores:
    records = tuple(
        make_record(f"{start + k:04d}", score, repetition=k + 1, phase="study") for k, score in enumerate(scores)
    )
    return ArmScores(label, None, 1000, 2, seeds if seeds is not None else len(scores), records)


def study_of(arms: Sequence[ArmScores], base: str = "0") -> str:
    first, others = next(a for a in arms if a.label == base), [a for a in arms if a.label != base]
    return conclusion(first, arms, compare_arms(first, others))


def documents(scores: dict[str, Sequence[float | None]], base: str = "0") -> tuple[StudyPlan, list[TrialRecord]]:
    """run.json's `study`, and its records in a mixed order."""
    seeds = max(len(values) for values in scores.values())
    arms = [
        {"label": name, "value": k, "configuration": {"dropout": k / 10}, "epochs": 3, "parameters": 100}
        for k, name in enumerate(scores)
    ]
    study = {
        "name": "dropout", "preset": False, "hyperparameter": "dropout", "question": "?", "base": base, "seeds": seeds,
        "arms": arms, "diagnostics": [],
    }  # fmt: skip
    history = {"accuracy": (0.5, 0.95), "val_accuracy": (0.4, 0.9)}
    records = [
        make_record(
            f"{10 * k + n:04d}", score, phase="study", repetition=n, epochs=3, history=history,
            configuration={"dropout": k / 10},
        )
        for k, values in enumerate(scores.values())
        for n, score in enumerate(values, start=1)
    ]  # fmt: skip
    return validate(study, StudyPlan), records[::-1]


def simulated(rng: np.random.Generator, effects: Sequence[float], seeds: int) -> list[str]:
    """The verdicts on arms with these true effects; seeds move all arms alike and each a little."""
    seed = rng.normal(0.98, 0.002, seeds)
    arms = [arm(str(k), list(seed + effect + rng.normal(0, 0.001, seeds))) for k, effect in enumerate((0.0, *effects))]
    return [comparison.verdict for comparison in compare_arms(arms[0], arms[1:])]


def test_a_study_without_effects_shows_one_in_twenty_times_at_most() -> None:
    rng = np.random.default_rng(1)
    studies = 1000
    false = sum(
        any(verdict != "no difference shown" for verdict in simulated(rng, (0, 0, 0, 0), 5)) for _ in range(studies)
    )
    # 5% at most; four standard errors above it. Comparisons that share a base are not independent, so it is a little less.
    assert false / studies < 0.05 + 4 * math.sqrt(0.05 * 0.95 / studies)
    assert false / studies > 0.015


def test_planted_effects_are_shown_on_their_side() -> None:
    rng = np.random.default_rng(2)
    found = [simulated(rng, (0.006, -0.006, 0.0), 5) for _ in range(200)]
    assert sum(verdicts[0] == "better" for verdicts in found) > 180
    assert sum(verdicts[1] == "worse" for verdicts in found) > 180
    assert sum(verdicts[2] == "no difference shown" for verdicts in found) > 180
    assert not any(verdicts[0] == "worse" or verdicts[1] == "better" for verdicts in found)


def test_pairs_are_made_by_repetition() -> None:
    base, other = arm("0", (0.9, None, 0.7)), arm("1", (0.95, 0.5, None), start=9)
    assert differences(base, other) == pytest.approx((0.05,))


def test_study_result_has_every_key_of_the_contract() -> None:
    study, records = documents({"0": (0.98, 0.982, 0.979), "0.1": (0.99, 0.991, None), "0.2": (0.97, 0.969, 0.971)})
    stray = make_record("0099", 0.5, repetition=1, epochs=7, configuration={"dropout": 0.0})
    found = study_result(study, [*records, stray])
    assert list(as_json(found)) == ["name", "hyperparameter", "base", "seeds", "arms", "comparisons", "conclusion"]
    assert [item.label for item in found.arms] == ["0", "0.1", "0.2"]
    middle = found.arms[1]
    assert set(as_json(middle)) == {
        "label", "value", "trials", "failed", "n", "mean", "sd", "per_seed", "loss_mean", "loss_sd",
        "train_accuracy_mean", "gap_mean", "parameters", "epochs", "epochs_run_mean", "duration_mean_s",
    }  # fmt: skip
    assert (middle.n, middle.failed, middle.trials) == (2, 1, ("0011", "0012", "0013"))
    assert middle.per_seed == (0.99, 0.991, None)
    assert middle.mean == pytest.approx(0.9905)
    assert middle.gap_mean == pytest.approx(0.05)
    assert middle.loss_sd == pytest.approx(np.std([0.02, 0.018], ddof=1))
    assert [item.label for item in found.comparisons] == ["0.1", "0.2"]
    assert set(as_json(found.comparisons[0])) == {
        "label",
        "n",
        "difference",
        "sd",
        "ci95",
        "t",
        "p",
        "p_holm",
        "verdict",
    }
    assert [item.n for item in found.comparisons] == [2, 3]
    assert found.comparisons[1].verdict == "worse"
    json.dumps(as_json(found), allow_nan=False)


def test_a_study_of_which_nothing_has_ended() -> None:
    study, _ = documents({"0": (0.98, 0.98), "1": (0.9, 0.9)})
    found = study_result(study, [])
    assert found.conclusion == (
        "Nothing can be compared: no seed of 0, the base, has a score. 4 planned trials were not run."
    )
    assert found.arms[0].per_seed == (None, None)
    assert found.arms[0].mean is None


def test_a_base_that_is_no_arm_is_refused() -> None:
    study, records = documents({"0": (0.98,), "1": (0.9,)}, base="2")
    with pytest.raises(ValueError, match=r"Received: '2'"):
        study_result(study, records)


@pytest.mark.parametrize("score", [None, math.nan])
def test_what_has_no_score_is_a_lost_seed(score: float | None) -> None:
    study, records = documents({"0": (0.98, 0.981, 0.982), "1": (0.97, 0.972, 0.97)})
    lost = [make_record("0099", score, repetition=2, epochs=3, configuration={"dropout": 0.1})]
    found = study_result(study, [*records, *lost])
    assert (found.comparisons[0].n, found.arms[1].failed) == (2, 1)
    json.dumps(as_json(found), allow_nan=False)


@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0, 7.0])
@pytest.mark.parametrize("shift", [0.0, 0.004, 0.006, 0.01, 0.05])
def test_a_corrected_interval_leaves_out_zero_where_the_corrected_p_is_below_the_level(
    shift: float, factor: float
) -> None:
    test = paired_test([shift + 0.002, shift - 0.002, shift + 0.003, shift - 0.003])
    assert test.p is not None
    assert test.interval is not None
    p_holm = min(1.0, factor * test.p)
    found = corrected_interval(test.difference, test.sd, test.n, test.p, p_holm)
    assert found is not None
    assert (found[0] > 0) == (p_holm < 0.05)
    assert found[0] <= test.interval[0] + 1e-12
    if factor == 1.0:
        assert found == pytest.approx(test.interval)
    assert corrected_interval(0.1, None, 4, test.p, p_holm) is None


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        (
            [arm("0", (0.98, 0.981, 0.979)), arm("0.1", (0.9812, 0.9821, 0.9803))],
            "0.1 beats 0 by 0.12 ± 0.02 points over 3 seeds (95% interval, p = 0.002).",
        ),
        (
            [arm("0", (0.98, 0.981, 0.979)), arm("1", (0.961, 0.9621, 0.9598)), arm("2", (0.98, 0.98, 0.98))],
            "1 is worse than 0 by 1.90 ± 0.05 points over 3 seeds (95% interval, p < 0.001). No difference between 2 and 0 that 3 seeds can show: 0.00 points (95% interval −0.25 to +0.25, "
            "p = 1.000). With this spread a true difference of 0.46 points would be shown "
            "four times in five; a smaller one may well be there. Intervals and p values are corrected for 2 comparisons (Holm).",
        ),
        (
            [arm("0", (0.98, 0.981)), arm("1", (0.98, 0.981))],
            "1 gave the same accuracy as 0 with each of 2 seeds.",
        ),
        (
            [arm("0", (0.98, 0.981)), arm("1", (0.97, 0.971))],
            "1 differs from 0 by −1.00 points with each of 2 seeds: without spread there is no test.",
        ),
        (
            [arm("0", (0.98,)), arm("1", (0.97,)), arm("2", (0.985,))],
            "One seed each, so no test is possible: 2 came out highest, 0.50 points above 0. Another seed may turn that round.",
        ),
        (
            [arm("0", (0.98,)), arm("1", (0.97,))],
            "One seed each, so no test is possible: none came out above 0. Another seed may turn that round.",
        ),
        (
            [arm("0", (0.98, None)), arm("1", (None, 0.97))],
            "Nothing can be compared: no other arm has a score with a seed that 0 has one with. Trials that failed: 1 of 0 and 1 of 1; "
            "their pairs are left out.",
        ),
        ([arm("0", (None, None)), arm("1", (0.9, 0.9))], "Nothing can be compared: no seed of 0, the base, has a score. "
         "Trials that failed: 2 of 0; their pairs are left out."),
        ([arm("0", (0.9, 0.91))], "Nothing was compared: 0 is the only arm."),
        (
            [arm("0", (0.98,), seeds=2), arm("1", (0.97,), seeds=2)],
            "One seed in common, so no test is possible: none came out above 0. Another seed may turn that round. "
            "2 planned trials were not run.",
        ),
    ],
)  # fmt: skip
def test_conclusion_says_what_the_numbers_allow(arms: Sequence[ArmScores], expected: str) -> None:
    assert study_of(arms) == expected


def test_many_arms_are_counted_first() -> None:
    rng = np.random.default_rng(4)
    noise: Any = rng.normal(0, 0.0002, (5, 5))
    seed = np.array([0.98, 0.981, 0.979, 0.982, 0.98])
    arms = [arm(str(k), list(seed + e + noise[k])) for k, e in enumerate((0.0, 0.004, 0.005, -0.004, 0.0))]
    words = study_of(arms)
    assert words.startswith(
        "Of 4 compared with 0, 2 beat it, 1 is worse and for 1 no difference shows. 2 beats 0 by 0.5"
    )
    assert "Those that beat it were not tested against each other." in words


def test_hostile_labels_are_only_text() -> None:
    name = "<b>{0} %s $x$ \\n"
    assert study_of([arm("0", (0.9, 0.91)), arm(name, (0.92, 0.915))]).count(name) == 1
