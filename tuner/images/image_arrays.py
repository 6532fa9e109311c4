"""Images in NumPy's files: an array of them, or the one array of an archive. The header is checked before values are read; nothing is unpickled."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.images import limits
from tuner.images.limits import DAMAGES, Unreadable, check_size, short
from tuner.storage.npz_io import Array, NpyHeader, open_npz, read_header

NPY, NPZ = b"\x93NUMPY", b"PK\x03\x04"
"""The first bytes of the files."""


@dataclass(frozen=True)
class ImageArray:
    """Images of an array, one after another as pixels from 0 to 255: (h, w) or (h, w, 3 or 4)."""

    values: Array
    """(n, h, w, channels)"""
    white: float

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for values in self.values:
            pixels = np.rint(255.0 / self.white * values.astype(np.float64)).astype(np.uint8)
            yield pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def images_of_array(content: bytes) -> ImageArray:
    """Return the images of a `.npy` or `.npz` file: (h, w), (n, h, w), (n, h, w, 1, 3 or 4), (h, w, 3 or 4).

    Raises:
        Unreadable: where the file is damaged or too large, or holds no images.
    """
    try:
        array = _only_array(content) if content.startswith(NPY) else _only_member(content)
    except DAMAGES as error:
        kind, function = (".npy", "numpy.save") if content.startswith(NPY) else (".npz", "numpy.savez_compressed")
        raise Unreadable(f"damaged or no {kind} file ({short(error)}). Save it again with {function}") from error
    images = _as_images(array)
    check_size(images.shape[2], images.shape[1])
    if not np.isfinite(images).all():
        raise Unreadable("has values that are not finite numbers")
    return ImageArray(images, _white(images))


def _only_array(content: bytes) -> Array:
    """Return the array of a `.npy` file."""
    _check_header(read_header(io.BytesIO(content), len(content)))
    values: Array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return values


def _only_member(content: bytes) -> Array:
    """Return the one array of images in an archive.

    Raises:
        Unreadable: where it holds none or several.
    """
    with open_npz(io.BytesIO(content)) as archive:
        headers = {name: archive.header(name) for name in archive.names}
        named = [name for name, header in headers.items() if len(header.shape) >= 2]
        if len(named) != 1:
            shapes = ", ".join(f"{name} {header.shape}" for name, header in list(headers.items())[:8])
            raise Unreadable(f"Expected one array of images in the archive. Received: {shapes or 'no arrays'}")
        _check_header(headers[named[0]])
        return archive.read(named[0])


def _check_header(header: NpyHeader) -> None:
    """Raise `Unreadable` where the array is pickled, too large or truncated."""
    if header.stored_bytes > limits.MOST_BYTES:
        raise Unreadable(f"too large. Expected at most {limits.MOST_BYTES // 2**20} MiB once unpacked")
    if header.dtype.hasobject or header.dtype.kind not in "buif":
        kind = "objects" if header.dtype.hasobject else str(header.dtype)[:40]
        raise Unreadable(f"Expected numbers; nothing pickled is read. Received an array of {kind}")
    if not header.is_whole:
        values = math.prod(header.shape)
        raise Unreadable(f"truncated or with a wrong header. Expected {values:,} values for the shape {header.shape}")


def _as_images(array: Array) -> Array:
    """Return an array as (n, h, w, channels)."""
    coloured = array.ndim >= 3 and array.shape[-1] in (1, 3, 4)
    if array.ndim == 2:
        images = array[None, ..., None]
    elif array.ndim == 3:
        images = array[None] if coloured else array[..., None]
    elif array.ndim == 4 and coloured:
        images = array
    else:
        raise Unreadable(f"Expected images (n, height, width). Received: an array of the shape {array.shape}")
    if images.size == 0:
        raise Unreadable(f"without images. Received: an array of the shape {array.shape}")
    return images


def _white(images: Array) -> float:
    """Return the value of white: 1 for booleans and floats up to 1, else 255, else 65535."""
    low, high = float(images.min()), float(images.max())
    if low < 0 or high > 65535:
        raise Unreadable(f"Expected values from 0 to 1, 255 or 65535. Received: {low:g} to {high:g}")
    if images.dtype.kind == "b" or (images.dtype.kind == "f" and high <= 1):
        return 1.0
    return 255.0 if high <= 255 and images.dtype != np.uint16 else 65535.0 if high > 255 else 255.0
