"""Observers of a run: the terminal's progress, a notebook's, and the update of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuner.core.records import Trial, TrialRecord
from tuner.storage.schema.run import RunDocument


class Observer:
    """The receiver of a run's events; this base class ignores them."""

    def pictures_decoded(self, done: int, total: int) -> None:
        """So many of the data set's pictures are decoded; the run has not begun."""

    def run_began(self, run: RunDocument) -> None:
        """`run.json` was written for the first time, or read again (a resumed run)."""

    def phase_began(self, phase: str, trials: int) -> None:
        """A phase began: search, confirm, refit, evaluate. `trials`: the largest number of its trials."""

    def trial_started(self, trial: Trial) -> None:
        """A trial was handed to a worker."""

    def epoch_ended(self, trial: Trial, worker: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """A running trial ended an epoch."""

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        """A trial ended, or was read from the journal. A search's record has no history and layers."""

    def rung_ended(self, bracket: int, rung: int) -> None:
        """A rung has no trial left to run."""

    def plan_changed(self, run: RunDocument) -> None:
        """The search's plan was fitted to the time budget."""

    def note(self, text: str) -> None:
        """Something that the user should know."""

    def run_ended(self, run: RunDocument) -> None:
        """`run.json` was written for the last time; every file is complete."""


class Observers(Observer):
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def pictures_decoded(self, done: int, total: int) -> None:
        for observer in self._observers:
            observer.pictures_decoded(done, total)

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

    def plan_changed(self, run: RunDocument) -> None:
        for observer in self._observers:
            observer.plan_changed(run)

    def note(self, text: str) -> None:
        for observer in self._observers:
            observer.note(text)

    def run_ended(self, run: RunDocument) -> None:
        for observer in self._observers:
            observer.run_ended(run)
