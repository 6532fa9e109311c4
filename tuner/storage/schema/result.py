"""result.json: the winner and its scores."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from search_spaces.networks.costs import LayerSummary
from tuner.core.records import SCHEMA, Kind
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


class Validation(Part, frozen=True, kw_only=True):
    """Validation scores of one configuration over its seeds."""

    n: Count = written(0)
    """Seeds."""
    mean: Fraction | None = written(None)
    sd: Positive | None = written(None)
    per_seed: Annotated[tuple[Fraction, ...], Meta(max_length=10_000)] = written(())
    loss_mean: Real | None = written(None)


class Finalist(Part, frozen=True, kw_only=True):
    """A confirmed configuration."""

    configuration: Values
    parameters: Count
    multiply_adds: Count | None = written(None)
    search_trial: TrialName | None = written(None)
    """None where no search found it."""
    trials: TrialNames
    validation: Validation


class Target(Part, frozen=True):
    """The accuracy that a search was to reach with as few parameters as it can."""

    accuracy: Fraction
    """On validation images."""
    reached: bool
    """By the winner's mean over seeds."""


class Refit(Part, frozen=True, kw_only=True):
    """The winner trained again on training and validation images together."""

    trials: TrialNames
    """Those that completed; the test figures are theirs."""
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


class ModelFiles(Part, frozen=True, kw_only=True):
    """The exported model's files."""

    savedmodel: bool = written(False)
    difference: Real | None = written(None)
    """Largest of probabilities, SavedModel against Keras."""
    note: Text | None = written(None)
    keras: bool = written(False)


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
    epochs: Length
    layers: Layers = written(())
    validation: Validation
    target: Target | None = None
    """None where the search had none, as in all older runs."""
    refitted: Refit | UnsetType | None = msgspec.field(name="refit", default=UNSET)
    """None where none completed; unset where none was asked for."""
    test: TestScores | None = written(None)
    """None before the test set was met."""
    finalists: Annotated[tuple[Finalist, ...], Meta(max_length=10_000)] = written(())
    model: ModelFiles = written(ModelFiles())
    kind: Kind | None = None
    study: StudyResult | None = None
    files: Annotated[dict[Text, Text], Meta(max_length=1000)] | None = None
    """Path in the run's folder → SHA-256."""

    @property
    def refit(self) -> Refit | None:
        """The refit that was tested and exported; None where the confirmed models were."""
        return self.refitted or None

    @property
    def network(self) -> tuple[LayerSummary, ...]:
        """The winner's layers as the program has them."""
        return tuple(layer.to_summary() for layer in self.layers)

    @property
    def exported(self) -> str:
        """The trial whose model is exported."""
        return self.trial if self.refit is None else self.refit.trial
