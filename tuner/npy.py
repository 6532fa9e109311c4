"""NumPy's files as they come from anybody: looked at before they are unpacked. Nothing is unpickled.

What the arrays of a data set mean is `data_checks.py`'s, those of a run `reports.array_checks`'s.
"""

from __future__ import annotations

import io
import lzma
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# `Any`: what a file holds has whatever type it was saved with.
Array: TypeAlias = NDArray[Any]
NpyHeader: TypeAlias = tuple[tuple[int, ...], np.dtype[Any], int]
"""Shape, type, and the length of the header itself in bytes."""

MOST_HEADER_BYTES = 2**16
MOST_MEMBERS = 200_000
DAMAGES = (
    OSError, ValueError, EOFError, RuntimeError, TypeError, KeyError, OverflowError, MemoryError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What `zipfile` and NumPy raise of an archive that is damaged, encrypted or compressed in a way that Python lacks."""


def read_npy_header(stream: IO[bytes]) -> NpyHeader:
    """The header that starts here. It may say that it is 4 GiB long: so much is not read.

    Raises:
        ValueError: where it is none.
    """
    start = io.BytesIO(stream.read(MOST_HEADER_BYTES))
    try:
        version = np.lib.format.read_magic(start)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(start)
    except (SyntaxError, tokenize.TokenError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError(f"no header of an array: {type(error).__name__}") from error
    return shape, dtype, start.tell()


def load_archive(path: Path, most_bytes: int) -> dict[str, Array]:
    """All arrays of a .npz file: numbers, truth values and texts.

    Args:
        path: of the file.
        most_bytes: that they may take together once they are unpacked.

    Raises:
        ValueError: where it is damaged, pickled, too large, or holds what is no array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > most_bytes:
                raise ValueError(f"it would take more than {most_bytes // 2**20:,} MiB once unpacked")
            return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
    except DAMAGES as error:
        raise ValueError(" ".join(str(error).split())[:200] or type(error).__name__) from error


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as stream:
        shape, dtype, length = read_npy_header(stream)
    if dtype.hasobject or dtype.kind not in "biufU" or dtype.itemsize > MOST_HEADER_BYTES:
        raise ValueError(f"{member.filename[:80]} holds neither numbers nor texts; nothing pickled is read")
    if min(shape, default=0) < 0 or length + math.prod(shape) * dtype.itemsize != member.file_size:
        raise ValueError(f"{member.filename[:80]} is truncated or has a wrong header")
    with archive.open(member) as stream:
        # `Any` in the stub: an array, since nothing else was let through.
        found: Array = np.lib.format.read_array(stream, allow_pickle=False)
        return found
