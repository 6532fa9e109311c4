"""The options of a run: a frozen dataclass for each kind, validated when it is made. A field's default is the command line's."""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeAlias, TypeVar

from tuner.core.errors import UsageError
from tuner.core.records import Json, Kind, Value
from tuner.options.durations import LONGEST, parse_duration
from tuner.options.option import COUNT, option, out_of_range, validate

Algorithm: TypeAlias = Literal["hyperband", "random", "bayesian"]
Device: TypeAlias = Literal["auto", "cpu", "gpu"]

Options = TypeVar("Options", bound="RunOptions")

MAX_SEED = 2**32 - 1
MOST_VALUES = 100
"""Values of a study at most."""
_MOST_TRIALS = 50_000

_EPOCHS, _SEEDS = (1, 10_000), (1, 1000)
_NO_TEST = "leave the test set alone"
_IMAGES = "your own images, a file or a folder, which the {} classifies; folders in it named as classes label them"


def parse_count_or_auto(text: str) -> int | None:
    """Return a whole number, or None for "auto".

    Raises:
        ValueError: where the text is neither.
    """
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"expected a whole number or auto. Received: {text}") from error


def parse_percent(text: str) -> float:
    """Return the number of "99.4" or "99.4%".

    Raises:
        ValueError: where the text is no number.
    """
    try:
        return float(text.removesuffix("%"))
    except ValueError as error:
        raise ValueError(f"expected a percentage such as 99.4. Received: {text}") from error


def parse_list(text: str) -> tuple[str, ...]:
    """Return the parts between commas, without spaces around them."""
    return tuple(part.strip() for part in text.split(","))


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of every run.

    Raises:
        UsageError: where a value is of a wrong type or outside its range.
    """

    kind: ClassVar[Kind]

    space: str = option(..., "the search space; mnist-tune spaces lists them", group="task", metavar="NAME")
    data: str = option(
        "auto",
        "auto (MNIST, or 8×8 digits where it can't be had), mnist, fashion_mnist, digits, a .npz file, or a folder of IDX files",
        group="task",
        metavar="SOURCE",
    )
    validation: float = option(0.1, "fraction of the training set, in (0, 0.5], that is split off", group="task", metavar="SHARE")  # fmt: skip
    train_samples: int | None = option(None, "train on N images", group="task", metavar="N", limits=COUNT, unset="all")
    max_params: int | None = option(
        None, "cap of trainable parameters", group="task", metavar="N", limits=COUNT, unset="the space's"
    )
    max_macs: int | None = option(
        None, "cap of multiply-adds an image", group="task", metavar="N", limits=COUNT, unset="the space's"
    )
    workers: int | None = option(
        None,
        "processes",
        metavar="N",
        limits=(1, 1024),
        parse=parse_count_or_auto,
        unset="auto, one a core or four a GPU",
        resumable=True,
    )
    scheduler: str | None = option(
        None, "of a Dask cluster, such as tcp://10.0.0.1:8786", metavar="ADDRESS", resumable=True
    )
    device: Device = option("auto", "auto, cpu or gpu", metavar="NAME", resumable=True)
    seed: int = option(1, "the same seed gives the same run", metavar="N")
    test: bool = option(True, _NO_TEST, group="confirmation")
    trial_timeout: float | None = option(
        None, "for one trial: 10m", metavar="TIME", limits=LONGEST, parse=parse_duration
    )

    def __post_init__(self) -> None:
        validate(self)
        if not 0 < self.validation <= 0.5:
            raise out_of_range("validation", "a share above 0 and up to 0.5", self.validation)
        if not 0 <= self.seed <= MAX_SEED:
            raise out_of_range("seed", f"a whole number from 0 to {MAX_SEED}", self.seed)
        if self.scheduler is not None and self.workers is not None:
            raise UsageError("--workers are processes of this machine, --scheduler has its own. Give one of them.")

    def to_json(self) -> Json:
        """Return the options as `run.json` keeps them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Return what `to_json` wrote as options; keys of other versions are passed over."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in document.items() if key in names})


