"""What is tried next: Keras Tuner's oracles, driven by hand, with the cap kept at the draw and their faults mended.

With `hyperband`, `flat_oracles` and `quiet_oracle` all that knows Keras Tuner's oracles. Nothing there trains, waits or touches a file.

Draw k of a bracket is a function of (seed, bracket, k, attempt) alone, never repeats a configuration of the run and keeps the
space's caps; known configurations take the first places.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.draws import Drawn, Draws, Space
from tuner.flat_oracles import BayesianSearch, RandomSearch
from tuner.hyperband import Hyperband
from tuner.hyperband import Rung as HyperbandRung
from tuner.known import Known
from tuner.options import SearchOptions
from tuner.quiet_oracle import Proposal
from tuner.records import TrialRecord, tidy_epochs
from tuner.storage.schema.run import Bracket, Plan, Rung


class Proposer:
    """Hands out proposals and takes records back. What the loop of a search sees of an oracle."""

    def __init__(
        self,
        space: Space,
        options: SearchOptions,
        *,
        known: Sequence[Known] = (),
        recorded: Mapping[str, Drawn] | None = None,
    ) -> None:
        """
        Args:
            space: what is searched.
            options: algorithm, epochs, factor, iterations, number of trials, seed.
            known: good configurations, which take the first places of the first rung; Hyperband also draws near them.
            recorded: trial → configuration and origin of a journal, put back instead of being drawn.
        """
        draws = Draws(space, options.seed, known, recorded or {})
        kind = {"hyperband": Hyperband, "random": RandomSearch, "bayesian": BayesianSearch}[options.algorithm]
        self._oracle: Any = kind(space, options, draws)
        self._handles: dict[str, Any] = {}
        self._max_epochs = options.max_epochs
        self._asked = 0

    @property
    def rungs(self) -> tuple[HyperbandRung, ...]:
        """The planned rungs; none outside Hyperband."""
        return getattr(self._oracle, "rungs", ())

    @property
    def first_places(self) -> int:
        """How many trials there are before the first promotion: known configurations beyond these are not tried."""
        return self.rungs[0].size if self.rungs else self.planned_trials

    @property
    def planned_trials(self) -> int:
        """How many trials there will be at most."""
        return sum(rung.size for rung in self.rungs) or int(self._oracle.max_trials)

    @property
    def exhausted(self) -> bool:
        """Whether the space had fewer configurations within the caps than there were to be."""
        return bool(self._oracle.exhausted)

    def propose(self) -> Proposal | None:
        """The next trial; None where a record has to come back first, or nothing is left."""
        # Keras Tuner gives a tuner that asks twice its running trial back.
        handle = _undeprecated(self._oracle.create_trial, f"ask-{self._asked}")
        if handle.status != "RUNNING":
            return None
        self._oracle.tuner_ids.clear()
        self._asked += 1
        proposal: Proposal = self._oracle.proposals.pop(handle.trial_id)
        self._handles[proposal.trial] = handle
        return proposal

    def report(self, record: TrialRecord) -> None:
        """Takes the record of a proposed trial back."""
        handle = self._handles.pop(record.trial)
        if hasattr(self._oracle, "records"):
            self._oracle.records[record.trial] = record
        if record.completed:
            _undeprecated(self._oracle.update_trial, handle.trial_id, {"val_accuracy": record.val_accuracy})
        handle.status = "COMPLETED" if record.completed else "FAILED"
        handle.message = record.error
        _undeprecated(self._oracle.end_trial, handle)
        self._oracle.forget(handle.trial_id)

    def rung_has_ended(self, bracket: int | None, rung: int | None) -> bool:
        """True where the rung of a bracket has no trial left to run. Never outside Hyperband."""
        return bool(self.rungs) and bool(self._oracle.rung_has_ended(bracket, rung))

    def plan(self, algorithm: str) -> Plan:
        """Return `plan` of run.json, but for the confirmation's epochs."""
        brackets: dict[int, list[Rung]] = {}
        for rung in self.rungs:
            planned = Rung(rung=rung.rung, size=rung.size, epochs=rung.epochs)
            brackets.setdefault(rung.bracket, []).append(planned)
        return Plan(
            algorithm=algorithm,
            brackets=tuple(Bracket(bracket=number, rungs=tuple(rungs)) for number, rungs in brackets.items()),
            trials=self.planned_trials,
            epochs=tidy_epochs(sum(rung.size * rung.epochs for rung in self.rungs))
            or self.planned_trials * self._max_epochs,
        )


def _undeprecated(call: Any, *args: Any) -> Any:
    """Calls Keras Tuner without the warnings of its `threading.currentThread`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return call(*args)
