"""The state of a run that the terminal follows. No text, no console."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from reports.analysis.search.time_left import planned_work, seconds_left
from tuner.core.records import Trial, TrialRecord
from tuner.storage.schema.run import RunDocument


@dataclass
class LiveTrial:
    """A trial in training."""

    trial: Trial
    worker: int | None = None
    epoch: int = 0
    val_accuracy: float | None = None


@dataclass
class RunState:
    """The state of a run so far."""

    run: RunDocument | None = None
    phase: str = ""
    expected: int = 0
    running: dict[str, LiveTrial] = field(default_factory=dict)
    ended: list[TrialRecord] = field(default_factory=list)
    """In the order in which they ended."""
    best: TrialRecord | None = None
    failed: int = 0
    began: float = field(default_factory=time.monotonic)

    def ended_in_phase(self) -> int:
        """Return the number of trials of the phase that have ended."""
        return sum(record.phase == self.phase for record in self.ended)

    def ended_in_rung(self, bracket: int, rung: int) -> list[TrialRecord]:
        """Return the trials of a rung that have ended."""
        return [record for record in self.ended if (record.bracket, record.rung) == (bracket, rung)]

    def take(self, record: TrialRecord) -> None:
        """Add a trial that has ended."""
        self.running.pop(record.trial, None)
        self.ended.append(record)
        self.failed += not record.completed
        if record.completed and record.phase not in ("confirm", "refit") and _is_better(record, self.best):
            self.best = record

    def seconds_left(self) -> float | None:
        """Return the estimated remaining seconds, at most the rest of the time budget; None while unknown."""
        if self.run is None:
            return None
        plan, options = self.run.plan, self.run.options
        left_s = seconds_left(
            planned_work(plan.epochs or 0, plan.trials, [rung.epochs for rung in plan.rungs], options),
            self.ended,
            running_epochs=sum(live.epoch * live.trial.share for live in self.running.values()),
        )
        budget_s = options.get("time_budget")
        if left_s is None or not isinstance(budget_s, (int, float)):
            return left_s
        return min(left_s, max(0.0, budget_s - (time.monotonic() - self.began)))


def _is_better(record: TrialRecord, best: TrialRecord | None) -> bool:
    if best is None:
        return True
    return (record.epochs, record.score or 0.0) > (best.epochs, best.score or 0.0)
