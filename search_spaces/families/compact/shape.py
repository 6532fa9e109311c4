"""compact8k's family of networks: its hyperparameters (`layers` makes the network, `image_input` knows other images).

    (crop or shrink) [stage 1: convolutions] pooling [stage 2: convolutions] (pooling [stage 3: convolutions]) head

A transition is a 1×1 convolution beside a pooling. A stage's convolutions are full or separable; the network's first is
always full. No layer has a bias, as in the published networks of this size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from search_spaces.hyperparameters.hyperparameter import Condition, Hyperparameter, boolean, choice, integer
from search_spaces.hyperparameters.training import TRAINING
from search_spaces.networks.specs import INPUT_SHAPE

Stage: TypeAlias = Literal[1, 2, 3]

DRAWN = "drawn"
MAX_CONVS = {1: 4, 2: 6, 3: 3}
"""Stage → its largest number of convolutions."""
MIN_FILTERS, MAX_FILTERS = 4, 48
MAX_TRANSITION_FILTERS = 16
MIN_HEAD_UNITS, MAX_HEAD_UNITS = 8, 32

DRAWN_NETWORK = Condition("network", (DRAWN,))
_STAGE3 = Condition("stage3_convs", tuple(range(1, MAX_CONVS[3] + 1)))
LEAST_IMAGE_SIDE = 20  # two fifths less time than 28, and on MNIST no less accuracy (docs/accuracy.md)
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
"""Weights of full and separable: separable was better by .11 points over 19 networks (docs/accuracy.md)."""
_DEFAULT_FILTERS = {1: (8, 12, 12, 12), 2: (12, 14, 16, 13, 12, 12), 3: (16, 16, 16)}


def is_width(name: str) -> bool:
    """Return whether a shape hyperparameter is a number of filters or units."""
    return name.startswith("filters_") or name.endswith(("_filters", "_units"))


def _at_least(stage: Stage, wanted: int, least: int) -> tuple[Condition, ...]:
    """Return the condition that a stage has so many convolutions; none where it always has."""
    values = tuple(range(wanted, MAX_CONVS[stage] + 1))
    return (Condition(f"stage{stage}_convs", values),) if wanted > least else ()


def _stage(stage: Stage, least: int, default: int, *conditions: Condition) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters of one stage: number of convolutions, their kind, padding and filters."""
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
    """Return the hyperparameters of the 1×1 convolution between stage `number` and the next."""
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


IMAGE_SIDE = integer(
    "image_side",
    "side of the image's middle, which is what the network sees",
    (LEAST_IMAGE_SIDE, INPUT_SHAPE[0]),
    INPUT_SHAPE[0],
    DRAWN_NETWORK,
    step=4,
)

LAYERS: tuple[Hyperparameter, ...] = (
    *_stage(1, 1, 2, DRAWN_NETWORK),
    *_stage(2, 1, 4, DRAWN_NETWORK),
    *_stage(3, 0, 0, DRAWN_NETWORK),
    *_transition(1, DRAWN_NETWORK),
    *_transition(2, DRAWN_NETWORK, _STAGE3),
    choice(
        "head",
        "gap: mean of each channel, 1×1 to the classes; hidden: a 1×1 between the two; conv: 1×1 to the classes, then the mean; "
        "flatten: dense on the whole map",
        ("gap", "hidden", "conv", "flatten"),
        "gap",
        DRAWN_NETWORK,
        weights=(0.55, 0.25, 0.1, 0.1),
    ),
    integer(
        "head_units",
        "filters of the 1×1 within the hidden head",
        (MIN_HEAD_UNITS, MAX_HEAD_UNITS),
        16,
        DRAWN_NETWORK,
        Condition("head", ("hidden",)),
    ),
    boolean("head_batch_norm", "BatchNorm on the logits", False, DRAWN_NETWORK, weights=(0.7, 0.3)),
)
"""The hyperparameters of the layers, all conditional on a sampled network, for images up to MNIST's size."""

HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    Hyperparameter(
        name="network",
        kind="fixed",
        description="drawn: the shape is as tuned; else a network in the notation",
        values=(DRAWN,),
        default=DRAWN,
    ),
    IMAGE_SIDE,
    *LAYERS,
    *TRAINING,
)
"""All for MNIST's images, each after those that it depends on."""
