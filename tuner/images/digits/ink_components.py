"""The marks of ink in a picture, grouped into digits: a 5's bar and bow are one group, a second digit is another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tuner.images.digits.contrast import FAINTEST, Grey, Mask
from tuner.images.digits.frames import find_frame

_SURE, _LIKELY, _EDGE = 0.6, 0.35, 0.12
"""Fractions of the ink's contrast: where a stroke is certain, where it continues, and where the blur beside it ends."""
_SPECK = 0.02
"""A fraction of the largest mark's ink: a mark with less is dust."""
_NEAR = 0.06
"""Half of the gap within a digit, over its longest mark."""
_BAR_GAP, _BAR_INK, _BAR_SHAPE = 0.22, 0.6, 1.3
"""A bar above a bow: the gap between them over the bow's height at most, its ink over the bow's at most, its width over its height at least."""
_AS_HIGH, _OVERLAP = 0.65, 0.15
"""Marks side by side are two digits: the least height of each over that of both, and their largest overlap in width."""
_MOST_MARKS = 24
"""More marks, without dust, are a page."""
_TABLES = ((4, 0.001), (30, 0.0002))
"""A table has more holes than this number, each with this fraction of its box; a digit has two, or a few if rough."""

Box = tuple[slice, slice]


@dataclass(frozen=True)
class Group:
    """Marks that belong together."""

    labels: tuple[int, ...]
    ink: float
    box: Box

    @property
    def height(self) -> int:
        return _length(self.box[0])

    @property
    def width(self) -> int:
        return _length(self.box[1])


@dataclass(frozen=True)
class Marks:
    """Connected strokes, and their groups."""

    labels: NDArray[np.int32]
    """(h, w), 0 where there is none."""
    boxes: dict[int, Box]
    groups: tuple[Group, ...]
    """Most ink first."""

    def mask(self, group: Group) -> Mask:
        """Return the mask of a group's marks, (h, w)."""
        return np.isin(self.labels, group.labels)

    def are_several(self) -> bool:
        """Return whether there is more than one digit: a second group as high as one, marks side by side, a page of marks or a table."""
        first = self.groups[0]
        if len(self.boxes) > _MOST_MARKS:
            return True
        if any(group.height > 0.5 * first.height and group.ink > 0.15 * first.ink for group in self.groups[1:]):
            return True
        return self._side_by_side(first) or self._has_many_holes(first)

    def _has_many_holes(self, group: Group) -> bool:
        inside = np.pad(self.labels[group.box] > 0, 1)
        holes, count = ndimage.label(~inside)
        sizes = np.bincount(holes.ravel(), minlength=count + 1)[2:]  # 0 is ink, 1 what is around it
        return any(int((sizes >= share * inside.size).sum()) > most for most, share in _TABLES)

    def _side_by_side(self, group: Group) -> bool:
        high = [
            self.boxes[label][1] for label in group.labels if _length(self.boxes[label][0]) >= _AS_HIGH * group.height
        ]
        return any(_share(one, other) <= _OVERLAP for index, one in enumerate(high) for other in high[:index])


def find_marks(contrast: Grey) -> Marks | None:
    """Return the marks of a picture in groups; None where no ink is certain. A frame around other marks is left out."""
    labels_and_ink = _labelled(contrast)
    if labels_and_ink is None:
        return None
    labels, ink = labels_and_ink
    boxes = _boxes(labels)
    while (frame := find_frame(labels, boxes)) is not None:
        labels = np.where(labels == frame, 0, labels)
        ink[frame] = 0
        del boxes[frame]
        dust = [label for label in boxes if ink[label] < _SPECK * ink.max()]
        _drop(labels, ink, np.array(dust, np.int64))
        boxes = {label: box for label, box in boxes.items() if label not in dust}
    return Marks(labels, boxes, tuple(_groups(labels, ink, boxes)))


