"""The shapes in which images are saved in arrays: grey or colour, channels first or last, flat. Shapes only: no values, no files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tuner.core.pictures import LEAST_SIDE, Size

SIDE = 28
"""Pixels: the height and width of MNIST's images. Other data sets have images of other sizes."""
EXPECTED = (
    f"(n, h, w), (n, h, w, 1), (n, h, w, 3) or (n, h, w, 4), with the channels in the second place too, or (n, h·h), with h and w "
    f"of {LEAST_SIDE} pixels or more"
)
_CHANNELS = (1, 3, 4)
"""Grey, red-green-blue, and that with opacity."""


@dataclass(frozen=True)
class Layout:
    """The meaning of an array's dimensions."""

    height: int
    width: int
    channels: int = 1
    """1, 3 or 4: grey, colour, colour and opacity."""
    first: bool = False
    """True: the channels come before height and width."""
    ambiguous: bool = False
    """True: the channels might as well be the others of the first and last dimension."""

    @property
    def size(self) -> Size:
        """Return height and width."""
        return self.height, self.width

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Return the shape of an image once its opacity is gone: (h, w) or (h, w, 3)."""
        return self.size if self.channels == 1 else (*self.size, 3)

    def arranged(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return images of this layout as (n, h, w), or with 3 or 4 channels last; a view where that is possible."""
        if self.channels == 1:
            return images.reshape(-1, *self.size)
        return images.transpose(0, 2, 3, 1) if self.first else images


def layout_of(shape: tuple[int, ...]) -> Layout | None:
    """Return the meaning of the dimensions of an array of images; None where its shape is none of `EXPECTED`.

    (n, h, w) is grey whatever h and w are. Channels that may be first or last, as in (n, 4, 20, 4), are last.
    """
    match shape:
        case (_, height, width):
            candidates = [Layout(height, width)]
        case (_, pixels):
            side = math.isqrt(pixels)
            candidates = [Layout(side, side)] if side * side == pixels else []
        case (_, first, middle, last):
            candidates = [Layout(first, middle, last)] if last in _CHANNELS else []
            candidates += [Layout(middle, last, first, first=True)] if first in _CHANNELS else []
        case _:
            candidates = []
    usable = [layout for layout in candidates if min(layout.size) >= LEAST_SIDE]
    if len(usable) == 2:
        return Layout(usable[0].height, usable[0].width, usable[0].channels, ambiguous=True)
    return usable[0] if usable else None


def reshape_note(shape: tuple[int, ...]) -> str | None:
    """Return a note about images whose dimensions are rearranged; None where the shape is (n, h, w), (n, h, w, 1) or (n, h, w, 3)."""
    layout = layout_of(shape)
    if layout is None:
        return None
    inner, wanted = (", ".join(map(str, sizes)) for sizes in (shape[1:], layout.image_shape))
    if layout.ambiguous:
        return (
            f"The images have the shape (n, {inner}): the last {shape[3]} are taken as the channels. If the first are, save "
            "x.transpose(0, 2, 3, 1)."
        )
    if layout.channels == 1 and shape[1:3] != layout.size:
        return f"The images had the shape (n, {inner}) and were reshaped to (n, {wanted}), row by row."
    if layout.first:
        return f"The images had the shape (n, {inner}): the channels were moved to the last place, (n, {wanted})."
    return None


def shape_advice(shape: tuple[int, ...]) -> str:
    """Return advice for images whose shape is none of `EXPECTED`."""
    if len(shape) == 2:
        side = math.isqrt(shape[1] // 3)
        if 3 * side * side == shape[1] and side >= LEAST_SIDE:
            return f"reshape colour to (n, 3, {side}, {side}), or (n, {side}, {side}, 3) where a pixel's three values are neighbours"
        return "reshape the images to (n, h, w)"
    if len(shape) == 4 and 2 in (shape[1], shape[3]):
        return "save grey images, (n, h, w), or colour, (n, h, w, 3)"
    if len(shape) in (3, 4) and all(shape[1:]):
        return f"give images of {LEAST_SIDE} pixels a side or more"
    return "save the images as (n, h, w) or (n, h, w, 3)"
