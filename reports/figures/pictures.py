"""Pixel arrays as `data:` URLs of images, and the size in which they are shown. The same array gives the same text.

Small grey images are PNG, to the bit. In colour, or of more than 32×32 pixels, a PNG is too heavy for a page with
hundreds of them: those are WebP, with losses that are hardly seen.
"""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_NONE = Image.Dither.NONE
_MOST_LOSSLESS = 32 * 32
"""The most pixels of a grey image that is written without losses."""
_LARGE = 64 * 64
"""The pixels above which an image is written with more losses, so that a page of 260 stays under half a megabyte."""
_QUALITY, _QUALITY_LARGE = 85, 70
_LONGEST_MAP = 32
"""The longest side of feature maps and kernels; larger ones are reduced by area."""
_HUGE = 1e30
_LEAST_SHOWN = 48
_SMALL = (40, 64)
"""The longer side of a small picture: at least, at most."""
_NEGATIVE = (213, 94, 0)
_POSITIVE = (0, 114, 178)
"""Okabe and Ito's vermilion and blue."""


def grey(image: npt.ArrayLike) -> str:
    """Return the URL of a (height, width) uint8 image."""
    return _address(Image.fromarray(np.asarray(image, dtype=np.uint8)))


def photograph(image: npt.NDArray[np.uint8]) -> str:
    """Return the URL of an image of a data set, (height, width) or (height, width, 3) uint8."""
    if image.ndim == 2 and image.size <= _MOST_LOSSLESS:
        return grey(image)
    pixels = image.shape[0] * image.shape[1]
    stream = io.BytesIO()
    quality = _QUALITY if pixels <= _LARGE else _QUALITY_LARGE
    Image.fromarray(image).save(stream, "WEBP", quality=quality, method=6)
    return _url("webp", stream)


def shown_size(shape: tuple[int, ...], least: int = _LEAST_SHOWN) -> tuple[int, int]:
    """Return width and height in CSS pixels: a whole multiple of the image's size, its longer side `least` or more."""
    height, width = shape[:2]
    times = math.ceil(least / max(height, width))
    return width * times, height * times


def small_size(shape: tuple[int, ...], least: int = _SMALL[0]) -> tuple[int, int]:
    """Return width and height in CSS pixels of one of many small pictures: its own size, from `least` to 64."""
    height, width = shape[:2]
    factor = min(max(least, height, width), _SMALL[1]) / max(height, width)
    return round(width * factor), round(height * factor)


def colour(image: npt.NDArray[np.uint8], colours: int = 16) -> str:
    """Return the URL of a (height, width) or (height, width, 3) uint8 image in few colours, to keep it small."""
    return _address(Image.fromarray(image).convert("RGB").quantize(colours, Image.Quantize.MEDIANCUT, dither=_NONE))


def signed(weights: npt.ArrayLike, largest: float) -> str:
    """Return the URL of (height, width) weights: blue above zero, vermilion below, more transparent towards zero."""
    values = np.nan_to_num(np.asarray(weights, dtype=np.float64))
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(values[..., None] >= 0, _POSITIVE, _NEGATIVE)
    pixels[..., 3] = np.clip(255 * np.abs(values) / (largest or 1.0), 0, 255).astype(np.uint8)
    return _address(Image.fromarray(pixels))


def colours(weights: npt.ArrayLike, largest: float) -> str:
    """Return the URL of (height, width, 3) weights as the colours that they look for: mid-grey where they are zero."""
    values = np.nan_to_num(np.asarray(weights, dtype=np.float64)) / (largest or 1.0)
    return _address(Image.fromarray(np.clip(127.5 + 127.5 * values, 0, 255).astype(np.uint8)))


def reduced(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return (height, width, …) numbers, reduced by area where they have more than 32 pixels a side."""
    array = np.asarray(values)
    height, width = array.shape[:2]
    factor = _LONGEST_MAP / max(height, width)
    if factor >= 1:
        return array
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    # The arrays of an untrusted run may be beyond float32.
    planes = np.clip(np.nan_to_num(array), -_HUGE, _HUGE).astype(np.float32).reshape(height, width, -1)
    small = [
        np.asarray(Image.fromarray(np.ascontiguousarray(planes[..., k])).resize(size, Image.Resampling.BOX))
        for k in range(planes.shape[2])
    ]
    return np.stack(small, axis=-1).reshape(size[1], size[0], *array.shape[2:])


def strip(maps: npt.ArrayLike, gap: int = 1) -> str:
    """Return the URL of (height, width, channels) activations side by side, from 0 (black) to the maximum (white)."""
    values = np.nan_to_num(np.asarray(reduced(maps), dtype=np.float64))
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
    return _url("png", stream)


def _url(kind: str, stream: io.BytesIO) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(stream.getvalue()).decode("ascii")
