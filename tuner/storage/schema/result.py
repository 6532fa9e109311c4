"""result.json: the winner and its scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from search_spaces.networks.costs import LayerSummary
from tuner.core.records import SCHEMA, Kind, Objective
from tuner.storage.schema.fields import (
    MOST_CLASSES,
    Count,
    Fraction,
    Index,
    Interval,
    Length,
    Part,
    Positive,
    Real,
    Text,
    TrialName,
    TrialNames,
    Values,
    written,
)
from tuner.storage.schema.study import StudyResult
from tuner.storage.schema.trials import Layers

SizeUnit: TypeAlias = Literal["parameters", "flash"]


class SeedScores(Part, frozen=True, kw_only=True):
    """A score over seeds."""

    mean: Fraction
    sd: Positive | None = written(None)
    """None with one seed."""
    per_seed: Annotated[tuple[Fraction, ...], Meta(max_length=10_000)]


class Validation(Part, frozen=True, kw_only=True):
    """Validation accuracy of one configuration over its seeds, and its other scores."""

    n: Count = written(0)
    """Seeds."""
    mean: Fraction | None = written(None)
    sd: Positive | None = written(None)
    per_seed: Annotated[tuple[Fraction, ...], Meta(max_length=10_000)] = written(())
    loss_mean: Real | None = written(None)
    balanced_accuracy: SeedScores | None = None
    """None where a seed lacks it, as in older runs."""
    int8_accuracy: SeedScores | None = None
    """The accuracy of the int8 networks; None where the seeds were not quantised."""

    def scores(self, objective: Objective) -> SeedScores | None:
        """Return the values of an objective; None where they are unknown."""
        if objective == "balanced_accuracy":
            return self.balanced_accuracy
        if objective == "int8":
            return self.int8_accuracy
        return None if self.mean is None else SeedScores(mean=self.mean, sd=self.sd, per_seed=self.per_seed)


class Finalist(Part, frozen=True, kw_only=True):
    """A confirmed configuration."""

    configuration: Values
    parameters: Count
    multiply_adds: Count | None = written(None)
    ram: Count | None = written(None)
    """Bytes of TFLM's arena for the int8 network, computed."""
    flash: Count | None = written(None)
    """Bytes of the int8 file, computed."""
    search_trial: TrialName | None = written(None)
    """None where no search found it."""
    trials: TrialNames
    validation: Validation
    bound: Fraction | None = None
    """The lower 95% bound of the mean over seeds of the objective; only of a search with `--at-least`."""


class Target(Part, frozen=True):
    """The score that a search was to reach with as small a network as it can."""

    accuracy: Fraction
    """On validation images, of the run's objective."""
    reached: bool
    """True if the winner's mean over seeds, or its lower bound, reached the accuracy."""
    by: Literal["mean", "bound"] = "mean"
    """"bound" with `--at-least`."""
    unit: SizeUnit = "parameters"
    """The size that was to be small."""


class Refit(Part, frozen=True, kw_only=True):
    """The winner trained again on training and validation images together."""

    trials: TrialNames
    """The completed refits; the test figures are theirs."""
    trial: TrialName
    """The exported one."""
    images: Count


class ClassScores(Part, frozen=True, kw_only=True):
    """The exported model's scores of one class."""

    name: Text = msgspec.field(name="class")
    precision: Fraction
    recall: Fraction
    f1: Fraction
    support: Count


class Int8Scores(Part, frozen=True, kw_only=True):
    """The scores of the exported model's int8 file on the test set."""

    accuracy: Fraction
    errors: Count
    interval: Interval = msgspec.field(name="accuracy_ci95")
    """Wilson's."""


