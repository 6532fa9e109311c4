"""The base class of the oracles, which adapts Keras Tuner's."""

from __future__ import annotations

import warnings
from typing import Any

import keras_tuner

from tuner.core.records import TrialRecord
from tuner.options.run_options import MAX_SEED
from tuner.options.search_options import SearchOptions
from tuner.oracle.protocol import Proposal, Rung
from tuner.oracle.sampling import ConfigurationSampler, Space


class _Declared(keras_tuner.HyperParameters):  # type: ignore[misc]
    """A space that is complete before the first sample: all trials share its definitions, each has values of its own.

    Keras Tuner copies the definitions for every trial: 4 ms and 35 KB each, in the space `compact8k`.
    """

    def copy(self) -> _Declared:
        shared = _Declared()
        shared._hps, shared._space, shared.values = self._hps, self._space, dict(self.values)
        return shared


class CountedTrials(dict[str, Any]):
    """An oracle's trials. Forgotten trials still count, because Keras Tuner names and limits trials by their number."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = 0

    def __len__(self) -> int:
        return super().__len__() + self._ended

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._ended += 1


class KerasTunerOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """A Keras Tuner oracle behind `ask` and `tell`; it writes no project files.

    Subclasses inherit from one of `keras_tuner.oracles`, too, and choose the next proposal in `populate_space`.
    """

    rungs: tuple[Rung, ...] = ()
    exhausted: bool = False
    flat_after: int | None = None
    held: bool = False

    def __init__(self, space: Space, options: SearchOptions, sampler: ConfigurationSampler, **settings: Any) -> None:
        """
        Args:
            space: the search space.
            options: the options of the search.
            sampler: the source of configurations.
            **settings: settings of the Keras Tuner oracle.
        """
        hyperparameters = _Declared()
        space.declare(hyperparameters)
        super().__init__(
            objective=keras_tuner.Objective(options.objective, "max"),
            hyperparameters=hyperparameters,
            # Keras Tuner takes 0 for "any seed" and rejects 2³². Another number changes nothing: the sampler has the run's seed.
            seed=options.seed + 1 if options.seed < MAX_SEED else 1,
            **settings,
        )
        self.verbose = 0
        self.sampler = sampler
        self.max_epochs_of_trial = options.max_epochs
        self.proposals: dict[str, Proposal] = {}
        """Keras Tuner's id of a trial → its proposal, until `ask` returns it."""
        self._handles: dict[str, Any] = {}
        self._asked = 0

    @property
    def planned_trials(self) -> int:
        return sum(rung.size for rung in self.rungs) or int(self.max_trials)

    def ask(self) -> Proposal | None:
        # Keras Tuner returns the running trial to a tuner id that asks again, so each request has a new id.
        handle = _undeprecated(self.create_trial, f"ask-{self._asked}")
        if handle.status != "RUNNING":
            return None
        self.tuner_ids.clear()
        self._asked += 1
        proposal = self.proposals.pop(handle.trial_id)
        self._handles[proposal.trial] = handle
        return proposal

    def tell(self, record: TrialRecord) -> None:
        handle = self._handles.pop(record.trial)
        if record.completed:
            _undeprecated(self.update_trial, handle.trial_id, {self.objective.name: record.score})
        handle.status = "COMPLETED" if record.completed else "FAILED"
        handle.message = record.error
        _undeprecated(self.end_trial, handle)
        self.forget(handle.trial_id)

    @property
    def started(self) -> int:
        return 0

    def hold(self) -> None:
        """Do nothing: there are no rungs."""

    def replan(self, rungs: tuple[Rung, ...]) -> None:
        """Do nothing: there are no rungs."""

    def rung_has_ended(self, bracket: int | None, rung: int | None) -> bool:
        return False

    def save(self) -> None:
        """Do nothing: the run's journal is the only state."""

    def _save_trial(self, trial: object) -> None:
        """Do nothing: the run's journal is the only state."""

    def update_space(self, hyperparameters: object) -> None:
        """Do nothing: no trial adds a hyperparameter."""

    def _record_values(self, trial: object) -> None:
        """Do nothing: the sampler repeats no configuration."""

    def _check_consecutive_failures(self) -> None:
        """Do nothing: the trial loop decides when failures end a run. (The original scans all trials each time.)"""

    def forget(self, trial_id: str) -> None:
        """Drop a trial that has ended; it still counts."""
        del self.trials[trial_id]
        for kept in (self.start_order, self.end_order, self._run_times):
            kept.clear()


def _undeprecated(call: Any, *args: Any) -> Any:
    """Call Keras Tuner without the warnings of its `threading.currentThread`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return call(*args)
