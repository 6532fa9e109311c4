"""The options of a search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeAlias

from tuner.core.errors import UsageError
from tuner.core.records import Json, Kind, Objective
from tuner.options.durations import LONGEST, parse_duration
from tuner.options.option import flag, option, out_of_range
from tuner.options.parsing import parse_percent
from tuner.options.run_options import EPOCHS, IMAGES, OBJECTIVE, RunOptions

Algorithm: TypeAlias = Literal["hyperband", "random", "bayesian"]
LEARNING: frozenset[Algorithm] = frozenset({"bayesian"})
"""The algorithms whose next trial depends on the scores of those before: the order in which workers finish matters."""

_MOST_TRIALS = 50_000


@dataclass(frozen=True, kw_only=True)
class SearchOptions(RunOptions):
    """The options of a search."""

    kind: ClassVar[Kind] = "search"

    # None: val_accuracy, with a board int8; never None once the options are made.
    objective: Objective = option(
        None, OBJECTIVE, group="search", metavar="NAME", unset="val_accuracy; int8 with --board"
    )
    algorithm: Algorithm = option("hyperband", "hyperband, random or bayesian", group="search", metavar="NAME")
    max_epochs: int = option(15, "epochs of the longest trials", group="search", metavar="N", limits=EPOCHS)
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
    stop_when_flat: bool = option(False, "end Hyperband after a bracket that beats none before it", group="search")
    max_trials: int | None = option(
        None,
        "number of trials of random and bayesian",
        group="search",
        metavar="N",
        limits=(1, _MOST_TRIALS),
        unset="30",
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
    at_least: float | None = option(
        None,
        "the smallest finalist wins whose mean validation accuracy is this or more with 95% confidence, such as 99; by flash where that "
        "is capped",
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
    images: str | None = option(None, IMAGES.format("winner"), group="report", metavar="PATH")
    stack_trials: int | None = option(
        None,
        "train up to N trials as one program, with JAX: for GPUs, not measured there (docs/gpu.md)",
        metavar="N",
        limits=(1, 256),
        unset="each alone",
        resumable=True,
    )
    time_budget: float | None = option(
        None,
        "the longest time of the whole run, with its unit: 45m, 2h, 1h30m; at least 1m",
        metavar="TIME",
        limits=LONGEST,
        parse=parse_duration,
        resumable=True,
    )

    def __post_init__(self) -> None:
        if self.objective is None:
            object.__setattr__(self, "objective", self.defaults()["objective"])
        super().__post_init__()
        self._validate_goal()
        self._validate_stack()
        if self.algorithm == "hyperband":
            self._validate_hyperband()
        elif self.stop_when_flat:
            raise UsageError(
                f"--stop-when-flat goes with --algorithm hyperband, which has brackets. Received: {self.algorithm}. "
                "--max-trials limits the others."
            )

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

    def _validate_stack(self) -> None:
        if self.stack_trials is None:
            return
        if self.time_budget is not None:
            raise UsageError(
                "--stack-trials divides a program's time among its trials, by which no search can be fitted to --time-budget. "
                "Expected one of the two. Received: both. Leave one of them out."
            )
        for name, value in (("--scheduler", self.scheduler), ("--trial-timeout", self.trial_timeout)):
            if value is not None:
                raise UsageError(
                    f"--stack-trials trains several trials in one process of this machine. Expected it without {name}. "
                    f"Received: both. Leave one of them out."
                )

    def _validate_goal(self) -> None:
        for name, value in (("target", self.target), ("at_least", self.at_least)):
            _validate_percent(name, value)
        if self.target is not None and self.at_least is not None:
            raise UsageError(
                "--target and --at-least both choose the winner: the one by its mean, the other by the mean's lower 95% bound. "
                f"Give one of them. Received: --target {self.target:.10g} --at-least {self.at_least:.10g}"
            )
        if self.at_least is not None and self.confirm_seeds < 2:
            raise UsageError(
                f"--at-least needs the spread over seeds. Expected --confirm-seeds of 2 or more. Received: {self.confirm_seeds}"
            )

    def _first_rungs(self) -> float:
        """Return the approximate number of sampled configurations: Li et al. 2018, algorithm 1."""
        depth = int(math.log(self.max_epochs / self.min_resource) / math.log(self.factor) + 1e-9)
        return self.iterations * sum((depth + 1) / (s + 1) * float(self.factor) ** s for s in range(depth + 1))

    def defaults(self) -> Json:
        return super().defaults() | {"objective": "val_accuracy" if self.board is None else "int8"}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Return the options that `to_json` wrote; runs without an objective were ranked by accuracy, with a board too."""
        return super().from_json({"objective": "val_accuracy", **document})

    @property
    def learns(self) -> bool:
        """Return whether the next trial depends on the scores of those before."""
        return self.algorithm in LEARNING

    @property
    def trials_limit(self) -> int:
        """Return the number of trials of a random or Bayesian search."""
        return 30 if self.max_trials is None else self.max_trials

    @property
    def target_share(self) -> float | None:
        """Return the target as a fraction in (0, 1], rounded as it was typed: 99.4 is 0.994, not the next float."""
        return None if self.target is None else _share_of(self.target)

    @property
    def at_least_share(self) -> float | None:
        """Return the least accuracy as a fraction in (0, 1], rounded likewise."""
        return None if self.at_least is None else _share_of(self.at_least)


def _share_of(percent: float) -> float:
    return round(percent / 100, 12)


def _validate_percent(name: str, value: float | None) -> None:
    if value is None or 1 < value <= 100:
        return
    if 0 < value <= 1:
        raise UsageError(
            f"{flag(name)} is a percentage. Expected more than 1 and up to 100, such as 99.4. Received: {value}. "
            f"If that is a share of 1, give {100 * value:.10g}"
        )
    raise out_of_range(name, "a percentage above 1 and up to 100, such as 99.4", value)
