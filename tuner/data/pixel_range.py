"""The range in which pixels were saved, and their conversion to 0 to 255. Values only: no files, no shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXPECTED = "0 to 255, 0 to 1, -1 to 1, 0 to 16, 0 to 65535, or such values standardised by one mean and one deviation"
_EPSILON = 1e-6
_SIGNED_EPSILON = 1e-3
_NEARLY_BLACK = 64
"""Images whose brightest pixel is below this are not taken as 0 to 255."""
_DIM = 128
"""Images whose brightest pixel is below this get a note."""
_SIXTEEN_BITS = 2**15
"""Pixels of 16 bits use the highest bit."""
_WHOLE = 0.01
"""The largest rounding error of a pixel that was a whole number before it was standardised."""
_FEWEST_VALUES = 16
"""Fewer different values may be whole numbers by chance: one pixel of 1e6 among zeros."""
_CHUNK = 10_000


@dataclass(frozen=True)
class PixelRange:
    """The pixels of black and of white: a pixel v becomes 255 · (v − black) / (white − black)."""

    black: float
    white: float
    note: str | None = None
    """A note about it; None where pixels are from 0 to 255."""

    def convert(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return values of this range as pixels from 0 to 255, rounded to the nearest whole number."""
        if (self.black, self.white) == (0, 255) and values.dtype.kind != "f":
            return values.astype(np.uint8)
        pixels = (values.astype(np.float64) - self.black) * (255 / (self.white - self.black))
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def find_range(arrays: Sequence[NDArray[Any]]) -> PixelRange | None:
    """Return the range of images that were saved in the same way; None where it is not known.

    Args:
        arrays: of one type (booleans, integers or floats), finite, of any shapes.
    """
    low, high = min(float(array.min()) for array in arrays), max(float(array.max()) for array in arrays)
    if low < 0:
        return _signed(arrays, low, high)
    if high <= 1 + _EPSILON:
        return _unit(arrays[0].dtype.kind, high)
    if high in (15, 16) and all(_all_whole(part) for part in _parts(arrays)):
        return PixelRange(0, high, f"The pixels are from 0 to {high:g}: {high:g} is taken as white.")
    if high <= 255:
        return _eight_bits(arrays, high)
    if _SIXTEEN_BITS <= high <= 65535:
        return PixelRange(0, 65535, "The pixels have 16 bits, 0 to 65535: they were divided by 257 and rounded.")
    return _standardised(arrays, low, high)


def _unit(kind: str, high: float) -> PixelRange:
    if kind == "f":
        return PixelRange(0, 1, "The pixels are floats from 0 to 1: they were multiplied by 255.")
    if high < 1:
        return PixelRange(0, 255)
    return PixelRange(0, 1, "The pixels are zeros and ones: 1 is taken as white.")


def _eight_bits(arrays: Sequence[NDArray[Any]], high: float) -> PixelRange | None:
    if high >= _DIM:
        return PixelRange(0, 255)
    standardised = _standardised(arrays, 0, high)
    if standardised is not None or high < _NEARLY_BLACK:
        return standardised
    return PixelRange(0, 255, f"The pixels are taken as 0 to 255, though the brightest is only {high:g}.")


def _signed(arrays: Sequence[NDArray[Any]], low: float, high: float) -> PixelRange | None:
    if math.isclose(low, -1, abs_tol=_SIGNED_EPSILON) and math.isclose(high, 1, abs_tol=_SIGNED_EPSILON):
        return PixelRange(-1, 1, "The pixels are from -1 to 1: -1 is taken as black and 1 as white.")
    return _standardised(arrays, low, high)


def _standardised(arrays: Sequence[NDArray[Any]], low: float, high: float) -> PixelRange | None:
    """Return the range of floats that become whole numbers from 0 to 255 once they are stretched; None of others."""
    stretched_range = PixelRange(
        low, high, f"The pixels were standardised ({low:.4g} to {high:.4g}): they were stretched to 0 to 255 again."
    )
    if arrays[0].dtype.kind != "f" or low == high:
        return None
    values: set[float] = set()
    for part in _parts(arrays):
        pixels = (part.astype(np.float64) - low) * (255 / (high - low))
        if not _all_whole(pixels, _WHOLE):
            return None
        values.update(np.unique(np.rint(pixels)).tolist())
    return stretched_range if len(values) >= _FEWEST_VALUES else None


def _parts(arrays: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield a few images at a time, so that floats are never held twice."""
    for array in arrays:
        for start in range(0, len(array), _CHUNK):
            yield array[start : start + _CHUNK]


def _all_whole(values: NDArray[Any], tolerance: float = 0.0) -> bool:
    return bool(np.all(np.abs(values - np.rint(values)) <= tolerance))
