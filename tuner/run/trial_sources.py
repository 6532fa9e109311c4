"""The sources of a run's trials: an oracle, or a list that is fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.networks.costs import LayerSummary
from tuner.core.records import Configuration, Objective, Phase, Trial, TrialRecord, objective_of_trial, trial_name
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.run.confirmation import trial_seed
from tuner.storage.files import is_whole_model
from tuner.storage.npz_io import read_npz
from tuner.storage.run_folder import INT8_SUFFIX, MODEL_SUFFIX, WEIGHTS_SUFFIX, RunFolder, remove
from tuner.storage.schema.study import Diagnostic

if TYPE_CHECKING:
    from tuner.oracle.protocol import Oracle


@dataclass
class Networks:
    """Sizes of a space's configurations."""

    space: Any
    """Untyped: a `keras_tuner.HyperModel` with `layers(values)`."""
    ref: SpaceRef

    def layers(self, configuration: Configuration) -> tuple[LayerSummary, ...]:
        """Return the layers of a configuration's network."""
        return tuple(self.space.layers(configuration))

    def memory(self, configuration: Configuration) -> tuple[int | None, int | None]:
        """Return bytes of RAM and flash of the int8 network; None where they are unknown, as of a user's space."""
        ram, flash = self.space.known_memory(configuration)
        return ram, flash

    def parameters(self, configuration: Configuration) -> int:
        """Return the number of trainable parameters of a configuration's network."""
        return int(self.space.count_parameters(configuration))


@dataclass
class SearchSource:
    """The trials that an oracle proposes."""

    oracle: Oracle
    networks: Networks
    run_seed: int
    on_rung_end: Callable[[int, int], None]
    objective: Objective = "val_accuracy"
    longest: float = 0
    """Epochs of the longest trials; shorter ones are not quantised."""
    on_report: Callable[[], None] = lambda: None
    """Called when the oracle has a record."""

    def next(self) -> Trial | None:
        """Return the oracle's next proposal as a trial of repetition 0."""
        proposal = self.oracle.ask()
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
            origin=proposal.origin,
            objective=objective_of_trial(self.objective, proposal.epochs, self.longest),
        )

    def task(self, trial: Trial) -> TrainTask:
        """Return a training whose model is not kept."""
        return train_task(trial, self.networks.ref)

    def layers(self, trial: Trial) -> tuple[LayerSummary, ...]:
        """Return the layers of its network."""
        return self.networks.layers(trial.configuration)

    def memory(self, trial: Trial) -> tuple[int | None, int | None]:
        """Return bytes of RAM and flash of its int8 network, where they are known."""
        return self.networks.memory(trial.configuration)

    def accepts(self, record: TrialRecord) -> bool:
        """Accept every record: a search's trial has no other files."""
        return True

    def report(self, record: TrialRecord) -> None:
        """Report a record to the oracle, and the end of its rung to `on_rung_end`."""
        self.oracle.tell(record)
        self.on_report()
        if (
            record.bracket is not None
            and record.rung is not None
            and self.oracle.rung_has_ended(record.bracket, record.rung)
        ):
            self.on_rung_end(record.bracket, record.rung)


