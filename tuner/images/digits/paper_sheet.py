"""A sheet of light paper that lies on something darker: finding it in a picture, and cutting it out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tuner.images.digits.contrast import BROADEST, FAINTEST, Grey, Mask, coarse

_SHEET = 200
"""The side in pixels of the reduced picture in which a sheet of paper is detected."""
_RIM = 2
"""The sheet's outermost pixels, which are left out: its edge runs through them."""
_PAPER = 0.35
"""The threshold between table and paper, as a fraction of the way from the table's light to the paper's."""
_FULL = 0.5
"""The least fraction of its bounding rectangle that a sheet takes; an open frame takes less."""
_ROUNDEST, _MOSTLY, _SHARP = 0.08, 0.7, 0.6
"""The largest distance of a sheet from a corner of the rectangle around it, over the shorter side (the boldest white digits keep 0.1);
its fraction that is bright; the fraction of the difference between paper and table that lies at its edge."""


def sheet_of(grey: Grey) -> Grey | None:
    """Return the picture of a sheet of light paper that lies whole on something darker; None where there is none.

    A sheet is a bright region with the corners of a rectangle, mostly bright within, broader than any stroke and sharply bounded. The
    light of its rim is continued to the corners of the cut-out picture.
    """
    small = coarse(grey, _SHEET)
    labels, count = ndimage.label(small > _table_edge(small))
    if count == 0:
        return None
    bright = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    filled = ndimage.binary_fill_holes(bright)
    if not _is_sheet(small, bright, filled):
        return None
    inner = ndimage.binary_erosion(filled, np.ones((3, 3)), iterations=_RIM)
    large = np.asarray(Image.fromarray(inner).resize((grey.shape[1], grey.shape[0]), Image.Resampling.NEAREST), bool)
    box = ndimage.find_objects(large.astype(np.int32))[0]
    nearest = ndimage.distance_transform_edt(~large[box], return_distances=False, return_indices=True)
    return np.asarray(grey[box][tuple(nearest)], np.float32)


def _is_sheet(small: Grey, bright: Mask, filled: Mask) -> bool:
    rows, columns = np.nonzero(filled)
    height, width = small.shape
    if min(rows.min(), columns.min()) == 0 or rows.max() == height - 1 or columns.max() == width - 1:
        return False
    if bright.sum() < _MOSTLY * filled.sum():
        return False
    shorter, longer, corner = _rectangle(rows, columns)
    if shorter < BROADEST * max(small.shape) or corner > _ROUNDEST * shorter or filled.sum() < _FULL * shorter * longer:
        return False
    within, around = _rims(filled)
    step = float(np.median(small[within]) - np.median(small[around]))
    difference = float(np.median(small[bright]) - np.median(small[~filled]))
    return step > _SHARP * difference and difference > FAINTEST


def _rims(filled: Mask) -> tuple[Mask, Mask]:
    """Return the masks just inside and just outside of a region, without the pixels of its edge."""
    inner = ndimage.binary_erosion(filled, np.ones((3, 3)), iterations=_RIM)
    outer = ndimage.binary_dilation(filled, np.ones((3, 3)), iterations=_RIM)
    return inner & ~ndimage.binary_erosion(inner), ndimage.binary_dilation(outer) & ~outer


def _rectangle(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[float, float, float]:
    """Return the smallest rectangle around points at any angle: its sides, and how far its barest corner is from a point, in pixels."""
    turned = [
        (columns * np.cos(angle) + rows * np.sin(angle), rows * np.cos(angle) - columns * np.sin(angle))
        for angle in np.deg2rad(np.arange(0, 90, 2))
    ]
    along, across = min(turned, key=lambda pair: float(np.ptp(pair[0]) * np.ptp(pair[1])))
    corners = [(x, y) for x in (along.min(), along.max()) for y in (across.min(), across.max())]
    barest = max(float(np.hypot(along - x, across - y).min()) for x, y in corners)
    sides = sorted((float(np.ptp(along)) + 1, float(np.ptp(across)) + 1))
    return sides[0], sides[1], barest


def _table_edge(small: Grey) -> float:
    """Return the light above which is paper, if there is a sheet on a table: low enough for a darker corner."""
    parted = _threshold(small)
    table, paper = small[small <= parted], small[small > parted]
    if not (table.size and paper.size):
        return parted
    return float((1 - _PAPER) * np.median(table) + _PAPER * np.median(paper))


def _threshold(grey: Grey) -> float:
    """Return the light that separates bright from dark best (Otsu 1979)."""
    counts, edges = np.histogram(grey, 64)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * centres)
    means = sums[:-1] / np.maximum(below, 1), (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1 + int(np.argmax(below * above * (means[0] - means[1]) ** 2))])
