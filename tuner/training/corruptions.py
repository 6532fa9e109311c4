"""Test images made worse step by step, to see what a model stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Images: TypeAlias = NDArray[np.uint8]
Corrupt: TypeAlias = Callable[[Images, float, np.random.Generator], NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Corruption:
    """One way of making images worse."""

    name: str
    unit: str
    levels: tuple[float, ...]
    """The first one leaves images as they are."""
    corrupt: Corrupt


def corrupted(kind: Corruption, images: Images, level: float, rng: np.random.Generator) -> Images:
    """Images (n, 28, 28) uint8 made worse by one kind at one level."""
    if level == kind.levels[0]:
        return images
    return np.clip(np.rint(kind.corrupt(images, level, rng)), 0, 255).astype(np.uint8)


def _noise(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    noise: NDArray[np.floating[Any]] = rng.normal(0, 255 * level, images.shape).astype(np.float32)
    return images.astype(np.float32) + noise


def _blur(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return np.asarray(ndimage.gaussian_filter(images.astype(np.float32), (0, level, level)))


def _rotation(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    angle = math.radians(level)
    return _affine(images, np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]))


def _scale(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return _affine(images, np.eye(2) / level)


def _shift(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return np.asarray(ndimage.shift(images.astype(np.float32), (0, level, level), order=1))


def _contrast(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    return images.astype(np.float32) * level


def _occlusion(images: Images, level: float, rng: np.random.Generator) -> NDArray[np.floating[Any]]:
    """A black square of `level` pixels a side, somewhere in the middle 20×20, elsewhere in each image."""
    side, size = int(level), images.shape[1]
    tops, lefts = rng.integers(4, size - 3 - side, (2, len(images), 1, 1))
    rows, columns = np.arange(size)[None, :, None], np.arange(size)[None, None, :]
    hidden = (rows >= tops) & (rows < tops + side) & (columns >= lefts) & (columns < lefts + side)
    return np.where(hidden, 0, images).astype(np.float32)


def _affine(images: Images, matrix: NDArray[np.float64]) -> NDArray[np.floating[Any]]:
    centre = (np.array(images.shape[1:]) - 1) / 2
    whole = np.eye(3)
    whole[1:, 1:] = matrix
    offset = np.concatenate([[0.0], centre - matrix @ centre])
    return np.asarray(ndimage.affine_transform(images.astype(np.float32), whole, offset, order=1))


KINDS: tuple[Corruption, ...] = (
    Corruption("noise", "standard deviation, share of the range", (0.0, 0.1, 0.2, 0.3, 0.4), _noise),
    Corruption("blur", "sigma, pixels", (0.0, 0.5, 1.0, 1.5, 2.0), _blur),
    Corruption("rotation", "degrees", (0.0, 10.0, 20.0, 30.0, 45.0), _rotation),
    Corruption("shift", "pixels, right and down", (0.0, 1.0, 2.0, 3.0, 4.0), _shift),
    Corruption("scale", "size", (1.0, 0.9, 0.8, 0.7, 0.6), _scale),
    Corruption("contrast", "share of the range", (1.0, 0.7, 0.5, 0.3, 0.15), _contrast),
    Corruption("occlusion", "side of the square, pixels", (0.0, 4.0, 6.0, 8.0, 10.0), _occlusion),
)
