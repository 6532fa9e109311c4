"""The options of a data set's pictures: their size, their colour, and what happens to duplicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tuner.core.pictures import Resize, Size, parse_image_size
from tuner.data.source_options import GivenOptions

OnProgress: TypeAlias = Callable[[int, int], None]
"""A receiver of the number of pictures that are decoded, and of the number of all."""

DEFAULT_SIZE: Size = (32, 32)
"""The size of pictures that have several sizes, or one above `LARGEST_OWN_SIDE`, where the user gives none."""
LARGEST_OWN_SIDE = 64
"""Pixels: images up to this height and width keep their size where the user gives none."""


@dataclass(frozen=True)
class PictureOptions:
    """The way in which a data set's pictures become images of one shape."""

    size: Size | None = None
    """Height and width in pixels, 4 to 128; None: their own where all are alike and at most 64, else 32×32."""
    grayscale: bool = False
    """Make colour grey (luma, ITU-R BT.601)."""
    resize: Resize = "crop"
    """Keep the middle (crop), add black borders (pad), or change the proportions (stretch)."""
    drop_duplicates: bool = False
    """Leave out training and validation images that the test set has too, pixel for pixel."""

    @classmethod
    def of(cls, given: GivenOptions) -> PictureOptions:
        """Return the options of a run's pictures."""
        return cls(
            size=None if given.image_size is None else parse_image_size(given.image_size),
            grayscale=given.grayscale,
            resize=given.resize,
            drop_duplicates=given.drop_duplicates,
        )

    def size_for(self, common_size: Size | None) -> Size:
        """Return the size of the images: the user's, else their common size up to 64×64, else 32×32.

        Args:
            common_size: height and width of the pictures as they are; None where they differ.
        """
        if self.size is not None:
            return self.size
        return common_size if common_size is not None and max(common_size) <= LARGEST_OWN_SIDE else DEFAULT_SIZE
