"""The options of a search: ranges, durations, and what a resumed run may change."""

from __future__ import annotations

from typing import Any

import pytest

from tuner.core.errors import UsageError
from tuner.options.durations import format_duration, parse_duration
from tuner.options.resume import merge_for_resume
from tuner.options.search_options import SearchOptions


def options(**changes: Any) -> SearchOptions:
    return SearchOptions(**{"space": "compact8k", **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"validation": 0.0}, "--validation"),
        ({"validation": 0.6}, "Received: 0.6"),
        ({"validation": float("nan")}, "--validation"),
        ({"max_params": 0}, "--max-params"),
        ({"max_epochs": 0}, "--max-epochs"),
        ({"factor": 1}, "2 or more"),
        ({"seed": -1}, "--seed"),
        ({"seed": 2**32}, "--seed"),
        ({"algorithm": "grid"}, "hyperband, random, bayesian"),
        ({"device": "tpu"}, "auto, cpu, gpu"),
        ({"confirm_seeds": 0}, "--confirm-seeds"),
        ({"workers": 0}, "--workers"),
        ({"max_trials": 5}, "--max-trials goes with"),
        (
            {"target": 0.994},
            "more than 1 and up to 100, such as 99.4. Received: 0.994. If that is a share of 1, give 99.4$",
        ),
        ({"target": 1}, "--target is a percentage"),
        ({"target": 1.0}, "give 100$"),
        ({"target": 0}, "--target is out of range"),
        ({"target": -99.4}, "--target is out of range"),
        ({"target": 100.5}, "Received: 100.5"),
        ({"target": float("nan")}, "--target is out of range"),
        ({"target": float("inf")}, "--target is out of range"),
        ({"target": "99.4"}, "--target has a wrong type"),
        ({"target": True}, "--target has a wrong type"),
    ],
)
def test_a_value_outside_its_range_is_told_in_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        options(**changes)
    assert "\n" not in str(caught.value)


def test_options_come_back_from_json() -> None:
    wanted = options(algorithm="random", max_trials=7, references=False, time_budget=60.0)
    assert SearchOptions.from_json({**wanted.to_json(), "of_another_version": 1}) == wanted


@pytest.mark.parametrize(
    ("target", "share"), [(None, None), (99.4, 0.994), (99, 0.99), (100, 1.0), (97.53, 0.9753), (1.5, 0.015)]
)
def test_a_target_is_kept_as_typed_and_read_as_a_share(target: float | None, share: float | None) -> None:
    assert options(target=target).target_share == share
    assert SearchOptions.from_json(options(target=target).to_json()).target == target


def test_another_target_is_refused_when_a_run_is_resumed() -> None:
    assert merge_for_resume(options(target=99.4), {"target": 99.4}).target == 99.4
    for kept, given in ((99.4, 99.5), (None, 99.4), (99.4, None)):
        with pytest.raises(UsageError, match="--target is"):
            merge_for_resume(options(target=kept), {"target": given})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("90s", 90), ("1h5s", 3605), ("1.5h", 5400), ("2H", 7200)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5m", "5 m", "m", "1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["5", "90", " 1.5 ", "0"])
def test_a_number_without_a_unit_is_refused(text: str) -> None:
    """It was taken for seconds, which somebody may have meant as minutes."""
    with pytest.raises(UsageError, match=f"Expected {text.strip()}s, {text.strip()}m or {text.strip()}h. Received"):
        parse_duration(text)


@pytest.mark.parametrize("seconds", [60.0, 90.0, 5400.0, 1234567.5])
def test_a_duration_is_written_as_it_is_read(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


def test_a_resumed_run_keeps_its_options_and_takes_new_workers() -> None:
    kept = options(seed=3, time_budget=60.0)
    merged = merge_for_resume(kept, {"space": "compact8k", "workers": 4})
    assert (merged.seed, merged.workers, merged.time_budget) == (3, 4, None)


def test_another_value_is_refused_when_a_run_is_resumed() -> None:
    with pytest.raises(UsageError, match="--seed is 1 in this run"):
        merge_for_resume(options(), {"seed": 2})
