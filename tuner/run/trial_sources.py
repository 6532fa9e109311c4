"""The sources of a run's trials: an oracle, or a list that is fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.networks.costs import LayerSummary
from tuner.core.records import Configuration, Phase, Trial, TrialRecord, trial_name
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.run.confirmation import trial_seed
from tuner.storage.files import is_whole_model
from tuner.storage.npz_io import read_npz
from tuner.storage.run_folder import MODEL_SUFFIX, WEIGHTS_SUFFIX, RunFolder, remove
from tuner.storage.schema.study import Diagnostic

if TYPE_CHECKING:
    from tuner.oracle.protocol import Oracle


"""Of a trial's arrays once unpacked."""


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

    oracle: Oracle
    networks: Networks
    run_seed: int
    on_rung_end: Callable[[int, int], None]

    def next(self) -> Trial | None:
        """The oracle's next proposal as a trial of repetition 0."""
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
        """Tell the oracle, and whoever waits for the end of a rung."""
        self.oracle.tell(record)
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
    """False: every training takes all of its epochs, so that nothing but what is varied differs."""
    records: list[TrialRecord] = field(default_factory=list)
    _next: int = 0

    def next(self) -> Trial | None:
        """The next one of the list."""
        if self._next == len(self.trials):
            return None
        self._next += 1
        return self.trials[self._next - 1]

    def task(self, trial: Trial) -> TrainTask:
        """Training; model and arrays are left where the end of the run finds them."""
        kept = self.folder.kept(trial.trial)
        for path in (kept.with_suffix(suffix) for suffix in (MODEL_SUFFIX, WEIGHTS_SUFFIX, ".npz")):
            if path.is_dir():  # somebody else's: no file could take its place
                remove(path)
        keep = str(kept.absolute())
        return replace(
            train_task(trial, self.networks.ref, keep=keep),
            diagnostics=tuple(self.diagnostics),
            stop_early=self.stop_early,
        )

    def layers(self, trial: Trial) -> tuple[LayerSummary, ...]:
        """The layers of its network."""
        return self.networks.layers(trial.configuration)

    def accepts(self, record: TrialRecord) -> bool:
        """Return whether model and arrays of a record are still there, or it has none."""
        if not record.completed:
            return True
        model = self.folder.kept_model(record.trial)
        return (
            model is not None
            and is_whole_model(model)
            and _can_be_read(self.folder.kept(record.trial).with_suffix(".npz"))
        )

    def report(self, record: TrialRecord) -> None:
        """Keep it."""
        self.records.append(record)


def _can_be_read(path: Path) -> bool:
    """Return whether there is a whole archive of arrays: what a killed machine or anybody else left may be none."""
    try:
        read_npz(path)
    except ValueError:
        return False
    return True


@dataclass
class RefitSource(ListSource):
    """The refits of a winner: trainings on all images, each as long as the confirmation of its seed."""

    passes: Mapping[str, int] = field(default_factory=dict)
    """Trial → after how many it ends."""

    def task(self, trial: Trial) -> TrainTask:
        """Training without validation."""
        return replace(super().task(trial), refit=True, stop_after=self.passes.get(trial.trial))


def confirmation_trials(
    candidates: Sequence[TrialRecord], seeds: int, first: int, seeds_planned: int, run_seed: int, *, folds: bool
) -> list[Trial]:
    """Every finalist with every seed.

    Args:
        candidates: the finalists' records of the search.
        seeds: repetitions 1 to this.
        first: the number of the first trial.
        seeds_planned: what numbers are reserved for, though a time budget may leave fewer seeds.
        run_seed: the run's.
        folds: whether each seed validates on other images (`Dataset.has_folds`): the finalists were chosen by how they do on
            the run's own, and three seeds on the same images meet the same hard ones.
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
) -> Trial:
    """A trial of a list, with the seed of its repetition."""
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
    )


def train_task(trial: Trial, space: SpaceRef, keep: str | None = None) -> TrainTask:
    """Return what a worker does for a trial."""
    return TrainTask(
        id=trial.trial,
        space=space,
        configuration=dict(trial.configuration),
        epochs=trial.epochs,
        seed=trial.seed,
        fold=trial.fold,
        keep=keep,
    )
