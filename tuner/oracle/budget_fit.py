"""Hyperband's rungs made smaller, so that they fit a time budget and still reach trials of full length.

Pure functions of rungs and records. `tuner.run.sessions.search` measures the first trials and asks for the fit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tuner.core.records import TrialRecord
from tuner.oracle.protocol import Rung
from tuner.storage.schema.run import Plan

PILOT_TRIALS = 3
"""Completed trials of the first rung, by whose times the rest is fitted."""
_LEAST_SHARE = 0.5
"""The least share of a bracket's trials that is worth its rungs, where an earlier bracket can have the time instead."""


@dataclass(frozen=True)
class TrialTime:
    """The seconds of a trial by its epochs."""

    overhead_s: float
    """Seconds for building and tracing the model."""
    epoch_s: float

    def of(self, epochs: float) -> float:
        """Return the seconds of a trial of so many epochs."""
        return self.overhead_s + self.epoch_s * epochs


@dataclass(frozen=True)
class Fit:
    """The rungs of a search under a time budget."""

    rungs: tuple[Rung, ...]
    share: float
    """The share of the planned trials of each rung in the brackets that are left, in (0, 1]."""
    fits: bool
    """False where even the smallest bracket takes longer than there is time."""


def measured_time(records: Sequence[TrialRecord]) -> TrialTime | None:
    """Return the mean seconds of completed trials, with their histories; None where none completed.

    The last pass of a trial has traced nothing, so it is the one that counts for an epoch. Of a trial of one pass the tracing
    counts too: longer trials then take less time than they are expected to.
    """
    times = [_time_of(record) for record in records if record.completed and record.epochs_spent]
    if not times:
        return None
    return TrialTime(
        math.fsum(time.overhead_s for time in times) / len(times),
        math.fsum(time.epoch_s for time in times) / len(times),
    )


def _time_of(record: TrialRecord) -> TrialTime:
    last = next(iter(reversed(record.history.get("seconds", ()))), math.nan)
    mean = record.duration_s / record.epochs_spent
    # The clock may have been changed, or a user's `fit` may report wrong seconds: use at most the trial's mean.
    epoch_s = min(last / record.share, mean) if math.isfinite(last) and last > 0 else mean
    return TrialTime(record.duration_s - epoch_s * record.epochs_spent, epoch_s)


def longest_s(rungs: Sequence[Rung], time: TrialTime, workers: int) -> float:
    """Return an upper bound of the seconds of a search on so many workers (Graham 1969).

    It is work / workers + (1 − 1 / workers) · the longest chain of trials that wait for each other, a bracket's rungs.
    """
    work = math.fsum(rung.size * time.of(rung.epochs) for rung in rungs)
    chains = [math.fsum(time.of(rung.epochs) for rung in bracket) for bracket in _brackets(rungs)]
    return work / workers + (1 - 1 / workers) * max(chains, default=0.0)


def fitted_rungs(
    rungs: Sequence[Rung], left_s: float, time: TrialTime, workers: int, *, started: int, ended: int
) -> Fit:
    """Return the largest rungs that fit.

    Every bracket has the same share. Where it would be less than half, the last bracket is left out instead: one bracket of some
    size is worth more than several of one configuration each. Where not even one bracket's smallest fits, that is returned.

    Args:
        rungs: the planned ones, of all brackets.
        left_s: the seconds for the search, from now on.
        time: the seconds of a trial.
        workers: the number of trials at once.
        started: the number of started trials, all of the first rung.
        ended: the number of these that have ended.
    """
    done_s = ended * time.of(rungs[0].epochs) / workers
    for brackets in range(len(list(_brackets(rungs))), 0, -1):
        for percent in range(100, 0, -1):
            share = percent / 100
            candidate = shrunk(rungs, brackets, share, started)
            if longest_s(candidate, time, workers) - done_s <= left_s and (share >= _LEAST_SHARE or brackets == 1):
                return Fit(candidate, share, fits=True)
    return Fit(shrunk(rungs, 1, 0.01, started), 0.01, fits=False)


def shrunk(rungs: Sequence[Rung], brackets: int, share: float, started: int) -> tuple[Rung, ...]:
    """Return the first brackets with a share of the trials of each rung, rounded up; the first rung has at least `started`."""
    smaller: list[Rung] = []
    first = 1
    for place, rung in enumerate(itertools.chain.from_iterable(itertools.islice(_brackets(rungs), brackets))):
        size = math.ceil(share * rung.size - 1e-9)
        if place == 0:
            size = max(size, min(started, rung.size))
        smaller.append(replace(rung, size=size, first=first))
        first += size
    return tuple(smaller)


def format_fit(before: Sequence[Rung], fit: Fit, time: TrialTime) -> str:
    """Return the note about rungs that were made smaller."""
    planned, kept = sum(rung.size for rung in before), sum(rung.size for rung in fit.rungs)
    brackets, all_brackets = len(list(_brackets(fit.rungs))), len(list(_brackets(before)))
    longest = max(rung.epochs for rung in before)
    words = "" if brackets == all_brackets else f", in {brackets} of {all_brackets} brackets"
    reach = (
        f"so that some are trained for {longest:g} epochs. More time, or fewer epochs (--max-epochs), tries more configurations."
        if fit.fits
        else f"and may end before one is trained for {longest:g} epochs. Give more time, or fewer epochs (--max-epochs)."
    )
    return (
        f"The time budget is too short for Hyperband's {planned} trials: one of {longest:g} epochs takes about "
        f"{_format_seconds(time.of(longest))}. The search has {kept}{words}, {reach}"
    )


def _format_seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def rungs_of_plan(rungs: Sequence[Rung], plan: Plan) -> tuple[Rung, ...]:
    """Return the rungs that a plan of run.json was fitted to, by its share and its number of brackets.

    Args:
        rungs: those without a time budget.
        plan: with a share.
    """
    started = plan.rungs[0].size if plan.rungs else 0
    # At least one bracket, even if the files of an untrusted run are wrong.
    return shrunk(rungs, max(1, len(plan.brackets)), plan.share or 1.0, started)


def _brackets(rungs: Sequence[Rung]) -> Iterator[list[Rung]]:
    for _, bracket in itertools.groupby(rungs, key=lambda rung: rung.bracket):
        yield list(bracket)
