"""What is tried next: Keras Tuner's oracles, driven by hand, with the cap kept at the draw and their faults mended.

The only module that knows Keras Tuner's oracles. Nothing here trains, waits or touches a file.

Differences from the originals (Hyperband: Li et al., JMLR 18, 2018, algorithm 1):

- draw k of a bracket is a function of (seed, bracket, k, attempt) alone, never repeats a configuration of the run
  and keeps the space's caps;
- a rung is ranked when all of its trials have ended, so that place j of the next rung is the j-th best whatever the
  workers' timing; meanwhile the next bracket is drawn from;
- known configurations take the first places, and a share of Hyperband's draws is near one of them: the more epochs a bracket's
  first rung trains, the larger (PriorBand: Mallik et al., NeurIPS 2023, whose prior they are);
- a failed trial is never promoted and not replaced: a rung may shrink, but starves nothing;
- bracket numbers run on over iterations; every trial starts from scratch and is scored by its last epoch.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner import oracles

from tuner.draws import Drawn, Draws, Space
from tuner.errors import RunFailed
from tuner.known import Known
from tuner.options import MAX_SEED, SearchOptions
from tuner.records import Configuration, Json, TrialRecord, rank_key, tidy_epochs, trial_name

_CANDIDATES = 400


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


@dataclass(frozen=True)
class Rung:
    """A rung as planned; fewer trials run in it where earlier ones failed."""

    bracket: int
    rung: int
    size: int
    epochs: float
    """Below 1: the share of the images that the one pass sees."""
    first: int
    """The number of its first trial."""


class _Declared(keras_tuner.HyperParameters):  # type: ignore[misc]
    """A space that is complete before the first draw: all trials share its definitions, each has values of its own.

    Keras Tuner copies the definitions for every trial: 4 ms and 35 KB each, in the space `compact8k`.
    """

    def copy(self) -> _Declared:
        shared = _Declared()
        shared._hps, shared._space, shared.values = self._hps, self._space, dict(self.values)
        return shared


class _Counted(dict[str, Any]):
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


class _Quiet:
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


def _kt_options(space: Space, seed: int) -> dict[str, Any]:
    hyperparameters = _Declared()
    space.declare(hyperparameters)
    return {
        "objective": keras_tuner.Objective("val_accuracy", "max"),
        "hyperparameters": hyperparameters,
        # 0 means "any seed" to Keras Tuner, and 2³² is too large; the draws come from `Draws`, so that any other number serves.
        "seed": seed + 1 if seed < MAX_SEED else 1,
    }


class _Hyperband(_Quiet, oracles.HyperbandOracle):  # type: ignore[misc]
    """Keras Tuner's bracket arithmetic, over a plan that is fixed before the first draw.

    Its least resource is always 1: what it takes for epochs are multiples of `min_resource` (Li et al. 2018: R / r).
    """

    def __init__(self, space: Space, options: SearchOptions, draws: Draws) -> None:
        self._longest, self._least = options.max_epochs, options.min_resource
        super().__init__(
            # 7 / 0.28 is a hair below 25 in binary, and would cost a factor of 5 its first bracket.
            max_epochs=round(options.max_epochs / options.min_resource, 9),
            factor=options.factor,
            hyperband_iterations=options.iterations,
            **_kt_options(space, options.seed),
        )
        self.verbose = 0
        self.trials = _Counted()
        self.draws = draws
        self.rungs = tuple(self._planned_rungs())
        self._filled: dict[Rung, list[str]] = {rung: [] for rung in self.rungs}
        self.proposals: dict[str, Proposal] = {}
        self.records: dict[str, TrialRecord] = {}

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
        for rung in self.rungs:
            proposal = self._next_of(rung)
            if proposal is not None:
                self._filled[rung].append(proposal.trial)
                self.proposals[trial_id] = proposal
                return {"status": "RUNNING", "values": dict(proposal.configuration)}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def _next_of(self, rung: Rung) -> Proposal | None:
        slot = len(self._filled[rung])
        if slot >= rung.size:
            return None
        trial = trial_name(rung.first + slot)
        if rung.rung == 0:
            drawn = self.draws.draw(trial, rung.bracket, slot, self._near(rung.bracket))
            return Proposal(trial, rung.bracket, 0, drawn.configuration, rung.epochs, drawn.origin)
        ranked = self._ranked(self.rungs[self.rungs.index(rung) - 1])
        if ranked is None or slot >= len(ranked):
            return None
        promoted = ranked[slot]
        return Proposal(trial, rung.bracket, rung.rung, promoted.configuration, rung.epochs, promoted.origin)

    def _near(self, bracket: int) -> float:
        """The share of a bracket's draws near known configurations: it has factor ** level times as many as random ones."""
        level: int = bracket % self._get_num_brackets()
        return 1.0 - 1.0 / (1.0 + float(self.factor) ** level)

    def _ranked(self, rung: Rung) -> list[TrialRecord] | None:
        """The completed trials of a rung, best first; None while one may still come."""
        if not self.rung_has_ended(rung):
            return None
        records = [self.records[trial] for trial in self._filled[rung]]
        return sorted((record for record in records if record.completed), key=rank_key)

    def rung_has_ended(self, rung: Rung) -> bool:
        """True where every trial that this rung will have has ended."""
        started = self._filled[rung]
        return len(started) == self._final_size(rung) and all(trial in self.records for trial in started)

    def _final_size(self, rung: Rung) -> int | None:
        if rung.rung == 0:
            return rung.size
        ranked = self._ranked(self.rungs[self.rungs.index(rung) - 1])
        return None if ranked is None else min(rung.size, len(ranked))


