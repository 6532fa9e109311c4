"""The protocol between a search and its oracle: ask for a proposal, tell its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tuner.core.records import Configuration, TrialRecord, tidy_epochs
from tuner.storage.schema.run import Bracket, Plan
from tuner.storage.schema.run import Rung as PlannedRung


@dataclass(frozen=True)
class Proposal:
    """A trial that is to be trained next."""

    trial: str
    bracket: int | None
    rung: int | None
    configuration: Configuration
    epochs: float
    origin: str
    """The origin of the configuration (`Trial.origin`)."""


@dataclass(frozen=True)
class Rung:
    """A rung as planned; fewer trials run in it where earlier ones failed."""

    bracket: int
    rung: int
    size: int
    epochs: float
    """Below 1: the fraction of the images in the only pass."""
    first: int
    """The number of its first trial."""


class Oracle(Protocol):
    """A search algorithm."""

    rungs: tuple[Rung, ...]
    """The planned rungs; none outside Hyperband."""
    exhausted: bool
    """True where the space had fewer configurations within the caps than planned trials."""

    flat_after: int | None
    """The first bracket that was no better than those before it, after which none begins; with `--stop-when-flat`."""
    held: bool
    """True from `hold` to `replan`."""

    @property
    def started(self) -> int:
        """Return the number of proposed trials of the first rung; 0 outside Hyperband."""

    def hold(self) -> None:
        """Propose trials of the first rung alone until `replan`. Nothing outside Hyperband."""

    def replan(self, rungs: tuple[Rung, ...]) -> None:
        """Take other rungs. Nothing outside Hyperband."""

    @property
    def planned_trials(self) -> int:
        """Return the largest number of trials."""

    def ask(self) -> Proposal | None:
        """Return the next trial; None where a running trial has to end first, or no trial is left."""

    def tell(self, record: TrialRecord) -> None:
        """Take the record of a proposed trial."""

    def rung_has_ended(self, bracket: int | None, rung: int | None) -> bool:
        """Return whether the rung of a bracket has no trial left to run. Never outside Hyperband."""


def first_places(oracle: Oracle) -> int:
    """Return the number of trials before the first promotion: warm starts beyond these are not tried."""
    return oracle.rungs[0].size if oracle.rungs else oracle.planned_trials


def make_plan(oracle: Oracle, algorithm: str, max_epochs: int) -> Plan:
    """Return `plan` of run.json, without the confirmation's epochs."""
    brackets: dict[int, list[PlannedRung]] = {}
    for rung in oracle.rungs:
        planned = PlannedRung(rung=rung.rung, size=rung.size, epochs=rung.epochs)
        brackets.setdefault(rung.bracket, []).append(planned)
    return Plan(
        algorithm=algorithm,
        brackets=tuple(Bracket(bracket=number, rungs=tuple(rungs)) for number, rungs in brackets.items()),
        trials=oracle.planned_trials,
        epochs=tidy_epochs(sum(rung.size * rung.epochs for rung in oracle.rungs)) or oracle.planned_trials * max_epochs,
    )
