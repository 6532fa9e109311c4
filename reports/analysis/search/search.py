"""The course of a search: the best score so far, and the promotions in each bracket (Li et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.search import time_left
from reports.analysis.search.time_left import planned_work
from reports.analysis.search.trials import accuracy_of, explored, scored
from reports.run.run_data import RunData
from tuner.core.records import TrialRecord, configuration_key
from tuner.storage.schema.run import PlannedRung


def seconds_left(run: RunData) -> float | None:
    """Return the seconds that a run still needs, limited by its time budget; None until they can be estimated."""
    plan, options = run.info.plan, run.info.options
    work = planned_work(plan.epochs or 0, plan.trials, [rung.epochs for rung in plan.rungs], options)
    left = time_left.seconds_left(work, run.every)
    budget = options.get("time_budget")
    if left is None or not isinstance(budget, int | float):
        return left
    return min(left, max(0.0, budget - (run.info.times.elapsed_s or 0.0)))


@dataclass(frozen=True)
class HistoryPoint:
    """One scored trial, in the order in which trials ended."""

    number: int
    """1 for the first that ended; failed trials count too."""
    trial: str
    epochs: float
    accuracy: float
    best: float
    """The highest accuracy of this trial and all before it."""
    spent_epochs: float
    """The epochs trained until then, this trial's included."""


@dataclass(frozen=True)
class History:
    """The scored trials of a search in time, and their totals."""

    points: tuple[HistoryPoint, ...]
    trials: int
    failed: int
    late_gain: float | None
    """The best accuracy's gain in the last 40% of the epochs; None if no trial was scored before them."""


@dataclass(frozen=True)
class RungOutcome:
    """The plan of a rung and its result."""

    bracket: int
    rung: int
    epochs: float
    planned: int | None
    finished: int
    failed: int
    promoted: tuple[str, ...]
    """The trials whose configuration has a trial in the next rung."""
    best: float | None
    best_trial: str | None


@dataclass(frozen=True)
class ConfigurationPath:
    """One configuration's trials up the rungs of its bracket."""

    bracket: int
    trials: tuple[str, ...]
    epochs: tuple[float, ...]
    accuracy: tuple[float, ...]


LATE_SHARE = 0.4


def history(records: Sequence[TrialRecord]) -> History:
    """Return the best score so far over the explored trials.

    Args:
        records: all trials, in the order in which they ended.
    """
    trials = explored(records)
    points: list[HistoryPoint] = []
    best_so_far = -math.inf
    spent: float = 0
    usable = {record.trial for record in scored(trials)}
    for number, record in enumerate(trials, start=1):
        spent += record.epochs_spent
        if record.trial not in usable:
            continue
        best_so_far = max(best_so_far, accuracy_of(record))
        points.append(HistoryPoint(number, record.trial, record.epochs, accuracy_of(record), best_so_far, spent))
    return History(
        tuple(points), len(trials), sum(not record.completed for record in trials), _late_gain(points, spent)
    )


def rung_outcomes(records: Sequence[TrialRecord], planned: Sequence[PlannedRung]) -> tuple[RungOutcome, ...]:
    """Return every rung that was planned or has trials, by bracket and rung."""
    plans = {(rung.bracket, rung.rung): rung for rung in planned}
    trials = [record for record in explored(records) if record.bracket is not None and record.rung is not None]
    places = sorted({*plans, *((record.bracket or 0, record.rung or 0) for record in trials)})
    return tuple(_outcome(place, trials, plans.get(place)) for place in places)


def paths(records: Sequence[TrialRecord]) -> tuple[ConfigurationPath, ...]:
    """Return each configuration's scored trials in a bracket, from the lowest rung up."""
    members_of: dict[tuple[int, str], list[TrialRecord]] = {}
    for record in scored(explored(records)):
        if record.bracket is not None and record.rung is not None:
            members_of.setdefault((record.bracket, configuration_key(record.configuration)), []).append(record)
    result = []
    for (bracket, _), members in sorted(members_of.items(), key=lambda item: (item[0][0], item[1][0].trial)):
        ordered = sorted(members, key=lambda record: (record.rung or 0, record.trial))
        result.append(
            ConfigurationPath(
                bracket,
                tuple(record.trial for record in ordered),
                tuple(record.epochs for record in ordered),
                tuple(accuracy_of(record) for record in ordered),
            )
        )
    return tuple(result)


def _late_gain(points: Sequence[HistoryPoint], spent: float) -> float | None:
    early = [point.best for point in points if point.spent_epochs <= (1 - LATE_SHARE) * spent]
    return points[-1].best - early[-1] if early else None


def _outcome(place: tuple[int, int], trials: Sequence[TrialRecord], plan: PlannedRung | None) -> RungOutcome:
    bracket, rung = place
    here = [record for record in trials if (record.bracket, record.rung) == place]
    above = {
        configuration_key(record.configuration)
        for record in trials
        if (record.bracket, record.rung) == (bracket, rung + 1)
    }
    usable = scored(here)
    top = max(usable, key=accuracy_of, default=None)
    return RungOutcome(
        bracket=bracket,
        rung=rung,
        epochs=plan.epochs if plan else max((record.epochs for record in here), default=0),
        planned=plan.size if plan else None,
        finished=len(here),
        failed=sum(not record.completed for record in here),
        promoted=tuple(record.trial for record in here if configuration_key(record.configuration) in above),
        best=top.score if top else None,
        best_trial=top.trial if top else None,
    )
