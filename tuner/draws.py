"""Draws by number: what a search tries that it wasn't told to. A draw is a function of (seed, bracket, slot, attempt) alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tuner.errors import RunFailed
from tuner.known import Known
from tuner.records import Configuration, configuration_key

_MAX_ATTEMPTS = 200


class SpaceExhausted(RunFailed):
    """A space that has no configuration within the caps that was not tried."""


class Space(Protocol):
    """What a search asks of a space."""

    def declare(self, hp: Any) -> object:
        """Registers every hyperparameter on a `keras_tuner.HyperParameters`."""

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """One random configuration within the caps, active values only."""

    def draw_near(self, rng: np.random.Generator, configuration: Configuration) -> dict[str, Any]:
        """One within the caps with a few values other than in this one."""


@dataclass(frozen=True)
class Drawn:
    """A configuration, and how it was come by (`Trial.origin`)."""

    configuration: Configuration
    origin: str


class Draws:
    """Draws by number, without repetition, and what a journal holds in place of them."""

    def __init__(self, space: Space, seed: int, known: Sequence[Known], recorded: Mapping[str, Drawn]) -> None:
        self._space = space
        self._seed = seed
        self._known = list(known)
        self._recorded = recorded
        self._seen: set[int] = {_number_of(own.configuration) for own in self._known}

    def draw(self, trial: str, bracket: int, slot: int, near: float = 0.0) -> Drawn:
        """The configuration of a slot of a bracket. Slots are to be drawn in the order of the plan.

        Args:
            trial: its name.
            bracket: from 0; the first places of bracket 0 are those of the known configurations.
            slot: from 0.
            near: the probability that it is drawn near a known configuration, where there is one.
        """
        if trial in self._recorded:
            drawn = self._recorded[trial]
        elif bracket == 0 and slot < len(self._known):
            drawn = Drawn(self._known[slot].configuration, self._known[slot].origin)
        else:
            drawn = self._fresh(bracket, slot, near if self._known else 0.0)
        self._seen.add(_number_of(drawn.configuration))
        return drawn

    def is_new(self, configuration: Configuration) -> bool:
        return _number_of(configuration) not in self._seen

    def take(self, configuration: Configuration) -> None:
        self._seen.add(_number_of(configuration))

    def candidates(self, slot: int, count: int) -> Iterator[Configuration]:
        """Random configurations for a model of the objective to choose among."""
        for attempt in range(count):
            yield self._space.draw(np.random.default_rng([self._seed, 1, slot, attempt]))

    def recorded(self, trial: str) -> Drawn | None:
        return self._recorded.get(trial)

    def _fresh(self, bracket: int, slot: int, near: float) -> Drawn:
        for attempt in range(_MAX_ATTEMPTS):
            rng = np.random.default_rng([self._seed, 0, bracket, slot, attempt])
            drawn = (
                self._near_a_known_one(rng) if near and rng.random() < near else Drawn(self._space.draw(rng), "random")
            )
            if self.is_new(drawn.configuration):
                return drawn
        raise SpaceExhausted(f"{_MAX_ATTEMPTS} samples in a row gave configurations that were tried before.")

    def _near_a_known_one(self, rng: np.random.Generator) -> Drawn:
        known = self._known[int(rng.integers(len(self._known)))]
        return Drawn(self._space.draw_near(rng, known.configuration), f"near {known.origin}")


def _number_of(configuration: Configuration) -> int:
    """Its key, in a third of the memory."""
    return int(configuration_key(configuration), 16)
