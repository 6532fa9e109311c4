"""Hyperband's rungs over Keras Tuner's bracket arithmetic.

Differences from the original (Li et al., JMLR 18, 2018, algorithm 1):

- a rung is ranked when all of its trials have ended, so that place j of the next rung is the j-th best whatever the
  workers' timing; meanwhile the next bracket is drawn from;
- a share of the draws is near a known configuration: the more epochs a bracket's first rung trains, the larger (PriorBand:
  Mallik et al., NeurIPS 2023, whose prior they are);
- a failed trial is never promoted and not replaced: a rung may shrink, but starves nothing; where the space has no other
  configuration a rung ends with those that there are;
- bracket numbers run on over iterations; every trial starts from scratch and is scored by its last epoch.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from keras_tuner import oracles

from tuner.core.records import TrialRecord, rank_key, tidy_epochs, trial_name
from tuner.options.run_options import SearchOptions
from tuner.oracle.base import CountedTrials, KerasTunerOracle
from tuner.oracle.protocol import Proposal, Rung
from tuner.oracle.sampling import ConfigurationSampler, Space, SpaceExhausted


@dataclass
class _Progress:
    """The progress of a rung."""

    rung: Rung
    below: _Progress | None
    """The rung whose best are promoted to this one; None where configurations are sampled."""
    started: list[str] = field(default_factory=list)
    ranking: list[TrialRecord] | None = None
    """Its completed trials, best first, once it has ended."""
    exhausted: bool = False
    """Whether the space has no other configuration for it."""


class Hyperband(KerasTunerOracle, oracles.HyperbandOracle):  # type: ignore[misc]
    """Keras Tuner's bracket arithmetic, over a plan that is fixed before the first sample.

    Its least resource is always 1: what it takes for epochs are multiples of `min_resource` (Li et al. 2018: R / r).
    """

    def __init__(self, space: Space, options: SearchOptions, sampler: ConfigurationSampler) -> None:
        self._longest, self._least = options.max_epochs, options.min_resource
        super().__init__(
            space,
            options,
            sampler,
            # 7 / 0.28 is a hair below 25 in binary, and would cost a factor of 5 its first bracket.
            max_epochs=round(options.max_epochs / options.min_resource, 9),
            factor=options.factor,
            hyperband_iterations=options.iterations,
        )
        self.trials = CountedTrials()
        self.rungs = tuple(self._planned_rungs())
        self._progress: dict[tuple[int, int], _Progress] = {}
        for rung in self.rungs:
            below = self._progress.get((rung.bracket, rung.rung - 1))
            self._progress[rung.bracket, rung.rung] = _Progress(rung, below)
        self._unfilled = deque(self._progress.values())
        """In the order of the plan, but for those at its beginning that have all their trials."""
        self.records: dict[str, TrialRecord] = {}
        """Trial → its record, until all of its rung are there."""

    def _planned_rungs(self) -> Iterator[Rung]:
        first, count = 1, self._get_num_brackets()
        for bracket in range(count * self.hyperband_iterations):
            # Keras Tuner counts brackets down to plain random search; the run numbers them upwards.
            depth = count - 1 - bracket % count
            for rung in range(depth + 1):
                size = self._get_size(depth, rung)
                yield Rung(bracket, rung, size, self._get_epochs(depth, rung), first)
                first += size

    def _get_epochs(self, bracket_num: int, round_num: int) -> float:
        """Whole epochs, rounded up as the original does; below one the share itself."""
        epochs: float = self._longest / self.factor ** (bracket_num - round_num)
        if epochs >= 1:
            return math.ceil(epochs)
        hundredths = round(100 * epochs)
        # No less than was asked for, though that is not in hundredths.
        return tidy_epochs((hundredths if hundredths >= 100 * self._least - 1e-9 else hundredths + 1) / 100)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        while self._unfilled and self._is_filled(self._unfilled[0]):
            self._unfilled.popleft()
        for progress in self._unfilled:
            proposal = self._next_of(progress)
            if proposal is not None:
                progress.started.append(proposal.trial)
                self.proposals[trial_id] = proposal
                return {"status": "RUNNING", "values": dict(proposal.configuration)}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def _next_of(self, progress: _Progress) -> Proposal | None:
        rung, slot = progress.rung, len(progress.started)
        if slot >= rung.size:
            return None
        trial = trial_name(rung.first + slot)
        if progress.below is None:
            # Another bracket would find no new configuration either, but may have some on record.
            if self.exhausted and self.sampler.recorded(trial) is None:
                progress.exhausted = True
                return None
            try:
                sampled = self.sampler.sample(trial, rung.bracket, slot, self._near(rung.bracket))
            except SpaceExhausted:
                self.exhausted = progress.exhausted = True
                return None
            return Proposal(trial, rung.bracket, 0, sampled.configuration, rung.epochs, sampled.origin)
        ranked = self._ranked(progress.below)
        if ranked is None or slot >= len(ranked):
            return None
        promoted = ranked[slot]
        return Proposal(trial, rung.bracket, rung.rung, promoted.configuration, rung.epochs, promoted.origin)

    def _near(self, bracket: int) -> float:
        """The share of a bracket's draws near known configurations: it has factor ** level times as many as random ones."""
        level: int = bracket % self._get_num_brackets()
        return 1.0 - 1.0 / (1.0 + float(self.factor) ** level)

    def tell(self, record: TrialRecord) -> None:
        self.records[record.trial] = record
        super().tell(record)

    def rung_has_ended(self, bracket: int | None, rung: int | None) -> bool:
        return bracket is not None and rung is not None and self._ranked(self._progress[bracket, rung]) is not None

    def _ranked(self, progress: _Progress) -> list[TrialRecord] | None:
        """The completed trials of a rung, best first; None while one may still come."""
        if progress.ranking is not None or not self._is_filled(progress):
            return progress.ranking
        if all(trial in self.records for trial in progress.started):
            records = [self.records.pop(trial) for trial in progress.started]
            progress.ranking = sorted((record for record in records if record.completed), key=rank_key)
        return progress.ranking

    def _is_filled(self, progress: _Progress) -> bool:
        """Return whether every trial that this rung will have has been proposed."""
        size: int | None = len(progress.started) if progress.exhausted else progress.rung.size
        if progress.below is not None:
            ranked = self._ranked(progress.below)
            size = None if ranked is None else min(progress.rung.size, len(ranked))
        return len(progress.started) == size
