"""From a grey picture of a digit to the 28×28 pixels that MNIST would have of it. No files, no model.

MNIST's makers cropped a digit, scaled it to fit 20×20 pixels with its proportions kept, and put its centre of mass into the
middle of 28×28 (LeCun, Cortes, Burges: the MNIST database). Before that, this finds out what is ink and what is paper:
paper is what a grey closing leaves of the picture (Serra 1982), so that light may fall on it unevenly, and a shadow may have a
sharp edge; ink is where less light comes back than its paper gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Grey: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]

SIZE = 28
BOX = 20
"""The longer side of a digit in the prepared image."""

_CENTRE = 14
"""The row and the column of the pixel that gets the centre of mass: so it is in MNIST (13.99 and 14.00 on average)."""

BLANK = "blank: no ink was found"
SEVERAL = "several digits or marks: expected one digit in an image"
TOO_WIDE = "wider than any digit: perhaps several digits that touch"

_FAINTEST = 0.2
"""The least contrast of ink with its paper, as a share of the paper's light."""
_DARKEST = 0.05
"""Paper with less light than this gives no contrast."""
_NOISES = 5.0
"""The least contrast of ink in standard deviations of the noise."""
_COARSE = 64
"""The paper's light is looked for at so many pixels a side: noise is averaged out there."""
_MIDDLE = 0.4
"""Within so much of the longer side most is paper: ink is on the rarer side of the median."""
_BROADEST = 0.3
"""No stroke is as broad as this share of the picture's longer side."""
_SHEET = 200
"""A sheet of paper is looked for at so many pixels a side …"""
_RIM = 2
"""… and its outermost pixels are left out: its edge runs through them."""
_PAPER = 0.35
"""The light that parts table and paper, from the one's to the other's."""
_ROUNDEST, _MOSTLY, _SHARP = 0.08, 0.7, 0.6
"""Of a sheet: how far it may keep from a corner of the rectangle around it, over the shorter side (the boldest white digits keep 0.1);
the share of it that is bright; how much of the difference between paper and table lies at its edge."""
_SURE, _LIKELY, _EDGE = 0.6, 0.35, 0.12
"""Shares of the ink's contrast: where a stroke is certain, where it goes on, and where the blur beside it ends."""
_FINE = 160
"""The longer side of a digit while its strokes are measured."""
_THINNEST = 1.8
"""Strokes are broadened to so many pixels of 20: MNIST's writers are rarely below it."""
_SPECK = 0.02
"""Of the largest mark's ink: what has less is dust."""
_NEAR = 0.06
"""Half of the gap within a digit, over its longest mark."""
_SMALLEST = 6
"""Pixels of the longer side: what is smaller is dust, too small to be read."""
_WIDEST = 2.2
"""Width over height of a digit: one in ten thousand of MNIST's training digits is wider."""


@dataclass(frozen=True)
class Prepared:
    """What the network is to see, or why there is nothing to see."""

    image: NDArray[np.uint8] | None
    """(28, 28), ink bright on black."""
    warning: str | None = None


def prepare(grey: Grey) -> Prepared:
    """Prepares a picture.

    Args:
        grey: (h, w) light in [0, 1], of any size; a dark digit on light paper or the other way round.

    Returns:
        The digit, or no image and a warning where there is no ink or more than a digit.
    """
    sheet = sheet_of(grey)
    contrast = ink_contrast(grey if sheet is None else sheet)
    if contrast is None:
        return Prepared(None, BLANK)
    marks = _marks(contrast)
    if marks is None:
        return Prepared(None, BLANK)
    groups = _groups(*marks)
    if _several(groups):
        return Prepared(None, SEVERAL)
    ink = _ink_within(contrast, groups[0].mask)
    if max(ink.shape) < _SMALLEST:
        return Prepared(None, BLANK)
    if ink.shape[1] > _WIDEST * ink.shape[0]:
        return Prepared(None, TOO_WIDE)
    return Prepared(centred(_scaled(ink)))


def ink_contrast(grey: Grey) -> Grey | None:
    """How far each pixel stands out of its paper, in [0, 1]; None where nothing stands out of the noise.

    Of dark ink, the share of the paper's light that is missing; of bright ink, the light that is added.
    """
    coarse = _coarse(grey)
    middle = ndimage.median_filter(coarse, max(3, round(_MIDDLE * max(coarse.shape))), mode="nearest")
    if float(((coarse - middle) ** 3).sum()) <= 0:
        paper = _enlarged(_closed(coarse, middle), grey.shape)
        contrast: Grey = np.clip((paper - grey) / np.maximum(paper, _DARKEST), 0, 1).astype(np.float32)
    else:
        paper = 1 - _enlarged(_closed(1 - coarse, 1 - middle), grey.shape)
        contrast = np.clip(grey - paper, 0, 1).astype(np.float32)
    strongest = float(ndimage.uniform_filter(contrast, min(3, *grey.shape)).max())
    return contrast if strongest > max(_FAINTEST, _NOISES * _noise(contrast)) else None


