"""Checks of each trial's record within itself: its history, its scores, its status."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tuner.core.records import TrialRecord, metrics_of
from tuner.processes.tasks import PATIENCE, RESTORE_BEST
from tuner.verification.agreement import equal
from tuner.verification.check import Outcome, Unavailable, count, outcome_of
from tuner.verification.evidence import Evidence

_WHOLE = 0.01
"""How far from a whole number of images an accuracy may be that was counted in 32 bits: 6e-8 of 100,000 images is 0.006."""


def histories(evidence: Evidence) -> Outcome:
    """Check that a completed trial has every metric of every epoch, that its scores are those of its history, and that a failed one has none."""
    if evidence.run.space.model is not None:
        raise Unavailable("a user's own HyperModel is measured after its training, whatever its history ends with")
    faults = [f"trial {r.trial} {fault}" for r in evidence.records.values() for fault in _faults(r)]
    epochs = sum(record.epochs_run for record in evidence.records.values())
    return outcome_of(faults, f"{count(len(evidence.records), 'trial')}, {count(epochs, 'epoch')}")


def _faults(record: TrialRecord) -> Iterator[str]:
    if not record.completed:
        if record.val_accuracy is not None or record.val_loss is not None:
            yield "failed and has a score"
        return
    if not 1 <= record.epochs_run <= math.ceil(record.epochs):
        yield f"ran {record.epochs_run} epochs of {record.epochs:g}"
    if _runs_to_its_end(record) and record.epochs_run != math.ceil(record.epochs):
        yield f"stopped after {record.epochs_run} of {record.epochs:g} epochs, though nothing stops it early"
    for metric in metrics_of(record.phase):
        length = len(record.history.get(metric, ()))
        if length != record.epochs_run:
            yield f"has {metric} of {length} epochs. Expected {record.epochs_run}"
            return
    yield from _score_faults(record)


def _runs_to_its_end(record: TrialRecord) -> bool:
    stops = {PATIENCE, RESTORE_BEST} & set(record.configuration)
    return record.phase in ("train", "study") and not stops


def _score_faults(record: TrialRecord) -> Iterator[str]:
    if record.phase == "refit":
        if record.val_accuracy is not None or record.val_loss is not None:
            yield "was trained on the validation images and has a validation score"
        return
    losses = record.history["val_loss"]
    epoch = min(range(len(losses)), key=lambda place: losses[place]) if record.configuration.get(RESTORE_BEST) else -1
    for metric, recorded in (("val_accuracy", record.val_accuracy), ("val_loss", record.val_loss)):
        value = record.history[metric][epoch]
        if recorded is None or not equal(recorded, value):
            yield f"has a {metric} of {recorded}. Its history ends with {value}"


def accuracies(evidence: Evidence) -> Outcome:
    """Check that each validation accuracy is a whole number of the validation images."""
    evidence.family  # noqa: B018 - what somebody's own metric counts is not known
    images = evidence.run.data.validation
    faults = [
        f"trial {record.trial} has a validation accuracy of {value}, which is {images * value:.3f} of {images:,} images"
        for record in evidence.records.values()
        for value in _values(record)
        if abs(images * value - round(images * value)) > _WHOLE
    ]
    return outcome_of(faults, f"each a whole number of {images:,} images")


def _values(record: TrialRecord) -> list[float]:
    recorded = [] if record.val_accuracy is None else [record.val_accuracy]
    return [*recorded, *(value for value in record.history.get("val_accuracy", ()) if math.isfinite(value))]
