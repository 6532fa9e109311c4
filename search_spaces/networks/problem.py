"""A classification problem, as far as networks depend on it: the shape of the images, the number of classes."""

from __future__ import annotations

from dataclasses import dataclass

from search_spaces.networks.specs import INPUT_SHAPE, Shape

LEAST_CLASSES, MOST_CLASSES = 2, 100
LEAST_SIDE, MOST_SIDE = 4, 128
"""Pixels."""
_COLOURS = 3


@dataclass(frozen=True)
class Problem:
    """The images and classes that a space is made for.

    Raises:
        ValueError: where a side, the colours or the number of classes is out of range.
    """

    image_shape: tuple[int, ...] = INPUT_SHAPE[:2]
    """(h, w) of grey images, (h, w, 3) of colour ones."""
    classes: int = 10
    """2 to 100."""
    digits: bool = True
    """True where the images show digits: they are not mirrored, their brightness says nothing."""

    def __post_init__(self) -> None:
        if not LEAST_CLASSES <= self.classes <= MOST_CLASSES:
            raise ValueError(f"Expected {LEAST_CLASSES} to {MOST_CLASSES} classes. Received: classes={self.classes}")
        sides, channels = self.image_shape[:2], self.image_shape[2:]
        sound = len(sides) == 2 and all(LEAST_SIDE <= side <= MOST_SIDE for side in sides)
        if not sound or channels not in ((), (_COLOURS,)):
            raise ValueError(
                f"Expected images of (h, w) or (h, w, {_COLOURS}), each side from {LEAST_SIDE} to {MOST_SIDE} pixels. "
                f"Received: image_shape={self.image_shape}"
            )

    @property
    def input_shape(self) -> Shape:
        """Return height, width and channels."""
        height, width = self.image_shape[:2]
        return height, width, _COLOURS if self.is_colour else 1

    @property
    def is_colour(self) -> bool:
        """Return whether the images have three channels."""
        return len(self.image_shape) == 3

    @property
    def is_mnist_like(self) -> bool:
        """Return whether the images are digits in MNIST's shape, so that published networks can be compared."""
        return self.digits and self.input_shape == INPUT_SHAPE

    @property
    def area(self) -> float:
        """Return the number of an image's pixels, as a multiple of MNIST's."""
        return self.image_shape[0] * self.image_shape[1] / (INPUT_SHAPE[0] * INPUT_SHAPE[1])
