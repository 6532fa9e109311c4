"""The options of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tuner.core.records import Kind, Objective, Value
from tuner.options.option import option
from tuner.options.run_options import EPOCHS, IMAGES, NO_TEST, OBJECTIVE, SEEDS, RunOptions


@dataclass(frozen=True, kw_only=True)
class TrainOptions(RunOptions):
    """The options of a training: one configuration, several seeds."""

    kind: ClassVar[Kind] = "train"

    space: str = option(
        ...,
        "the space of a JSON file that doesn't name its own, or of a network (compact8k)",
        group="task",
        metavar="NAME",
    )
    test: bool = option(True, NO_TEST, group="task")
    name: str
    """The name as typed: a reference's name, a network in the notation, a file, RUN:TRIAL."""
    configuration: Mapping[str, Value]
    """Complete."""
    epochs: int = option(
        15, "epochs of each training", group="task", metavar="N", limits=EPOCHS, unset="15, or those of the trial"
    )
    seeds: int = option(3, "trainings of each configuration", group="task", metavar="N", limits=SEEDS)
    objective: Objective = option("val_accuracy", OBJECTIVE, group="task", metavar="NAME")
    images: str | None = option(None, IMAGES.format("model"), group="report", metavar="PATH")
