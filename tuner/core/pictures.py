"""The size of pictures and the ways to bring them to it: what options and data share. No pixels here."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from search_spaces.networks import problem

Resize: TypeAlias = Literal["crop", "pad", "stretch"]
"""The ways to bring a picture to a size of other proportions."""
Size: TypeAlias = tuple[int, int]
"""Height and width in pixels."""

LEAST_SIDE: Final = problem.LEAST_SIDE
LARGEST_SIDE: Final = problem.MOST_SIDE
"""The limits of an image's height and width in pixels."""

MAX_BYTES: Final = 2 * 1024**3
"""The most that the arrays of a data set may take in memory, as they are in their files and as images of one size."""

_SIZE = re.compile(r"([0-9]{1,6})(?:[x×]([0-9]{1,6}))?", re.IGNORECASE)


def parse_image_size(text: str) -> Size:
    """Return the height and width of "32" (both) or "48x32" (height, then width).

    Raises:
        ValueError: where the text is no size, or a side is out of range.
    """
    match = _SIZE.fullmatch(text.strip())
    size = None if match is None else (int(match[1]), int(match[2] or match[1]))
    if size is None or not all(LEAST_SIDE <= side <= LARGEST_SIDE for side in size):
        raise ValueError(
            f"expected N or HxW, such as 32 or 48x32, {LEAST_SIDE} to {LARGEST_SIDE} pixels a side. Received: {text[:80]}"
        )
    return size


def format_image_size(size: Size) -> str:
    """Return a size as the command line has it: "32" where both sides are alike, else "48x32"."""
    height, width = size
    return f"{height}" if height == width else f"{height}x{width}"


def canonical_image_size(text: str) -> str:
    """Return a size as `format_image_size` writes it: "32x32" becomes "32".

    Raises:
        ValueError: as `parse_image_size`.
    """
    return format_image_size(parse_image_size(text))
