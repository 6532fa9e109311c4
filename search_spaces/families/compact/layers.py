"""The layer specs of compact8k's family, from the values of its hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from search_spaces.families.compact.shape import DRAWN, Stage
from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.networks.notation import parse, with_classes
from search_spaces.networks.problem import MOST_SIDE, Problem
from search_spaces.networks.specs import (
    Activation,
    Conv,
    Crop,
    Dense,
    Dropout,
    GlobalAveragePooling,
    Padding,
    Pool,
    SeparableConv,
    Spec,
)

LabelledSpec: TypeAlias = tuple[Spec, str | None]
"""A spec, and the hyperparameter of its filters, if any."""


def specs_from_values(values: Mapping[str, Value], problem: Problem) -> tuple[Spec, ...]:
    """Return the network of a configuration; its last layer with a kernel has a logit for each class.

    Raises:
        KeyError: where an active hyperparameter of the shape is missing.
        ValueError: where `network` is not valid notation.
    """
    if values["network"] != DRAWN:
        activation = cast(Activation, values["activation"])
        return with_classes(parse(str(values["network"]), activation, float(values["dropout"])), problem.classes)
    return tuple(spec for spec, _ in labelled_specs(values, problem))


def labelled_specs(values: Mapping[str, Value], problem: Problem) -> list[LabelledSpec]:
    """Return the network of a sampled shape, each spec with the hyperparameter of its filters.

    `activation` and `dropout` may be missing: the costs don't depend on them.
    """
    activation = cast(Activation, values.get("activation", "relu"))
    rate = float(values.get("dropout", 0.0))
    # Dropout on the first stage's large maps would take as long as the convolutions.
    dropout: list[LabelledSpec] = [(Dropout(rate), None)] if rate else []
    network = _image_specs(values, problem)
    network += _stage_specs(1, values, activation) + _between(1, values, activation) + dropout
    network += _stage_specs(2, values, activation)
    if values["stage3_convs"]:
        network += _between(2, values, activation) + dropout + _stage_specs(3, values, activation)
    return network + dropout + _head(values, activation, problem.classes)


def _image_specs(values: Mapping[str, Value], problem: Problem) -> list[LabelledSpec]:
    """Return the cropping or shrinking of the image; older configurations have neither hyperparameter."""
    side, window = int(values.get("image_side", MOST_SIDE)), int(values.get("image_pooling", 1))
    if window > 1:
        return [(Pool(window, average=True), None)]
    return [(Crop(side), None)] if side < min(problem.image_shape[:2]) else []


def _stage_specs(stage: Stage, values: Mapping[str, Value], activation: Activation) -> list[LabelledSpec]:
    count = int(values[f"stage{stage}_convs"])
    paddings = _paddings(str(values[f"padding_{stage}"]), count)
    names = [f"filters_{stage}_{position}" for position in range(1, count + 1)]
    # Configurations from before separable stages lack the name.
    kinds: list[type[Conv | SeparableConv]] = [SeparableConv if values.get(f"separable_{stage}") else Conv] * count
    if stage == 1:
        kinds[0] = Conv  # a depthwise convolution of one channel would yield one map
    return [
        (kind(int(values[name]), 3, padding, False, True, activation), name)
        for kind, name, padding in zip(kinds, names, paddings, strict=True)
    ]


def _paddings(rule: str, count: int) -> list[Padding]:
    everywhere: Padding = "same" if rule == "same" else "valid"
    paddings = [everywhere] * count
    if rule == "first same":
        paddings[0] = "same"
    elif rule == "last same":
        paddings[-1] = "same"
    return paddings


def _between(number: Literal[1, 2], values: Mapping[str, Value], activation: Activation) -> list[LabelledSpec]:
    """Return the pooling after a stage, and its transition."""
    pooling: list[LabelledSpec] = [(Pool(), None)]
    place = values[f"transition_{number}"]
    if place == "none":
        return pooling
    transition = [_transition_spec(number, values, activation)]
    orders = {"instead of pooling": transition, "before pooling": transition + pooling}
    return orders.get(str(place), pooling + transition)


def _transition_spec(number: int, values: Mapping[str, Value], activation: Activation) -> LabelledSpec:
    name = f"transition_{number}_filters"
    style = values[f"transition_{number}_activation"]
    chosen: Activation = "linear" if style == "linear" else activation
    return Conv(int(values[name]), 1, "valid", False, style == "bn+activation", chosen), name


def _head(values: Mapping[str, Value], activation: Activation, classes: int) -> list[LabelledSpec]:
    kind, norm = values["head"], bool(values["head_batch_norm"])
    mean: LabelledSpec = (GlobalAveragePooling(), None)
    logits: LabelledSpec = (Conv(classes, 1, "valid", False, norm, "linear"), None)
    if kind == "flatten":
        return [(Dense(classes, False, norm, "linear"), None)]
    if kind == "conv":
        return [logits, mean]
    if kind == "hidden":
        hidden = Conv(int(values["head_units"]), 1, "valid", False, True, activation)
        return [mean, (hidden, "head_units"), logits]
    return [mean, logits]