class TestScores(Part, frozen=True, kw_only=True):
    """The winner's scores on the test set."""

    __test__ = False  # Not a test, whatever pytest makes of the name.

    n: Count
    exported_accuracy: Fraction | None = written(None)
    errors: Count | None = written(None)
    interval: Interval | None = msgspec.field(name="accuracy_ci95", default_factory=lambda: None)
    precision: Fraction | None = written(None)
    recall: Fraction | None = written(None)
    f1: Fraction | None = written(None)
    per_class: Annotated[tuple[ClassScores, ...], Meta(max_length=MOST_CLASSES)] | None = None
    auc_roc: Fraction | None = written(None)
    log_loss: Real | None = written(None)
    calibration_error: Fraction | None = written(None)
    confusion: (
        Annotated[
            tuple[Annotated[tuple[Count, ...], Meta(max_length=MOST_CLASSES)], ...], Meta(max_length=MOST_CLASSES)
        ]
        | None
    ) = None
    """Rows: true classes."""
    accuracy: Fraction
    """Mean over the winner's seeds."""
    sd: Positive | None = written(None)
    per_seed: Annotated[tuple[Fraction, ...], Meta(max_length=10_000)] = written(())
    balanced_accuracy: Fraction | None = None
    """Mean over the winner's seeds; absent in older runs, as are the four keys below."""
    balanced_accuracy_sd: Positive | None = None
    balanced_accuracy_per_seed: Annotated[tuple[Fraction, ...], Meta(max_length=10_000)] = ()
    exported_balanced_accuracy: Fraction | None = None
    balanced_interval: Interval | None = msgspec.field(name="balanced_accuracy_ci95", default=None)
    """The interval of the exported model."""
    int8: Int8Scores | None = None
    """None where the objective was another."""


class ModelFiles(Part, frozen=True, kw_only=True):
    """The exported model's files."""

    savedmodel: bool = written(False)
    difference: Real | None = written(None)
    """Largest of probabilities, SavedModel against Keras."""
    note: Text | None = written(None)
    keras: bool = written(False)
    int8: bool = False
    """True where the run wrote the exported model's int8 file."""


@dataclass(frozen=True)
class ExportedModel:
    """The exported model, one of the seeds that the test figures are of."""

    trial: str
    """The trial that trained it."""
    trials: tuple[str, ...]
    """The tested seeds: the refits where there are any, else the winner's confirmed seeds."""
    images: int | None = None
    """Images that a refit was trained on, the validation images included; None for a confirmed model."""

    @property
    def refitted(self) -> bool:
        """Return whether the validation images were among its training images."""
        return self.images is not None


class ResultDocument(Part, frozen=True, kw_only=True):
    """result.json."""

    schema: Literal[1] = written(SCHEMA)
    trial: TrialName
    """The winner's confirmed seed with the median validation score."""
    fold: Index = written(0)
    trials: TrialNames
    """The winner's confirmed seeds."""
    configuration: Values
    parameters: Count
    multiply_adds: Count | None = written(None)
    ram: Count | None = written(None)
    flash: Count | None = written(None)
    epochs: Length
    layers: Layers = written(())
    validation: Validation
    target: Target | None = None
    """None where the search had none, as in all older runs."""
    refitted: Refit | UnsetType | None = msgspec.field(name="refit", default=UNSET)
    """None where no refit completed; unset without `--refit`."""
    test: TestScores | None = written(None)
    """None before the evaluation on the test set."""
    finalists: Annotated[tuple[Finalist, ...], Meta(max_length=10_000)] = written(())
    model: ModelFiles = written(ModelFiles())
    kind: Kind | None = None
    study: StudyResult | None = None
    files: Annotated[dict[Text, Text], Meta(max_length=1000)] | None = None
    """Path in the run's folder → SHA-256."""

    @property
    def network(self) -> tuple[LayerSummary, ...]:
        """The winner's layers as the program has them."""
        return tuple(layer.to_summary() for layer in self.layers)

    @property
    def exported(self) -> ExportedModel:
        """Return the exported model: the refit of the median seed, else its confirmed model."""
        if not self.refitted:
            return ExportedModel(self.trial, self.trials)
        return ExportedModel(self.refitted.trial, self.refitted.trials, self.refitted.images)
