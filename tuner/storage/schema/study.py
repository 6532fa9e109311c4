"""A study in the documents: `study` of run.json, which says what is varied, and `study` of result.json, its comparison."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tuner.storage.schema.fields import (
    Count,
    Epochs,
    Fraction,
    Interval,
    Part,
    Positive,
    Real,
    Scalar,
    Text,
    TrialNames,
    Values,
    written,
)

Diagnostic: TypeAlias = Literal["gradient_norms", "units", "gradient_noise", "step"]
Verdict: TypeAlias = Literal["better", "worse", "no difference shown"]


class PlannedArm(Part, frozen=True, kw_only=True):
    """One value of what is studied."""

    label: Text
    value: Scalar | None = written(None)
    configuration: Values
    epochs: Epochs
    parameters: Count


class StudyPlan(Part, frozen=True, kw_only=True):
    """`study` of run.json."""

    name: Text
    preset: bool = written(False)
    hyperparameter: Text
    question: Text = written("")
    base: Text
    """Label of the arm that the others are compared with."""
    seeds: Annotated[int, Meta(ge=1, le=10_000)]
    arms: Annotated[tuple[PlannedArm, ...], Meta(max_length=1000)]
    diagnostics: Annotated[tuple[Diagnostic, ...], Meta(max_length=10)] = written(())


class StudiedArm(Part, frozen=True, kw_only=True):
    """An arm and its scores."""

    label: Text
    value: Scalar | None = written(None)
    trials: TrialNames
    failed: Count
    n: Count
    mean: Fraction | None
    sd: Positive | None
    per_seed: Annotated[tuple[Fraction | None, ...], Meta(max_length=10_000)]
    """The accuracies by repetition; None where one failed."""
    loss_mean: Real | None
    loss_sd: Positive | None
    train_accuracy_mean: Fraction | None
    gap_mean: Real | None
    parameters: Count | None
    epochs: Epochs
    epochs_run_mean: Positive | None
    duration_mean_s: Positive | None


class ArmComparison(Part, frozen=True, kw_only=True):
    """An arm against the base, over pairs of seeds."""

    label: Text
    n: Count
    difference: Real | None = written(None)
    """Mean of arm − base, validation accuracy."""
    sd: Positive | None = written(None)
    interval: Interval | None = msgspec.field(name="ci95", default_factory=lambda: None)
    t: Real | None = written(None)
    p: Fraction | None = written(None)
    p_holm: Fraction | None = written(None)
    verdict: Verdict


class StudyResult(Part, frozen=True, kw_only=True):
    """`study` of result.json."""

    name: Text = written("")
    hyperparameter: Text = written("")
    base: Text = written("")
    seeds: Count = written(0)
    arms: Annotated[tuple[StudiedArm, ...], Meta(max_length=1000)] = written(())
    comparisons: Annotated[tuple[ArmComparison, ...], Meta(max_length=1000)] = written(())
    conclusion: Text = written("")

    def comparison(self, label: str) -> ArmComparison | None:
        """Return the comparison of an arm; None of the base."""
        return next((comparison for comparison in self.comparisons if comparison.label == label), None)
