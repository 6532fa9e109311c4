"""Images in NumPy's files: an array of them, or the one array of an archive. The header is checked before values are read; nothing is unpickled."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference import limits
from inference.limits import DAMAGES, Unreadable, check_size, short
from tuner.npy import MOST_HEADER_BYTES, read_npy_header

NPY, NPZ = b"\x93NUMPY", b"PK\x03\x04"
"""What the files begin with."""


@dataclass(frozen=True)
class ImageArray:
    """Images of an array, one after another as pixels from 0 to 255: (h, w) or (h, w, 3 or 4)."""

    values: NDArray[Any]
    """(n, h, w, channels)"""
    white: float

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for values in self.values:
            pixels = np.rint(255.0 / self.white * values.astype(np.float64)).astype(np.uint8)
            yield pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def images_of_array(content: bytes) -> ImageArray:
    """The images of a `.npy` or `.npz` file: (h, w), (n, h, w), (n, h, w, 1, 3 or 4), (h, w, 3 or 4).

    Raises:
        Unreadable: where the file is damaged or too large, or holds no images.
    """
    array = _load(io.BytesIO(content), len(content)) if content.startswith(NPY) else _member(content)
    images = _as_images(array)
    check_size(images.shape[2], images.shape[1])
    if not np.isfinite(images).all():
        raise Unreadable("has values that are not finite numbers")
    return ImageArray(images, _white(images))


def _member(content: bytes) -> NDArray[Any]:
    """The one array of images in an archive.

    Raises:
        Unreadable: where it holds none or several, or is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            shapes = {info.filename: _shape(archive, info) for info in members}
            named = [info for info in members if len(shapes[info.filename]) >= 2]
            if len(named) != 1:
                found = ", ".join(f"{info.filename[:-4]} {shapes[info.filename]}" for info in members[:8])
                raise Unreadable(f"Expected one array of images in the archive. Received: {found or 'no arrays'}")
            if named[0].file_size > limits.MOST_BYTES:
                raise Unreadable(f"too large. Expected at most {limits.MOST_BYTES // 2**20} MiB once unpacked")
            with archive.open(named[0]) as stream:
                return _load(stream, named[0].file_size)
    except DAMAGES as error:
        raise Unreadable(
            f"damaged or no .npz file ({short(error)}). Save it again with numpy.savez_compressed"
        ) from error


def _shape(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[int, ...]:
    """Of an array whose values are not read."""
    with archive.open(member) as stream:
        return read_npy_header(stream)[0]


def _load(stream: Any, size_bytes: int) -> NDArray[Any]:  # a file, or a member of an archive
    """An array whose header was looked at first.

    Raises:
        Unreadable: where it is pickled, too large or damaged.
    """
    content = io.BytesIO(stream.read(limits.MOST_BYTES + 1))
    try:
        shape, dtype, start = read_npy_header(io.BytesIO(content.getbuffer()[:MOST_HEADER_BYTES]))
        if dtype.hasobject or dtype.kind not in "buif":
            raise Unreadable(f"Expected numbers; nothing pickled is read. Received an array of {_kind(dtype)}")
        if start + dtype.itemsize * _count(shape) != size_bytes:
            raise Unreadable(
                f"truncated or with a wrong header. Expected {_count(shape):,} values for the shape {shape}"
            )
        return np.lib.format.read_array(content, allow_pickle=False)
    except DAMAGES as error:
        raise Unreadable(f"damaged or no .npy file ({short(error)}). Save it again with numpy.save") from error


def _kind(dtype: np.dtype[Any]) -> str:
    return "objects" if dtype.hasobject else str(dtype)[:40]


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


def _as_images(array: NDArray[Any]) -> NDArray[Any]:
    """(n, h, w, channels)."""
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


def _white(images: NDArray[Any]) -> float:
    """What white is: 1 of booleans and of floats up to 1, else 255, else 65535."""
    low, high = float(images.min()), float(images.max())
    if low < 0 or high > 65535:
        raise Unreadable(f"Expected values from 0 to 1, 255 or 65535. Received: {low:g} to {high:g}")
    if images.dtype.kind == "b" or (images.dtype.kind == "f" and high <= 1):
        return 1.0
    return 255.0 if high <= 255 and images.dtype != np.uint16 else 65535.0 if high > 255 else 255.0
