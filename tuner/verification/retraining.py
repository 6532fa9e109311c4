"""Trials of the journal trained again in worker processes, and compared: bit for bit on the same kind of machine, else within a tolerance."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.core.errors import RunFailed
from tuner.core.machine import versions
from tuner.core.records import TrialRecord
from tuner.data.dataset import save_arrays
from tuner.processes.environment import default_size
from tuner.processes.tasks import Event, TrainTask
from tuner.run.run_document import describe_machine
from tuner.run.trial_sources import train_task
from tuner.storage.schema.run import RunDocument
from tuner.verification.check import Check, Outcome, Unavailable, failed, named, passed
from tuner.verification.data import dataset
from tuner.verification.evidence import Evidence
from tuner.workers.local import LocalWorkers

ACCURACY_TOLERANCE, STANDARD_ERRORS = 0.02, 8.0
"""On another kind of machine the last validation accuracy may differ by the larger of this and so many standard errors of it.

Measured: ten trainings of 6 epochs on 1,167 digits, each with kernels for AVX2, for SSE4.1 and without oneDNN in the place of AVX-512's,
differed by up to 2.1, 2.6 and 4.7 standard errors (.138 of 130 validation images). With thousands of images the first number counts."""
_OF_MACHINE = ("system", "processor", "features", "kernel_variables", "accelerators")
_TIMES = ("seconds",)
"""Metrics of a history that no two trainings have in common."""
_POLL_S = 1.0


def retrained(evidence: Evidence, number: int) -> list[Check]:
    """Train so many trials again, chosen at random, and compare each with its record."""
    name = "retraining"
    try:
        chosen = _chosen(evidence, number)
        tasks = [_task(evidence, record) for record in chosen]
        events = _trained(evidence, tasks)
    except Unavailable as reason:
        return [named(name, Outcome("not possible", str(reason)))]
    except RunFailed as error:
        return [named(name, Outcome("not possible", f"no worker could be started: {error}"))]
    return [
        named(f"trial {record.trial} trained again", _outcome(evidence, record, event))
        for record, event in zip(chosen, events, strict=True)
    ]


def _chosen(evidence: Evidence, number: int) -> list[TrialRecord]:
    """Return trials that nobody could foretell, so that a run can't be right in these alone."""
    completed = [record for record in evidence.records.values() if record.completed]
    if not completed:
        raise Unavailable("no trial completed")
    chosen = random.SystemRandom().sample(completed, min(number, len(completed)))
    return sorted(chosen, key=lambda record: int(record.trial))


def _task(evidence: Evidence, record: TrialRecord) -> TrainTask:
    task = train_task(record, evidence.space_ref)
    if record.phase == "refit":
        return replace(task, refit=True, stop_after=record.epochs_run)
    return replace(task, stop_early=record.phase in ("search", "confirm"))


def _trained(evidence: Evidence, tasks: Sequence[TrainTask]) -> list[Event]:
    """Return how each task ended, in their order."""
    data = dataset(evidence)
    ended: dict[str, Event] = {}
    with tempfile.TemporaryDirectory(prefix="mnist-tune-verify-") as folder:
        save_arrays(data, Path(folder) / "data")
        size = min(len(tasks), default_size("cpu", 0))
        with LocalWorkers(size, Path(folder) / "data", Path(folder) / "logs") as workers:
            for task in tasks:
                workers.submit(task)
            while len(ended) < len(tasks):
                event = workers.next_event(_POLL_S)
                if event is not None and event.kind != "epoch":
                    ended[event.task] = event
    return [ended[task.id] for task in tasks]


def _outcome(evidence: Evidence, record: TrialRecord, event: Event) -> Outcome:
    if event.kind == "failed":
        return failed(f"its record says that it completed. Trained again it failed: {event.error}")
    body = event.body
    if same_training(record, body):
        return passed(f"{record.epochs_run} epochs, every loss and accuracy bit for bit the same")
    others = differences(evidence.run)
    words = _words(record, body)
    if not others:
        return failed(f"{words}; machine and versions are those of the run, so that every bit should be the same")
    return _within_tolerance(evidence, record, body, f"{words}; not the run's: {', '.join(others[:2])}")


def same_training(record: TrialRecord, body: Mapping[str, Any]) -> bool:
    """Return true where a training gave the record's scores and history, but for times."""
    scores = (body["val_accuracy"], body["val_loss"], body["epochs_run"])
    history = {name: list(values) for name, values in record.history.items() if name not in _TIMES}
    trained = {name: list(values) for name, values in body["history"].items() if name not in _TIMES}
    return scores == (record.val_accuracy, record.val_loss, record.epochs_run) and trained == history


def _words(record: TrialRecord, body: Mapping[str, Any]) -> str:
    if record.val_accuracy is None:
        return "the histories differ"
    return f"validation accuracy {body['val_accuracy']:.4f}, {record.val_accuracy:.4f} in the journal"


def _within_tolerance(evidence: Evidence, record: TrialRecord, body: Mapping[str, Any], words: str) -> Outcome:
    data = evidence.run.data
    metric, images = ("accuracy", data.train) if record.phase == "refit" else ("val_accuracy", data.validation)
    recorded, found = record.history[metric][-1], body["history"][metric][-1]
    limit = tolerance(recorded, images)
    inside = abs(found - recorded) <= limit
    verdict = f"{words}; {abs(found - recorded):.4f} apart, {limit:.4f} is allowed"
    return passed(verdict) if inside else failed(verdict)


def tolerance(accuracy: float, images: int) -> float:
    """Return how far an accuracy may be from that of a training on another kind of machine."""
    error = math.sqrt(max(accuracy * (1 - accuracy), 0.0) / max(images, 1))
    return max(ACCURACY_TOLERANCE, STANDARD_ERRORS * error)


def differences(run: RunDocument) -> list[str]:
    """Return what of this machine and its packages is not as run.json says; empty where a training has to give the same bits."""
    machine, here = run.machine, describe_machine([])
    others = [f"{name} of the machine" for name in _OF_MACHINE if getattr(machine, name) != getattr(here, name)]
    if run.options.get("scheduler") is not None:
        others.append("a machine of the cluster")
    installed, recorded = versions(), run.versions
    return others + [name for name in sorted({*installed, *recorded}) if installed.get(name) != recorded.get(name)]
