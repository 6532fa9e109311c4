"""The evidence: the files of a run's folder, read once. A file that can't be read makes its checks unavailable."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from tuner.core.errors import JournalError, MnistTuneError, UsageError
from tuner.core.records import Kind, TrialRecord
from tuner.core.resume_compatibility import minor_version
from tuner.options.resume import read_options
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.processes.tasks import SpaceRef
from tuner.run.confirmation import finalists
from tuner.run.run_document import hyperparameters_of
from tuner.run.target import finalists_around, goal_of
from tuner.spaces.named_code import uses_named_code
from tuner.spaces.user_space import make_family
from tuner.storage.files import reject_symlinks
from tuner.storage.journal import PREVIOUS, JournalState, journal_events, read_state
from tuner.storage.npz_io import Array, read_npz
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument
from tuner.verification.check import Unavailable

Made = TypeVar("Made")

_UNCHAINED = (0, 1)
"""The minor version whose journals may be without a chain; those of later ones are chained, whatever their run.json says."""
_BY_THE_CLOCK = "A time budget"
"""The beginning of a reason of `nondeterminism` where a clock ended the search."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to verify a run, and what may be used for it."""

    inspect_model: Callable[[Path], object]
    """Raises `UsageError` where a .keras file must not be loaded."""
    data: str | None = None
    """The source of the run's data now; None: as its options say."""
    space: str | None = None
    """The space that its user names; code that only the run names is not imported."""
    retrain: int = 0
    """The number of trials that are trained again."""
    savedmodel: bool = False
    """True where the SavedModel, a program, may be run."""


@dataclass(frozen=True)
class JournalEvent:
    """A line of the journal, without what came of its trial."""

    kind: str
    trial: str
    chained: bool
    whole: bool
    """True where it has the keys that journals of the first version lack: fold and origin."""


