"""The recipe of a training, as data, without Keras; `keras.training` follows it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Schedule: TypeAlias = Literal["constant", "cosine", "one-cycle"]
Optimizer: TypeAlias = Literal["sgd", "momentum", "adam", "adamw"]


@dataclass(frozen=True)
class Augmentation:
    """Maximum strengths of random changes of an image; each is uniform in both directions.

    Raises:
        ValueError: where one is negative or not a number, or a fraction of size, brightness or contrast is above 1.
    """

    rotation: float = 0.0
    """Degrees."""
    shift: float = 0.0
    """Along each axis, as a fraction of the image's size."""
    scale: float = 0.0
    """Change of size, as a fraction, in [0, 1)."""
    brightness: float = 0.0
    """Change of every pixel by one factor, as a fraction."""
    contrast: float = 0.0
    """Change of every pixel's distance from the image's mean, as a fraction."""
    saturation: float = 0.0
    """Change of every pixel's distance from its grey, as a fraction; of colour images only."""
    horizontal_flip: bool = False
    """True if half of the images are mirrored, left to right."""

    def __post_init__(self) -> None:
        limits = {"rotation": 180.0, "shift": 1.0, "scale": 0.99, "brightness": 1.0, "contrast": 1.0, "saturation": 1.0}
        for name, most in limits.items():
            _expect(name, getattr(self, name), 0.0, most)

    @property
    def is_identity(self) -> bool:
        return not (self.moves or self.jitters or self.horizontal_flip)

    @property
    def moves(self) -> bool:
        """Return whether pixels are moved."""
        return bool(self.rotation or self.shift or self.scale)

    @property
    def jitters(self) -> bool:
        """Return whether pixel values change."""
        return bool(self.brightness or self.contrast or self.saturation)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Augmentation:
        """Return the strengths of a configuration; missing ones are zero."""
        strengths = {
            name: float(values.get(name, 0.0)) for name in cls.__dataclass_fields__ if name != "horizontal_flip"
        }
        return cls(**strengths, horizontal_flip=bool(values.get("horizontal_flip", False)))


@dataclass(frozen=True)
class Recipe:
    """The recipe of a training.

    Raises:
        ValueError: where a number is impossible in any space.
    """

    optimizer: Optimizer = "momentum"
    """momentum: SGD with Nesterov's momentum of .9."""
    learning_rate: float = 0.1
    """The peak."""
    weight_decay: float = 0.0
    """Weight decay of adamw, on kernels."""
    schedule: Schedule = "one-cycle"
    batch_size: int = 64
    augmentation: Augmentation = field(default_factory=Augmentation)
    label_smoothing: float = 0.0
    """Fraction of the label that is spread over all classes."""
    l2: float = 0.0
    """Factor of the penalty on kernels."""

    def __post_init__(self) -> None:
        _expect("batch_size", self.batch_size, 1, math.inf)
        _expect("label_smoothing", self.label_smoothing, 0.0, 1.0)
        for name in ("learning_rate", "weight_decay", "l2"):
            _expect(name, getattr(self, name), 0.0, math.inf)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a configuration.

        Raises:
            KeyError: where an active hyperparameter is missing.
        """
        optimizer: Optimizer = values["optimizer"]
        rate = "learning_rate_adam" if optimizer in ("adam", "adamw") else f"learning_rate_{optimizer}"
        return cls(
            optimizer=optimizer,
            learning_rate=float(values[rate]),
            weight_decay=float(values["weight_decay"]) if optimizer == "adamw" else 0.0,
            schedule=values["schedule"],
            batch_size=int(values["batch_size"]),
            augmentation=Augmentation() if values["augmentation"] == "none" else Augmentation.from_values(values),
            label_smoothing=float(values["label_smoothing"]),
            l2=float(values["l2"]),
        )


def _expect(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}. Received: {name}={value!r}")