class _Random(_Quiet, oracles.RandomSearchOracle):  # type: ignore[misc]
    """Draws by number until there are enough."""

    def __init__(self, space: Space, options: SearchOptions, draws: Draws) -> None:
        super().__init__(max_trials=options.trials_limit, **_kt_options(space, options.seed))
        self.verbose = 0
        self.trials = _Counted()
        self.draws = draws
        self.max_epochs = options.max_epochs
        self.proposals: dict[str, Proposal] = {}

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        return _propose_flat(self, trial_id, self.draws.draw(_flat_name(self), 0, len(self.trials)))


class _Bayesian(_Quiet, oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Keras Tuner's Gaussian process, asked which of many configurations within the caps looks best."""

    def __init__(self, space: Space, options: SearchOptions, draws: Draws) -> None:
        super().__init__(
            max_trials=options.trials_limit,
            num_initial_points=math.ceil(options.trials_limit / 3),
            **_kt_options(space, options.seed),
        )
        self.verbose = 0
        self.draws = draws
        self.max_epochs = options.max_epochs
        self.proposals: dict[str, Proposal] = {}

    def forget(self, trial_id: str) -> None:
        """Keeps values and score, which the Gaussian process is fitted to."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        slot, name = len(self.trials), _flat_name(self)
        completed = any(trial.status == "COMPLETED" for trial in self.trials.values())
        if slot < self.num_initial_points or not completed or self.draws.recorded(name) is not None:
            return _propose_flat(self, trial_id, self.draws.draw(name, 0, slot))
        return _propose_flat(self, trial_id, Drawn(self._most_promising(slot), "model"))

    def _most_promising(self, slot: int) -> Configuration:
        """The candidate with the lowest confidence bound of the error (the original's acquisition function)."""
        x, y = self._vectorize_trials()
        with warnings.catch_warnings():
            # A kernel's length scale at its bound: scikit-learn says so, and the fit is usable.
            warnings.simplefilter("ignore")
            self.gpr.fit(np.nan_to_num(x), np.nan_to_num(y))
        candidates = [c for c in self.draws.candidates(slot, _CANDIDATES) if self.draws.is_new(c)]
        if not candidates:
            raise RunFailed("The space seems to be exhausted: no new configuration within the caps was found.")
        mean, sd = self.gpr.predict(np.array([self._vector(c) for c in candidates]), return_std=True)
        best = candidates[int(np.argmin(np.ravel(mean) - self.beta * sd))]
        self.draws.take(best)
        return best

    def _vector(self, configuration: Configuration) -> list[float]:
        return [hp.value_to_prob(configuration.get(hp.name, hp.default)) for hp in self._nonfixed_space()]


def _flat_name(oracle: _Random | _Bayesian) -> str:
    return trial_name(len(oracle.trials) + 1)


def _propose_flat(oracle: _Random | _Bayesian, trial_id: str, drawn: Drawn) -> dict[str, Any]:
    name, configuration = _flat_name(oracle), drawn.configuration
    oracle.proposals[trial_id] = Proposal(name, None, None, configuration, oracle.max_epochs, drawn.origin)
    return {"status": "RUNNING", "values": dict(configuration)}


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
        kind = {"hyperband": _Hyperband, "random": _Random, "bayesian": _Bayesian}[options.algorithm]
        self._oracle: Any = kind(space, options, draws)
        self._handles: dict[str, Any] = {}
        self._max_epochs = options.max_epochs
        self._asked = 0

    @property
    def rungs(self) -> tuple[Rung, ...]:
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
        return any(r.bracket == bracket and r.rung == rung and self._oracle.rung_has_ended(r) for r in self.rungs)

    def plan_json(self, algorithm: str) -> Json:
        """As `run.json` keeps it."""
        brackets: dict[int, list[Json]] = {}
        for rung in self.rungs:
            brackets.setdefault(rung.bracket, []).append({"rung": rung.rung, "size": rung.size, "epochs": rung.epochs})
        return {
            "algorithm": algorithm,
            "brackets": [{"bracket": bracket, "rungs": rungs} for bracket, rungs in brackets.items()],
            "trials": self.planned_trials,
            "epochs": tidy_epochs(sum(rung.size * rung.epochs for rung in self.rungs))
            or self.planned_trials * self._max_epochs,
        }


def _undeprecated(call: Any, *args: Any) -> Any:
    """Calls Keras Tuner without the warnings of its `threading.currentThread`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return call(*args)
