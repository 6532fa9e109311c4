"""Searches without rungs: random sampling, and a Gaussian process. Every trial trains all epochs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from keras_tuner import oracles

from tuner.core.records import Configuration, trial_name
from tuner.options.search_options import SearchOptions
from tuner.oracle.base import CountedTrials, KerasTunerOracle
from tuner.oracle.protocol import Proposal
from tuner.oracle.sampling import ConfigurationSampler, SampledConfiguration, Space, SpaceExhausted

_CANDIDATES = 400


class RandomSearch(KerasTunerOracle, oracles.RandomSearchOracle):  # type: ignore[misc]
    """Random configurations, by number, until there are enough."""

    def __init__(self, space: Space, options: SearchOptions, sampler: ConfigurationSampler) -> None:
        super().__init__(space, options, sampler, max_trials=options.trials_limit)
        self.trials = CountedTrials()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        try:
            return _propose_flat(self, trial_id, self.sampler.sample(_flat_name(self), 0, len(self.trials)))
        except SpaceExhausted:
            return _stopped(self)


class BayesianSearch(KerasTunerOracle, oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Keras Tuner's Gaussian process, which ranks candidate configurations within the caps."""

    def __init__(self, space: Space, options: SearchOptions, sampler: ConfigurationSampler) -> None:
        initial = math.ceil(options.trials_limit / 3)
        super().__init__(space, options, sampler, max_trials=options.trials_limit, num_initial_points=initial)

    def forget(self, trial_id: str) -> None:
        """Keep the trial: the Gaussian process is fitted to its values and score."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        slot, name = len(self.trials), _flat_name(self)
        completed = any(trial.status == "COMPLETED" for trial in self.trials.values())
        try:
            if slot < self.num_initial_points or not completed or self.sampler.recorded(name) is not None:
                return _propose_flat(self, trial_id, self.sampler.sample(name, 0, slot))
            return _propose_flat(self, trial_id, SampledConfiguration(self._most_promising(slot), "model"))
        except SpaceExhausted:
            return _stopped(self)

    def _most_promising(self, slot: int) -> Configuration:
        """Return the candidate with the lowest confidence bound of the error (the original's acquisition function)."""
        x, y = self._vectorize_trials()
        with warnings.catch_warnings():
            # scikit-learn warns if a kernel's length scale is at its bound; the fit is usable.
            warnings.simplefilter("ignore")
            self.gpr.fit(np.nan_to_num(x), np.nan_to_num(y))
        candidates = [c for c in self.sampler.candidates(slot, _CANDIDATES) if self.sampler.is_new(c)]
        if not candidates:
            raise SpaceExhausted(f"None of {_CANDIDATES} candidates is new.")
        mean, sd = self.gpr.predict(np.array([self._vector(c) for c in candidates]), return_std=True)
        best: Configuration = candidates[int(np.argmin(np.ravel(mean) - self.beta * sd))]
        self.sampler.take(best)
        return best

    def _vector(self, configuration: Configuration) -> list[float]:
        return [hp.value_to_prob(configuration.get(hp.name, hp.default)) for hp in self._nonfixed_space()]


def _flat_name(oracle: RandomSearch | BayesianSearch) -> str:
    return trial_name(len(oracle.trials) + 1)


def _stopped(oracle: RandomSearch | BayesianSearch) -> dict[str, Any]:
    oracle.exhausted = True
    return {"status": "IDLE" if oracle.ongoing_trials else "STOPPED"}


def _propose_flat(
    oracle: RandomSearch | BayesianSearch, trial_id: str, sampled: SampledConfiguration
) -> dict[str, Any]:
    name, configuration = _flat_name(oracle), sampled.configuration
    oracle.proposals[trial_id] = Proposal(name, None, None, configuration, oracle.max_epochs_of_trial, sampled.origin)
    return {"status": "RUNNING", "values": dict(configuration)}
