"""compact8k's family of networks: its hyperparameters, and how values become layer specs.

Neither Keras nor counting nor sampling.

    [stage 1: convolutions] pooling [stage 2: convolutions] (pooling [stage 3: convolutions]) head

A transition is a 1×1 convolution beside a pooling. A stage's convolutions are full or separable; the network's first is always
full. No layer has a bias, as in the published networks of this size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from search_spaces.hyperparameters.hyperparameter import Condition, Hyperparameter, Value, boolean, choice, integer
from search_spaces.hyperparameters.training import TRAINING
from search_spaces.networks.notation import parse, with_classes
from search_spaces.networks.specs import (
    Activation,
    Conv,
    Dense,
    Dropout,
    GlobalAveragePooling,
    Padding,
    Pool,
    SeparableConv,
    Spec,
)

Stage: TypeAlias = Literal[1, 2, 3]
LabelledSpec: TypeAlias = tuple[Spec, str | None]
"""A spec, and the hyperparameter that holds its filters where there is one."""

DRAWN = "drawn"
MAX_CONVS = {1: 4, 2: 6, 3: 3}
"""Stage → most convolutions in it."""
MIN_FILTERS, MAX_FILTERS = 4, 48
MAX_TRANSITION_FILTERS = 16
MIN_HEAD_UNITS, MAX_HEAD_UNITS = 8, 32

_DRAWN = Condition("network", (DRAWN,))
_STAGE3 = Condition("stage3_convs", tuple(range(1, MAX_CONVS[3] + 1)))
_PADDINGS = ("valid", "same", "first same", "last same")
_TRANSITIONS: Mapping[int, tuple[str, ...]] = {
    1: ("none", "before pooling", "after pooling"),
    2: ("none", "before pooling", "after pooling", "instead of pooling"),
}
_TRANSITION_ACTIVATIONS = ("bn+activation", "activation", "linear")
_CONVS_WEIGHTS = {1: (0.15, 0.45, 0.2, 0.2), 2: (0.05, 0.15, 0.25, 0.25, 0.2, 0.1), 3: (0.5, 0.25, 0.15, 0.1)}
_PADDING_WEIGHTS = {1: (0.4, 0.2, 0.3, 0.1), 2: (0.45, 0.15, 0.25, 0.15), 3: (0.4, 0.3, 0.2, 0.1)}
_TRANSITION_WEIGHTS = {1: (0.5, 0.2, 0.3), 2: (0.6, 0.1, 0.15, 0.15)}
_TRANSITION_ACTIVATION_WEIGHTS = (0.6, 0.15, 0.25)
_SEPARABLE_WEIGHTS = (0.35, 0.65)
"""Separable convolutions were better by .11 points over 19 networks (docs/accuracy.md)."""
_DEFAULT_FILTERS = {1: (8, 12, 12, 12), 2: (12, 14, 16, 13, 12, 12), 3: (16, 16, 16)}


def is_width(name: str) -> bool:
    """Return whether a hyperparameter of the shape holds filters."""
    return name.startswith("filters_") or name.endswith(("_filters", "_units"))


def _at_least(stage: Stage, wanted: int, least: int) -> tuple[Condition, ...]:
    """That a stage has so many convolutions, where it may have fewer."""
    values = tuple(range(wanted, MAX_CONVS[stage] + 1))
    return (Condition(f"stage{stage}_convs", values),) if wanted > least else ()


def _stage(stage: Stage, least: int, default: int, *conditions: Condition) -> tuple[Hyperparameter, ...]:
    """Number of convolutions, their kind, padding and filters of one stage."""
    count = f"stage{stage}_convs"
    but_first = " after the first" if stage == 1 else ""
    with_kind = (*conditions, *_at_least(stage, 2 if stage == 1 else 1, least))
    present = (*conditions, _STAGE3) if stage == 3 else conditions
    filters = tuple(
        integer(
            f"filters_{stage}_{position}",
            f"filters of stage {stage}'s convolution {position}",
            (MIN_FILTERS, MAX_FILTERS),
            _DEFAULT_FILTERS[stage][position - 1],
            *conditions,
            *_at_least(stage, position, least),
        )
        for position in range(1, MAX_CONVS[stage] + 1)
    )
    none = "; 0: no stage 3 and no second pooling" if least == 0 else ""
    return (
        integer(
            count,
            f"3×3 convolutions in stage {stage}{none}",
            (least, MAX_CONVS[stage]),
            default,
            *conditions,
            weights=_CONVS_WEIGHTS[stage],
        ),
        boolean(
            f"separable_{stage}",
            f"stage {stage}'s convolutions{but_first} are separable: depthwise, then 1×1",
            False,
            *with_kind,
            weights=_SEPARABLE_WEIGHTS,
        ),
        choice(
            f"padding_{stage}",
            f"padding of stage {stage}'s convolutions",
            _PADDINGS,
            "first same" if stage < 3 else "valid",
            *present,
            weights=_PADDING_WEIGHTS[stage],
        ),
        *filters,
    )


def _transition(number: Literal[1, 2], *conditions: Condition) -> tuple[Hyperparameter, ...]:
    """The 1×1 convolution between stage `number` and the next."""
    name = f"transition_{number}"
    places = _TRANSITIONS[number]
    present = (*conditions, Condition(name, places[1:]))
    return (
        choice(
            name,
            f"1×1 convolution between stages {number} and {number + 1}",
            places,
            "none",
            *conditions,
            weights=_TRANSITION_WEIGHTS[number],
        ),
        integer(f"{name}_filters", f"filters of {name}", (MIN_FILTERS, MAX_TRANSITION_FILTERS), 10, *present),
        choice(
            f"{name}_activation",
            f"what follows {name}",
            _TRANSITION_ACTIVATIONS,
            "bn+activation",
            *present,
            weights=_TRANSITION_ACTIVATION_WEIGHTS,
        ),
    )


SHAPE_HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    *_stage(1, 1, 2, _DRAWN),
    *_stage(2, 1, 4, _DRAWN),
    *_stage(3, 0, 0, _DRAWN),
    *_transition(1, _DRAWN),
    *_transition(2, _DRAWN, _STAGE3),
    choice(
        "head",
        "gap: mean of each channel, 1×1 to the classes; hidden: a 1×1 between the two; conv: 1×1 to the classes, then the mean; "
        "flatten: dense on the whole map",
        ("gap", "hidden", "conv", "flatten"),
        "gap",
        _DRAWN,
        weights=(0.55, 0.25, 0.1, 0.1),
    ),
    integer(
        "head_units",
        "filters of the 1×1 within the hidden head",
        (MIN_HEAD_UNITS, MAX_HEAD_UNITS),
        16,
        _DRAWN,
        Condition("head", ("hidden",)),
    ),
    boolean("head_batch_norm", "BatchNorm on the logits", False, _DRAWN, weights=(0.7, 0.3)),
)
"""The hyperparameters that the count depends on, all conditional on a sampled network."""

TRAINING_HYPERPARAMETERS: tuple[Hyperparameter, ...] = TRAINING
"""The hyperparameters of the training, the same in every space but for defaults and ranges."""

HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    Hyperparameter(
        name="network",
        kind="fixed",
        description="drawn: the shape is as tuned; else a network in the notation",
        values=(DRAWN,),
        default=DRAWN,
    ),
    *SHAPE_HYPERPARAMETERS,
    *TRAINING_HYPERPARAMETERS,
)
"""All, each after those that it depends on."""

SMALLEST: Mapping[str, Value] = {
    "stage1_convs": 1,
    "stage2_convs": 1,
    "stage3_convs": 0,
    "separable_1": True,
    "separable_2": True,
    "separable_3": True,
    "padding_1": "valid",
    "padding_2": "valid",
    "padding_3": "valid",
    "transition_1": "none",
    "transition_1_activation": "linear",
    "transition_2": "none",
    "transition_2_activation": "linear",
    "head": "gap",
    "head_batch_norm": False,
    **{own.name: int(own.minimum or 0) for own in SHAPE_HYPERPARAMETERS if is_width(own.name)},
}
"""The shape of the smallest network; but for numbers of convolutions and transitions also the cheapest beside anything."""


def specs_from_values(values: Mapping[str, Value], classes: int = 10) -> tuple[Spec, ...]:
    """The network of a configuration; its last layer with a kernel gives `classes` logits.

    Raises:
        KeyError: where an active hyperparameter of the shape is missing.
        ValueError: where `network` is no notation.
    """
    if values["network"] != DRAWN:
        activation = cast(Activation, values["activation"])
        return with_classes(parse(str(values["network"]), activation, float(values["dropout"])), classes)
    return tuple(spec for spec, _ in labelled_specs(values, classes))


def labelled_specs(values: Mapping[str, Value], classes: int) -> list[LabelledSpec]:
    """The network of a configuration whose shape is drawn, each spec with its filters' hyperparameter.

    `activation` and `dropout` may be missing: no count depends on them.
    """
    activation = cast(Activation, values.get("activation", "relu"))
    rate = float(values.get("dropout", 0.0))
    # Dropout stands on small maps only: on the first stage's it would cost as much as the convolutions.
    dropout: list[LabelledSpec] = [(Dropout(rate), None)] if rate else []
    network = _stage_specs(1, values, activation) + _between(1, values, activation) + dropout
    network += _stage_specs(2, values, activation)
    if values["stage3_convs"]:
        network += _between(2, values, activation) + dropout + _stage_specs(3, values, activation)
    return network + dropout + _head(values, activation, classes)


def _stage_specs(stage: Stage, values: Mapping[str, Value], activation: Activation) -> list[LabelledSpec]:
    count = int(values[f"stage{stage}_convs"])
    paddings = _paddings(str(values[f"padding_{stage}"]), count)
    names = [f"filters_{stage}_{position}" for position in range(1, count + 1)]
    # Without the name a configuration is older than separable stages.
    kinds: list[type[Conv | SeparableConv]] = [SeparableConv if values.get(f"separable_{stage}") else Conv] * count
    if stage == 1:
        # Of one channel a depthwise convolution would make one map.
        kinds[0] = Conv
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
    """The pooling after a stage, and its transition."""
    pooling: list[LabelledSpec] = [(Pool(), None)]
    place = values[f"transition_{number}"]
    if place == "none":
        return pooling
    transition = [_transition_spec(number, values, activation)]
    if place == "instead of pooling":
        return transition
    return transition + pooling if place == "before pooling" else pooling + transition


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
