"""Corruptions of test images in steps, to measure a model's robustness.

Grey images are made worse as drawings on black, colour images as photographs. What is measured in pixels grows with the
size of the images: at 28×28 a step is what it says.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from search_spaces.keras.augmentation import saturate

Images: TypeAlias = NDArray[np.uint8]
Corrupt: TypeAlias = Callable[[Images, float, np.random.Generator], NDArray[np.floating[Any]]]

_SIDE = 28
"""The shorter side of the images for which levels in pixels are written below."""
_LEAST_BLURRED = 20
"""The side of images below which blur is not scaled: a Gaussian of a quarter of a pixel changes nothing."""
_CHUNK = 2**24
"""The most values that are made worse at a time: some 20,000 grey images of 28×28."""


@dataclass(frozen=True)
class Corruption:
    """One way of making images worse."""

    name: str
    unit: str
    levels: tuple[float, ...]
    """The first one leaves images as they are."""
    corrupt: Corrupt


def corruptions_of(image_shape: tuple[int, ...]) -> tuple[Corruption, ...]:
    """Return the corruptions that suit images (h, w) or (h, w, 3), their levels scaled to the images' size."""
    kinds = KINDS if len(image_shape) == 2 else COLOUR_KINDS
    return tuple(_scaled(kind, min(image_shape[:2])) for kind in kinds)


def _scaled(kind: Corruption, side: int) -> Corruption:
    if side == _SIDE or "pixels" not in kind.unit:
        return kind
    if kind.corrupt is _blur:
        side = max(side, _LEAST_BLURRED)
    levels = tuple(float(f"{level * side / _SIDE:.2g}") for level in kind.levels)
    if kind.corrupt is _occlusion:
        levels = _whole(levels)
    return replace(kind, levels=levels)


