"""Slices: one hyperparameter against the score, one length of training at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from reports.analysis.search.factors import is_number
from reports.analysis.search.trials import EpochGroup, accuracy_of
from tuner.core.records import TrialRecord, Value, rank_key
from tuner.storage.schema.run import Hyperparameter

FEW_TRIALS = 20
"""The fewest trials of one length: with fewer, a plot shows chance as much as a setting's effect."""

_MOST_CATEGORIES = 8


@dataclass(frozen=True)
class SlicePoint:
    """A trial's position on the axis and its score."""

    trial: str
    x: float
    accuracy: float


@dataclass(frozen=True)
class SliceGroup:
    """The trials of one length."""

    epochs: float
    points: tuple[SlicePoint, ...]
    medians: tuple[tuple[float, float], ...]
    """(place, median accuracy) of each category with two trials or more; empty on a numeric axis."""


@dataclass(frozen=True)
class Slice:
    """The slice of one hyperparameter. On a categorical axis x counts from 0."""

    name: str
    categories: tuple[Value, ...] | None
    """None on a numeric axis."""
    log: bool
    groups: tuple[SliceGroup, ...]
    description: str = ""
    """The space's description of the hyperparameter."""


def slices(groups: Sequence[EpochGroup], names: Sequence[str], space: Sequence[Hyperparameter]) -> tuple[Slice, ...]:
    """Return a slice for each name that takes two values or more among the scored trials."""
    records = [record for group in groups for record in group.records]
    known = {item.name: item for item in space}
    varied = []
    for name in names:
        values = distinct(record.configuration[name] for record in records if name in record.configuration)
        if len(values) > 1:
            varied.append(_slice(name, values, known.get(name), groups))
    return tuple(varied)


def thinned(slices: Sequence[Slice], groups: Sequence[EpochGroup], most: int) -> tuple[Slice, ...]:
    """Return the slices with `most` marks at most in all; medians stay those of all trials."""
    marks = sum(len(group.points) for item in slices for group in item.groups)
    if marks <= most:
        return tuple(slices)
    sampled = {trial for group in groups for trial in _sample(group, most / marks)}
    return tuple(replace(item, groups=tuple(_restrict(sampled, group) for group in item.groups)) for item in slices)


def effect(item: Slice, length: int) -> float:
    """Return the share of the variance of one length's scores that a setting explains beyond chance (epsilon²).

    Numbers are taken apart at their tertiles. It is negative where chance would explain more, and −1 at least; −1, too,
    where there are too few trials to compare two values.
    """
    points = item.groups[length].points
    groups: dict[float, list[float]] = {}
    cuts = _tertiles([point.x for point in points]) if item.categories is None else ()
    for point in points:
        key = point.x if item.categories is not None else float(sum(point.x > cut for cut in cuts))
        groups.setdefault(key, []).append(point.accuracy)
    n, k = len(points), len(groups)
    if k < 2 or n <= k:
        return -1.0
    centre = sum(point.accuracy for point in points) / n
    total = sum((point.accuracy - centre) ** 2 for point in points)
    within = sum((value - sum(scores) / len(scores)) ** 2 for scores in groups.values() for value in scores)
    return -1.0 if total == 0 else max(-1.0, 1 - (within / (n - k)) / (total / (n - 1)))


def _tertiles(values: Sequence[float]) -> tuple[float, ...]:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 3], ordered[2 * (len(ordered) - 1) // 3]) if ordered else ()


def _sample(group: EpochGroup, share: float) -> list[str]:
    """Return a sample of trials: half of it the best, half spread evenly over the rest, ordered by name."""
    wanted = max(2, int(share * len(group.records)))
    ranked = sorted(group.records, key=rank_key)
    best, rest = ranked[: wanted // 2], sorted(record.trial for record in ranked[wanted // 2 :])
    others = wanted - len(best)
    return [*(record.trial for record in best), *(rest[k * len(rest) // others] for k in range(others) if rest)]


def _restrict(trials: set[str], group: SliceGroup) -> SliceGroup:
    return replace(group, points=tuple(point for point in group.points if point.trial in trials))


@dataclass(frozen=True)
class AxisKind:
    """The kind of a hyperparameter's axis: categories, numbers, or numbers on a log scale."""

    categories: tuple[Value, ...] | None
    """The categories in their order; None on a numeric axis."""
    log: bool = False


def distinct(values: Iterable[Value]) -> tuple[Value, ...]:
    """Return each value once. Values are distinct if their texts are: True is not 1."""
    return tuple({repr(value): value for value in values}.values())


def axis_kind(values: Sequence[Value], declared: Hyperparameter | None) -> AxisKind:
    """Return a numeric axis if the space declares one or there are many numbers, else a categorical one."""
    numeric = all(is_number(value) for value in values)
    continuous = declared is not None and declared.kind == "float" and declared.values is None
    if numeric and (continuous or len(values) > _MOST_CATEGORIES):
        log = declared is not None and declared.sampling == "log" and all(float(v) > 0 for v in values)
        return AxisKind(None, log)
    return AxisKind(tuple(_ordered(values, declared, numeric=numeric)))


def _slice(name: str, values: Sequence[Value], declared: Hyperparameter | None, groups: Sequence[EpochGroup]) -> Slice:
    kind = axis_kind(values, declared)
    description = declared.description if declared else ""
    if kind.categories is None:
        return Slice(name, None, kind.log, tuple(_numeric_group(name, group) for group in groups), description)
    places = {repr(value): place for place, value in enumerate(kind.categories)}
    members = tuple(_category_group(name, places, group) for group in groups)
    return Slice(name, kind.categories, False, members, description)


def _ordered(values: Sequence[Value], declared: Hyperparameter | None, *, numeric: bool) -> list[Value]:
    if numeric:
        return sorted(values, key=lambda value: (float(value), repr(value)))
    present = {repr(value): value for value in values}
    given = [repr(value) for value in (declared.values or () if declared else ()) if repr(value) in present]
    return [present[key] for key in (*given, *sorted(set(present).difference(given)))]


def _with(name: str, group: EpochGroup) -> list[TrialRecord]:
    return [record for record in group.records if name in record.configuration]


def _numeric_group(name: str, group: EpochGroup) -> SliceGroup:
    points = (
        SlicePoint(record.trial, float(record.configuration[name]), accuracy_of(record))
        for record in _with(name, group)
    )
    return SliceGroup(group.epochs, tuple(points), ())


def _category_group(name: str, places: dict[str, int], group: EpochGroup) -> SliceGroup:
    points = tuple(
        SlicePoint(record.trial, float(places[repr(record.configuration[name])]), accuracy_of(record))
        for record in _with(name, group)
    )
    medians = []
    for place in range(len(places)):
        scores = [point.accuracy for point in points if point.x == place]
        if len(scores) > 1:
            medians.append((float(place), median(scores)))
    return SliceGroup(group.epochs, points, tuple(medians))
