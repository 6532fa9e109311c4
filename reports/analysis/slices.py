"""One hyperparameter against the score, one length of training at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from reports.analysis.trials import EpochGroup, accuracy_of
from reports.run_data import Hyperparameter
from tuner.records import TrialRecord, Value

FEW_TRIALS = 20
"""With fewer trials of one length a plot shows chance as much as a setting's effect."""

_MOST_CATEGORIES = 8


@dataclass(frozen=True)
class SlicePoint:
    """A trial: where it stands on the axis, and its score."""

    trial: str
    x: float
    accuracy: float


@dataclass(frozen=True)
class SliceGroup:
    """The trials of one length."""

    epochs: int
    points: tuple[SlicePoint, ...]
    medians: tuple[tuple[float, float], ...]
    """(place of a category, median accuracy) where it has two trials or more; empty on a numeric axis."""


@dataclass(frozen=True)
class Slice:
    """One hyperparameter. On a categorical axis x counts from 0."""

    name: str
    categories: tuple[Value, ...] | None
    """None on a numeric axis."""
    log: bool
    groups: tuple[SliceGroup, ...]


def slices(groups: Sequence[EpochGroup], names: Sequence[str], space: Sequence[Hyperparameter]) -> tuple[Slice, ...]:
    """A slice for each name that takes two values or more among the scored trials."""
    records = [record for group in groups for record in group.records]
    known = {item.name: item for item in space}
    found = []
    for name in names:
        values = {record.configuration[name] for record in records if name in record.configuration}
        if len(values) > 1:
            found.append(_slice(name, values, known.get(name), groups))
    return tuple(found)


def _slice(name: str, values: set[Value], declared: Hyperparameter | None, groups: Sequence[EpochGroup]) -> Slice:
    numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    continuous = declared is not None and declared.kind == "float" and declared.values is None
    if numeric and (continuous or len(values) > _MOST_CATEGORIES):
        log = declared is not None and declared.sampling == "log" and all(float(v) > 0 for v in values)
        return Slice(name, None, log, tuple(_numeric_group(name, group) for group in groups))
    ordered = _ordered(values, declared, numeric=numeric)
    places = {repr(value): place for place, value in enumerate(ordered)}
    return Slice(name, tuple(ordered), False, tuple(_category_group(name, places, group) for group in groups))


def _ordered(values: set[Value], declared: Hyperparameter | None, *, numeric: bool) -> list[Value]:
    if numeric:
        return sorted(values, key=float)
    given = [value for value in (declared.values or () if declared else ()) if value in values]
    return [*given, *sorted(values.difference(given), key=repr)]


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
