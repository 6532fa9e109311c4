"""The distribution of pixels over a set of images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CHUNK = 10_000
"""Images that are counted at a time."""


@dataclass(frozen=True)
class PixelStatistics:
    """Mean and standard deviation of pixels in [0, 1], and their histogram; of colour, of all channels together."""

    mean: float
    sd: float
    histogram: tuple[int, ...]
    """256 counts, of 0 to 255."""


def pixel_statistics(images: NDArray[np.uint8]) -> PixelStatistics:
    """Return the statistics of images of any shape, one or more."""
    histogram = np.zeros(256, dtype=np.int64)
    for start in range(0, len(images), _CHUNK):
        histogram += np.bincount(images[start : start + _CHUNK].reshape(-1), minlength=256)
    values = np.arange(256) / 255
    mean = float(histogram @ values / histogram.sum())
    variance = float(histogram @ (values - mean) ** 2 / histogram.sum())
    return PixelStatistics(mean, variance**0.5, tuple(histogram.tolist()))
