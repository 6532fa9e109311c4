"""Searches without rungs, over Keras Tuner's oracles: random draws, and a Gaussian process. Every trial trains all epochs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from keras_tuner import oracles

from tuner.draws import Drawn, Draws, Space, SpaceExhausted
from tuner.options.run_options import SearchOptions
from tuner.quiet_oracle import CountedTrials, Proposal, QuietOracle, oracle_options
from tuner.records import Configuration, trial_name

_CANDIDATES = 400


class RandomSearch(QuietOracle, oracles.RandomSearchOracle):  # type: ignore[misc]
    """Draws by number until there are enough."""

    def __init__(self, space: Space, options: SearchOptions, draws: Draws) -> None:
        super().__init__(max_trials=options.trials_limit, **oracle_options(space, options.seed))
        self.verbose = 0
        self.trials = CountedTrials()
        self.draws = draws
        self.exhausted = False
        self.max_epochs = options.max_epochs
        self.proposals: dict[str, Proposal] = {}

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        try:
            return _propose_flat(self, trial_id, self.draws.draw(_flat_name(self), 0, len(self.trials)))
        except SpaceExhausted:
            return _stopped(self)


class BayesianSearch(QuietOracle, oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Keras Tuner's Gaussian process, asked which of many configurations within the caps looks best."""

    def __init__(self, space: Space, options: SearchOptions, draws: Draws) -> None:
        super().__init__(
            max_trials=options.trials_limit,
            num_initial_points=math.ceil(options.trials_limit / 3),
            **oracle_options(space, options.seed),
        )
        self.verbose = 0
        self.draws = draws
        self.exhausted = False
        self.max_epochs = options.max_epochs
        self.proposals: dict[str, Proposal] = {}

    def forget(self, trial_id: str) -> None:
        """Keeps values and score, which the Gaussian process is fitted to."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        slot, name = len(self.trials), _flat_name(self)
        completed = any(trial.status == "COMPLETED" for trial in self.trials.values())
        try:
            if slot < self.num_initial_points or not completed or self.draws.recorded(name) is not None:
                return _propose_flat(self, trial_id, self.draws.draw(name, 0, slot))
            return _propose_flat(self, trial_id, Drawn(self._most_promising(slot), "model"))
        except SpaceExhausted:
            return _stopped(self)

    def _most_promising(self, slot: int) -> Configuration:
        """The candidate with the lowest confidence bound of the error (the original's acquisition function)."""
        x, y = self._vectorize_trials()
        with warnings.catch_warnings():
            # A kernel's length scale at its bound: scikit-learn says so, and the fit is usable.
            warnings.simplefilter("ignore")
            self.gpr.fit(np.nan_to_num(x), np.nan_to_num(y))
        candidates = [c for c in self.draws.candidates(slot, _CANDIDATES) if self.draws.is_new(c)]
        if not candidates:
            raise SpaceExhausted(f"None of {_CANDIDATES} candidates is new.")
        mean, sd = self.gpr.predict(np.array([self._vector(c) for c in candidates]), return_std=True)
        best = candidates[int(np.argmin(np.ravel(mean) - self.beta * sd))]
        self.draws.take(best)
        return best

    def _vector(self, configuration: Configuration) -> list[float]:
        return [hp.value_to_prob(configuration.get(hp.name, hp.default)) for hp in self._nonfixed_space()]


def _flat_name(oracle: RandomSearch | BayesianSearch) -> str:
    return trial_name(len(oracle.trials) + 1)


def _stopped(oracle: RandomSearch | BayesianSearch) -> dict[str, Any]:
    oracle.exhausted = True
    return {"status": "IDLE" if oracle.ongoing_trials else "STOPPED"}


def _propose_flat(oracle: RandomSearch | BayesianSearch, trial_id: str, drawn: Drawn) -> dict[str, Any]:
    name, configuration = _flat_name(oracle), drawn.configuration
    oracle.proposals[trial_id] = Proposal(name, None, None, configuration, oracle.max_epochs, drawn.origin)
    return {"status": "RUNNING", "values": dict(configuration)}
