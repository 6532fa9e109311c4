"""The training's hyperparameters, common to all spaces but for defaults and ranges. `recipe` explains them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search_spaces.hyperparameters.hyperparameter import (
    Condition,
    Hyperparameter,
    boolean,
    changed,
    choice,
    integer,
    log_real,
    real,
)

_AUGMENTED = Condition("augmentation", ("affine",))
AFFINE_OR_JITTERED = Condition("augmentation", ("affine", "affine+jitter"))
JITTERED = Condition("augmentation", ("affine+jitter",))

JITTER: tuple[Hyperparameter, ...] = (
    real("brightness", "largest change of all pixels by one factor, as a fraction", (0.0, 0.4, 0.05), 0.2, JITTERED),
    real("contrast", "largest change of contrast about the image's mean", (0.0, 0.4, 0.05), 0.2, JITTERED),
)

TRAINING: tuple[Hyperparameter, ...] = (
    choice(
        "activation",
        "of all hidden layers",
        ("relu", "tanh", "softsign", "gelu"),
        "relu",
        weights=(0.45, 0.15, 0.2, 0.2),
    ),
    real(
        "dropout",
        "share dropped after each pooling and before the head",
        (0.0, 0.2, 0.005),
        0.0,
        weights=tuple(math.exp(-index / 10) for index in range(41)),
    ),
    choice(
        "l2",
        "L2 penalty on kernels",
        (0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4),
        0.0,
        weights=(0.4, 0.12, 0.12, 0.12, 0.12, 0.12),
    ),
    choice(
        "optimizer",
        "momentum: SGD with Nesterov's, .9",
        ("sgd", "momentum", "adam", "adamw"),
        "momentum",
        weights=(0.15, 0.45, 0.2, 0.2),
    ),
    log_real("learning_rate_sgd", "peak, of sgd", (0.02, 1.0), 0.2, Condition("optimizer", ("sgd",))),
    log_real("learning_rate_momentum", "peak, of momentum", (0.01, 0.2), 0.1, Condition("optimizer", ("momentum",))),
    log_real(
        "learning_rate_adam", "peak, of adam and adamw", (5e-4, 1e-2), 4e-3, Condition("optimizer", ("adam", "adamw"))
    ),
    log_real("weight_decay", "of adamw, on kernels", (1e-6, 1e-1), 1e-3, Condition("optimizer", ("adamw",))),
    choice(
        "schedule",
        "of the learning rate, fitted to the trial's epochs",
        ("constant", "cosine", "one-cycle"),
        "one-cycle",
        weights=(0.15, 0.35, 0.5),
    ),
    choice("batch_size", "images a step", (32, 64, 128, 256, 512), 64, weights=(0.15, 0.4, 0.25, 0.1, 0.1)),
    choice("augmentation", "of training images", ("none", "affine"), "affine", weights=(0.25, 0.75)),
    integer("rotation", "largest rotation to either side, degrees", (0, 15), 10, _AUGMENTED),
    real("shift", "largest shift along each axis, as a fraction of the image", (0.0, 0.1, 0.01), 0.05, _AUGMENTED),
    real("scale", "largest change of size, as a fraction", (0.0, 0.15, 0.01), 0.0, _AUGMENTED),
    real(
        "label_smoothing",
        "share of the label spread over all classes",
        (0.0, 0.1, 0.01),
        0.0,
        weights=(5.0, *(1.0,) * 10),
    ),
)
"""Ranges and defaults of compact8k. Old runs depend on the names."""


def picture_training(hyperparameters: Sequence[Hyperparameter], colour: bool) -> tuple[Hyperparameter, ...]:
    """Return hyperparameters for images that are no digits: these may be mirrored and change brightness and colours.

    Args:
        hyperparameters: with those of `TRAINING`, perhaps changed, and perhaps with `JITTER`.
        colour: True for colour images.
    """
    affine = {"conditions": (AFFINE_OR_JITTERED,)}
    augmented = changed(
        hyperparameters,
        {
            "augmentation": {
                "values": ("none", "affine", "affine+jitter"),
                "default": "affine",
                "weights": (0.15, 0.425, 0.425),
            },
            "rotation": affine,
            "shift": affine,
            "scale": affine,
        },
    )
    flip = boolean(
        "horizontal_flip",
        "half of the images are mirrored, left to right",
        colour,
        AFFINE_OR_JITTERED,
        weights=(0.35, 0.65) if colour else (0.65, 0.35),
    )
    saturation = real(
        "saturation", "largest change of all colours' distance from grey", (0.0, 0.4, 0.05), 0.2, JITTERED
    )
    names = {hyperparameter.name for hyperparameter in augmented}
    jitter = (*JITTER, saturation) if colour else JITTER
    return (*augmented, flip, *(change for change in jitter if change.name not in names))
