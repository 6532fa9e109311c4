"""Arrays of pixels to `data:` addresses of PNG images. The same array gives the same text."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

_NONE = Image.Dither.NONE
_NEGATIVE = (213, 94, 0)
_POSITIVE = (0, 114, 178)
"""Okabe and Ito's vermilion and blue."""


def grey(image: npt.ArrayLike) -> str:
    """A (height, width) uint8 image."""
    return _address(Image.fromarray(np.asarray(image, dtype=np.uint8)))


def colour(image: npt.NDArray[np.uint8], colours: int = 16) -> str:
    """A (height, width) or (height, width, 3) uint8 image in a few colours of its own: small enough to stand in a page by the dozen."""
    return _address(Image.fromarray(image).convert("RGB").quantize(colours, Image.Quantize.MEDIANCUT, dither=_NONE))


def signed(weights: npt.ArrayLike, largest: float) -> str:
    """(height, width) weights: blue above zero, vermilion below; the nearer to zero the more of the page shows through."""
    values = np.nan_to_num(np.asarray(weights, dtype=np.float64))
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(values[..., None] >= 0, _POSITIVE, _NEGATIVE)
    pixels[..., 3] = np.clip(255 * np.abs(values) / (largest or 1.0), 0, 255).astype(np.uint8)
    return _address(Image.fromarray(pixels))


def strip(maps: npt.ArrayLike, gap: int = 1) -> str:
    """(height, width, channels) activations side by side, from none (black) to the layer's largest (white)."""
    values = np.nan_to_num(np.asarray(maps, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    scaled = (255 * (values - low) / ((high - low) or 1.0)).astype(np.uint8)
    height, width, channels = scaled.shape
    pixels = np.zeros((height, channels * (width + gap) - gap, 2), dtype=np.uint8)
    for channel in range(channels):
        start = channel * (width + gap)
        pixels[:, start : start + width, 0] = scaled[:, :, channel]
        pixels[:, start : start + width, 1] = 255
    return _address(Image.fromarray(pixels))


def _address(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