def sheet_of(grey: Grey) -> Grey | None:
    """What is on a sheet of light paper that lies whole in the picture on something darker; None where there is no such sheet.

    A sheet is a bright region with the corners of a rectangle, mostly bright within, broader than any stroke and sharply bounded. The
    light of its rim is continued to the corners of what is cut out.
    """
    small = _coarse(grey, _SHEET)
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
    shorter, corner = _rectangle(rows, columns)
    if shorter < _BROADEST * max(small.shape) or corner > _ROUNDEST * shorter:
        return False
    within, around = _rims(filled)
    step = float(np.median(small[within]) - np.median(small[around]))
    difference = float(np.median(small[bright]) - np.median(small[~filled]))
    return step > _SHARP * difference and difference > _FAINTEST


def _rims(filled: Mask) -> tuple[Mask, Mask]:
    """What lies just within a region and just around it, past the pixels that its edge runs through."""
    inner = ndimage.binary_erosion(filled, np.ones((3, 3)), iterations=_RIM)
    outer = ndimage.binary_dilation(filled, np.ones((3, 3)), iterations=_RIM)
    return inner & ~ndimage.binary_erosion(inner), ndimage.binary_dilation(outer) & ~outer


def _rectangle(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[float, float]:
    """Of the smallest rectangle around points, turned as may be: its shorter side, and how far its barest corner is from a point, in pixels."""
    turned = [
        (columns * np.cos(angle) + rows * np.sin(angle), rows * np.cos(angle) - columns * np.sin(angle))
        for angle in np.deg2rad(np.arange(0, 90, 2))
    ]
    along, across = min(turned, key=lambda pair: float(np.ptp(pair[0]) * np.ptp(pair[1])))
    corners = [(x, y) for x in (along.min(), along.max()) for y in (across.min(), across.max())]
    barest = max(float(np.hypot(along - x, across - y).min()) for x, y in corners)
    return float(min(np.ptp(along), np.ptp(across))) + 1, barest


def _table_edge(small: Grey) -> float:
    """What is brighter is paper, if there is a sheet on a table: so low that a corner with less light is paper too."""
    parted = _threshold(small)
    table, paper = small[small <= parted], small[small > parted]
    if not (table.size and paper.size):
        return parted
    return float((1 - _PAPER) * np.median(table) + _PAPER * np.median(paper))


def _threshold(grey: Grey) -> float:
    """The light that parts bright from dark best (Otsu 1979)."""
    counts, edges = np.histogram(grey, 64)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * centres)
    means = sums[:-1] / np.maximum(below, 1), (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1 + int(np.argmax(below * above * (means[0] - means[1]) ** 2))])


def _coarse(grey: Grey, longer: int = _COARSE) -> Grey:
    height, width = grey.shape
    factor = min(1.0, longer / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX), np.float32)


def _enlarged(coarse: Grey, shape: tuple[int, ...]) -> Grey:
    return np.asarray(Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BILINEAR), np.float32)


def _closed(coarse: Grey, middle: Grey) -> Grey:
    """The light of the paper: dark strokes are closed over, edges of shadows stay.

    Beyond the margin the light goes on as its local median does, else a slope would be cut off there.
    """
    window = max(3, round(_BROADEST * max(coarse.shape)))
    rim = tuple(min(window, side - 1) for side in coarse.shape)
    beyond = np.pad(middle, [(side, side) for side in rim], mode="reflect", reflect_type="odd")
    beyond = np.clip(beyond, coarse.min(), coarse.max())
    inside = tuple(slice(side, side + length) for side, length in zip(rim, coarse.shape, strict=True))
    beyond[inside] = coarse
    closed = ndimage.grey_closing(beyond, size=(window, window), mode="nearest")[inside]
    # At a shadow's edge the darker side counts: its place is known to a coarse pixel only, and light is no ink.
    return np.asarray(ndimage.grey_erosion(closed, 3, mode="nearest"), np.float32)


def _noise(contrast: Grey) -> float:
    """Standard deviation of the noise, from what differs between neighbours (Immerkær 1996, with a median)."""
    if min(contrast.shape) < 3:
        return 0.0
    kernel = np.array(((1, -2, 1), (-2, 4, -2), (1, -2, 1)), np.float32)
    rough = ndimage.convolve(contrast, kernel)[1:-1, 1:-1]
    return float(np.median(np.abs(rough))) / 0.6745 / 6


