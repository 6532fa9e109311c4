"""Reading people's images: files, folders, standard input. Each becomes a grey picture, or a reason why not.

Everything is checked before it is decoded: size, shape, type. Nothing is unpickled. `contrast` finds the ink.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from tuner.images import limits
from tuner.images.digits.contrast import Grey
from tuner.images.image_arrays import NPY, NPZ, images_of_array
from tuner.images.limits import DAMAGES, Unreadable, short
from tuner.images.picture_files import open_picture, without_warnings
from tuner.images.resizing import eight_bits, upright

LONGEST_SIDE = 1600
"""The longer side in pixels to which larger pictures are reduced."""
THUMBNAIL = 192
"""The longer side of the copy that a page shows."""
STANDARD_INPUT = "-"

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
    """A folder without images; the message is one line."""


@dataclass(frozen=True)
class Picture:
    """An image as it was read."""

    name: str
    grey: Grey
    """(h, w) light in [0, 1], 1600 pixels a side at most."""
    original: Image.Image
    """A small copy to show."""
    image: Image.Image
    """The picture as it is, upright, with 8 bits a channel: in colour, and transparent where it is."""
    note: str | None = None
    """A note about how it was read."""
    content: bytes | None = None
    """The content of its file; None where it is one of an array."""


@dataclass(frozen=True)
class Refused:
    """An image that can't be read."""

    name: str
    reason: str


def read_images(words: Iterable[str], stdin: Callable[[], BinaryIO]) -> Iterator[Picture | Refused]:
    """Yield the images that a command line names, in its order; a folder's by name.

    Args:
        words: files, folders, or "-" for standard input.
        stdin: gives standard input.

    Raises:
        NoImages: where a folder has no image, or can't be read.
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
    """Return the image files in a folder, by name; not those in folders below, nor hidden ones.

    Raises:
        NoImages: where it can't be read.
    """
    return [path for path in _inside(folder) if _is_taken(path)]


def passed_over(folder: Path) -> list[Path]:
    """Return the files and folders in a folder that are no image files, by name; not hidden ones.

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
    image_paths = images_in(folder)
    if not image_paths:
        raise NoImages(f"A folder has no images. {_EXPECTED} files in it (not in folders below). Received: {folder}")
    return image_paths


def _file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        Unreadable: where it is missing, too large, or a device or a pipe.
    """
    try:
        if not path.exists():
            raise Unreadable("no such file. Correct the path")
        if not path.is_file():
            raise Unreadable("no ordinary file. Expected an image file, a folder, or - for standard input")
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > limits.MOST_BYTES:
                raise _too_large()
            return _all_of(file)
    except (OSError, ValueError) as error:
        raise Unreadable(f"can't be read: {getattr(error, 'strerror', None) or error}") from error


def _all_of(file: BinaryIO) -> bytes:
    content = file.read(limits.MOST_BYTES + 1)
    if len(content) > limits.MOST_BYTES:
        raise _too_large()
    if not content:
        raise Unreadable(f"empty. {_EXPECTED}")
    return content


def _too_large() -> Unreadable:
    return Unreadable(f"too large. Expected at most {limits.MOST_BYTES // 2**20} MiB")


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
    """Return an image file's picture.

    Raises:
        Unreadable: where its format is unknown, or it is too large or damaged.
    """
    with without_warnings():
        try:
            with open_picture(io.BytesIO(content)) as image:
                several = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                image.load()
                return _picture(name, upright(image), _SEVERAL_FRAMES if several else None, content)
        except UnidentifiedImageError as error:
            raise Unreadable(f"no image of a known kind. {_EXPECTED}") from error
        except DAMAGES as error:
            raise Unreadable(f"damaged or truncated ({short(error)}). Save or copy it again") from error


def _picture(name: str, image: Image.Image, note: str | None = None, content: bytes | None = None) -> Picture:
    image = eight_bits(image)
    plain = _opaque(image)
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX, reducing_gap=None)
    grey: Grey = np.asarray(plain.convert("L"), np.float32) / np.float32(255)
    plain.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return Picture(name, grey, plain, image, note, content)


def _opaque(image: Image.Image) -> Image.Image:
    """Return an image as RGB; transparent pixels become paper: white under dark ink, black under bright ink."""
    if "transparency" not in image.info and not image.mode.endswith(("A", "a")):
        return image.convert("RGB")
    colour = image.convert("RGBA")
    alpha = np.asarray(colour.getchannel("A"), np.float64)
    light = np.asarray(colour.convert("RGB").convert("L"), np.float64)
    seen = alpha.sum()
    bright = bool(seen > 0 and (alpha * light).sum() / seen > 127.5)
    # A screenshot that is opaque except for its corners has its own paper; the corners should look like it.
    mostly_opaque = float((alpha > 127).mean()) > 0.5
    paper = 255 if bright == mostly_opaque else 0
    ground = Image.new("RGBA", colour.size, (paper, paper, paper, 255))
    return Image.alpha_composite(ground, colour).convert("RGB")