def _whole(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Return rising whole numbers."""
    whole = [round(levels[0])]
    for level in levels[1:]:
        whole.append(max(round(level), whole[-1] + 1))
    return tuple(map(float, whole))


def corrupted(kind: Corruption, images: Images, level: float, rng: np.random.Generator) -> Images:
    """Return images (n, h, w) or (n, h, w, 3) uint8 made worse by one kind at one level."""
    if level == kind.levels[0]:
        return images
    worse = [np.clip(np.rint(kind.corrupt(chunk, level, rng)), 0, 255).astype(np.uint8) for chunk in _chunks(images)]
    return np.concatenate(worse) if worse else images


def _chunks(images: Images) -> Iterator[Images]:
    each = max(1, _CHUNK // math.prod(images.shape[1:]))
    return (images[start : start + each] for start in range(0, len(images), each))


def _noise(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    noise: NDArray[np.floating[Any]] = rng.normal(0, 255 * level, images.shape).astype(np.float32)
    return images.astype(np.float32) + noise


def _blur(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    sigma = (0.0, level, level, 0.0)[: images.ndim]
    return np.asarray(ndimage.gaussian_filter(images.astype(np.float32), sigma))


def _rotation(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    angle = math.radians(level)
    return _affine(images, np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]))


def _scale(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return _affine(images, np.eye(2) / level)


def _shift(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    if images.ndim == 4:
        return _moved(images, np.eye(2), np.array([-level, -level]))
    return np.asarray(ndimage.shift(images.astype(np.float32), (0, level, level), order=1))


def _contrast(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    """Bring grey images nearer to black, their ground; photographs nearer to their mean colour."""
    if images.ndim == 3:
        return images.astype(np.float32) * level
    middle = images.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    return np.asarray(middle + (images - middle) * np.float32(level))


def _brightness(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return images.astype(np.float32) + np.float32(255 * level)


def _darkness(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return _brightness(images, -level, rng)


def _saturation(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return saturate(images, np.full(len(images), level, np.float32)).astype(np.float32)


def _jpeg(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return np.stack([_compressed(image, int(level)) for image in images]).astype(np.float32)


def _compressed(image: Images, quality: int) -> Images:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _occlusion(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    """Add a black square of `level` pixels a side to each image, at a random place in the middle (20×20 of 28×28)."""
    side, (height, width) = int(level), images.shape[1:3]
    tops, lefts = (rng.integers(*_places(size, side), (len(images), 1, 1)) for size in (height, width))
    rows, columns = np.arange(height)[None, :, None], np.arange(width)[None, None, :]
    hidden = (rows >= tops) & (rows < tops + side) & (columns >= lefts) & (columns < lefts + side)
    return np.where(hidden if images.ndim == 3 else hidden[..., None], 0, images).astype(np.float32)


def _places(size: int, side: int) -> tuple[int, int]:
    """Return the first place of a square's edge, and the one after the last."""
    margin = min(round(size / 7), max(0, size - side) // 2)
    return margin, max(margin, size - margin - side) + 1


def _affine(images: Images, matrix: NDArray[np.float64]) -> NDArray[np.floating[Any]]:
    centre = (np.array(images.shape[1:3]) - 1) / 2
    start = centre - matrix @ centre
    if images.ndim == 4:
        return _moved(images, matrix, start)
    whole = np.eye(3)
    whole[1:, 1:] = matrix
    offset = np.concatenate([[0.0], start])
    return np.asarray(ndimage.affine_transform(images.astype(np.float32), whole, offset, order=1))


def _moved(images: Images, matrix: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.floating[Any]]:
    """Return photographs (n, h, w, 3) moved; beyond their edge its pixels go on.

    Pillow does it, an image at a time: SciPy would interpolate between images and channels too, which takes ten times as
    long.

    Args:
        images: uint8.
        matrix: (2, 2), from row and column of a pixel to those of its origin.
        start: (2,), the origin of the first pixel.
    """
    height, width = images.shape[1:3]
    margin = (max(height, width) + 1) // 2
    (down, across), (down_x, across_x) = matrix
    # Pillow counts from a pixel's corner, and names the column first.
    middle = start + margin + 0.5 - matrix.sum(axis=1) / 2
    terms = (across_x, down_x, middle[1], across, down, middle[0])
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="edge")
    moved = [
        Image.fromarray(image).transform((width, height), Image.Transform.AFFINE, terms, Image.Resampling.BILINEAR)
        for image in padded
    ]
    return np.stack([np.asarray(image) for image in moved]).astype(np.float32)


KINDS: tuple[Corruption, ...] = (
    Corruption("noise", "standard deviation, share of the range", (0.0, 0.1, 0.2, 0.3, 0.4), _noise),
    Corruption("blur", "sigma, pixels", (0.0, 0.5, 1.0, 1.5, 2.0), _blur),
    Corruption("rotation", "degrees", (0.0, 10.0, 20.0, 30.0, 45.0), _rotation),
    Corruption("shift", "pixels, right and down", (0.0, 1.0, 2.0, 3.0, 4.0), _shift),
    Corruption("scale", "size", (1.0, 0.9, 0.8, 0.7, 0.6), _scale),
    Corruption("contrast", "share of the range", (1.0, 0.7, 0.5, 0.3, 0.15), _contrast),
    Corruption("occlusion", "side of the square, pixels", (0.0, 4.0, 6.0, 8.0, 10.0), _occlusion),
)
"""The corruptions of grey images."""

COLOUR_KINDS: tuple[Corruption, ...] = (
    Corruption("noise", "standard deviation, share of the range", (0.0, 0.03, 0.06, 0.1, 0.2), _noise),
    Corruption("blur", "sigma, pixels", (0.0, 0.5, 0.8, 1.1, 1.5), _blur),
    Corruption("brightness", "added, share of the range", (0.0, 0.1, 0.2, 0.3, 0.4), _brightness),
    Corruption("darkness", "taken away, share of the range", (0.0, 0.1, 0.2, 0.3, 0.4), _darkness),
    Corruption("contrast", "share of the range", (1.0, 0.7, 0.5, 0.3, 0.15), _contrast),
    Corruption("saturation", "share of the colour", (1.0, 0.7, 0.4, 0.2, 0.0), _saturation),
    Corruption("compression", "JPEG quality", (100.0, 50.0, 25.0, 10.0, 5.0), _jpeg),
    Corruption("rotation", "degrees", (0.0, 10.0, 20.0, 30.0, 45.0), _rotation),
    Corruption("shift", "pixels, right and down", (0.0, 1.0, 2.0, 3.0, 4.0), _shift),
    Corruption("occlusion", "side of the square, pixels", (0.0, 4.0, 6.0, 8.0, 10.0), _occlusion),
)
"""The corruptions of colour images: milder noise and blur, which hide more of a photograph than of a drawing."""