def _marks(contrast: Grey) -> tuple[NDArray[np.int32], NDArray[np.float64]] | None:
    """Strokes that hang together: (h, w) labels from 1, and the ink of each; None where there are none."""
    smooth = ndimage.gaussian_filter(contrast, 0.7) if max(contrast.shape) > 64 else contrast
    full = _full_contrast(smooth)
    labels, count = ndimage.label(smooth > _LIKELY * full, np.ones((3, 3)))
    sure = np.unique(labels[smooth > _SURE * full])
    keep = np.zeros(count + 1, bool)
    keep[sure[sure > 0]] = True
    labels = np.where(keep[labels], labels, 0)
    ink = np.atleast_1d(ndimage.sum_labels(smooth, labels, np.arange(count + 1)))
    ink[0] = 0
    _drop(labels, ink, _touching_edge(labels))
    _drop(labels, ink, np.flatnonzero(ink < _SPECK * ink.max()))
    return (labels, ink) if ink.max() > 0 else None


def _full_contrast(smooth: Grey) -> float:
    """The contrast of the middle of a stroke: of the upper pixels, so that a digit's size hardly matters."""
    above = smooth[smooth > max(_FAINTEST, 0.5 * float(smooth.max()))]
    return float(np.percentile(above, 75)) if above.size else float(smooth.max())


def _touching_edge(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Marks that go over the picture's edge: a ruled line, a table's edge. None where nothing else is there."""
    edges = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    touching = np.unique(edges[edges > 0])
    inner = np.setdiff1d(np.unique(labels), np.append(touching, 0))
    sizes = np.bincount(labels.ravel())
    largest_inner = sizes[inner].max() if inner.size else 0
    return touching if largest_inner > 0.05 * sizes[1:].max(initial=0) else np.empty(0, np.int64)


def _drop(labels: NDArray[np.int32], ink: NDArray[np.float64], which: NDArray[np.int64]) -> None:
    which = which[which > 0]
    if which.size:
        labels[np.isin(labels, which)] = 0
        ink[which] = 0


@dataclass(frozen=True)
class _Group:
    """Marks that belong together."""

    mask: Mask
    ink: float
    height: int
    width: int


def _groups(labels: NDArray[np.int32], ink: NDArray[np.float64]) -> list[_Group]:
    """Marks that are near to each other, most ink first: a 5's bar belongs to its bow."""
    boxes = [box for box in ndimage.find_objects(labels) if box is not None]
    near = max(1, round(_NEAR * max(part.stop - part.start for box in boxes for part in box)))
    grown = ndimage.distance_transform_edt(labels == 0) <= near
    joined, count = ndimage.label(grown, np.ones((3, 3)))
    joined = np.where(labels > 0, joined, 0)
    found = []
    for number in range(1, count + 1):
        mask = joined == number
        rows, columns = ndimage.find_objects(mask.astype(np.int32))[0]
        amount = float(ink[np.unique(labels[mask])].sum())
        found.append(_Group(mask, amount, rows.stop - rows.start, columns.stop - columns.start))
    return sorted(found, key=lambda group: -group.ink)


def _several(groups: list[_Group]) -> bool:
    """Whether a second group is as high as a digit beside the first; a 5's bar is not."""
    first = groups[0]
    return any(group.height > 0.5 * first.height and group.ink > 0.15 * first.ink for group in groups[1:])


def _ink_within(contrast: Grey, mask: Mask) -> Grey:
    """The ink of a mark with the blur along its edges, cropped: (h, w) in [0, 1]."""
    full = float(np.percentile(contrast[mask], 75))
    near = ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=max(1, round(0.01 * max(contrast.shape))))
    ink = np.where(near, np.clip((contrast / full - _EDGE) / (1 - _EDGE - 0.1), 0, 1), 0).astype(np.float32)
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(ink: Grey) -> Grey:
    """Ink with its longer side 20 pixels; thin strokes are broadened first."""
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
    """The usual breadth of strokes in pixels: twice the distance from their middle lines to their edges."""
    inside = np.pad(ink > 0.5, 1)
    depth = ndimage.distance_transform_edt(inside)
    ridge = inside & (depth >= ndimage.maximum_filter(depth, 3))
    return 2 * float(np.median(depth[ridge])) if ridge.any() else 0.0


def _broadened(ink: Grey, by: float) -> Grey:
    """Strokes broader by so many pixels on each side, with a margin for them."""
    margin = int(np.ceil(by)) + 1
    padded = np.pad(ink, margin)
    distance = ndimage.distance_transform_edt(padded <= 0.5)
    return np.asarray(np.maximum(padded, np.clip(by + 0.5 - distance, 0, 1)), np.float32)


def centred(ink: Grey) -> NDArray[np.uint8]:
    """Ink (h, w) in [0, 1], 20 pixels at most a side, in 28×28 with its centre of mass in the middle."""
    down, right = ndimage.center_of_mass(ink)
    height, width = ink.shape
    top = int(np.clip(round(_CENTRE - down), 0, SIZE - height))
    left = int(np.clip(round(_CENTRE - right), 0, SIZE - width))
    image = np.zeros((SIZE, SIZE), np.uint8)
    image[top : top + height, left : left + width] = np.rint(255 * ink)
    return image
