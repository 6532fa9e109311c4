"""Accuracy against parameters: which trials no smaller trial equals or beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.trials import accuracy_of, explored, groups_by_epochs, scored
from reports.run_data import Finalist, Reference, RunData
from tuner.records import TrialRecord


@dataclass(frozen=True)
class SizePoint:
    """A trial on the plane of size and score."""

    trial: str
    parameters: int
    accuracy: float
    epochs: int


@dataclass(frozen=True)
class ConfirmedPoint:
    """A finalist: mean over its seeds, smallest and largest."""

    trial: str
    parameters: int
    mean: float
    low: float
    high: float
    seeds: int
    winner: bool


@dataclass(frozen=True)
class PublishedPoint:
    """A reference with its published test accuracy."""

    name: str
    parameters: int
    accuracy: float


@dataclass(frozen=True)
class Front:
    """All that the figure shows."""

    points: tuple[SizePoint, ...]
    front: tuple[SizePoint, ...]
    """By parameters, rising in accuracy; of the trials with the most epochs alone."""
    epochs: int | None
    confirmed: tuple[ConfirmedPoint, ...]
    published: tuple[PublishedPoint, ...]
    """None where the data are not MNIST: their figures would not compare."""
    cap: int | None


def size_front(run: RunData) -> Front:
    """The front of a run, its finalists, references and cap."""
    records = explored(run.records) or run.records
    groups = groups_by_epochs(records)
    longest = groups[0] if groups else None
    return Front(
        points=tuple(_point(record) for record in scored(records)),
        front=non_dominated(tuple(_point(record) for record in longest.records)) if longest else (),
        epochs=longest.epochs if longest else None,
        confirmed=_confirmed(run),
        published=_published(run.info.references) if run.info.data.is_mnist else (),
        cap=run.info.max_params,
    )


def non_dominated(points: Sequence[SizePoint]) -> tuple[SizePoint, ...]:
    """The points for which none is as small or smaller and as good or better (of equals the first by trial)."""
    kept: list[SizePoint] = []
    for point in sorted(points, key=lambda p: (p.parameters, -p.accuracy, p.trial)):
        if not kept or point.accuracy > kept[-1].accuracy:
            kept.append(point)
    return tuple(kept)


def _point(record: TrialRecord) -> SizePoint:
    return SizePoint(record.trial, record.parameters, accuracy_of(record), record.epochs)


def _confirmed(run: RunData) -> tuple[ConfirmedPoint, ...]:
    if run.result is None:
        return ()
    return tuple(
        point
        for place, finalist in enumerate(run.result.finalists)
        if (point := _confirmed_point(finalist, winner=place == 0)) is not None
    )


def _confirmed_point(finalist: Finalist, *, winner: bool) -> ConfirmedPoint | None:
    scores = finalist.validation.per_seed
    if finalist.validation.mean is None or not scores:
        return None
    return ConfirmedPoint(
        trial=finalist.trials[0],
        parameters=finalist.parameters,
        mean=finalist.validation.mean,
        low=min(scores),
        high=max(scores),
        seeds=len(scores),
        winner=winner,
    )


def _published(references: Sequence[Reference]) -> tuple[PublishedPoint, ...]:
    return tuple(
        PublishedPoint(reference.name, reference.parameters, reference.published_accuracy)
        for reference in references
        if reference.published_accuracy is not None
    )