@dataclass(frozen=True, kw_only=True)
class SearchOptions(RunOptions):
    """The options of a search."""

    kind: ClassVar[Kind] = "search"

    algorithm: Algorithm = option("hyperband", "hyperband, random or bayesian", group="search", metavar="NAME")
    max_epochs: int = option(15, "epochs of the longest trials", group="search", metavar="N", limits=_EPOCHS)
    factor: int = option(3, "Hyperband's reduction factor", group="search", metavar="N", limits=(2, 100))
    min_resource: float = option(
        1.0,
        "epochs of Hyperband's shortest trials; below 1 one pass over that share of the images",
        group="search",
        metavar="E",
        limits=(0.05, 10_000),
    )
    """Li et al. 2018: r."""
    iterations: int = option(
        1, "how often Hyperband is repeated with new brackets", group="search", metavar="N", limits=(1, 1000)
    )
    max_trials: int | None = option(
        None, "of random and bayesian", group="search", metavar="N", limits=(1, _MOST_TRIALS), unset="30"
    )
    references: bool = option(True, "don't try published networks, nor sample near them", group="task")
    confirm_top: int = option(2, "finalists trained again", group="confirmation", metavar="N", limits=(1, 100))
    confirm_seeds: int = option(3, "seeds of each finalist", group="confirmation", metavar="N", limits=(1, 100))
    target: float | None = option(
        None,
        "the smallest finalist whose mean validation accuracy reaches it wins, such as 99.4",
        group="confirmation",
        metavar="PERCENT",
        parse=parse_percent,
        unset="the most accurate one",
    )
    refit: bool = option(
        False,
        "then train the winner again on all training images, the validation images too; that is exported and tested",
        group="confirmation",
    )
    images: str | None = option(None, _IMAGES.format("winner"), group="report", metavar="PATH")
    time_budget: float | None = option(
        None, "for the whole run: 45m, 2h", metavar="TIME", limits=LONGEST, parse=parse_duration, resumable=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._validate_target()
        if self.algorithm == "hyperband":
            self._validate_hyperband()

    def _validate_hyperband(self) -> None:
        if self.max_trials is not None:
            raise UsageError(
                "--max-trials goes with --algorithm random or bayesian. Hyperband's number of trials follows from "
                "--max-epochs, --factor and --iterations; --time-budget limits its time."
            )
        if self.min_resource > self.max_epochs:
            raise out_of_range("min_resource", f"{self.max_epochs:,} (--max-epochs) or less", f"{self.min_resource:g}")
        if self._first_rungs() > _MOST_TRIALS:
            raise UsageError(
                f"A Hyperband of {self.max_epochs:,} epochs, factor {self.factor} and {self.iterations:,} iterations is too large. "
                f"Expected at most {_MOST_TRIALS:,} trials in its first rungs. Received: {self._first_rungs():,.0f}. "
                "Give fewer epochs or iterations, or a larger --min-resource."
            )

    def _validate_target(self) -> None:
        if self.target is None or 1 < self.target <= 100:
            return
        if 0 < self.target <= 1:
            raise UsageError(
                f"--target is a percentage. Expected more than 1 and up to 100, such as 99.4. Received: {self.target}. "
                f"If that is a share of 1, give {100 * self.target:.10g}"
            )
        raise out_of_range("target", "a percentage above 1 and up to 100, such as 99.4", self.target)

    def _first_rungs(self) -> float:
        """Return about how many configurations are sampled: Li et al. 2018, algorithm 1."""
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
    """The options of a training: one configuration, several seeds."""

    kind: ClassVar[Kind] = "train"

    space: str = option(..., "of a JSON file that doesn't name its own", group="task", metavar="NAME")
    test: bool = option(True, _NO_TEST, group="task")
    name: str
    """The name as typed: a reference's name, a file, RUN:TRIAL."""
    configuration: Mapping[str, Value]
    """Complete."""
    epochs: int = option(
        15, "of each training", group="task", metavar="N", limits=_EPOCHS, unset="15, or those of the trial"
    )
    seeds: int = option(3, "trainings of each configuration", group="task", metavar="N", limits=_SEEDS)
    images: str | None = option(None, _IMAGES.format("model"), group="report", metavar="PATH")


@dataclass(frozen=True, kw_only=True)
class StudyOptions(RunOptions):
    """The options of a study; its arms are in run.json beside."""

    kind: ClassVar[Kind] = "study"

    space: str = option(..., "the search space", group="task", metavar="NAME", unset="the preset's, else dense")
    test: bool = False
    """A study never evaluates on the test set."""
    name: str
    """A preset's name, or a hyperparameter's."""
    values: tuple[str, ...] | None = option(
        None,
        "of the hyperparameter, two or more",
        group="task",
        metavar="A,B,…",
        parse=parse_list,
        unset="a preset's own",
    )
    base: str | None = option(
        None,
        "hold the rest at a reference or at a run's winner",
        group="task",
        metavar="NAME|RUN",
        unset="the space's defaults",
    )
    epochs: int | None = option(
        None, "of each training", group="task", metavar="N", limits=_EPOCHS, unset="the preset's, else 15"
    )
    seeds: int = option(5, "trainings of each configuration", group="task", metavar="N", limits=_SEEDS)

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
