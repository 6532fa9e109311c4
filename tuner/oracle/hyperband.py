"""Hyperband's rungs over Keras Tuner's bracket arithmetic.

Differences from the original (Li et al., JMLR 18, 2018, algorithm 1):

- a rung is ranked (`rank_key`: the run's objective, then validation loss, parameters, configuration) when all of its trials have ended, so that place j of the next rung is the j-th best whatever the
  workers' timing; meanwhile trials of the next bracket run;
- a fraction of the samples is near a warm start, a larger one the more epochs a bracket's first rung trains (PriorBand:
  Mallik et al., NeurIPS 2023, with the warm starts as its prior);
- a failed trial is neither promoted nor replaced: a rung may shrink; where the space has no other configuration a rung
  ends with those that there are;
- under a time budget the rungs are made smaller (`budget_fit`);
- bracket numbers continue over iterations; every trial starts from scratch and is scored by its last epoch.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from keras_tuner import oracles

from tuner.core.records import TrialRecord, rank_key, tidy_epochs, trial_name
from tuner.options.search_options import SearchOptions
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
    """True where the space has no other configuration for it."""


class Hyperband(KerasTunerOracle, oracles.HyperbandOracle):  # type: ignore[misc]
    """Keras Tuner's bracket arithmetic, over a plan that is fixed before the first sample.

    Keras Tuner's least resource is always 1: its epochs are multiples of `min_resource` (Li et al. 2018: R / r).
    """

    def __init__(self, space: Space, options: SearchOptions, sampler: ConfigurationSampler) -> None:
        self._longest, self._least = options.max_epochs, options.min_resource
        super().__init__(
            space,
            options,
            sampler,
            # In binary 7 / 0.28 is slightly less than 25: with factor 5 the search would lose its first bracket.
            max_epochs=round(options.max_epochs / options.min_resource, 9),
            factor=options.factor,
            hyperband_iterations=options.iterations,
        )
        self.trials = CountedTrials()
        self._progress: dict[tuple[int, int], _Progress] = {}
        self.replan(tuple(self._planned_rungs()))
        self._stops_when_flat = options.stop_when_flat
        self._bracket = 0
        """The running bracket, with `--stop-when-flat`."""
        self._best: TrialRecord | None = None
        """The best of the longest trials of the brackets that have ended, with `--stop-when-flat`."""
        self.records: dict[str, TrialRecord] = {}
        """Trial → its record, until its rung is complete."""

    def hold(self) -> None:
        """Sample for the first rung alone until `replan`, so that the rest of the plan may still change."""
        self.held = True

    @property
    def started(self) -> int:
        """Return the number of proposed trials of the first rung."""
        return len(self._progress[0, 0].started)

    def replan(self, rungs: tuple[Rung, ...]) -> None:
        """Take other rungs, at the beginning or after `hold`: the first one has at least the trials that it has started."""
        begun, self.held = self._progress.get((0, 0)), False
        self.rungs, self._progress = rungs, {}
        for rung in rungs:
            below = self._progress.get((rung.bracket, rung.rung - 1))
            self._progress[rung.bracket, rung.rung] = _Progress(rung, below)
        if begun is not None:
            first = self._progress[0, 0]
            first.started, first.ranking, first.exhausted = begun.started, begun.ranking, begun.exhausted
        self._unfilled = deque(self._progress.values())
        """Rungs in the order of the plan, without those at its beginning that have all their trials."""
        self._last_rungs = {rung.bracket: rung.rung for rung in rungs}

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
        """Return whole epochs, rounded up as the original does; below one the fraction itself."""
        epochs: float = self._longest / self.factor ** (bracket_num - round_num)
        if epochs >= 1:
            return math.ceil(epochs)
        hundredths = round(100 * epochs)
        # Never below `min_resource`, which may not be a whole number of hundredths.
        return tidy_epochs((hundredths if hundredths >= 100 * self._least - 1e-9 else hundredths + 1) / 100)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        while self._unfilled and self._is_filled(self._unfilled[0]):
            self._unfilled.popleft()
        for progress in self._open_rungs():
            proposal = self._next_of(progress)
            if proposal is not None:
                progress.started.append(proposal.trial)
                self.proposals[trial_id] = proposal
                return {"status": "RUNNING", "values": dict(proposal.configuration)}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def _open_rungs(self) -> Iterator[_Progress]:
        """Yield the rungs that may have a trial now.

        With `--stop-when-flat` a bracket begins when the one before has ended, though workers are idle meanwhile: so
        the end does not depend on their number.
        """
        first = self._progress[0, 0]
        if self.held:
            yield first
            if not first.exhausted:
                return
        bracket = self._open_bracket() if self._stops_when_flat else None
        for progress in self._unfilled:
            if not self._stops_when_flat or progress.rung.bracket == bracket:
                yield progress

    def _open_bracket(self) -> int | None:
        """Return the only bracket whose trials may run; None where one beat none before it."""
        while self.flat_after is None:
            ranking = self._ranked(self._progress[self._bracket, self._last_rungs[self._bracket]])
            if ranking is None or self._bracket + 1 not in self._last_rungs:
                return self._bracket
            self._judge(ranking)
            self._bracket += 1
        return None

    def _judge(self, ranking: list[TrialRecord]) -> None:
        """Compare the best of a bracket's longest trials with the best before it."""
        best = min([*ranking[:1], *([self._best] if self._best else [])], key=rank_key, default=None)
        if best is not None and best is self._best:
            self.flat_after = self._bracket
        self._best = best

    def _next_of(self, progress: _Progress) -> Proposal | None:
        rung, slot = progress.rung, len(progress.started)
        if slot >= rung.size:
            return None
        trial = trial_name(rung.first + slot)
        if progress.below is None:
            # An exhausted space has no new configuration for any bracket; those in the journal are proposed again.
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
        """Return the fraction of a bracket's samples near warm starts: factor ** level times as many as random ones."""
        level: int = bracket % self._get_num_brackets()
        return 1.0 - 1.0 / (1.0 + float(self.factor) ** level)

    def tell(self, record: TrialRecord) -> None:
        self.records[record.trial] = record
        super().tell(record)

    def rung_has_ended(self, bracket: int | None, rung: int | None) -> bool:
        return bracket is not None and rung is not None and self._ranked(self._progress[bracket, rung]) is not None

    def _ranked(self, progress: _Progress) -> list[TrialRecord] | None:
        """Return the completed trials of a rung, best first; None while one may still end."""
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
