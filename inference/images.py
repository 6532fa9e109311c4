"""Reading people's images: files, folders, standard input, NumPy arrays. Each becomes a grey picture, or a reason why not.

Everything is checked before it is decoded: size, shape, type. Nothing is unpickled. What is ink is found elsewhere
(`inference.preparation`).
"""

from __future__ import annotations

import io
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from inference.preparation import Grey
from tuner.npy import MOST_HEADER_BYTES, read_npy_header

MOST_PIXELS = 64_000_000
"""Of an image; a larger one is refused before it is decoded. Telephones' cameras give 12 to 50 million."""
MOST_BYTES = 512 * 2**20
"""Of a file, and of an array that is unpacked from one."""
LONGEST_SIDE = 1600
"""Larger pictures are reduced to so many pixels."""
THUMBNAIL = 192
"""The longer side of the copy that a page shows."""
STANDARD_INPUT = "-"

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".pgm",
    ".ppm",
    ".pbm",
    ".avif",
    ".npy",
    ".npz",
)
"""What is taken out of a folder."""

_EXPECTED = "Expected PNG, JPEG, WebP, GIF, BMP, TIFF, PPM, AVIF, .npy or .npz"
_SEVERAL_FRAMES = "has several frames: this is the first"
_DAMAGES = (
    OSError, ValueError, SyntaxError, EOFError, RuntimeError, KeyError, IndexError, TypeError, OverflowError,
    struct.error, zlib.error, zipfile.BadZipFile, MemoryError, Image.DecompressionBombError, NotImplementedError,
)  # fmt: skip
"""What Pillow, `zipfile` and NumPy raise of a file that is damaged."""


class Unreadable(Exception):
    """An image that can't be used, and why: the words that follow its name."""


class NoImages(Exception):
    """A folder without images, told in one line."""


@dataclass(frozen=True)
class Picture:
    """An image as it was given."""

    name: str
    grey: Grey
    """(h, w) light in [0, 1], 1600 pixels a side at most."""
    original: Image.Image | None = None
    """A small copy to show."""
    note: str | None = None
    """What the reader should know of how it was read."""


@dataclass(frozen=True)
class Refused:
    """An image that can't be read."""

    name: str
    reason: str


def read_images(words: Iterable[str], stdin: Callable[[], BinaryIO]) -> Iterator[Picture | Refused]:
    """The images that a command line names, in its order; a folder's by name.

    Args:
        words: files, folders, or "-" for standard input.
        stdin: gives standard input.

    Raises:
        NoImages: where a folder has none, or can't be read.
    """
    for word in words:
        if word == STANDARD_INPUT:
            yield from _one(word, lambda: _all_of(stdin()))
        elif os.path.isdir(word):  # never raises, whatever the name
            for path in _some_inside(Path(word)):
                yield from _one(str(path), lambda path=path: _file(path))  # type: ignore[misc]
        else:
            yield from _one(word, lambda word=word: _file(Path(word)))  # type: ignore[misc]


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder, by name; not those in folders below, nor hidden ones.

    Raises:
        NoImages: where it can't be read.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise NoImages(f"A folder of images can't be read: {error.strerror}. Received: {folder}") from error
    return [path for path in found if not path.name.startswith(".")]


def _some_inside(folder: Path) -> list[Path]:
    found = images_in(folder)
    if not found:
        raise NoImages(f"A folder has no images. {_EXPECTED} files in it (not in folders below). Received: {folder}")
    return found


def _file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        Unreadable: where there is none, or it is too large, or no file but a device or a pipe.
    """
    try:
        if not path.exists():
            raise Unreadable("no such file. Correct the path")
        if not path.is_file():
            raise Unreadable("no ordinary file. Expected an image file, a folder, or - for standard input")
        with path.open("rb") as file:
            return _all_of(file)
    except (OSError, ValueError) as error:
        raise Unreadable(f"can't be read: {getattr(error, 'strerror', None) or error}") from error


def _all_of(file: BinaryIO) -> bytes:
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unreadable(f"too large. Expected at most {MOST_BYTES // 2**20} MiB")
    if not content:
        raise Unreadable(f"empty. {_EXPECTED}")
    return content


def _one(name: str, content: Callable[[], bytes]) -> Iterator[Picture | Refused]:
    try:
        yield from _pictures(name, content())
    except Unreadable as error:
        yield Refused(name, str(error))


def _pictures(name: str, content: bytes) -> Iterator[Picture]:
    if content.startswith(b"\x93NUMPY"):
        yield from _of_array(name, _load(io.BytesIO(content), len(content)))
    elif content.startswith(b"PK\x03\x04"):
        yield from _of_array(name, _member(content))
    else:
        yield _decoded(name, content)


def _decoded(name: str, content: bytes) -> Picture:
    """An image file's picture.

    Raises:
        Unreadable: where it is of no known kind, too large or damaged.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of large images and of odd metadata: both are looked at here
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                check_size(*image.size)
                several = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                image.load()
                return _picture(name, _upright(image), _SEVERAL_FRAMES if several else None)
        except Image.DecompressionBombError as error:
            raise Unreadable(f"too large. Expected at most {MOST_PIXELS:,} pixels") from error
        except UnidentifiedImageError as error:
            raise Unreadable(f"no image of a known kind. {_EXPECTED}") from error
        except _DAMAGES as error:
            raise Unreadable(f"damaged or truncated ({_short(error)}). Save or copy it again") from error


