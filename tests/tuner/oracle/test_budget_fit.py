"""Hyperband's rungs under a time budget: smaller, and still with trials of full length."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from tests.kit.records import record
from tests.kit.runs.oracle_driver import drive, make
from tuner.core.records import TrialRecord
from tuner.oracle.budget_fit import (
    TrialTime,
    fitted_rungs,
    format_fit,
    longest_s,
    measured_time,
    rungs_of_plan,
    shrunk,
)
from tuner.oracle.protocol import Rung, make_plan

# The sizes of 15 epochs and factor 3 (docs/hyperband.md).
PLANNED = make().rungs
SECOND = TrialTime(0.0, 1.0)


def sizes(rungs: tuple[Rung, ...]) -> list[tuple[int, int, int]]:
    return [(rung.bracket, rung.size, int(rung.epochs)) for rung in rungs]


def test_the_last_pass_counts_for_an_epoch_and_the_rest_is_overhead() -> None:
    first = record(1, epochs=2, duration_s=16.0, history={"seconds": (9.0, 3.0)})
    second = record(2, epochs=2, duration_s=20.0, history={"seconds": (9.0, 5.0)})
    assert measured_time([first, second]) == TrialTime(10.0, 4.0)
    assert measured_time([first, second, record(3, status="failed", val_accuracy=None)]) == TrialTime(10.0, 4.0)


@pytest.mark.parametrize("seconds", [(), (3.0, math.nan), (3.0, 100.0), (3.0, 0.0)])
def test_without_usable_seconds_an_epoch_is_a_share_of_the_whole_trial(seconds: tuple[float, ...]) -> None:
    strange = record(1, epochs=2, duration_s=16.0, history={"seconds": seconds})
    assert measured_time([strange]) == TrialTime(0.0, 8.0)


def test_a_pass_over_a_part_of_the_images_counts_as_that_part_of_an_epoch() -> None:
    part = record(1, epochs=0.5, duration_s=4.0, history={"seconds": (3.0,)})
    assert measured_time([part]) == TrialTime(1.0, 6.0)


def test_nothing_is_measured_where_no_trial_completed() -> None:
    assert measured_time([]) is None
    assert measured_time([record(1, status="failed", val_accuracy=None)]) is None


def test_the_time_of_a_search_is_graham_s_bound() -> None:
    assert longest_s(PLANNED, SECOND, 1) == 194
    # The longest chain of waiting trials: 2 + 5 + 15 epochs.
    assert longest_s(PLANNED, SECOND, 2) == 97 + 0.5 * 22
    assert longest_s(PLANNED, TrialTime(10.0, 1.0), 1) == 194 + 30 * 10


@pytest.mark.parametrize(
    ("left_s", "share", "expected"),
    [
        (194, 1.0, [(0, 12, 2), (0, 4, 5), (0, 2, 15), (1, 6, 5), (1, 2, 15), (2, 4, 15)]),
        (125, 0.5, [(0, 6, 2), (0, 2, 5), (0, 1, 15), (1, 3, 5), (1, 1, 15), (2, 2, 15)]),
        # Two whole brackets are 134 epochs.
        (90, 0.5, [(0, 6, 2), (0, 2, 5), (0, 1, 15), (1, 3, 5), (1, 1, 15)]),
        (60, 0.58, [(0, 7, 2), (0, 3, 5), (0, 2, 15)]),
        (35, 0.41, [(0, 5, 2), (0, 2, 5), (0, 1, 15)]),
        (26, 0.25, [(0, 3, 2), (0, 1, 5), (0, 1, 15)]),
    ],
)
def test_brackets_are_made_smaller_and_keep_their_rungs(
    left_s: float, share: float, expected: list[tuple[int, int, int]]
) -> None:
    fit = fitted_rungs(PLANNED, left_s, SECOND, 1, started=3, ended=0)
    assert fit.fits
    assert longest_s(fit.rungs, SECOND, 1) <= left_s
    assert fit.rungs[-1].epochs == 15
    firsts = [rung.first for rung in fit.rungs]
    assert firsts == [1 + sum(rung.size for rung in fit.rungs[:place]) for place in range(len(firsts))]
    assert (sizes(fit.rungs), fit.share) == (expected, share)


def test_a_budget_that_is_too_short_for_anything_says_so() -> None:
    fit = fitted_rungs(PLANNED, 10, SECOND, 1, started=3, ended=0)
    assert (fit.fits, sizes(fit.rungs)) == (False, [(0, 3, 2), (0, 1, 5), (0, 1, 15)])
    assert "may end before one is trained for 15 epochs" in format_fit(PLANNED, fit, SECOND)


def test_trials_that_have_ended_take_no_time_any_more() -> None:
    assert fitted_rungs(PLANNED, 188, SECOND, 1, started=3, ended=3).share == 1.0
    assert fitted_rungs(PLANNED, 187, SECOND, 1, started=3, ended=3).share < 1.0


def test_more_time_never_gives_fewer_trials_of_full_length() -> None:
    reached = [
        sum(r.size for r in fitted_rungs(PLANNED, left_s, SECOND, 1, started=3, ended=0).rungs if r.epochs == 15)
        for left_s in range(26, 195, 4)
    ]
    assert min(reached) >= 1
    assert reached == sorted(reached)


def test_the_note_says_how_many_trials_are_left_and_why() -> None:
    fit = fitted_rungs(PLANNED, 60, SECOND, 1, started=3, ended=0)
    note = format_fit(PLANNED, fit, TrialTime(5.0, 10.0))
    assert "Hyperband's 30 trials: one of 15 epochs takes about 3 min. The search has 12, in 1 of 3 brackets" in note
    assert "in 1 of" not in format_fit(PLANNED, fitted_rungs(PLANNED, 150, SECOND, 1, started=3, ended=0), SECOND)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("flat", [False, True])
def test_a_held_search_samples_for_its_first_rung_alone_and_then_does_its_new_plan(workers: int, flat: bool) -> None:
    oracle = make(stop_when_flat=flat)
    oracle.hold()
    begun = [oracle.ask() for _ in range(20)]
    assert [proposal is not None for proposal in begun] == [True] * 12 + [False] * 8
    first = make(stop_when_flat=flat)
    first.hold()
    started = [proposal for proposal in (first.ask() for _ in range(3)) if proposal is not None]
    first.replan(shrunk(first.rungs, 3, 0.5, first.started))
    for proposal in started:
        first.tell(record(int(proposal.trial), epochs=2, configuration=proposal.configuration, val_accuracy=0.5))
    records = drive(first, workers)
    by_length = {epochs: sum(r.epochs == epochs for r in records.values()) for epochs in (2, 5, 15)}
    expected = {2: 3, 5: 2 + 3, 15: 1 + 1 + 2}
    # A flat search may end before its last bracket.
    assert by_length in ([expected, {2: 3, 5: 5, 15: 2}, {2: 3, 5: 2, 15: 1}] if flat else [expected])
    assert by_length[15] >= 1
    assert first.planned_trials == 6 + 2 + 1 + 3 + 1 + 2


def test_samples_of_a_smaller_plan_are_those_of_the_whole_one() -> None:
    """A place of a first rung gives the same configuration, whatever the size of the rung."""
    small = make()
    small.replan(shrunk(small.rungs, 3, 0.5, 0))
    whole, smaller = drive(make()), drive(small)

    def sampled(records: dict[str, TrialRecord], bracket: int) -> list[object]:
        return [r.configuration for r in records.values() if (r.bracket, r.rung) == (bracket, 0)]

    assert sampled(smaller, 0) == sampled(whole, 0)[:6]
    assert sampled(smaller, 1) == sampled(whole, 1)[:3]


def test_a_plan_of_run_json_gives_its_rungs_again() -> None:
    oracle = make()
    oracle.replan(shrunk(oracle.rungs, 2, 0.5, 9))
    plan = make_plan(oracle, "hyperband", 15)
    plan.share = 0.5
    assert rungs_of_plan(PLANNED, plan) == oracle.rungs
    assert oracle.rungs[0].size == 9
    # A plan that claims more than Hyperband's sizes gets no more than these.
    first, *others = plan.brackets[0].rungs
    plan.brackets = (replace(plan.brackets[0], rungs=(replace(first, size=99), *others)), *plan.brackets[1:])
    assert rungs_of_plan(PLANNED, plan)[0].size == PLANNED[0].size


def test_a_stranger_s_plan_without_brackets_has_one() -> None:
    plan = make_plan(make(), "hyperband", 15)
    plan.share, plan.brackets = 0.5, ()
    rungs = rungs_of_plan(PLANNED, plan)
    assert {rung.bracket for rung in rungs} == {0}
    make().replan(rungs)
