"""run.json: the options, space, data, plan, versions, machine and status of a run."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from tuner.core.records import SCHEMA, Kind
from tuner.storage.schema.data_set import ClassNames, DataSet, ImageShape
from tuner.storage.schema.fields import (
    ChangingPart,
    Count,
    Epochs,
    Fraction,
    Index,
    Length,
    Number,
    Part,
    Positive,
    Real,
    Scalar,
    Scalars,
    Seed,
    Table,
    Text,
    Texts,
    TrialName,
    written,
)
from tuner.storage.schema.model_interface import ModelInterface
from tuner.storage.schema.study import StudyPlan

RunPhase: TypeAlias = Literal["search", "confirm", "refit", "train", "study", "evaluate"]
RunStatus: TypeAlias = Literal["running", "completed", "failed", "interrupted"]


class Program(Part, frozen=True, kw_only=True):
    """The program that began the run, or wrote the exports."""

    name: Text = written("mnist-tune")
    version: Text


class Condition(Part, frozen=True, kw_only=True):
    """The values of another hyperparameter under which one is active."""

    name: Text
    values: Scalars


class Hyperparameter(Part, frozen=True):
    """A hyperparameter of a space."""

    name: Text
    kind: Text
    values: Scalars | None = written(None)
    low: Number | None = msgspec.field(name="min", default_factory=lambda: None)
    high: Number | None = msgspec.field(name="max", default_factory=lambda: None)
    step: Number | None = written(None)
    sampling: Text | None = written(None)
    conditions: Annotated[tuple[Condition, ...], Meta(max_length=1000)] = written(())
    default: Scalar | None = written(None)
    description: Text = written("")


Hyperparameters: TypeAlias = Annotated[tuple[Hyperparameter, ...], Meta(max_length=1000)]


class Space(Part, frozen=True, kw_only=True):
    """The space and the caps that held its samples."""

    name: Text
    max_params: Count | None = written(None)
    max_macs: Count | None = written(None)
    max_ram: Count | None = written(None)
    """Bytes of TFLM's arena; None: no cap."""
    max_flash: Count | None = written(None)
    """Bytes of the int8 file; None: no cap."""
    model: ModelInterface | None = None
    """Only of a user's own space."""
    hyperparameters: Hyperparameters = written(())


class Reference(ChangingPart, kw_only=True):
    """A published network."""

    name: Text
    network: Text = written("")
    parameters: Count
    multiply_adds: Count | None = written(None)
    published_accuracy: Fraction | None = written(None)
    published_epochs: Epochs | None = written(None)
    published_scores: Annotated[dict[Text, Real], Meta(max_length=1000)] = msgspec.field(default_factory=lambda: {})
    """Other scores that were published: f1, log_loss, auc_roc."""
    source: Text = written("")
    assumed: Text = written("")
    """The part of its recipe that was not published, and its replacement."""
    fits: bool = written(False)
    included: bool = written(False)
    trial: TrialName | None = written(None)
    """Its first trial in this run, where it was tried."""
    scaled: TrialName | None = written(None)
    """The first trial of its likeness that was scaled to fit the caps, where one was tried."""


class Rung(Part, frozen=True, kw_only=True):
    """A rung of a bracket as it was planned."""

    rung: Index
    size: Index
    epochs: Length


class Bracket(Part, frozen=True, kw_only=True):
    """A bracket of Hyperband as it was planned."""

    bracket: Index
    rungs: Annotated[tuple[Rung, ...], Meta(max_length=1000)]


class PlannedRung(NamedTuple):
    """A rung with the number of its bracket."""

    bracket: int
    rung: int
    size: int
    epochs: float


class Plan(ChangingPart, kw_only=True):
    """The trials that a run means to train."""

    algorithm: Text = written("")
    brackets: Annotated[tuple[Bracket, ...], Meta(max_length=10_000)] = written(())
    trials: Count | None = None
    epochs: Annotated[int, Meta(ge=0, le=10**12)] | Annotated[float, Meta(ge=0, le=10**12)] | None = None
    """Epochs of all trials, the confirmation's too; None where the run has not said it yet."""
    exhausted: bool | None = None
    """True where the space had fewer configurations than that."""
    flat_after: Index | None = None
    """The bracket that beat none before it, after which `--stop-when-flat` ended the search."""
    share: Annotated[float, Meta(gt=0, le=1)] | None = None
    """The share of Hyperband's sizes in each bracket that is left under the time budget; absent without one."""

    @property
    def rungs(self) -> tuple[PlannedRung, ...]:
        """The rungs of all brackets."""
        return tuple(
            PlannedRung(bracket.bracket, rung.rung, rung.size, rung.epochs)
            for bracket in self.brackets
            for rung in bracket.rungs
        )


class Machine(Part, frozen=True, kw_only=True):
    """The machine that the run began on."""

    system: Text | None = None
    processor: Text | None = None
    cores: Count | None = None
    memory_bytes: Annotated[int, Meta(ge=0, le=10**15)] | None = written(None)
    accelerators: Texts = written(())
    features: Texts | None = None
    """The processor's vector instructions; None in older runs."""
    kernel_variables: Annotated[dict[Text, Text], Meta(max_length=1000)] | None = None
    """Environment variables that choose among kernels, where training has them; None in older runs."""
    allocator_variables: Annotated[dict[Text, Text], Meta(max_length=1000)] | None = None
    """Environment variables of the memory allocator that training has; None in older runs."""


class JournalForm(Part, frozen=True, kw_only=True):
    """The form of trials.jsonl."""

    chained: bool


class Times(ChangingPart, kw_only=True):
    """The moments of a run's start and end, and the duration of the run and of each phase."""

    started: Text
    ended: Text | None = written(None)
    elapsed_s: Positive = written(0.0)
    """Over all resumptions."""
    phases: dict[RunPhase, Positive] = msgspec.field(default_factory=lambda: {})


class RunDocument(ChangingPart, kw_only=True):
    """run.json."""

    schema: Literal[1] = written(SCHEMA)
    kind: Kind = written("search")
    program: Program
    command: Texts
    options: Table
    seed: Seed
    space: Space
    references: Annotated[tuple[Reference, ...], Meta(max_length=1000)] = written(())
    data: DataSet
    study: StudyPlan | None = None
    plan: Plan
    versions: Annotated[dict[Text, Text], Meta(max_length=1000)]
    machine: Machine
    journal: JournalForm | None = None
    """Absent in older runs."""
    nondeterminism: Annotated[list[Text], Meta(max_length=100_000)] = msgspec.field(default_factory=lambda: [])
    notes: Annotated[list[Text], Meta(max_length=100_000)] = msgspec.field(default_factory=lambda: [])
    status: RunStatus
    error: Text | None = written(None)
    times: Times


class _DataHead(Part, frozen=True, kw_only=True):
    name: Text | None = None
    class_names: ClassNames | None = None
    image_shape: ImageShape | None = None


class _OptionsHead(Part, frozen=True, kw_only=True):
    resize: Literal["crop", "pad", "stretch"] = "crop"


class _SpaceHead(Part, frozen=True, kw_only=True):
    name: Text
    model: ModelInterface | None = None


class RunHead(Part, frozen=True, kw_only=True):
    """The part of run.json that a model needs. Nothing else of it is looked at."""

    kind: Kind = "search"
    data: _DataHead = _DataHead()
    options: _OptionsHead = _OptionsHead()
    space: _SpaceHead | None = None
