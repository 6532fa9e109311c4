"""The Pareto front of accuracy and size (parameters or multiply-adds): trials that no smaller trial equals or beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.analysis.search.trials import accuracy_of, explored, scored
from reports.run.run_data import RunData
from tuner.core.records import Objective, TrialRecord
from tuner.stats.pareto_front import pareto_front
from tuner.storage.schema.result import Finalist
from tuner.storage.schema.run import Reference, Space

Measure: TypeAlias = Literal["parameters", "multiply_adds", "ram", "flash"]
"""The measure of size: of a model, of one prediction of it, or of its int8 network on a microcontroller."""


@dataclass(frozen=True)
class SizePoint:
    """A trial on the plane of size and score."""

    trial: str
    parameters: int
    accuracy: float
    epochs: float
    multiply_adds: int | None = None
    ram: int | None = None
    flash: int | None = None


@dataclass(frozen=True)
class ConfirmedPoint:
    """A finalist: the mean over its seeds, the smallest and the largest score."""

    trial: str
    parameters: int
    mean: float
    low: float
    high: float
    seeds: int
    winner: bool
    multiply_adds: int | None = None
    ram: int | None = None
    flash: int | None = None


@dataclass(frozen=True)
class PublishedPoint:
    """A reference with its published test accuracy."""

    name: str
    parameters: int
    accuracy: float
    multiply_adds: int | None = None
    ram: int | None = None
    flash: int | None = None


@dataclass(frozen=True)
class Front:
    """The points of the figure, without those whose size by the measure is unknown."""

    points: tuple[SizePoint, ...]
    front: tuple[SizePoint, ...]
    """The non-dominated trials among those with the most epochs, by size, rising in accuracy."""
    epochs: float | None
    confirmed: tuple[ConfirmedPoint, ...]
    published: tuple[PublishedPoint, ...]
    """The references; empty where the data are not MNIST: their published figures would not compare."""
    cap: int | None
    measure: Measure = "parameters"


def size_of(point: SizePoint | ConfirmedPoint | PublishedPoint, measure: Measure) -> int | None:
    """Return a point's size by a measure; None where it is unknown."""
    sizes = {
        "parameters": point.parameters,
        "multiply_adds": point.multiply_adds,
        "ram": point.ram,
        "flash": point.flash,
    }
    return sizes[measure]


def size_front(run: RunData, measure: Measure = "parameters") -> Front:
    """Return the front of a run, with its finalists, references and cap."""
    records = scored(explored(run.records) or run.records)
    points = [point for point in map(_point, records) if size_of(point, measure) is not None]
    epochs = max((point.epochs for point in points), default=None)
    # Published figures are accuracies: they don't compare with a balanced accuracy.
    compares = run.info.data.is_mnist and run.objective == "val_accuracy"
    published = _published(run.info.references) if compares else ()
    return Front(
        points=tuple(points),
        front=tuple(
            pareto_front(
                (point for point in points if point.epochs == epochs),
                size=lambda point: size_of(point, measure) or 0,
                value=lambda point: point.accuracy,
                best_first=lambda point: (-point.accuracy, point.trial),
            )
        ),
        epochs=epochs,
        confirmed=tuple(point for point in _confirmed(run) if size_of(point, measure) is not None),
        published=tuple(point for point in published if size_of(point, measure) is not None),
        cap=_cap(run.info.space, measure),
        measure=measure,
    )


def _cap(space: Space, measure: Measure) -> int | None:
    caps = {
        "parameters": space.max_params,
        "multiply_adds": space.max_macs,
        "ram": space.max_ram,
        "flash": space.max_flash,
    }
    return caps[measure]


def _point(record: TrialRecord) -> SizePoint:
    multiply_adds = record.multiply_adds if record.layers else None
    return SizePoint(
        record.trial, record.parameters, accuracy_of(record), record.epochs, multiply_adds, record.ram, record.flash
    )


def _confirmed(run: RunData) -> tuple[ConfirmedPoint, ...]:
    if run.result is None:
        return ()
    return tuple(
        point
        for place, finalist in enumerate(run.result.finalists)
        if (point := _confirmed_point(finalist, run.objective, winner=place == 0)) is not None
    )


def _confirmed_point(finalist: Finalist, objective: Objective, *, winner: bool) -> ConfirmedPoint | None:
    scores = finalist.validation.scores(objective)
    if scores is None or not scores.per_seed:
        return None
    return ConfirmedPoint(
        trial=finalist.trials[0],
        parameters=finalist.parameters,
        mean=scores.mean,
        low=min(scores.per_seed),
        high=max(scores.per_seed),
        seeds=len(scores.per_seed),
        winner=winner,
        multiply_adds=finalist.multiply_adds,
        ram=finalist.ram,
        flash=finalist.flash,
    )


def _published(references: Sequence[Reference]) -> tuple[PublishedPoint, ...]:
    return tuple(
        PublishedPoint(reference.name, reference.parameters, reference.published_accuracy, reference.multiply_adds)
        for reference in references
        if reference.published_accuracy is not None
    )
