"""The options of a study."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import ClassVar

from tuner.core.errors import UsageError
from tuner.core.records import Kind
from tuner.options.option import option, out_of_range
from tuner.options.parsing import parse_list
from tuner.options.run_options import EPOCHS, SEEDS, RunOptions

MOST_VALUES = 100
"""The largest number of values."""


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
        "values of the hyperparameter, two or more",
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
        None, "epochs of each training", group="task", metavar="N", limits=EPOCHS, unset="the preset's, else 15"
    )
    seeds: int = option(5, "trainings of each configuration", group="task", metavar="N", limits=SEEDS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test:
            raise UsageError(
                "A study never evaluates on the test set. Expected no test. Received: test=True. Leave the option out."
            )
        if self.values is not None:
            if not isinstance(self.values, (tuple, list)) or not all(isinstance(value, str) for value in self.values):
                raise UsageError(f"--values has a wrong type. Expected texts. Received: {reprlib.repr(self.values)}")
            if len(self.values) > MOST_VALUES:
                raise out_of_range("values", f"{MOST_VALUES} values or fewer", f"{len(self.values)} values")
            # A list, where it comes from JSON.
            object.__setattr__(self, "values", tuple(self.values))
