"""Notes about the images' orientation and about dark ink. No image is changed; docs/data.md has the error rates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tuner.images.digits.preparation import BOX, SIZE, centred
from tuner.images.digits.strokes import ink_of, random_hand

_LOOKED_AT = 5000
"""The number of images, spread evenly over the set, that are examined."""
_PAPER, _MOSTLY = 170, 0.9
"""The least median of an image's outermost pixels where they are paper, and the least share of such images."""
_LIKE_DIGITS, _BETTER = 0.45, 0.15
"""The least correlation of class means with drawn digits where classes are digits, and its least gain by turning."""
_FEWEST = 10
"""The fewest images of each digit for a note about their orientation."""
_HANDS = 8
_BLUR_PX = 1.5
_DARK = (
    "The images look like dark ink on bright paper. The spaces for MNIST, predict and the drawn digits expect bright "
    "ink on black: save 255 - x instead, unless this is meant."
)

_ORIENTATIONS = (
    "as they are",
    "turned by 90° counterclockwise",
    "turned by 180°",
    "turned by 90° clockwise",
    "transposed",
    "mirrored top to bottom",
    "transposed and turned by 180°",
    "mirrored left to right",
)
"""The turns that `_upright(images, place)` undoes, by place."""


def look_at(images: NDArray[np.uint8], labels: NDArray[np.int64], class_names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return notes about images that are dark on bright, and about digits that are not upright.

    Only grey images of MNIST's size whose classes have numbers or no names are judged, since the notes are about digits.

    Args:
        images: (n, h, w) or (n, h, w, 3).
        labels: (n,), from 0.
        class_names: one a class; empty where they have none.
    """
    if images.shape[1:] != (SIZE, SIZE) or not all(name.isdecimal() for name in class_names):
        return ()
    step = -(-len(images) // _LOOKED_AT)
    seen, classes = np.asarray(images[::step]), labels[::step]
    dark = _is_dark_on_bright(seen)
    orientation = find_orientation(255 - seen if dark else seen, classes)
    notes = [_DARK] if dark else []
    return tuple(notes if orientation is None else [*notes, orientation])


def _is_dark_on_bright(images: NDArray[np.uint8]) -> bool:
    """Return whether the outermost pixels of nearly every image are bright."""
    edges = (images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1])
    return bool((np.median(np.concatenate(edges, axis=1), axis=1) >= _PAPER).mean() >= _MOSTLY)


def find_orientation(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> str | None:
    """Return a note where the first ten classes look like the digits 0 to 9, but turned, mirrored or transposed.

    The class means, less the mean of all, are correlated with those of digits drawn from strokes in all eight orientations.

    Args:
        images: (n, 28, 28), ink bright.
        labels: (n,), from 0.
    """
    if np.bincount(labels, minlength=10)[:10].min() < _FEWEST:
        return None
    means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
    scores = orientation_scores(means)
    best = int(scores.argmax())
    if scores[best] < _LIKE_DIGITS or scores[best] - scores[0] < _BETTER:
        return None
    remedy = "x.transpose(0, 2, 1) brings them upright" if best == 4 else "bring them upright"
    return (
        f"The digits look {_ORIENTATIONS[best]}: so their class means fit those of drawn digits best (correlation "
        f"{scores[best]:.2f}; as they are {scores[0]:.2f}). EMNIST's files are transposed. Unless this is meant, {remedy}."
    )


def orientation_scores(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (8,) mean correlations with drawn digits of class means (10, 28, 28), brought upright in eight ways."""
    drawn = _distinct(_drawn_means())
    return np.array([(drawn * _distinct(_upright(means, place))).sum(axis=(1, 2)).mean() for place in range(8)])


def _upright(images: NDArray[np.float64], place: int) -> NDArray[np.float64]:
    turned = np.rot90(images, -place % 4, (1, 2))
    return turned.swapaxes(1, 2) if place >= 4 else turned


def _distinct(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each class's difference from the mean of all classes, blurred, of norm 1."""
    blurred = ndimage.gaussian_filter(means, (0, _BLUR_PX, _BLUR_PX))
    differences = blurred - blurred.mean(axis=0)
    differences -= differences.mean(axis=(1, 2), keepdims=True)
    norms = np.sqrt((differences**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(differences / np.maximum(norms, 1e-9))


@cache
def _drawn_means() -> NDArray[np.float64]:
    """Return (10, 28, 28) means of digits drawn from strokes by a few hands, read-only."""
    means = np.stack([np.mean([_drawn(digit, hand) for hand in range(_HANDS)], axis=0) for digit in range(10)])
    means.flags.writeable = False
    return means


def _drawn(digit: int, number: int) -> NDArray[np.uint8]:
    random = np.random.default_rng([digit, number])
    ink = ink_of(digit, random, random_hand(random)).astype(np.float32)
    factor = BOX / max(ink.shape)
    size = (max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor)))
    return centred(np.clip(np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX)), 0, 1))
