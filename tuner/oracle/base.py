"""The part that all of Keras Tuner's oracles share here."""

from __future__ import annotations

import warnings
from typing import Any

import keras_tuner

from tuner.core.records import TrialRecord
from tuner.options.run_options import MAX_SEED, SearchOptions
from tuner.oracle.protocol import Proposal, Rung
from tuner.oracle.sampling import ConfigurationSampler, Space


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


class KerasTunerOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """A Keras Tuner oracle, asked and told by hand; it writes no project files, and skips what a complete space does not need.

    Subclasses name one of `keras_tuner.oracles` after this class, and say in `populate_space` which proposal is next.
    """

    rungs: tuple[Rung, ...] = ()
    exhausted: bool = False

    def __init__(self, space: Space, options: SearchOptions, sampler: ConfigurationSampler, **settings: Any) -> None:
        """
        Args:
            space: what is searched.
            options: of the search.
            sampler: where configurations come from.
            **settings: of the Keras Tuner oracle.
        """
        hyperparameters = _Declared()
        space.declare(hyperparameters)
        super().__init__(
            objective=keras_tuner.Objective("val_accuracy", "max"),
            hyperparameters=hyperparameters,
            # 0 means "any seed" to Keras Tuner, and 2³² is too large; any other number serves, for the sampler has its own.
            seed=options.seed + 1 if options.seed < MAX_SEED else 1,
            **settings,
        )
        self.verbose = 0
        self.sampler = sampler
        self.max_epochs_of_trial = options.max_epochs
        self.proposals: dict[str, Proposal] = {}
        """Keras Tuner's id of a trial → its proposal, until it has been handed out."""
        self._handles: dict[str, Any] = {}
        self._asked = 0

    @property
    def planned_trials(self) -> int:
        return sum(rung.size for rung in self.rungs) or int(self.max_trials)

    def ask(self) -> Proposal | None:
        # Keras Tuner gives a tuner that asks twice its running trial back.
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
            _undeprecated(self.update_trial, handle.trial_id, {"val_accuracy": record.val_accuracy})
        handle.status = "COMPLETED" if record.completed else "FAILED"
        handle.message = record.error
        _undeprecated(self.end_trial, handle)
        self.forget(handle.trial_id)

    def rung_has_ended(self, bracket: int | None, rung: int | None) -> bool:
        return False

    def save(self) -> None:
        """Nothing: the run's journal is the only state."""

    def _save_trial(self, trial: object) -> None:
        """Nothing, for the same reason."""

    def update_space(self, hyperparameters: object) -> None:
        """Nothing: no trial adds a hyperparameter."""

    def _record_values(self, trial: object) -> None:
        """Nothing: the sampler repeats no configuration."""

    def _check_consecutive_failures(self) -> None:
        """Nothing: the loop decides when failures end a run. (The original looks through all trials after each one.)"""

    def forget(self, trial_id: str) -> None:
        """Keep no more of a trial that has ended than that there was one."""
        del self.trials[trial_id]
        for kept in (self.start_order, self.end_order, self._run_times):
            kept.clear()


def _undeprecated(call: Any, *args: Any) -> Any:
    """Call Keras Tuner without the warnings of its `threading.currentThread`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return call(*args)
