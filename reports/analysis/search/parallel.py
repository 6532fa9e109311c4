"""Parallel coordinates of the trials of one length of training, and the setting that distinguishes the best of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from reports.analysis.search.factors import is_number
from reports.analysis.search.leaderboard import setting_names
from reports.analysis.search.slices import axis_kind, distinct
from reports.analysis.search.trials import accuracy_of
from tuner.core.records import TrialRecord, Value, rank_key
from tuner.storage.schema.run import Hyperparameter

BEST_SHARE = 0.2
_SPREAD = 0.36
"""Half a category's width, as a fraction of its room: its trials are spread over it to keep their lines distinct."""


@dataclass(frozen=True)
class ParallelAxis:
    """The axis of one hyperparameter. A place is between 0 and 1; None where the trial does not have it."""

    name: str
    places: tuple[float | None, ...]
    """A place for each trial, in the order of `Parallel.trials`."""
    ticks: tuple[tuple[float, Value], ...]
    """(place, value)"""
    numeric: bool
    log: bool = False


@dataclass(frozen=True)
class Parallel:
    """The scored trials of one length of training, worst first: the best are drawn on top."""

    epochs: float
    trials: tuple[str, ...]
    accuracies: tuple[float, ...]
    fifths: tuple[int, ...]
    """0 for the worst fifth of the trials, 4 for the best."""
    axes: tuple[ParallelAxis, ...]
    left_out: int
    """The number of further hyperparameters that vary."""


@dataclass(frozen=True)
class DistinguishingSetting:
    """A value, or a side of a median, that the best trials have more often than chance explains."""

    name: str
    value: Value | None
    """None for numbers, which are split at their median."""
    above: bool | None
    """True if the best lie above the median of all trials, False if at or below it; None for categories."""
    median: float | None
    best: int
    """The number of the best trials with this setting."""
    of_best: int
    all: int
    of_all: int


def parallel(
    epochs: float, records: Sequence[TrialRecord], space: Sequence[Hyperparameter], most: int, first: Sequence[str] = ()
) -> Parallel | None:
    """Return the lines of these trials; None with fewer than two trials or two hyperparameters that vary.

    Args:
        epochs: the length of all the records.
        records: scored trials.
        space: the declared hyperparameters.
        most: axes at most.
        first: names that take precedence where there are more than `most`.
    """
    names = varying(records, space)
    if len(names) < 2 or len(records) < 2:
        return None
    ordered = sorted(records, key=rank_key, reverse=True)
    axis_names = set(sorted(names, key=lambda name: _precedence(name, names, first, records))[:most])
    declared = {item.name: item for item in space}
    return Parallel(
        epochs=epochs,
        trials=tuple(record.trial for record in ordered),
        accuracies=tuple(accuracy_of(record) for record in ordered),
        fifths=tuple(5 * place // len(ordered) for place in range(len(ordered))),
        axes=tuple(_axis(name, ordered, declared.get(name)) for name in names if name in axis_names),
        left_out=len(names) - len(axis_names),
    )


def varying(records: Sequence[TrialRecord], space: Sequence[Hyperparameter]) -> tuple[str, ...]:
    """Return the hyperparameters that take two values or more, in the space's order."""
    names = setting_names(records, [item.name for item in space])
    return tuple(name for name in names if len({repr(v) for v in _values(name, records) if v is not None}) > 1)


def common_among_best(records: Sequence[TrialRecord], names: Sequence[str]) -> DistinguishingSetting | None:
    """Return the setting that distinguishes the best fifth from the rest most clearly; None if none does beyond chance.

    Each value of a category and each side of a median is tested by the hypergeometric tail (Fisher's exact test, one-sided),
    at 5% over the number of tests (Bonferroni).
    """
    ordered = sorted(records, key=rank_key)
    best = round(BEST_SHARE * len(ordered))
    if best < 4:
        return None
    tests = [(_tail(item), item) for name in names for item in _candidates(name, ordered, best)]
    chance, setting = min(tests, key=lambda test: test[0], default=(1.0, None))
    return setting if chance * len(tests) < 0.05 else None


def _values(name: str, records: Sequence[TrialRecord]) -> list[Value | None]:
    return [record.configuration.get(name) for record in records]


def _precedence(
    name: str, names: Sequence[str], first: Sequence[str], records: Sequence[TrialRecord]
) -> tuple[int, int, int]:
    """Return the sort key: names in `first`, then those that most trials have, then the space's order."""
    lacking = sum(value is None for value in _values(name, records))
    return (first.index(name) if name in first else len(first), lacking, names.index(name))


def _axis(name: str, ordered: Sequence[TrialRecord], declared: Hyperparameter | None) -> ParallelAxis:
    values = _values(name, ordered)
    kind = axis_kind(distinct(value for value in values if value is not None), declared)
    if kind.categories is None:
        return _numeric_axis(name, [None if value is None else float(value) for value in values], log=kind.log)
    places = {repr(value): place for place, value in enumerate(kind.categories)}
    spread = _spread_places([None if value is None else places[repr(value)] for value in values], len(places))
    ticks = tuple(((place + 0.5) / len(places), value) for place, value in enumerate(kind.categories))
    return ParallelAxis(name, spread, ticks, numeric=False)


def _numeric_axis(name: str, values: Sequence[float | None], *, log: bool) -> ParallelAxis:
    present = [value for value in values if value is not None]
    low, high = min(present), max(present)

    def scale(value: float) -> float:
        return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)

    places = tuple(None if value is None else scale(value) for value in values)
    return ParallelAxis(
        name, places, tuple((scale(tick), tick) for tick in _ends(low, high, log=log)), numeric=True, log=log
    )