def ink_within(contrast: Grey, mask: Mask) -> Grey:
    """Return the ink of a mark with the blur along its edges, cropped: (h, w) in [0, 1]."""
    full = float(np.percentile(contrast[mask], 75))
    near = ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=max(1, round(0.01 * max(contrast.shape))))
    ink = np.where(near, np.clip((contrast / full - _EDGE) / (1 - _EDGE - 0.1), 0, 1), 0).astype(np.float32)
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _labelled(contrast: Grey) -> tuple[NDArray[np.int32], NDArray[np.float64]] | None:
    """Return connected strokes: (h, w) labels from 1, and the ink of each; None where there are none."""
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
    """Return the contrast of the middle of a stroke: of the upper pixels, so that a digit's size hardly matters."""
    above = smooth[smooth > max(FAINTEST, 0.5 * float(smooth.max()))]
    return float(np.percentile(above, 75)) if above.size else float(smooth.max())


def _touching_edge(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return marks that cross the picture's edge, such as a ruled line; none where there are no other marks."""
    edges = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    touching = np.unique(edges[edges > 0])
    sizes = np.bincount(labels.ravel())
    inner = np.setdiff1d(np.flatnonzero(sizes), np.append(touching, 0))
    largest_inner = sizes[inner].max() if inner.size else 0
    return touching if largest_inner > 0.05 * sizes[1:].max(initial=0) else np.empty(0, np.int64)


def _drop(labels: NDArray[np.int32], ink: NDArray[np.float64], which: NDArray[np.int64]) -> None:
    which = which[which > 0]
    if which.size:
        labels[np.isin(labels, which)] = 0
        ink[which] = 0


def _boxes(labels: NDArray[np.int32]) -> dict[int, Box]:
    return {place + 1: box for place, box in enumerate(ndimage.find_objects(labels)) if box is not None}


def _groups(labels: NDArray[np.int32], ink: NDArray[np.float64], boxes: dict[int, Box]) -> list[Group]:
    """Return marks that are near to each other, most ink first; a bar above a bow may be a little farther away."""
    near = max(1, round(_NEAR * max(_length(part) for box in boxes.values() for part in box)))
    grown = ndimage.distance_transform_edt(labels == 0) <= near
    joined = np.where(labels > 0, ndimage.label(grown, np.ones((3, 3)))[0], 0)
    # A mark is connected, so any of its pixels has its group's number.
    number = np.zeros(len(ink), np.int64)
    number[labels] = joined
    members: dict[int, list[int]] = {}
    for label in boxes:
        members.setdefault(int(number[label]), []).append(label)
    groups = [_group(members[one], ink, boxes) for one in sorted(members)]
    groups.sort(key=lambda group: -group.ink)
    bar = next((group for group in groups[1:] if _is_bar(group, groups[0])), None)
    if bar is None:
        return groups
    whole = _group([*groups[0].labels, *bar.labels], ink, boxes)
    return [whole, *(group for group in groups[1:] if group is not bar)]


def _group(labels: list[int], ink: NDArray[np.float64], boxes: dict[int, Box]) -> Group:
    parts = [boxes[label] for label in labels]
    rows, columns = (
        slice(min(box[axis].start for box in parts), max(box[axis].stop for box in parts)) for axis in (0, 1)
    )
    return Group(tuple(labels), float(ink[labels].sum()), (rows, columns))


def _is_bar(bar: Group, bow: Group) -> bool:
    """Return whether marks are the bar of a 5: flat, above the bow and close to it, over its width."""
    gap = bow.box[0].start - bar.box[0].stop
    return (
        -0.2 * bow.height <= gap <= _BAR_GAP * bow.height
        and bar.width >= _BAR_SHAPE * bar.height
        and bar.ink <= _BAR_INK * bow.ink
        and bar.box[0].start < bow.box[0].start
        and _share(bar.box[1], bow.box[1]) >= 0.5
    )


def _share(one: slice, other: slice) -> float:
    """Return the fraction of the shorter interval that lies in the other."""
    overlap = min(int(one.stop), int(other.stop)) - max(int(one.start), int(other.start))
    return overlap / min(_length(one), _length(other))


def _length(interval: slice) -> int:
    return int(interval.stop) - int(interval.start)
