"""Reading people's images: files, folders, standard input. Each becomes a grey picture, or a reason why not.

Everything is checked before it is decoded: size, shape, type. Nothing is unpickled. What is ink is found elsewhere
(`tuner.images.contrast`).
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tuner.images import heic, limits
from tuner.images.contrast import Grey
from tuner.images.image_arrays import NPY, NPZ, images_of_array
from tuner.images.limits import DAMAGES, Unreadable, check_size, short

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
    ".heic",
    ".heif",
    ".hif",
    ".npy",
    ".npz",
)
"""The endings of the files that are read in a folder."""

_EXPECTED = "Expected PNG, JPEG, WebP, GIF, BMP, TIFF, PPM, AVIF, .npy or .npz"
_SEVERAL_FRAMES = "has several frames: this is the first"


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
    """A note about how it was read."""


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
    return [path for path in _inside(folder) if _is_taken(path)]


def passed_over(folder: Path) -> list[Path]:
    """Return what is in a folder and is no image file, by name: other files, and folders; not hidden ones.

    Raises:
        NoImages: where it can't be read.
    """
    return [path for path in _inside(folder) if not _is_taken(path)]


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise NoImages(f"A folder of images can't be read: {error.strerror}. Received: {folder}") from error


def _is_taken(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


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
    content = file.read(limits.MOST_BYTES + 1)
    if len(content) > limits.MOST_BYTES:
        raise Unreadable(f"too large. Expected at most {limits.MOST_BYTES // 2**20} MiB")
    if not content:
        raise Unreadable(f"empty. {_EXPECTED}")
    return content


def _one(name: str, content: Callable[[], bytes]) -> Iterator[Picture | Refused]:
    try:
        yield from _pictures(name, content())
    except Unreadable as error:
        yield Refused(name, str(error))


def _pictures(name: str, content: bytes) -> Iterator[Picture]:
    if not content.startswith((NPY, NPZ)):
        yield _decoded(name, content)
        return
    images = images_of_array(content)
    for index, pixels in enumerate(images):
        yield _picture(name if len(images) == 1 else f"{name}[{index}]", Image.fromarray(pixels))


def _decoded(name: str, content: bytes) -> Picture:
    """An image file's picture.

    Raises:
        Unreadable: where it is of no known kind, too large or damaged.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of large images and of odd metadata: both are looked at here
        try:
            with Image.open(io.BytesIO(content), formats=(*FORMATS, *heic.readable_formats(content))) as image:
                check_size(*image.size)
                several = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                image.load()
                return _picture(name, _upright(image), _SEVERAL_FRAMES if several else None)
        except Image.DecompressionBombError as error:
            raise Unreadable(f"too large. Expected at most {limits.MOST_PIXELS:,} pixels") from error
        except UnidentifiedImageError as error:
            raise Unreadable(
                heic.ADVICE if heic.is_heic(content) else f"no image of a known kind. {_EXPECTED}"
            ) from error
        except DAMAGES as error:
            raise Unreadable(f"damaged or truncated ({short(error)}). Save or copy it again") from error


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF tag says; a damaged tag turns nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except DAMAGES:
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
