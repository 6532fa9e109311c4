"""The marks of ink in a picture, and which of them belong together: a 5's bar to its bow, a second digit to nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.contrast import FAINTEST, Grey, Mask

_SURE, _LIKELY, _EDGE = 0.6, 0.35, 0.12
"""Shares of the ink's contrast: where a stroke is certain, where it goes on, and where the blur beside it ends."""
_SPECK = 0.02
"""Of the largest mark's ink: what has less is dust."""
_NEAR = 0.06
"""Half of the gap within a digit, over its longest mark."""


@dataclass(frozen=True)
class Group:
    """Marks that belong together."""

    mask: Mask
    ink: float
    height: int
    width: int


def mark_groups(contrast: Grey) -> list[Group]:
    """Marks that are near to each other, most ink first; none where no ink is sure."""
    marks = _marks(contrast)
    return [] if marks is None else _groups(*marks)


def several(groups: list[Group]) -> bool:
    """Whether a second group is as high as a digit beside the first; a 5's bar is not."""
    first = groups[0]
    return any(group.height > 0.5 * first.height and group.ink > 0.15 * first.ink for group in groups[1:])


def ink_within(contrast: Grey, mask: Mask) -> Grey:
    """The ink of a mark with the blur along its edges, cropped: (h, w) in [0, 1]."""
    full = float(np.percentile(contrast[mask], 75))
    near = ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=max(1, round(0.01 * max(contrast.shape))))
    ink = np.where(near, np.clip((contrast / full - _EDGE) / (1 - _EDGE - 0.1), 0, 1), 0).astype(np.float32)
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


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
    above = smooth[smooth > max(FAINTEST, 0.5 * float(smooth.max()))]
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


def _groups(labels: NDArray[np.int32], ink: NDArray[np.float64]) -> list[Group]:
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
        found.append(Group(mask, amount, rows.stop - rows.start, columns.stop - columns.start))
    return sorted(found, key=lambda group: -group.ink)
