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
from tuner.core.records import SCORE_KEYS, VALIDATION_WORDS, TrialRecord
from tuner.data.dataset import save_arrays
from tuner.export.int8 import missing_requirement
from tuner.processes.environment import default_size
from tuner.processes.kernels import ONEDNN_VARIABLE, uses_onednn
from tuner.processes.tasks import Event, TrainTask
from tuner.run.run_document import describe_machine
from tuner.run.target import scored_images
from tuner.run.trial_sources import train_task
from tuner.storage.schema.run import Machine, RunDocument
from tuner.verification.check import Check, Outcome, Unavailable, failed, named, passed
from tuner.verification.data import dataset
from tuner.verification.evidence import Evidence
from tuner.workers.local import LocalWorkers

ACCURACY_TOLERANCE, STANDARD_ERRORS = 0.02, 8.0
"""On another kind of machine the score by which trials are ranked may differ by the larger of this and so many standard errors of it.

Measured: ten trainings of 6 epochs on 1,167 digits, each with kernels for AVX2, for SSE4.1 and without oneDNN in the place of AVX-512's,
differed by up to 2.1, 2.6 and 4.7 standard errors (.138 of 130 validation images). With thousands of images the first number counts."""
_OF_MACHINE = ("system", "processor", "features", "accelerators")
_TIMES = ("seconds",)
"""Metrics of a history that no two trainings have in common."""
_POLL_S = 1.0


def retrained(evidence: Evidence, number: int) -> list[Check]:
    """Train so many trials again, chosen at random, and compare each with its record."""
    name = "retraining"
    try:
        chosen = _chosen(evidence, number)
        tasks = {record.trial: _task(evidence, record) for record in chosen if _lack(record) is None}
        events = dict(zip(tasks, _trained(evidence, list(tasks.values())), strict=True))
    except Unavailable as reason:
        return [named(name, Outcome("not possible", str(reason)))]
    except RunFailed as error:
        return [named(name, Outcome("not possible", f"no worker could be started: {error}"))]
    return [
        named(
            f"trial {record.trial} trained again",
            _outcome(evidence, record, events[record.trial])
            if record.trial in events
            else Outcome("not possible", f"its int8 network needs {_lack(record)}"),
        )
        for record in chosen
    ]


def _lack(record: TrialRecord) -> str | None:
    """Return what a trial that is ranked by its int8 network needs and this machine lacks."""
    return missing_requirement() if record.objective == "int8" else None


def _chosen(evidence: Evidence, number: int) -> list[TrialRecord]:
    """Return random trials, so that a forger can't know which ones will be trained again."""
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
    if not tasks:
        return []
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
    """Return true where a training gave the record's scores and history; times may differ."""
    numbers = (body["val_accuracy"], body["val_loss"], body["epochs_run"])
    history = {name: list(values) for name, values in record.history.items() if name not in _TIMES}
    trained = {name: list(values) for name, values in body["history"].items() if name not in _TIMES}
    others = all(_agree(getattr(record, key), body.get(key)) for key in SCORE_KEYS.values())
    return numbers == (record.val_accuracy, record.val_loss, record.epochs_run) and others and trained == history


def _agree(recorded: float | None, measured: float | None) -> bool:
    """Return whether a score is the record's, as far as both have it: some are measured only where the model is kept."""
    return recorded is None or measured is None or recorded == measured


def _words(record: TrialRecord, body: Mapping[str, Any]) -> str:
    score = scores(record, body)
    if record.phase == "refit" or score is None:
        return "the histories differ"
    return f"{VALIDATION_WORDS[record.objective]} {score[1]:.4f}, {score[0]:.4f} in the journal"


def scores(record: TrialRecord, body: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the recorded and the repeated score by which a trial is ranked (of a refit: training accuracy); None where one is missing."""
    if record.objective != "val_accuracy" and record.phase != "refit":
        recorded, repeated = record.score, body.get(SCORE_KEYS[record.objective])
    else:
        metric = "accuracy" if record.phase == "refit" else "val_accuracy"
        recorded, repeated = (next(reversed(h.get(metric, ())), None) for h in (record.history, body["history"]))
    return None if recorded is None or repeated is None else (float(recorded), float(repeated))


def _within_tolerance(evidence: Evidence, record: TrialRecord, body: Mapping[str, Any], words: str) -> Outcome:
    score = scores(record, body)
    if score is None:
        return failed(f"{words}; the score of one of them is missing")
    recorded, repeated = score
    data = evidence.run.data
    images = data.train + data.validation if record.phase == "refit" else scored_images(record.objective, data)
    limit = tolerance(recorded, images)
    inside = abs(repeated - recorded) <= limit
    verdict = f"{words}; {abs(repeated - recorded):.4f} apart, {limit:.4f} is allowed"
    return passed(verdict) if inside else failed(verdict)


def tolerance(accuracy: float, images: float) -> float:
    """Return how far an accuracy may be from that of a training on another kind of machine."""
    error = math.sqrt(max(accuracy * (1 - accuracy), 0.0) / max(images, 1))
    return max(ACCURACY_TOLERANCE, STANDARD_ERRORS * error)


def differences(run: RunDocument) -> list[str]:
    """Return what of this machine and its packages is not as run.json says; empty where a training has to give the same bits."""
    machine, here = run.machine, describe_machine([])
    others = [f"{name} of the machine" for name in _OF_MACHINE if getattr(machine, name) != getattr(here, name)]
    if _kernels(machine) != _kernels(here):
        others.append("kernel_variables of the machine")
    if run.options.get("scheduler") is not None:
        others.append("a machine of the cluster")
    if run.options.get("stack_trials") is not None:
        others.append("trials that trained together")
    installed, recorded = versions(), run.versions
    return others + [name for name in sorted({*installed, *recorded}) if installed.get(name) != recorded.get(name)]


def _kernels(machine: Machine) -> tuple[bool, dict[str, str]] | None:
    """Return whether kernels are oneDNN's, and the other variables that choose them; None where the run recorded none."""
    if machine.kernel_variables is None:
        return None
    others = {name: value for name, value in machine.kernel_variables.items() if name != ONEDNN_VARIABLE}
    return uses_onednn(machine.kernel_variables, machine.features or ()), others
