"""Where the trials of a run come from: an oracle, or a list that is fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from search_spaces.specs import LayerSummary
from tuner.confirmation import trial_seed
from tuner.oracle import Proposer, trial_name
from tuner.records import Configuration, Trial, TrialRecord
from tuner.run_folder import RunFolder
from tuner.tasks import SpaceRef, TrainTask


@dataclass
class Networks:
    """Sizes of a space's configurations."""

    space: Any
    """Untyped: a `keras_tuner.HyperModel` with `layers(values)`."""
    ref: SpaceRef

    def layers(self, configuration: Configuration) -> tuple[LayerSummary, ...]:
        """The layers of a configuration's network."""
        return tuple(self.space.layers(configuration))

    def parameters(self, configuration: Configuration) -> int:
        """Trainable parameters of a configuration's network."""
        return int(self.space.count_parameters(configuration))


@dataclass
class SearchSource:
    """The trials that an oracle proposes."""

    proposer: Proposer
    networks: Networks
    run_seed: int
    on_rung_end: Callable[[int, int], None]

    def next(self) -> Trial | None:
        """The oracle's next proposal as a trial of repetition 0."""
        proposal = self.proposer.propose()
        if proposal is None:
            return None
        return Trial(
            trial=proposal.trial,
            phase="search",
            bracket=proposal.bracket,
            rung=proposal.rung,
            repetition=0,
            configuration=proposal.configuration,
            epochs=proposal.epochs,
            seed=trial_seed(self.run_seed, 0),
            parameters=self.networks.parameters(proposal.configuration),
        )

    def task(self, trial: Trial) -> TrainTask:
        """Training, nothing kept."""
        return train_task(trial, self.networks.ref)

    def layers(self, trial: Trial) -> tuple[LayerSummary, ...]:
        """The layers of its network."""
        return self.networks.layers(trial.configuration)

    def accepts(self, record: TrialRecord) -> bool:
        """Every record: a search's trial leaves nothing else."""
        return True

    def report(self, record: TrialRecord) -> None:
        """Tells the oracle, and whoever waits for the end of a rung."""
        self.proposer.report(record)
        if (
            record.bracket is not None
            and record.rung is not None
            and self.proposer.rung_has_ended(record.bracket, record.rung)
        ):
            self.on_rung_end(record.bracket, record.rung)


@dataclass
class ConfirmationSource:
    """Every finalist with every seed; models and arrays are kept."""

    candidates: Sequence[TrialRecord]
    seeds: int
    first: int
    """The number of the first trial."""
    seeds_planned: int
    """What numbers are reserved for, though a time budget may leave fewer seeds."""
    networks: Networks
    run_seed: int
    folder: RunFolder
    records: list[TrialRecord] = field(default_factory=list)
    _next: int = 0

    def __post_init__(self) -> None:
        self._trials = [
            self._trial(place, candidate, repetition)
            for place, candidate in enumerate(self.candidates)
            for repetition in range(1, self.seeds + 1)
        ]

    def _trial(self, place: int, candidate: TrialRecord, repetition: int) -> Trial:
        return Trial(
            trial=trial_name(self.first + place * self.seeds_planned + repetition - 1),
            phase="confirm",
            bracket=None,
            rung=None,
            repetition=repetition,
            configuration=candidate.configuration,
            epochs=candidate.epochs,
            seed=trial_seed(self.run_seed, repetition),
            parameters=candidate.parameters,
        )

    @property
    def size(self) -> int:
        """How many trials there are."""
        return len(self._trials)

    def next(self) -> Trial | None:
        """The next one of the list."""
        if self._next == len(self._trials):
            return None
        self._next += 1
        return self._trials[self._next - 1]

    def task(self, trial: Trial) -> TrainTask:
        """Training; model and arrays are kept until the run is done."""
        return train_task(trial, self.networks.ref, keep=str(self.folder.kept(trial.trial).absolute()))

    def layers(self, trial: Trial) -> tuple[LayerSummary, ...]:
        """The layers of its network."""
        return self.networks.layers(trial.configuration)

    def accepts(self, record: TrialRecord) -> bool:
        """A record whose model is still there, or that has none."""
        kept = self.folder.kept(record.trial)
        return not record.completed or (kept.with_suffix(".keras").exists() and kept.with_suffix(".npz").exists())

    def report(self, record: TrialRecord) -> None:
        """Keeps it."""
        self.records.append(record)


def train_task(trial: Trial, space: SpaceRef, keep: str | None = None) -> TrainTask:
    """What a worker does for a trial."""
    return TrainTask(
        id=trial.trial,
        space=space,
        configuration=dict(trial.configuration),
        epochs=trial.epochs,
        seed=trial.seed,
        keep=keep,
    )
