"""A frame around other marks: a box of a form, a circle, the lines of a table. `ink_components` leaves it out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DIRECTIONS = 36
_CLOSED = 0.8
"""The fraction of directions, seen from a mark within, in which a frame's ink lies."""
_HIGH = 0.2
"""The least height of the largest mark within, over the frame's; a lower one is a dot in a 0."""
_HOLLOW = 0.4
"""The largest fraction of a frame's box that its ink fills."""


def find_frame(labels: NDArray[np.int32], boxes: dict[int, tuple[slice, slice]]) -> int | None:
    """Return the label of a mark that goes around another one; None where there is none.

    Args:
        labels: (h, w) marks, 0 where there is none.
        boxes: of every mark.
    """
    by_size = sorted(boxes, key=lambda label: -_area(boxes[label]))
    for label in by_size[:4]:
        inner = [other for other in by_size if other != label and _is_within(boxes[other], boxes[label])]
        if inner and _surrounds(labels, boxes[label], label, boxes[inner[0]]):
            return label
    return None


def _surrounds(labels: NDArray[np.int32], box: tuple[slice, slice], label: int, inner: tuple[slice, slice]) -> bool:
    if inner[0].stop - inner[0].start < _HIGH * (box[0].stop - box[0].start):
        return False
    rows, columns = np.nonzero(labels[box] == label)
    if len(rows) > _HOLLOW * _area(box):
        return False
    down = rows + box[0].start - (inner[0].start + inner[0].stop - 1) / 2
    right = columns + box[1].start - (inner[1].start + inner[1].stop - 1) / 2
    directions = ((np.arctan2(down, right) + np.pi) * (_DIRECTIONS / (2 * np.pi))).astype(int) % _DIRECTIONS
    return len(np.unique(directions)) >= _CLOSED * _DIRECTIONS


def _is_within(inner: tuple[slice, slice], box: tuple[slice, slice]) -> bool:
    return all(big.start < small.start and small.stop < big.stop for small, big in zip(inner, box, strict=True))


def _area(box: tuple[slice, slice]) -> int:
    return int((box[0].stop - box[0].start) * (box[1].stop - box[1].start))
