"""Tasks of workers and their events: plain data that travels as JSON lines.

A worker process and a cluster's worker take the same tasks.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from tuner.core.records import Configuration, Json, Objective
from tuner.options.run_options import RunOptions
from tuner.storage.schema.documents import validate
from tuner.storage.schema.model_interface import ModelInterface
from tuner.storage.schema.run import RunDocument
from tuner.storage.schema.study import Diagnostic

PATIENCE, RESTORE_BEST = "trial.patience", "trial.restore_best"
"""Options of a trial that are keys of a configuration where a study varies them."""


class Described(Protocol):
    """Properties of a data set that a space depends on: of the data themselves, or of their description in run.json."""

    @property
    def classes(self) -> int:
        """Return the number of classes."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return (h, w) of grey images, (h, w, 3) of colour ones."""

    @property
    def shows_digits(self) -> bool:
        """Return whether the classes are the ten digits."""


@dataclass(frozen=True, kw_only=True)
class SpaceRef:
    """A reference to the space of a run, from which a worker makes it."""

    name: str
    max_params: int | None
    max_macs: int | None
    classes: int
    image_shape: tuple[int, ...] = (28, 28)
    """(h, w) of grey images, (h, w, 3) of colour ones."""
    digits: bool = True
    """True where the images show digits: others may be mirrored and change their colours in training."""
    max_ram: int | None = None
    """Bytes of TFLM's arena; None: no cap."""
    max_flash: int | None = None
    """Bytes of the int8 file; None: no cap."""
    interface: ModelInterface | None = None
    """The interface of the networks of a user's own space; None for a built-in space."""

    @classmethod
    def for_options(cls, options: RunOptions, data: Described, interface: ModelInterface | None = None) -> SpaceRef:
        """Return the reference to the space that options name, for the data of a run."""
        return cls(
            name=options.space,
            max_params=options.max_params,
            max_macs=options.max_macs,
            max_ram=options.ram_cap,
            max_flash=options.flash_cap,
            classes=data.classes,
            image_shape=data.input_shape,
            digits=data.shows_digits,
            interface=interface,
        )

    @classmethod
    def for_run(cls, run: RunDocument) -> SpaceRef:
        """Return the reference to the space that run.json describes, which is code where its name has a colon."""
        space, data = run.space, run.data
        return cls(
            name=space.name,
            max_params=space.max_params,
            max_macs=space.max_macs,
            max_ram=space.max_ram,
            max_flash=space.max_flash,
            classes=data.classes,
            image_shape=data.input_shape,
            digits=data.shows_digits,
            interface=space.model,
        )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> SpaceRef:
        """Return the reference that `dataclasses.asdict` wrote."""
        return validate(document, cls)

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of a built-in space's or family's constructor."""
        names = ("max_params", "max_macs", "classes", "image_shape", "digits", "max_ram", "max_flash")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class TrainTask:
    """Train one configuration from scratch."""

    id: str
    space: SpaceRef
    configuration: Configuration
    epochs: float
    """Below 1: one pass over this fraction of the training images."""
    seed: int
    fold: int = 0
    """The fold whose images validate: `Dataset.fold`."""
    objective: Objective = "val_accuracy"
    """"balanced_accuracy": each class has the same weight in the loss, whatever its number of images. "int8": the trained model is
    quantised, and the int8 network scored."""
    keep: str | None = None
    """A path without suffix to which model and arrays are written; None: they are not kept."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Measurements of the trained model, kept among the arrays."""
    stop_early: bool = True
    """False: all epochs are trained, unless the configuration has a patience."""
    refit: bool = False
    """True: train on the validation images too, without validation and early stopping."""
    stop_after: int | None = None
    """Passes after which a refit ends: as many as its confirmation took, although its schedule spans all epochs."""
    kind: Literal["train"] = "train"

    @property
    def passes(self) -> int:
        """Return the number of passes over its images, all or a fraction of them."""
        return math.ceil(self.epochs)


@dataclass(frozen=True, kw_only=True)
class EvaluateTask:
    """Evaluate the winner's models on the test set once. `arrays`: the path of the figures' arrays (.npz)."""

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
    """True: evaluate the exported model also on images that are not of its data set."""
    own_images: str | None = None
    """The file of the user's own images, if there are any."""
    int8: str | None = None
    """The int8 file of the exported model; None where models are not quantised."""
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


@dataclass(frozen=True, kw_only=True)
class StackTask:
    """Train several configurations as one program.

    Each event of one of its tasks travels as an `epoch` event of this one: `body` holds the task's `id`, `event` and `body`, `error`
    and `duration_s` as an event of its own would.
    """

    id: str
    tasks: tuple[TrainTask, ...]
    """They share space, epochs, seed, fold, objective and batch size."""
    kind: Literal["stack"] = "stack"


Task: TypeAlias = TrainTask | EvaluateTask | ExportTask | StackTask


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
    """True where it failed because a disk is full: the task is run again once there is space."""


def task_to_json(task: Task) -> Json:
    """Return a task as JSON."""
    return dataclasses.asdict(task)


def task_from_json(document: Mapping[str, object]) -> Task:
    """Return the task that `task_to_json` wrote.

    Raises:
        ValueError: where the kind is unknown.
    """
    values = dict(document)
    kinds: dict[object, type[Task]] = {
        "train": TrainTask,
        "evaluate": EvaluateTask,
        "export": ExportTask,
        "stack": StackTask,
    }
    if values["kind"] not in kinds:
        raise ValueError(f"Unknown task. Expected one of {sorted(map(str, kinds))}. Received: {values['kind']}")
    if "space" in values:
        values["space"] = SpaceRef.from_json(values["space"])  # type: ignore[arg-type]
    if "tasks" in values:
        values["tasks"] = tuple(map(task_from_json, values["tasks"]))  # type: ignore[call-overload]
    for name in {"models", "diagnostics"} & values.keys():
        values[name] = tuple(values[name])  # type: ignore[arg-type]
    return kinds[values["kind"]](**values)  # type: ignore[arg-type]
