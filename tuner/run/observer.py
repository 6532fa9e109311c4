"""Observers of a run. The terminal's view, a notebook's and the report's renewal are observers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuner.core.records import Trial, TrialRecord
from tuner.storage.schema.run import RunDocument


class Observer:
    """Hears of everything that happens in a run; this one does nothing about it."""

    def run_began(self, run: RunDocument) -> None:
        """`run.json` was written for the first time, or read again (a resumed run)."""

    def phase_began(self, phase: str, trials: int) -> None:
        """A phase began: search, confirm, refit, evaluate. `trials`: how many it has at most."""

    def trial_started(self, trial: Trial) -> None:
        """A trial was handed to a worker."""

    def epoch_ended(self, trial: Trial, worker: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """A running trial ended an epoch."""

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        """A trial ended, or was put back from the journal. That of a search has its history and layers there alone."""

    def rung_ended(self, bracket: int, rung: int) -> None:
        """A rung has no trial left to run."""

    def note(self, text: str) -> None:
        """Something that the user should know."""

    def run_ended(self, run: RunDocument) -> None:
        """`run.json` was written for the last time; every file is there."""


class Observers(Observer):
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def run_began(self, run: RunDocument) -> None:
        for observer in self._observers:
            observer.run_began(run)

    def phase_began(self, phase: str, trials: int) -> None:
        for observer in self._observers:
            observer.phase_began(phase, trials)

    def trial_started(self, trial: Trial) -> None:
        for observer in self._observers:
            observer.trial_started(trial)

    def epoch_ended(self, trial: Trial, worker: int, epoch: int, metrics: Mapping[str, float]) -> None:
        for observer in self._observers:
            observer.epoch_ended(trial, worker, epoch, metrics)

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        for observer in self._observers:
            observer.trial_finished(record, restored=restored)

    def rung_ended(self, bracket: int, rung: int) -> None:
        for observer in self._observers:
            observer.rung_ended(bracket, rung)

    def note(self, text: str) -> None:
        for observer in self._observers:
            observer.note(text)

    def run_ended(self, run: RunDocument) -> None:
        for observer in self._observers:
            observer.run_ended(run)