def _ends(low: float, high: float, *, log: bool) -> tuple[float, ...]:
    """Return the smallest, middle and largest value of an axis."""
    middle = math.sqrt(low * high) if log else (low + high) / 2
    whole = float(low).is_integer() and float(high).is_integer() and not log
    return (low, float(round(middle)) if whole else middle, high)


def scattered(number: int) -> float:
    """Return a place between −1 and 1 for the number-th item, from 0: successive ones lie far apart (golden ratio)."""
    return 2 * ((number + 0.5) * 0.6180339887498949 % 1) - 1


def _spread_places(codes: Sequence[int | None], categories: int) -> tuple[float | None, ...]:
    """Return places scattered within each category, so that successive trials, of similar scores, fan out."""
    seen = [0] * categories
    places: list[float | None] = []
    for code in codes:
        if code is None:
            places.append(None)
            continue
        places.append((code + 0.5 + _SPREAD * scattered(seen[code])) / categories)
        seen[code] += 1
    return tuple(places)


def _candidates(name: str, ordered: Sequence[TrialRecord], best: int) -> list[DistinguishingSetting]:
    """Return the candidates of one hyperparameter: each of its values, or the two sides of its median."""
    values = _values(name, ordered)
    present = distinct(value for value in values if value is not None)
    if len(present) > 2 and all(is_number(value) for value in present):
        middle = median_low(float(value) for value in values if value is not None)
        sides = {True: [_above(value, middle) for value in values], False: [_below(value, middle) for value in values]}
        return [
            DistinguishingSetting(name, None, above, middle, sum(has[:best]), best, sum(has), len(has))
            for above, has in sides.items()
        ]
    kinds = {repr(value): [repr(other) == repr(value) for other in values] for value in present}
    named = {repr(value): value for value in present}
    return [
        DistinguishingSetting(name, named[key], None, None, sum(has[:best]), best, sum(has), len(has))
        for key, has in sorted(kinds.items())
    ]


def _above(value: Value | None, middle: float) -> bool:
    return value is not None and float(value) > middle


def _below(value: Value | None, middle: float) -> bool:
    return value is not None and float(value) <= middle


def _tail(item: DistinguishingSetting) -> float:
    """Return the probability that as many or more of the best have the setting if the best are a random sample."""
    ways = sum(
        math.comb(item.all, k) * math.comb(item.of_all - item.all, item.of_best - k)
        for k in range(item.best, min(item.all, item.of_best) + 1)
    )
    return ways / math.comb(item.of_all, item.of_best)
