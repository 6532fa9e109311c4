"""Sampling by number: sample k of a bracket is a function of (seed, bracket, slot, attempt) alone, within the caps, never repeated."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tuner.core.errors import RunFailed
from tuner.core.records import Configuration, configuration_key
from tuner.oracle.warm_starts import WarmStart

_MAX_ATTEMPTS = 200


class SpaceExhausted(RunFailed):
    """A space in which every configuration within the caps was tried."""


class Space(Protocol):
    """The part of a space that a search uses."""

    def declare(self, hp: Any) -> object:
        """Register every hyperparameter on a `keras_tuner.HyperParameters`."""

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return a random configuration within the caps, active values only."""

    def sample_near(self, rng: np.random.Generator, configuration: Configuration) -> dict[str, Any]:
        """Return a configuration within the caps that differs from this one in a few values."""


@dataclass(frozen=True)
class SampledConfiguration:
    """A configuration and its origin (`Trial.origin`)."""

    configuration: Configuration
    origin: str


class ConfigurationSampler:
    """A sampler of configurations by number, without repetition; those of a journal are reused."""

    def __init__(
        self, space: Space, seed: int, warm: Sequence[WarmStart], recorded: Mapping[str, SampledConfiguration]
    ) -> None:
        self._space = space
        self._seed = seed
        self._warm_starts = list(warm)
        self._recorded = recorded
        self._seen = array("Q")
        """Of the sampled configurations, sorted: a set of thousands takes ten times the memory."""
        for start in self._warm_starts:
            self.take(start.configuration)

    def sample(self, trial: str, bracket: int, slot: int, near: float = 0.0) -> SampledConfiguration:
        """Return the configuration of a slot of a bracket. Slots must be sampled in the order of the plan.

        Args:
            trial: its name.
            bracket: from 0; the first places of bracket 0 are those of the warm starts.
            slot: from 0.
            near: the probability that it is sampled near a warm start, where there is one.
        """
        if trial in self._recorded:
            sampled = self._recorded[trial]
        elif bracket == 0 and slot < len(self._warm_starts):
            sampled = SampledConfiguration(self._warm_starts[slot].configuration, self._warm_starts[slot].origin)
        else:
            sampled = self._fresh(bracket, slot, near if self._warm_starts else 0.0)
        self.take(sampled.configuration)
        return sampled

    def is_new(self, configuration: Configuration) -> bool:
        """Return whether the configuration has not been sampled yet."""
        return not self._has_seen(_number_of(configuration))

    def take(self, configuration: Configuration) -> None:
        """Count a configuration as sampled."""
        number = _number_of(configuration)
        if not self._has_seen(number):
            insort(self._seen, number)

    def _has_seen(self, number: int) -> bool:
        place = bisect_left(self._seen, number)
        return place < len(self._seen) and self._seen[place] == number

    def candidates(self, slot: int, count: int) -> Iterator[Configuration]:
        """Yield random configurations for a model of the objective to choose among."""
        for attempt in range(count):
            yield self._space.sample(np.random.default_rng([self._seed, 1, slot, attempt]))

    def recorded(self, trial: str) -> SampledConfiguration | None:
        """Return the journal's configuration of a trial."""
        return self._recorded.get(trial)

    def _fresh(self, bracket: int, slot: int, near: float) -> SampledConfiguration:
        for attempt in range(_MAX_ATTEMPTS):
            rng = np.random.default_rng([self._seed, 0, bracket, slot, attempt])
            sampled = (
                self._near_a_warm_start(rng)
                if near and rng.random() < near
                else SampledConfiguration(self._space.sample(rng), "random")
            )
            if self.is_new(sampled.configuration):
                return sampled
        raise SpaceExhausted(f"{_MAX_ATTEMPTS} samples in a row gave configurations that were tried before.")

    def _near_a_warm_start(self, rng: np.random.Generator) -> SampledConfiguration:
        start = self._warm_starts[int(rng.integers(len(self._warm_starts)))]
        return SampledConfiguration(self._space.sample_near(rng, start.configuration), f"near {start.origin}")


def _number_of(configuration: Configuration) -> int:
    """Return its key as a number of 64 bits."""
    return int(configuration_key(configuration), 16)
