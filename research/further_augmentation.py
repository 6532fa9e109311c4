"""Further augmentations for experiments: cutout, elastic distortion, brightness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from search_spaces.keras.augmentation import Images

Augmenter = Callable[[Images, np.random.Generator], Images]
_FIELDS = 64
"""Elastic fields sampled for a chunk of images; each image takes one of them, randomly flipped."""


def cut_out(size: int) -> Augmenter:
    """Return an augmentation that sets a random square of each image to zero (DeVries and Taylor 2017)."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        count, height, width = images.shape
        tops, lefts = rng.integers(0, height - size + 1, count), rng.integers(0, width - size + 1, count)
        rows, columns = np.arange(height), np.arange(width)
        in_rows = (rows >= tops[:, None]) & (rows < tops[:, None] + size)
        in_columns = (columns >= lefts[:, None]) & (columns < lefts[:, None] + size)
        return np.where(in_rows[:, :, None] & in_columns[:, None, :], 0, images).astype(np.uint8)

    return change


def distort(pixels: float, sigma: float) -> Augmenter:
    """Return an elastic distortion (Simard et al. 2003): displacements of `pixels` (RMS), smooth over `sigma`."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        shifts = displacements(_FIELDS, images.shape[1:3], pixels, sigma, rng)
        chosen = rng.integers(0, _FIELDS, len(images))
        signs = rng.choice((-1.0, 1.0), (len(images), 2, 1, 1))
        return displace(images, shifts[chosen] * signs)

    return change


def displacements(
    count: int, size: tuple[int, int], pixels: float, sigma: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Sample smooth random fields (count, 2, height, width): rows and columns, `pixels` (RMS)."""
    from scipy import ndimage

    noise = rng.uniform(-1.0, 1.0, (count, 2, *size))
    smooth = ndimage.gaussian_filter(noise, (0, 0, sigma, sigma), mode="constant")
    return np.asarray(smooth * (pixels / np.sqrt(np.mean(smooth**2))), dtype=np.float64)


def displace(images: Images, shifts: NDArray[np.float64]) -> Images:
    """Return images (n, height, width) displaced by shifts (n, 2, height, width); bilinear, zeros outside."""
    count, height, width = images.shape
    padded = np.pad(images.astype(np.float32), ((0, 0), (1, 2), (1, 2)))
    rows = np.clip(np.arange(height)[None, :, None] + shifts[:, 0], -1, height) + 1
    columns = np.clip(np.arange(width)[None, None, :] + shifts[:, 1], -1, width) + 1
    top, left = rows.astype(np.int64), columns.astype(np.int64)
    down, right = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    which = np.arange(count)[:, None, None]
    upper = padded[which, top, left] * (1 - right) + padded[which, top, left + 1] * right
    lower = padded[which, top + 1, left] * (1 - right) + padded[which, top + 1, left + 1] * right
    return np.asarray(np.rint(upper * (1 - down) + lower * down), dtype=np.uint8)


def brighten(strength: float) -> Augmenter:
    """Return an augmentation that multiplies each image by a random factor, clipped at white."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        factors = rng.uniform(1.0 - strength, 1.0 + strength, (len(images), 1, 1))
        return np.asarray(np.clip(np.rint(images * factors), 0, 255), dtype=np.uint8)

    return change
