"""The time that a run still needs: how it is estimated, and from when on it is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from reports.analysis.search.search import seconds_left as seconds_left_of
from reports.analysis.search.time_left import PlannedWork, estimate_seconds, planned_work, seconds_left
from tests.kit.replacing import replace
from tests.kit.run_builder import make_record, make_run
from tuner.core.records import TrialRecord


def timed(number: int, epochs: float, duration_s: float, **changes: Any) -> TrialRecord:
    return make_record(
        f"{number:04d}", epochs=epochs, epochs_run=math.ceil(epochs), duration_s=duration_s, **{"worker": 0, **changes}
    )


SHORT = [timed(1, 2, 7), timed(2, 2, 7)]
LONG = [timed(3, 6, 11), timed(4, 6, 11)]
"""Five seconds a trial and one an epoch."""
MORE = [timed(5, 6, 11), timed(6, 6, 11)]


@pytest.mark.parametrize(
    ("records", "work", "left_s"),
    [
        ([], PlannedWork(40, 10, 1), None),
        (SHORT[:1], PlannedWork(40, 10, 1), None),
        (SHORT, PlannedWork(40, 20, 1), 36 * 3.5),  # of one length: a trial's share of each epoch
        (SHORT, PlannedWork(40, 10, 2), None),  # what an epoch of a longer one takes is not known
        ([*SHORT, LONG[0]], PlannedWork(40, 10, 2), None),
        ([*SHORT, *LONG], PlannedWork(40, 10, 3), 6 * 5 + 24 * 1),
        ([*SHORT, *LONG], PlannedWork(16, 4, 3), 0),
        ([*SHORT, *LONG], PlannedWork(10, 2, 3), 0),
        ([*SHORT, *LONG], PlannedWork(0, 10, 3), None),
        ([*SHORT, *LONG, timed(5, 2, 0, accuracy=None)], PlannedWork(40, 10, 3), 5 * 5 + 22 * 1),
        ([*SHORT, timed(3, 6, 11, worker=1), timed(4, 6, 11, worker=1)], PlannedWork(40, 10, 3), (6 * 5 + 24) / 2),
        ([*SHORT, timed(3, 6, 5), timed(4, 6, 5)], PlannedWork(22, 5, 2), 6 * 5 / 6),  # quicker networks
    ],
)
def test_the_estimate_is_of_trials_and_epochs(
    records: list[TrialRecord], work: PlannedWork, left_s: float | None
) -> None:
    assert estimate_seconds(work, records) == (None if left_s is None else pytest.approx(left_s))


def test_the_work_of_a_search_has_its_confirmation() -> None:
    options = {"confirm_top": 2, "confirm_seeds": 3}
    assert planned_work(96, 30, [2, 5, 2], options) == PlannedWork(96, 36, 2)
    assert planned_work(96, 30, [2, 5, 2], {**options, "refit": True}).trials == 39
    assert planned_work(30, 2, [], {}) == PlannedWork(30, 2, 1)
    assert planned_work(30, None, [], {"confirm_top": "x", "confirm_seeds": None}).trials == 0


@pytest.mark.parametrize(("budget_s", "left_s"), [(None, 32.0), (120.0, 20.0), (50.0, 0.0)])
def test_what_a_run_may_yet_take_is_no_more_than_its_time_budget_has_left(
    budget_s: float | None, left_s: float
) -> None:
    run = make_run([*SHORT, *LONG, *MORE])
    times = replace(run.info.times, elapsed_s=100.0)
    info = replace(run.info, plan=replace(run.info.plan, epochs=40, trials=10), times=times)
    standing = replace(run, info=replace(info, options={"time_budget": budget_s}))
    assert seconds_left_of(standing) == left_s
    assert seconds_left_of(replace(standing, records=())) is None


def longest_misled(work: PlannedWork, trials: Sequence[tuple[float, float, int, float]]) -> tuple[int, float]:
    """Follow recorded trials: after how many the time left is said first, and the largest ratio to what it then took.

    Args:
        work: the planned work, all of it recorded.
        trials: epochs, seconds, worker, and when it ended, in seconds from the start of the run.
    """
    records = [timed(number, *rest[:2], worker=rest[2]) for number, rest in enumerate(trials, 1)]
    first, ratio = 0, 0.0
    for count in range(1, len(records)):
        left_s = seconds_left(work, records[:count])
        if left_s is None:
            continue
        first = first or count
        ratio = max(ratio, left_s / (trials[-1][3] - trials[count - 1][3])) if count < len(records) - 2 else ratio
    return first, ratio


RECORDED = [
    (2, 2.8, 1, 6), (2, 2.2, 0, 7), (2, 2.5, 0, 9), (2, 3.6, 1, 10), (2, 1.9, 1, 12), (2, 4.2, 0, 14), (2, 3.1, 1, 15),
    (2, 2.2, 0, 16), (2, 4.0, 1, 19), (2, 1.9, 1, 21), (2, 6.1, 0, 22), (2, 3.5, 1, 25), (5, 3.4, 0, 25), (5, 6.1, 1, 31),
    (5, 5.5, 0, 31), (5, 2.8, 1, 33), (5, 3.2, 0, 34), (5, 4.5, 1, 38), (15, 5.0, 1, 43), (15, 9.0, 0, 43), (5, 3.4, 0, 47),
    (5, 3.9, 1, 47), (5, 2.6, 0, 49), (5, 2.7, 1, 50), (15, 6.8, 0, 56), (15, 6.4, 1, 56), (15, 4.6, 0, 61), (15, 4.7, 1, 61),
    (15, 6.8, 1, 68), (15, 8.3, 0, 69), (15, 7.6, 0, 77), (15, 7.9, 1, 77), (15, 8.4, 1, 85), (15, 9.9, 0, 87),
]  # fmt: skip
"""The first 34 trials of a search in `dense` on the digits, on two busy cores: epochs, seconds, worker, time of its end."""


def slow_start(
    trials: Sequence[tuple[float, float, int, float]], count: int, more_s: float
) -> Sequence[tuple[float, float, int, float]]:
    """The same trials, where the first ones took longer, as where libraries are read from a slow disk."""
    return [
        (
            epochs,
            duration_s + more_s * (place < count),
            worker,
            ended_s + more_s * min(place // 2 + 1, (count + 1) // 2),
        )
        for place, (epochs, duration_s, worker, ended_s) in enumerate(trials)
    ]


@pytest.mark.parametrize(
    ("trials", "most"),
    [
        pytest.param(RECORDED, 1.6, id="as it was"),
        pytest.param(slow_start(RECORDED, 2, 30.0), 2.0, id="two slow trials"),
        pytest.param(slow_start(RECORDED, 6, 20.0), 2.0, id="six slow trials"),
        pytest.param(slow_start(RECORDED, 12, 20.0), 2.0, id="the first rung is slow"),
    ],
)
def test_of_recorded_searches_no_time_is_said_that_misleads(
    trials: Sequence[tuple[float, float, int, float]], most: float
) -> None:
    work = PlannedWork(sum(trial[0] for trial in trials), len(trials), 3)
    first, ratio = longest_misled(work, trials)
    assert 3 < first <= len(trials) / 2
    assert 0 < ratio <= most


@pytest.mark.parametrize(
    ("records", "epochs", "known"),
    [
        ([], 40, False),
        ([*SHORT, *LONG], 40, False),  # the first estimate
        ([*SHORT, *LONG, MORE[0]], 40, False),
        ([*SHORT, *LONG, *MORE], 40, True),
        ([*SHORT, *LONG, *MORE], 280, True),
        ([*SHORT, *LONG, *MORE], 281, False),  # less than a tenth
        ([*SHORT, *LONG, MORE[0], timed(6, 6, 60)], 90, False),  # it has just risen
        ([timed(1, 2, 60), timed(2, 2, 60), *LONG, *MORE], 40, True),  # the long trials say it
        ([*SHORT, timed(3, 6, 11, accuracy=None), timed(4, 6, 11, accuracy=None), *MORE], 40, False),
        ([*SHORT, *LONG, *MORE, *(timed(number, 6, 11) for number in range(7, 9))], 40, True),
    ],
)
def test_the_time_left_is_known_when_three_estimates_agree(
    records: list[TrialRecord], epochs: float, known: bool
) -> None:
    work = PlannedWork(epochs, 10, 2)
    left_s = seconds_left(work, records)
    assert (left_s is not None) == known
    if known:
        assert left_s == estimate_seconds(work, records)
