"""What all of Keras Tuner's oracles have in common here: quiet, without files of their own, over a space that is complete before the first draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras_tuner

from tuner.draws import Space
from tuner.options.run_options import MAX_SEED
from tuner.records import Configuration


@dataclass(frozen=True)
class Proposal:
    """What is to be trained next."""

    trial: str
    bracket: int | None
    rung: int | None
    configuration: Configuration
    epochs: float
    origin: str
    """How the configuration was come by (`Trial.origin`)."""


class _Declared(keras_tuner.HyperParameters):  # type: ignore[misc]
    """A space that is complete before the first draw: all trials share its definitions, each has values of its own.

    Keras Tuner copies the definitions for every trial: 4 ms and 35 KB each, in the space `compact8k`.
    """

    def copy(self) -> _Declared:
        shared = _Declared()
        shared._hps, shared._space, shared.values = self._hps, self._space, dict(self.values)
        return shared


class CountedTrials(dict[str, Any]):
    """An oracle's trials. Those that have ended and are not looked at again count, but are not kept.

    Keras Tuner names and limits trials by how many there are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ended = 0

    def __len__(self) -> int:
        return super().__len__() + self._ended

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._ended += 1


class QuietOracle:
    """Keeps a Keras Tuner oracle from writing its own project files, and from what a complete space does not need."""

    trials: dict[str, Any]
    start_order: list[str]
    end_order: list[str]
    _run_times: dict[str, int]

    def save(self) -> None:
        """Nothing: the run's journal is the only state."""

    def _save_trial(self, trial: object) -> None:
        """Nothing, for the same reason."""

    def update_space(self, hyperparameters: object) -> None:
        """Nothing: no trial adds a hyperparameter."""

    def _record_values(self, trial: object) -> None:
        """Nothing: `Draws` repeats no configuration."""

    def _check_consecutive_failures(self) -> None:
        """Nothing: the loop decides when failures end a run. (The original looks through all trials after each one.)"""

    def forget(self, trial_id: str) -> None:
        """Keeps no more of a trial that has ended than that there was one."""
        del self.trials[trial_id]
        for kept in (self.start_order, self.end_order, self._run_times):
            kept.clear()


def oracle_options(space: Space, seed: int) -> dict[str, Any]:
    """What every oracle is made with: objective, space and seed."""
    hyperparameters = _Declared()
    space.declare(hyperparameters)
    return {
        "objective": keras_tuner.Objective("val_accuracy", "max"),
        "hyperparameters": hyperparameters,
        # 0 means "any seed" to Keras Tuner, and 2³² is too large; the draws come from `Draws`, so that any other number serves.
        "seed": seed + 1 if seed < MAX_SEED else 1,
    }
