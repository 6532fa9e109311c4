"""The limits of a user's image, and the error for one that can't be used."""

from __future__ import annotations

import struct
import zipfile
import zlib

from PIL import Image

MOST_PIXELS = 64_000_000
"""The most pixels of an image; a larger one is rejected before it is decoded. Phone cameras give 12 to 50 million."""
MOST_BYTES = 512 * 2**20
"""The most bytes of a file, and of an array that is unpacked from one."""

DAMAGES = (
    OSError, ValueError, SyntaxError, EOFError, RuntimeError, KeyError, IndexError, TypeError, OverflowError,
    struct.error, zlib.error, zipfile.BadZipFile, MemoryError, Image.DecompressionBombError, NotImplementedError,
)  # fmt: skip
"""Exceptions that Pillow, `zipfile` and NumPy raise for a damaged file."""


class Unreadable(Exception):
    """An image that can't be used; the message follows its name."""


def check_size(width: int, height: int) -> None:
    """Raise `Unreadable` where an image has too many pixels, or none."""
    if width * height > MOST_PIXELS:
        raise Unreadable(f"too large. Expected at most {MOST_PIXELS:,} pixels. Received: {width}×{height}")
    if width * height == 0:
        raise Unreadable(f"without pixels. Received: {width}×{height}")


def short(error: BaseException) -> str:
    """Return an error's message in one short line."""
    return " ".join(str(error).split())[:120] or type(error).__name__
