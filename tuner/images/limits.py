"""The limits of a user's image, and the error for one that can't be used."""

from __future__ import annotations

import struct
import zipfile
import zlib

from PIL import Image

MOST_PIXELS = 64_000_000
"""Pixels of an image at most; a larger one is refused before it is decoded. Telephones' cameras give 12 to 50 million."""
MOST_BYTES = 512 * 2**20
"""Bytes of a file at most, and of an array that is unpacked from one."""

DAMAGES = (
    OSError, ValueError, SyntaxError, EOFError, RuntimeError, KeyError, IndexError, TypeError, OverflowError,
    struct.error, zlib.error, zipfile.BadZipFile, MemoryError, Image.DecompressionBombError, NotImplementedError,
)  # fmt: skip
"""Exceptions that Pillow, `zipfile` and NumPy raise for a damaged file."""


class Unreadable(Exception):
    """An image that can't be used, and why: the words that follow its name."""


def check_size(width: int, height: int) -> None:
    """
    Raises:
        Unreadable: where an image has more pixels than are decoded, or none.
    """
    if width * height > MOST_PIXELS:
        raise Unreadable(f"too large. Expected at most {MOST_PIXELS:,} pixels. Received: {width}×{height}")
    if width * height == 0:
        raise Unreadable(f"without pixels. Received: {width}×{height}")


def short(error: BaseException) -> str:
    """An error's words in a line."""
    return " ".join(str(error).split())[:120] or type(error).__name__