class Evidence:
    """A run's folder and what follows from it.

    A property raises `Unavailable` where its value can't be read.
    """

    def __init__(self, folder: RunFolder, request: Request) -> None:
        self.folder = folder
        self.request = request
        self._made: dict[str, Any] = {}

    @cached_property
    def run(self) -> RunDocument:
        """run.json."""
        try:
            reject_symlinks(self.folder.path, below=True)
            return self.folder.read_run()
        except MnistTuneError as error:
            raise Unavailable("run.json or the folder can't be read") from error

    @cached_property
    def older(self) -> bool:
        """Return whether the run was begun by a version whose journals were not chained."""
        chained = self.run.journal is not None and self.run.journal.chained
        minor = minor_version(self.run.program.version)
        return not chained and (minor is None or minor <= _UNCHAINED)

    @property
    def kind(self) -> Kind:
        """The kind of run: search, train or study."""
        return self.run.kind

    @property
    def completed(self) -> bool:
        """Return whether the run says that it is done."""
        return self.run.status == "completed"

    @cached_property
    def by_the_clock(self) -> bool:
        """Return whether a time budget may have left trials out."""
        return any(reason.startswith(_BY_THE_CLOCK) for reason in self.run.nondeterminism)

    @cached_property
    def options(self) -> RunOptions:
        """The run's options."""
        try:
            return read_options(self.run)
        except UsageError as error:
            raise Unavailable("the run's options can't be read") from error

    @property
    def search_options(self) -> SearchOptions:
        """The options of a search."""
        if not isinstance(self.options, SearchOptions):
            raise Unavailable(f"only a search has it; this is a {self.kind} run")
        return self.options

    @cached_property
    def events(self) -> tuple[JournalEvent, ...]:
        """The lines of the journal."""
        self.state  # noqa: B018 - says what can't be read
        return tuple(
            JournalEvent(event["event"], event["trial"], PREVIOUS in event, "fold" in event and "origin" in event)
            for event in journal_events(self.folder.journal)
        )

    @cached_property
    def state(self) -> JournalState:
        """The journal, replayed."""
        self.run  # noqa: B018 - nothing is read through a link
        if not os.path.isfile(self.folder.journal):
            raise Unavailable("the run has no journal")
        try:
            return read_state(self.folder.journal)
        except JournalError as error:
            raise Unavailable("the journal can't be read") from error

    @cached_property
    def records(self) -> Mapping[str, TrialRecord]:
        """Trial → its record, of all that finished."""
        return self.state.finished

    def of_phase(self, *phases: str) -> list[TrialRecord]:
        """Return the records of some phases by trial."""
        return sorted((r for r in self.records.values() if r.phase in phases), key=lambda record: int(record.trial))

    @cached_property
    def result(self) -> ResultDocument:
        """result.json."""
        self.run  # noqa: B018 - nothing is read through a link
        try:
            result = self.folder.read_result()
        except JournalError as error:
            raise Unavailable("result.json can't be read") from error
        if result is None:
            raise Unavailable(f"there is no result.json: the run is {self.run.status}")
        return result

    @cached_property
    def arrays(self) -> Mapping[str, Array]:
        """The arrays of evaluation.npz."""
        self.run  # noqa: B018 - nothing is read through a link
        if not os.path.isfile(self.folder.evaluation):
            raise Unavailable("there is no evaluation.npz")
        try:
            return read_npz(self.folder.evaluation)
        except ValueError as error:
            raise Unavailable("evaluation.npz can't be read") from error

    @property
    def space_name(self) -> str:
        """The name of the space, which is no code or was named by the user.

        Raises:
            Unavailable: where only the run names code.
        """
        name = self.options.space
        if ":" in name and self.request.space != name:
            raise Unavailable(
                f"not checked: somebody's own space ({name}), which is code. Name it with --space to check it"
            )
        return name

    @property
    def space_ref(self) -> SpaceRef:
        """Return the reference from which a worker makes the space."""
        ref = SpaceRef.for_options(self.options, self.run.data, self.run.space.model)
        return replace(ref, name=self.space_name)

    @property
    def named_code(self) -> bool:
        """Return whether the model is built from the run's own space, which the user named."""
        try:
            return uses_named_code(self.folder, self.request.space)
        except UsageError as error:
            raise Unavailable("the model has code of its own: name its space with --space to check it") from error

    @property
    def family(self) -> Any:
        """The part of the space that needs no Keras (untyped: each family has its own class)."""

        def make() -> Any:
            try:
                return make_family(self.space_ref)
            except (UsageError, ValueError) as error:
                raise Unavailable(f"the space can't be made: {error}") from error

        return self.once("family", make)

    @cached_property
    def same_family(self) -> Any:
        """Return the space if it has the run's hyperparameters; those of an earlier version may have been different."""
        if self.older and self.run.space.hyperparameters != hyperparameters_of(self.family):
            raise Unavailable("an earlier version made the run, whose space had other hyperparameters")
        return self.family

    def candidates(self) -> list[TrialRecord]:
        """Return the finalists of a search by its rule, best first."""
        options, records = self.search_options, self.of_phase("search")
        goal = goal_of(options, self.run.data)
        if goal is None:
            return finalists(records, options.confirm_top)
        return finalists_around(records, options.confirm_top, goal)

    @property
    def planned_trials(self) -> int:
        """Return the number of planned trials, by run.json; the check `plan` compares it with the options."""
        return self.run.plan.trials or 0

    @property
    def has_folds(self) -> bool:
        """Return whether repetitions validate on folds of their own (`Dataset.has_folds`)."""
        return self.run.data.has_folds

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what several checks share, made when the first one asks for it.

        Raises:
            Unavailable: each time, where it could not be made.
        """
        if name not in self._made:
            try:
                self._made[name] = make()
            except Unavailable as reason:
                self._made[name] = reason
        made = self._made[name]
        if isinstance(made, Unavailable):
            raise made
        return cast(Made, made)

    def close(self) -> None:
        """End the process that builds a user's space, if there is one."""
        close = getattr(self._made.get("family"), "close", None)
        if close is not None:
            close()
