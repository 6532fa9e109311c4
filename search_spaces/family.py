"""compact8k's family of networks: its hyperparameters, and how values become layer specs.

Neither Keras nor counting nor drawing.

    [stage 1: convolutions] pooling [stage 2: convolutions] (pooling [stage 3: convolutions]) head

A transition is a 1×1 convolution beside a pooling. No layer has a bias, as in the published networks of this size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from search_spaces.hyperparameters import Condition, Hyperparameter, Value
from search_spaces.notation import parse, with_classes
from search_spaces.specs import Activation, Conv, Dense, Dropout, GlobalAveragePooling, Padding, Pool, Spec

Stage: TypeAlias = Literal[1, 2, 3]
LabelledSpec: TypeAlias = tuple[Spec, str | None]
"""A spec, and the hyperparameter that holds its filters where there is one."""

DRAWN = "drawn"
MAX_CONVS = {1: 4, 2: 6, 3: 3}
"""Stage → most convolutions in it."""
MIN_FILTERS, MAX_FILTERS = 4, 32
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
_DEFAULT_FILTERS = {1: (8, 12, 12, 12), 2: (12, 14, 16, 13, 12, 12), 3: (16, 16, 16)}


def _choice(
    name: str, description: str, values: tuple[Value, ...], default: Value, *conditions: Condition
) -> Hyperparameter:
    return Hyperparameter(
        name=name, kind="choice", description=description, values=values, default=default, conditions=conditions
    )


def _int(name: str, description: str, bounds: tuple[int, int], default: int, *conditions: Condition) -> Hyperparameter:
    return Hyperparameter(
        name=name,
        kind="int",
        description=description,
        minimum=bounds[0],
        maximum=bounds[1],
        step=1,
        sampling="linear",
        default=default,
        conditions=conditions,
    )


def _float(
    name: str, description: str, range_: tuple[float, float, float], default: float, *conditions: Condition
) -> Hyperparameter:
    return Hyperparameter(
        name=name,
        kind="float",
        description=description,
        minimum=range_[0],
        maximum=range_[1],
        step=range_[2],
        sampling="linear",
        default=default,
        conditions=conditions,
    )


def _log_float(
    name: str, description: str, bounds: tuple[float, float], default: float, *conditions: Condition
) -> Hyperparameter:
    return Hyperparameter(
        name=name,
        kind="float",
        description=description,
        minimum=bounds[0],
        maximum=bounds[1],
        sampling="log",
        default=default,
        conditions=conditions,
    )


def _stage(stage: Stage, least: int, default: int, *conditions: Condition) -> tuple[Hyperparameter, ...]:
    """Number of convolutions, padding and filters of one stage."""
    count = f"stage{stage}_convs"
    present = (*conditions, _STAGE3) if stage == 3 else conditions
    filters = tuple(
        _int(
            f"filters_{stage}_{position}",
            f"filters of stage {stage}'s convolution {position}",
            (MIN_FILTERS, MAX_FILTERS),
            _DEFAULT_FILTERS[stage][position - 1],
            *conditions,
            Condition(count, tuple(range(position, MAX_CONVS[stage] + 1))),
        )
        for position in range(1, MAX_CONVS[stage] + 1)
    )
    none = "; 0: no stage 3 and no second pooling" if least == 0 else ""
    return (
        _int(count, f"3×3 convolutions in stage {stage}{none}", (least, MAX_CONVS[stage]), default, *conditions),
        _choice(
            f"padding_{stage}",
            f"padding of stage {stage}'s convolutions",
            _PADDINGS,
            "first same" if stage < 3 else "valid",
            *present,
        ),
        *filters,
    )


def _transition(number: Literal[1, 2], *conditions: Condition) -> tuple[Hyperparameter, ...]:
    """The 1×1 convolution between stage `number` and the next."""
    name = f"transition_{number}"
    places = _TRANSITIONS[number]
    present = (*conditions, Condition(name, places[1:]))
    return (
        _choice(name, f"1×1 convolution between stages {number} and {number + 1}", places, "none", *conditions),
        _int(f"{name}_filters", f"filters of {name}", (MIN_FILTERS, MAX_TRANSITION_FILTERS), 10, *present),
        _choice(f"{name}_activation", f"what follows {name}", _TRANSITION_ACTIVATIONS, "bn+activation", *present),
    )


SHAPE_HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    *_stage(1, 1, 2, _DRAWN),
    *_stage(2, 1, 4, _DRAWN),
    *_stage(3, 0, 0, _DRAWN),
    *_transition(1, _DRAWN),
    *_transition(2, _DRAWN, _STAGE3),
    _choice(
        "head",
        "gap: mean of each channel, 1×1 to the classes; hidden: a 1×1 between the two; conv: 1×1 to the classes, then the mean; "
        "flatten: dense on the whole map",
        ("gap", "hidden", "conv", "flatten"),
        "gap",
        _DRAWN,
    ),
    _int(
        "head_units",
        "filters of the 1×1 within the hidden head",
        (MIN_HEAD_UNITS, MAX_HEAD_UNITS),
        16,
        _DRAWN,
        Condition("head", ("hidden",)),
    ),
    Hyperparameter(
        name="head_batch_norm",
        kind="boolean",
        description="BatchNorm on the logits",
        values=(False, True),
        default=False,
        conditions=(_DRAWN,),
    ),
)
"""What the count depends on, all conditional on a network that is drawn."""

_AUGMENTED = Condition("augmentation", ("affine",))

TRAINING_HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    _choice("activation", "of all hidden layers", ("relu", "tanh", "softsign", "gelu"), "relu"),
    _float("dropout", "share dropped after each pooling and before the head", (0.0, 0.2, 0.005), 0.0),
    _choice("l2", "L2 penalty on kernels", (0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4), 0.0),
    _choice("optimizer", "momentum: SGD with Nesterov's, .9", ("sgd", "momentum", "adam", "adamw"), "momentum"),
    _log_float("learning_rate_sgd", "peak, of sgd", (0.02, 1.0), 0.2, Condition("optimizer", ("sgd",))),
    _log_float("learning_rate_momentum", "peak, of momentum", (0.01, 0.2), 0.1, Condition("optimizer", ("momentum",))),
    _log_float(
        "learning_rate_adam", "peak, of adam and adamw", (5e-4, 1e-2), 4e-3, Condition("optimizer", ("adam", "adamw"))
    ),
    _log_float("weight_decay", "of adamw, on kernels", (1e-6, 1e-1), 1e-3, Condition("optimizer", ("adamw",))),
    _choice(
        "schedule",
        "of the learning rate, fitted to the trial's epochs",
        ("constant", "cosine", "one-cycle"),
        "one-cycle",
    ),
    _choice("batch_size", "images a step", (32, 64, 128, 256, 512), 64),
    _choice("augmentation", "of training images", ("none", "affine"), "affine"),
    _int("rotation", "largest rotation to either side, degrees", (0, 15), 10, _AUGMENTED),
    _float("shift", "largest shift along each axis, as a fraction of the image", (0.0, 0.1, 0.01), 0.05, _AUGMENTED),
    _float("scale", "largest change of size, as a fraction", (0.0, 0.15, 0.01), 0.0, _AUGMENTED),
    _float("label_smoothing", "share of the label spread over all classes", (0.0, 0.1, 0.01), 0.0),
)

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
    return [
        (Conv(int(values[name]), 3, padding, False, True, activation), name)
        for name, padding in zip(names, paddings, strict=True)
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
