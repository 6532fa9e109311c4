"""Picture files: opening one within the limits, and one as an image of a size. All that is decoded goes through here.

So a picture of the training set and the same picture given to `predict` become the same pixels.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from tuner.core.pictures import Resize, Size
from tuner.images import heic, limits
from tuner.images.limits import DAMAGES, Unreadable, check_size
from tuner.images.resizing import resized

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
"""Pillow's names of the formats that are read, HEIC besides."""
_SHARPNESS = 2
"""A JPEG is decoded at this many times the wanted size, or more: it is made smaller while it is decoded."""
_ON_ITS_SIDE = 5
"""The first of EXIF's orientations that turns a picture by a quarter."""


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence Pillow, which warns of large images and of odd metadata: both are looked at here.

    The filter is the whole process's: set it once around threads, not in them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_picture(file: BinaryIO) -> Image.Image:
    """Return a picture whose header was read; nothing is decoded, and no more is read than the header needs.

    Args:
        file: an ordinary file or bytes, whose end can be sought; it stays open.

    Raises:
        Unreadable: it is empty, too large, or HEIC without the package for it.
        UnidentifiedImageError: of no known kind; others of `limits.DAMAGES` where the header is damaged.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    if size_bytes == 0:
        raise Unreadable("empty")
    if size_bytes > limits.MOST_BYTES:
        raise Unreadable(f"too large. Expected at most {limits.MOST_BYTES // 2**20} MiB")
    file.seek(0)
    head = file.read(heic.HEAD_BYTES)
    file.seek(0)
    try:
        picture = Image.open(file, formats=(*FORMATS, *heic.readable_formats(head)))
    except Image.DecompressionBombError as error:
        raise Unreadable(f"too large. Expected at most {limits.MOST_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        if heic.is_heic(head):
            raise Unreadable(heic.ADVICE) from error
        raise
    check_size(*picture.size)
    return picture


def image_of_file(
    file: BinaryIO, size: Size, how: Resize = "crop", grayscale: bool = False
) -> tuple[NDArray[np.uint8], Size]:
    """Return a picture's file as an image of a size, (h, w) or (h, w, 3), and the picture's own height and width.

    Args:
        file: as of `open_picture`.
        size: height and width of the image.
        how: as of `resized`, like `grayscale`.

    Raises:
        Unreadable: as of `open_picture`, or its pixels are not finite.
        UnidentifiedImageError: of no known kind; others of `limits.DAMAGES` where it is damaged.
    """
    with open_picture(file) as picture:
        original_size = upright_size(picture)
        # Pillow ignores this for all formats but JPEG. The sides are alike, since the picture may lie on its side.
        picture.draft(None, (max(size) * _SHARPNESS,) * 2)
        return resized(picture, size, how, grayscale), original_size


def upright_size(picture: Image.Image) -> Size:
    """Return height and width as they are once the picture is turned as its EXIF tag says; a damaged tag is ignored.

    Pillow decodes a PNG to look for a tag behind its pixels: only one in the header counts here.
    """
    try:
        on_its_side = "exif" in picture.info and picture.getexif().get(ExifTags.Base.Orientation, 1) >= _ON_ITS_SIDE
    except DAMAGES:
        on_its_side = False
    return (picture.width, picture.height) if on_its_side else (picture.height, picture.width)
