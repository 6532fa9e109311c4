"""Preparation of a grey picture of a digit: the 28×28 pixels that MNIST would have of it. No files, no model.

MNIST's makers cropped a digit, scaled it to fit 20×20 pixels with its proportions kept, and put its centre of mass into
the middle of 28×28 (LeCun, Cortes, Burges: the MNIST database). Before that, a sheet of paper on a table is cut out
(`paper_sheet`), ink is separated from paper (`contrast`), and the digit from dust, ruled lines and other digits
(`ink_components`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tuner.images.digits.contrast import Grey, ink_contrast
from tuner.images.digits.ink_components import Marks, find_marks, ink_within
from tuner.images.digits.paper_sheet import sheet_of

SIZE = 28
BOX = 20
"""The longer side of a digit in the prepared image."""

_CENTRE = 14
"""The row and the column of the pixel that gets the centre of mass: so it is in MNIST (13.99 and 14.00 on average)."""

BLANK = "blank: no ink was found"
SEVERAL = "several digits or marks: expected one digit in an image"
TOO_WIDE = "wider than any digit: perhaps several digits that touch, or a picture that is turned by 90°"

_FINE = 160
"""The longer side of a digit while its strokes are measured."""
_THINNEST = 1.8
"""The width in pixels, of 20, to which strokes are broadened: MNIST's strokes are rarely thinner."""
_SMALLEST = 6
"""The least longer side of a digit in pixels; a smaller mark is dust."""
_MOST_PARTS = 40
"""The most marks of a page that are prepared, to find out whether it is turned."""
_WIDEST = 2.2
"""Width over height of a digit: one in ten thousand of MNIST's training digits is wider."""


@dataclass(frozen=True)
class Prepared:
    """The image for the network, or the reason why there is none."""

    image: NDArray[np.uint8] | None
    """(28, 28), ink bright on black; of a model of other images (h, w) or (h, w, 3), as its training images were."""
    warning: str | None = None
    parts: tuple[NDArray[np.uint8], ...] = ()
    """Marks of a page that are about equally high, each (28, 28) as if it were a digit."""


def prepare(grey: Grey) -> Prepared:
    """Prepare a picture.

    Args:
        grey: (h, w) light in [0, 1], of any size; a dark digit on light paper or the other way round.

    Returns:
        The digit, or no image and a warning where there is no ink or more than a digit.
    """
    sheet = sheet_of(grey)
    contrast = ink_contrast(grey if sheet is None else sheet)
    marks = None if contrast is None else find_marks(contrast)
    if contrast is None or marks is None:
        return Prepared(None, BLANK)
    if marks.are_several():
        return Prepared(None, SEVERAL, _parts(contrast, marks))
    ink = ink_within(contrast, marks.mask(marks.groups[0]))
    if max(ink.shape) < _SMALLEST:
        return Prepared(None, BLANK)
    if ink.shape[1] > _WIDEST * ink.shape[0]:
        return Prepared(None, TOO_WIDE)
    return Prepared(centred(_scaled(ink)))


def _parts(contrast: Grey, marks: Marks) -> tuple[NDArray[np.uint8], ...]:
    """Return marks of about the median size, spread evenly over the picture."""
    sides = {label: max(box[0].stop - box[0].start, box[1].stop - box[1].start) for label, box in marks.boxes.items()}
    usual = float(np.median(list(sides.values())))
    labels = [label for label, side in sides.items() if 0.6 * usual <= side <= 1.6 * usual and side >= _SMALLEST]
    step = -(-len(labels) // _MOST_PARTS) if labels else 1
    return tuple(centred(_scaled(_cut(contrast, marks, label))) for label in labels[::step])


def _cut(contrast: Grey, marks: Marks, label: int) -> Grey:
    rows, columns = marks.boxes[label]
    near = (slice(max(0, rows.start - 2), rows.stop + 2), slice(max(0, columns.start - 2), columns.stop + 2))
    return ink_within(contrast[near], marks.labels[near] == label)


def _scaled(ink: Grey) -> Grey:
    """Return ink with its longer side 20 pixels; thin strokes are broadened first."""
    fine = _resized(ink, _FINE)
    lacking = _THINNEST / BOX * _FINE - stroke_width(fine)
    if lacking > 1:
        fine = _broadened(fine, lacking / 2)
    small = _resized(fine, BOX)
    return np.asarray(np.clip(small / max(float(np.percentile(small, 98)), 1e-6), 0, 1), np.float32)


def _resized(ink: Grey, longer: int) -> Grey:
    factor = longer / max(ink.shape)
    size = (max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor)))
    kind = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    return np.asarray(np.clip(np.asarray(Image.fromarray(ink).resize(size, kind)), 0, 1), np.float32)


def stroke_width(ink: Grey) -> float:
    """Return the median width of strokes in pixels: twice the distance from their middle lines to their edges."""
    inside = np.pad(ink > 0.5, 1)
    depth = ndimage.distance_transform_edt(inside)
    ridge = inside & (depth >= ndimage.maximum_filter(depth, 3))
    return 2 * float(np.median(depth[ridge])) if ridge.any() else 0.0


def _broadened(ink: Grey, by: float) -> Grey:
    """Return strokes broadened by `by` pixels on each side, with a margin for them."""
    margin = int(np.ceil(by)) + 1
    padded = np.pad(ink, margin)
    distance = ndimage.distance_transform_edt(padded <= 0.5)
    return np.asarray(np.maximum(padded, np.clip(by + 0.5 - distance, 0, 1)), np.float32)


def centred(ink: Grey) -> NDArray[np.uint8]:
    """Return ink (h, w) in [0, 1], at most 20 pixels a side, as 28×28 pixels with its centre of mass in the middle."""
    down, right = ndimage.center_of_mass(ink)
    height, width = ink.shape
    top = int(np.clip(round(_CENTRE - down), 0, SIZE - height))
    left = int(np.clip(round(_CENTRE - right), 0, SIZE - width))
    image = np.zeros((SIZE, SIZE), np.uint8)
    image[top : top + height, left : left + width] = np.rint(255 * ink)
    return image
