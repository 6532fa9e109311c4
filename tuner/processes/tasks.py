"""Tasks of workers and their events: plain data that travels as JSON lines.

A worker process and a cluster's worker take the same tasks.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tuner.core.records import Configuration, Json
from tuner.storage.schema.documents import validate
from tuner.storage.schema.model_interface import ModelInterface
from tuner.storage.schema.study import Diagnostic

PATIENCE, RESTORE_BEST = "trial.patience", "trial.restore_best"
"""Options of a trial that stand in a configuration, where a study varies them."""


@dataclass(frozen=True, kw_only=True)
class SpaceRef:
    """A reference to the space of a run, from which a worker makes it."""

    name: str
    max_params: int | None
    max_macs: int | None
    classes: int
    interface: ModelInterface | None = None
    """The interface of the networks of a user's own space; None of a space that comes along."""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> SpaceRef:
        """Read what `dataclasses.asdict` wrote."""
        return validate(document, cls)


@dataclass(frozen=True, kw_only=True)
class TrainTask:
    """Train one configuration from scratch."""

    id: str
    space: SpaceRef
    configuration: Configuration
    epochs: float
    """Below 1: one pass over this share of the training images."""
    seed: int
    fold: int = 0
    """The fold whose images validate: `Dataset.fold`."""
    keep: str | None = None
    """A path without suffix, where model and arrays are left."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Measurements of the trained model, kept among the arrays."""
    stop_early: bool = True
    """False: all epochs are trained, whatever they bring; a patience in the configuration holds all the same."""
    refit: bool = False
    """Train on the validation images too: then nothing is validated, and nothing stops early."""
    stop_after: int | None = None
    """Passes after which a refit ends: as many as its confirmation took, though its schedule is fitted to all epochs."""
    kind: Literal["train"] = "train"

    @property
    def passes(self) -> int:
        """Return how often it goes through its images, all or a share of them."""
        return math.ceil(self.epochs)


@dataclass(frozen=True, kw_only=True)
class EvaluateTask:
    """Let the winner's models meet the test set once. `arrays`: where the figures' arrays are left (.npz)."""

    id: str
    space: SpaceRef
    configuration: Configuration
    models: tuple[str, ...]
    """One a seed."""
    exported: int
    """The place of the model that is exported."""
    arrays: str
    test: bool
    seed: int
    custom: bool = False
    """Whether the exported model meets images that are not of its data set."""
    own_images: str | None = None
    """The file of the user's own images, if there are any."""
    kind: Literal["evaluate"] = "evaluate"


@dataclass(frozen=True, kw_only=True)
class ExportTask:
    """Write the winner's model as a SavedModel, and a user's own also as a Keras file, and compare the two."""

    id: str
    space: SpaceRef
    configuration: Configuration
    model: str
    """The kept file: the Keras file of a built-in space, else the weights."""
    keras_file: str
    folder: str
    kind: Literal["export"] = "export"


Task: TypeAlias = TrainTask | EvaluateTask | ExportTask


@dataclass(frozen=True, kw_only=True)
class Event:
    """A worker's event about a task.

    `epoch`: an epoch ended, `body` holds its metrics. `finished`: `body` holds the result. `failed`: `error` says why.
    """

    kind: Literal["epoch", "finished", "failed"]
    task: str
    worker: int
    body: Json = dataclasses.field(default_factory=dict)
    error: str | None = None
    duration_s: float = 0.0
    no_space: bool = False
    """It failed because a disk is full: the task is not to blame, and is done again once there is space."""


def task_to_json(task: Task) -> Json:
    """A task as JSON."""
    return dataclasses.asdict(task)


def task_from_json(document: Mapping[str, object]) -> Task:
    """Read what `task_to_json` wrote.

    Raises:
        ValueError: where the kind is unknown.
    """
    values = dict(document)
    kinds: dict[object, type[Task]] = {"train": TrainTask, "evaluate": EvaluateTask, "export": ExportTask}
    if values["kind"] not in kinds:
        raise ValueError(f"Unknown task. Expected one of {sorted(map(str, kinds))}. Received: {values['kind']}")
    if "space" in values:
        values["space"] = SpaceRef.from_json(values["space"])  # type: ignore[arg-type]
    for name in {"models", "diagnostics"} & values.keys():
        values[name] = tuple(values[name])  # type: ignore[arg-type]
    return kinds[values["kind"]](**values)  # type: ignore[arg-type]
