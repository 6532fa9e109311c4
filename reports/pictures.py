"""Arrays of pixels to `data:` addresses of PNG images. The same array gives the same text."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

_NONE = Image.Dither.NONE
_NEGATIVE = (213, 94, 0)
_POSITIVE = (0, 114, 178)
"""Okabe and Ito's vermilion and blue."""


def grey(image: npt.ArrayLike) -> str:
    """A (height, width) uint8 image."""
    pixels = np.ascontiguousarray(np.asarray(image, dtype=np.uint8))
    return _png(pixels[:, :, None], colour_type=0)


def colour(image: npt.NDArray[np.uint8], colours: int = 16) -> str:
    """A (height, width) or (height, width, 3) uint8 image in a few colours of its own: small enough to stand in a page by the dozen."""
    few = (
        Image.fromarray(np.ascontiguousarray(image))
        .convert("RGB")
        .quantize(colours, Image.Quantize.MEDIANCUT, dither=_NONE)
    )
    stream = io.BytesIO()
    few.save(stream, "PNG", optimize=True)
    return _address(stream.getvalue())


def signed(weights: npt.ArrayLike, largest: float) -> str:
    """(height, width) weights: blue above zero, vermilion below; the nearer to zero the more of the page shows through."""
    values = np.nan_to_num(np.asarray(weights, dtype=np.float64))
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(values[..., None] >= 0, _POSITIVE, _NEGATIVE)
    pixels[..., 3] = np.clip(255 * np.abs(values) / (largest or 1.0), 0, 255).astype(np.uint8)
    return _png(pixels, colour_type=6)


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
    return _png(pixels, colour_type=4)


def _png(pixels: npt.NDArray[np.uint8], colour_type: int) -> str:
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + pixels[0].size), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return _address(b"\x89PNG\r\n\x1a\n" + body)


def _address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