def check_size(width: int, height: int) -> None:
    """
    Raises:
        Unreadable: where an image has more pixels than are decoded, or none.
    """
    if width * height > MOST_PIXELS:
        raise Unreadable(f"too large. Expected at most {MOST_PIXELS:,} pixels. Received: {width}×{height}")
    if width * height == 0:
        raise Unreadable(f"without pixels. Received: {width}×{height}")


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF tag says; a damaged tag turns nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGES:
        return image.copy()


def _picture(name: str, image: Image.Image, note: str | None = None) -> Picture:
    plain = _opaque(_eight_bits(image))
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX, reducing_gap=None)
    grey: Grey = np.asarray(plain.convert("L"), np.float32) / np.float32(255)
    plain.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return Picture(name, grey, plain, note)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Images of 16 or 32 bits a pixel as those of 8."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float64)
    if not np.isfinite(values).all():
        raise Unreadable("has pixels that are not finite numbers")
    if image.mode == "F":
        full = 1.0 if values.max() <= 1 else 255.0 if values.max() <= 255 else 65535.0
    else:
        full = 65535.0 if image.mode != "I" or values.max() > 255 else 255.0
    return Image.fromarray(np.clip(np.rint(255 * values / full), 0, 255).astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    """RGB; what is transparent becomes paper: white under dark ink, black under bright ink."""
    if "transparency" not in image.info and not image.mode.endswith(("A", "a")):
        return image.convert("RGB")
    colour = image.convert("RGBA")
    alpha = np.asarray(colour.getchannel("A"), np.float64)
    light = np.asarray(colour.convert("RGB").convert("L"), np.float64)
    seen = alpha.sum()
    bright = bool(seen > 0 and (alpha * light).sum() / seen > 127.5)
    # A screenshot that is opaque but for its corners has its own paper; the corners should look like it.
    mostly_opaque = float((alpha > 127).mean()) > 0.5
    paper = 255 if bright == mostly_opaque else 0
    ground = Image.new("RGBA", colour.size, (paper, paper, paper, 255))
    return Image.alpha_composite(ground, colour).convert("RGB")


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
            if named[0].file_size > MOST_BYTES:
                raise Unreadable(f"too large. Expected at most {MOST_BYTES // 2**20} MiB once unpacked")
            with archive.open(named[0]) as stream:
                return _load(stream, named[0].file_size)
    except _DAMAGES as error:
        raise Unreadable(
            f"damaged or no .npz file ({_short(error)}). Save it again with numpy.savez_compressed"
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
    content = io.BytesIO(stream.read(MOST_BYTES + 1))
    try:
        shape, dtype, start = read_npy_header(io.BytesIO(content.getbuffer()[:MOST_HEADER_BYTES]))
        if dtype.hasobject or dtype.kind not in "buif":
            raise Unreadable(f"Expected numbers; nothing pickled is read. Received an array of {_kind(dtype)}")
        if start + dtype.itemsize * _count(shape) != size_bytes:
            raise Unreadable(
                f"truncated or with a wrong header. Expected {_count(shape):,} values for the shape {shape}"
            )
        return np.lib.format.read_array(content, allow_pickle=False)
    except _DAMAGES as error:
        raise Unreadable(f"damaged or no .npy file ({_short(error)}). Save it again with numpy.save") from error


def _kind(dtype: np.dtype[Any]) -> str:
    return "objects" if dtype.hasobject else str(dtype)[:40]


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


def _of_array(name: str, array: NDArray[Any]) -> Iterator[Picture]:
    """The pictures of an array: (h, w), (n, h, w), (n, h, w, 1, 3 or 4), (h, w, 3 or 4)."""
    images = _as_images(array)
    check_size(images.shape[2], images.shape[1])
    if not np.isfinite(images).all():
        raise Unreadable("has values that are not finite numbers")
    full = _full_value(images)
    for index, values in enumerate(images):
        pixels = np.rint(255.0 / full * values.astype(np.float64)).astype(np.uint8)
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        yield _picture(name if len(images) == 1 else f"{name}[{index}]", image)


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


def _full_value(images: NDArray[Any]) -> float:
    """What white is: 1 of booleans and of floats up to 1, else 255, else 65535."""
    low, high = float(images.min()), float(images.max())
    if low < 0 or high > 65535:
        raise Unreadable(f"Expected values from 0 to 1, 255 or 65535. Received: {low:g} to {high:g}")
    if images.dtype.kind == "b" or (images.dtype.kind == "f" and high <= 1):
        return 1.0
    return 255.0 if high <= 255 and images.dtype != np.uint16 else 65535.0 if high > 255 else 255.0


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
