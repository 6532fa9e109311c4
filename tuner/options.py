"""The options of a run: a frozen dataclass for each kind, validated when it is made."""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeAlias, TypeVar, get_args, get_type_hints

from tuner.errors import UsageError
from tuner.option_values import MAX_SEED, MOST_TRIALS, MOST_VALUES, RANGES, TYPES, flag, is_one_of, out_of_range
from tuner.records import Json, Kind, Value
from tuner.storage.schema.run import RunDocument

Algorithm: TypeAlias = Literal["hyperband", "random", "bayesian"]
Device: TypeAlias = Literal["auto", "cpu", "gpu"]

Options = TypeVar("Options", bound="RunOptions")

RESUMABLE = ("workers", "scheduler", "device", "time_budget")
"""Options that may be given anew when a run is resumed: they don't change what it finds."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What every run is asked for. Every default is the command line's.

    Raises:
        UsageError: where a value is outside its range.
    """

    kind: ClassVar[Kind]

    space: str
    data: str = "auto"
    validation: float = 0.1
    """Share of the training set that is split off, in (0, 0.5]."""
    train_samples: int | None = None
    max_params: int | None = None
    """Cap of trainable parameters; None: the space's own."""
    max_macs: int | None = None
    """Cap of multiply-adds an image; None: the space's own."""
    workers: int | None = None
    """None: one a core, or four a GPU."""
    scheduler: str | None = None
    """A Dask scheduler's address: trainings then run on its workers."""
    device: Device = "auto"
    seed: int = 1
    test: bool = True
    trial_timeout: float | None = None
    """Seconds for one trial."""

    def __post_init__(self) -> None:
        self._check_types()
        self._check_choice("device", get_args(Device))
        if not 0 < self.validation <= 0.5:
            raise out_of_range("validation", "a share above 0 and up to 0.5", self.validation)
        for name, (least, most) in RANGES.items():
            value = getattr(self, name, None)
            if value is not None and not value >= least:
                raise out_of_range(name, f"{least:,} or more", value)
            if value is not None and not value <= most:
                raise out_of_range(name, f"{most:,} or less", value)
        if not 0 <= self.seed <= MAX_SEED:
            raise out_of_range("seed", f"a whole number from 0 to {MAX_SEED}", self.seed)
        if self.scheduler is not None and self.workers is not None:
            raise UsageError("--workers are processes of this machine, --scheduler has its own. Give one of them.")

    def _check_types(self) -> None:
        """From Python, or from somebody's run.json, anything may come."""
        hints = get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            taken = TYPES.get(str(hints[field.name]))
            if taken is not None and not is_one_of(value, taken[0]):
                raise UsageError(
                    f"{flag(field.name)} has a wrong type. Expected {taken[1]}. Received: {reprlib.repr(value)}"
                )

    def _check_choice(self, name: str, choices: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if not isinstance(value, str) or value not in choices:
            raise out_of_range(name, "one of " + ", ".join(choices), value)

    def to_json(self) -> Json:
        """As `run.json` keeps them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Reads what `to_json` wrote; keys of other versions are passed over."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in document.items() if key in known})


@dataclass(frozen=True, kw_only=True)
class SearchOptions(RunOptions):
    """What a search was asked for."""

    kind: ClassVar[Kind] = "search"

    algorithm: Algorithm = "hyperband"
    max_epochs: int = 15
    factor: int = 3
    min_resource: float = 1.0
    """Epochs that Hyperband's shortest trials are trained at least; below 1 a share of the images (Li et al. 2018: r)."""
    iterations: int = 1
    max_trials: int | None = None
    """Of random and bayesian; None: 30."""
    references: bool = True
    confirm_top: int = 2
    confirm_seeds: int = 3
    target: float | None = None
    """Percent, in (1, 100]: the smallest finalist whose mean validation accuracy reaches it wins. None: the most accurate one."""
    refit: bool = False
    """Whether the winner is trained again on training and validation images together, once everything is chosen."""
    images: str | None = None
    """A file or a folder: the user's own images, which the winner is to classify."""
    time_budget: float | None = None
    """Seconds for the whole run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("algorithm", get_args(Algorithm))
        self._check_target()
        if self.max_trials is not None and self.algorithm == "hyperband":
            raise UsageError(
                "--max-trials goes with --algorithm random or bayesian. Hyperband's number of trials follows from "
                "--max-epochs, --factor and --iterations; --time-budget limits its time."
            )

        if self.algorithm == "hyperband":
            self._check_hyperband()

    def _check_hyperband(self) -> None:
        if self.min_resource > self.max_epochs:
            raise out_of_range("min_resource", f"{self.max_epochs:,} (--max-epochs) or less", f"{self.min_resource:g}")
        if self._first_rungs() > MOST_TRIALS:
            raise UsageError(
                f"A Hyperband of {self.max_epochs:,} epochs, factor {self.factor} and {self.iterations:,} iterations is too large. "
                f"Expected at most {MOST_TRIALS:,} trials in its first rungs. Received: {self._first_rungs():,.0f}. "
                "Give fewer epochs or iterations, or a larger --min-resource."
            )

    def _check_target(self) -> None:
        if self.target is None or 1 < self.target <= 100:
            return
        if 0 < self.target <= 1:
            raise UsageError(
                f"--target is a percentage. Expected more than 1 and up to 100, such as 99.4. Received: {self.target}. "
                f"If that is a share of 1, give {100 * self.target:.10g}"
            )
        raise out_of_range("target", "a percentage above 1 and up to 100, such as 99.4", self.target)

    def _first_rungs(self) -> float:
        """About how many configurations are drawn: Li et al. 2018, algorithm 1."""
        depth = int(math.log(self.max_epochs / self.min_resource) / math.log(self.factor) + 1e-9)
        return self.iterations * sum((depth + 1) / (s + 1) * float(self.factor) ** s for s in range(depth + 1))

    @property
    def trials_limit(self) -> int:
        """The number of trials of a random or Bayesian search."""
        return 30 if self.max_trials is None else self.max_trials

    @property
    def target_share(self) -> float | None:
        """The target as accuracies are kept, in (0, 1]; as it was typed: 99.4 is 0.994, not the float after it."""
        return None if self.target is None else round(self.target / 100, 12)


@dataclass(frozen=True, kw_only=True)
class TrainOptions(RunOptions):
    """What a training was asked for: one configuration, several seeds."""

    kind: ClassVar[Kind] = "train"

    name: str
    """What was typed: a reference's name, a file, RUN:TRIAL."""
    configuration: Mapping[str, Value]
    """Complete."""
    epochs: int = 15
    seeds: int = 3
    images: str | None = None
    """A file or a folder: the user's own images, which the model is to classify."""


@dataclass(frozen=True, kw_only=True)
class StudyOptions(RunOptions):
    """What a study was asked for; its arms are in run.json beside."""

    kind: ClassVar[Kind] = "study"

    name: str
    """A preset's name, or a hyperparameter's."""
    values: tuple[str, ...] | None = None
    """As typed; None: a preset's own."""
    base: str | None = None
    """What all else is held at: a reference's name or a run's folder; None: the space's defaults."""
    epochs: int | None = None
    """None: a preset's own, else 15."""
    seeds: int = 5
    test: bool = False
    """A study never meets the test set."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test:
            raise UsageError("A study never meets the test set. Leave the option out.")
        if self.values is not None:
            if not isinstance(self.values, (tuple, list)) or not all(isinstance(value, str) for value in self.values):
                raise UsageError(f"--values has a wrong type. Expected texts. Received: {reprlib.repr(self.values)}")
            if len(self.values) > MOST_VALUES:
                raise out_of_range("values", f"{MOST_VALUES} values or fewer", f"{len(self.values)} values")
            # A list, where it comes from JSON.
            object.__setattr__(self, "values", tuple(self.values))


def options_of(run: RunDocument) -> RunOptions:
    """Return the options in run.json, of which this version must know every one.

    Raises:
        UsageError: where one is missing, unknown, or out of its range.
    """
    kinds: dict[str, type[RunOptions]] = {"search": SearchOptions, "train": TrainOptions, "study": StudyOptions}
    kind = kinds[run.kind]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(run.options) - set(fields))
    required = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    missing = sorted(set(required) - set(run.options))
    if unknown or missing:
        what = (
            f"options that this version doesn't have: {', '.join(unknown)}" if unknown else f"no {', '.join(missing)}"
        )
        raise UsageError(
            f"The run can't be gone on with: its run.json has {what}. Go on with the version that began it, or start a new run."
        )
    return kind.from_json(run.options)


def merge_for_resume(kept: Options, given: dict[str, object]) -> Options:
    """The options of a resumed run: its own, but for those that may change.

    Args:
        kept: the options in `run.json`.
        given: the options that were typed this time.

    Raises:
        UsageError: where one that can't change was given with another value.
    """
    resumable = {field.name for field in dataclasses.fields(kept)} & set(RESUMABLE)
    for name, value in given.items():
        if name not in resumable and value != getattr(kept, name, None):
            raise UsageError(
                f"A resumed run keeps its own options: {flag(name)} is {_shown(getattr(kept, name, None))} in this run. "
                f"Received: {_shown(value)}. Leave it out, or start a new run in another folder."
            )
    changes = {name: value for name, value in given.items() if name in resumable}
    # A time budget is spent by one invocation: a resumed run has none unless it is given again.
    if isinstance(kept, SearchOptions):
        changes.setdefault("time_budget", None)
    return dataclasses.replace(kept, **changes)  # type: ignore[arg-type]


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)