@dataclass
class ListSource:
    """Trials that are fixed beforehand; their models and arrays are kept until the run is done."""

    trials: Sequence[Trial]
    networks: Networks
    folder: RunFolder
    diagnostics: Sequence[Diagnostic] = ()
    """Measurements after each training."""
    stop_early: bool = True
    """False: every training takes all of its epochs, as in a study, where only one thing may differ."""
    records: list[TrialRecord] = field(default_factory=list)
    _next: int = 0

    def next(self) -> Trial | None:
        """Return the next trial of the list."""
        if self._next == len(self.trials):
            return None
        self._next += 1
        return self.trials[self._next - 1]

    def task(self, trial: Trial) -> TrainTask:
        """Return a training whose model and arrays are kept for the end of the run."""
        kept = self.folder.kept(trial.trial)
        for path in (kept.with_suffix(suffix) for suffix in (MODEL_SUFFIX, WEIGHTS_SUFFIX, INT8_SUFFIX, ".npz")):
            if path.is_dir():  # a foreign folder: no file could replace it
                remove(path)
        keep = str(kept.absolute())
        return replace(
            train_task(trial, self.networks.ref, keep=keep),
            diagnostics=tuple(self.diagnostics),
            stop_early=self.stop_early,
        )

    def layers(self, trial: Trial) -> tuple[LayerSummary, ...]:
        """Return the layers of its network."""
        return self.networks.layers(trial.configuration)

    def memory(self, trial: Trial) -> tuple[int | None, int | None]:
        """Return bytes of RAM and flash of its int8 network, where they are known."""
        return self.networks.memory(trial.configuration)

    def accepts(self, record: TrialRecord) -> bool:
        """Return whether model and arrays of a record still exist, or the trial failed."""
        if not record.completed:
            return True
        model = self.folder.kept_model(record.trial)
        return (
            model is not None
            and is_whole_model(model)
            and _can_be_read(self.folder.kept(record.trial).with_suffix(".npz"))
            and (record.objective != "int8" or self.folder.kept_int8(record.trial).is_file())
        )

    def report(self, record: TrialRecord) -> None:
        """Keep a record."""
        self.records.append(record)


def _can_be_read(path: Path) -> bool:
    """Return whether a path is a complete archive of arrays; a crash may have damaged it."""
    try:
        read_npz(path)
    except ValueError:
        return False
    return True


@dataclass
class RefitSource(ListSource):
    """The refits of a winner: trainings on all images, each as long as the confirmation of its seed."""

    passes: Mapping[str, int] = field(default_factory=dict)
    """Trial → passes after which it ends."""

    def task(self, trial: Trial) -> TrainTask:
        """Return a training without validation."""
        return replace(super().task(trial), refit=True, stop_after=self.passes.get(trial.trial))


def confirmation_trials(
    candidates: Sequence[TrialRecord],
    seeds: int,
    first: int,
    seeds_planned: int,
    run_seed: int,
    *,
    folds: bool,
    objective: Objective = "val_accuracy",
) -> list[Trial]:
    """Return a trial for every finalist and seed.

    Args:
        candidates: the finalists' records of the search.
        seeds: the number of repetitions.
        first: the number of the first trial.
        seeds_planned: the seeds for which numbers are reserved; a time budget may leave fewer.
        run_seed: the run's seed.
        folds: validate each seed on other images (`Dataset.has_folds`): the finalists were selected on the run's
            validation images, so their accuracy there is biased.
        objective: the run's, whatever the candidates were ranked by: a time budget may have left only short trials.
    """
    return [
        repeated(
            first + place * seeds_planned + repetition - 1,
            phase="confirm",
            repetition=repetition,
            configuration=candidate.configuration,
            epochs=candidate.epochs,
            parameters=candidate.parameters,
            run_seed=run_seed,
            fold=repetition if folds else 0,
            origin=candidate.origin,
            objective=objective,
        )
        for place, candidate in enumerate(candidates)
        for repetition in range(1, seeds + 1)
    ]


def repeated(
    number: int,
    *,
    phase: Phase,
    repetition: int,
    configuration: Configuration,
    epochs: float,
    parameters: int,
    run_seed: int,
    fold: int = 0,
    origin: str = "",
    objective: Objective = "val_accuracy",
) -> Trial:
    """Return a trial of a list, with the seed of its repetition."""
    return Trial(
        trial=trial_name(number),
        phase=phase,
        bracket=None,
        rung=None,
        repetition=repetition,
        configuration=configuration,
        epochs=epochs,
        seed=trial_seed(run_seed, repetition),
        parameters=parameters,
        fold=fold,
        origin=origin,
        objective=objective,
    )


def train_task(trial: Trial, space: SpaceRef, keep: str | None = None) -> TrainTask:
    """Return a worker's task for a trial."""
    return TrainTask(
        id=trial.trial,
        space=space,
        configuration=dict(trial.configuration),
        epochs=trial.epochs,
        seed=trial.seed,
        fold=trial.fold,
        objective=trial.objective,
        keep=keep,
    )
