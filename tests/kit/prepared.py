"""Pages of strokes, and differences between prepared images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.images.digits.contrast import Grey
from tuner.images.digits.preparation import prepare


def page(mask: NDArray[np.float64], margin: tuple[int, int] = (40, 40), size: tuple[int, int] = (300, 300)) -> Grey:
    """Return black ink on white paper, (h, w) in [0, 1]."""
    sheet = np.ones(size, np.float32)
    height, width = mask.shape
    sheet[margin[0] : margin[0] + height, margin[1] : margin[1] + width] -= mask.astype(np.float32)
    return sheet


def seen(grey: Grey) -> NDArray[np.uint8]:
    prepared = prepare(grey)
    assert prepared.warning is None
    assert prepared.image is not None
    return prepared.image


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the mean absolute difference over pixels, of 255."""
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def difference_but_for_a_pixel(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the smallest mean difference of the images shifted by up to a pixel, since centres of mass may be rounded differently."""
    steps = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(difference(first, np.roll(second, step, (0, 1))) for step in steps)


def sheet(value: float, size: tuple[int, int] = (120, 160)) -> Grey:
    return np.full(size, value, np.float32)
