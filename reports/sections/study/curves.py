"""A study's learning curves, with bands over the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.model.curves import curve
from reports.analysis.study.effects import ArmData, arm_bands, arms_of
from reports.figures.study.effects import accuracy_bands, arm_curves, looks, loss_bands
from reports.run.run_data import RunData
from reports.sections.section import Figure, Section
from reports.sections.study.part import part, unsigned

_HIDDEN_SHARE = 0.1
"""The share of all curves' values, mostly of the first epochs, that lies below the axis."""


def curves_section(run: RunData) -> Section:
    """Return the section: curves of each arm with bands over the seeds, together and side by side."""
    arms = arms_of(run)
    figures, multiples = _together(arms), _side_by_side(arms)
    return part(
        "study-curves",
        "Curves by arm",
        _curves_title(arms),
        "A band spans the smallest and the largest of an arm's seeds, its line is their mean; it ends where the first of its seeds ended. The axis of "
        "accuracies is spaced by error rate; what lies below it stands on its lower edge. Losses are cross-entropies without L2 and label smoothing, so "
        "that they compare. Training accuracy is taken while the weights move, with dropout and augmentation on. Side by side: training dashed, "
        "validation solid, each seed thin, one scale for all.",
        why="" if figures else "No trial has a curve with a finite value, so there is nothing to draw.",
        pairs=figures,
        multiples=multiples,
    )


def _curves_title(arms: Sequence[ArmData]) -> str:
    gaps = [(arm, gap) for arm in arms if (gap := _gap(arm)) is not None]
    if len(gaps) < 2:
        return "Learning curves of each arm"
    (low, small), (high, large) = min(gaps, key=lambda pair: pair[1]), max(gaps, key=lambda pair: pair[1])
    return f"Training minus validation accuracy at the end goes from {text.points(small)} points ({low.name}) to {text.points(large)} ({high.name})"


def _gap(arm: ArmData) -> float | None:
    pairs = [(curve(record, "accuracy").values, curve(record, "val_accuracy").values) for record in arm.records]
    gaps = [training[-1] - validation[-1] for training, validation in pairs if training and validation]
    return sum(gaps) / len(gaps) if gaps else None


def _together(arms: Sequence[ArmData]) -> list[Figure]:
    styles, shown = looks(arms), _shown(arms)
    figures = []
    for metric, name, axis, words in (
        ("val_accuracy", "study-validation", "validation accuracy, %", "Validation accuracy of each epoch"),
        ("accuracy", "study-training", "training accuracy, %", "Training accuracy of each epoch, same scale"),
    ):
        if bands := arm_bands(arms, metric):
            figures.append(Figure(accuracy_bands(bands, styles, shown, name=name, axis=axis, label=words), words))
    for metric, name, axis, words in (
        ("val_loss", "study-validation-loss", "validation cross-entropy", "Validation loss of each epoch"),
        ("loss", "study-training-loss", "training cross-entropy", "Training loss of each epoch"),
    ):
        if bands := arm_bands(arms, metric):
            figures.append(Figure(loss_bands(bands, styles, name=name, axis=axis, label=words), words))
    return figures


def _shown(arms: Sequence[ArmData]) -> list[float]:
    """Return the accuracies that the axis of this section's figures must include."""
    ends: list[float] = []
    values: list[float] = []
    for arm in arms:
        for metric in ("val_accuracy", "accuracy"):
            for record in arm.records:
                series = curve(record, metric).values
                values += series
                ends += series[-1:]
    values = sorted(value for value in values if math.isfinite(value))
    floor = values[int(_HIDDEN_SHARE * len(values))] if values else 0.0
    return [value for value in values if value >= min([floor, *ends])]


def _side_by_side(arms: Sequence[ArmData]) -> list[Figure]:
    styles, shown = looks(arms), _shown(arms)
    training = {item.arm.place: item.band for item in arm_bands(arms, "accuracy")}
    validation = {item.arm.place: item.band for item in arm_bands(arms, "val_accuracy")}
    last = max((record.epochs_run for arm in arms for record in arm.records), default=1)
    figures = []
    for arm in arms:
        if arm.place in training or arm.place in validation:
            seeds = [c for record in arm.records if (c := curve(record, "val_accuracy")).epochs]
            words = f"{arm.name}: {_format_gap(arm)}"
            svg = arm_curves(
                training.get(arm.place), validation.get(arm.place), seeds, styles[arm.place], shown,
                place=arm.place, last=last, label=words,
            )  # fmt: skip
            figures.append(Figure(svg, words))
    return figures


def _format_gap(arm: ArmData) -> str:
    gap = _gap(arm)
    if gap is None:
        return "validation accuracy"
    return f"training {unsigned(gap)} points {'above' if gap >= 0 else 'below'} validation"
