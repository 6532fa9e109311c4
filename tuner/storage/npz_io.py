"""NumPy's .npz archives: written whole or not at all; read with limits, headers first, whoever made them. Nothing is unpickled.

`tuner.data.validation` checks the arrays of a data set, `reports.run.array_checks` those of a run.
"""

from __future__ import annotations

import io
import lzma
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.storage.files import whole_file

# `Any`: what a file holds has whatever type it was saved with.
Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = dict[str, Array]

MOST_BYTES = 2 * 2**30
"""The most that the arrays of a run's archive may take once they are unpacked."""
_MOST_HEADER_BYTES = 2**16
_MOST_MEMBERS = 200_000
DAMAGES = (
    OSError, ValueError, EOFError, RuntimeError, TypeError, KeyError, OverflowError, MemoryError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""Exceptions that `zipfile` and NumPy raise for an archive that is damaged, encrypted or compressed in a way that Python lacks."""


@dataclass(frozen=True)
class ArrayHeader:
    """The header of an array, read before it is unpacked."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size_bytes(self) -> int:
        """Return the bytes of the values in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class NpyHeader(ArrayHeader):
    """The header of an array in NumPy's own form."""

    header_bytes: int
    """Bytes of the header itself."""
    stored_bytes: int
    """Bytes of header and values, as the file has them."""

    @property
    def expected_bytes(self) -> int:
        """Return the bytes of header and values, by shape and type."""
        return self.header_bytes + self.size_bytes

    @property
    def is_whole(self) -> bool:
        """Return whether there are as many values as the shape says."""
        return min(self.shape, default=0) >= 0 and self.expected_bytes == self.stored_bytes


def read_header(stream: IO[bytes], stored_bytes: int) -> NpyHeader:
    """Return the header of an array that starts here; a header that claims to be too long is not read.

    Raises:
        ValueError: where it is no header.
    """
    start = io.BytesIO(stream.read(_MOST_HEADER_BYTES))
    try:
        version = np.lib.format.read_magic(start)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(start)
    except (SyntaxError, tokenize.TokenError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError(f"no header of an array: {type(error).__name__}") from error
    return NpyHeader(shape, dtype, start.tell(), stored_bytes)


class NpzArchive:
    """An open archive. Each method raises one of `DAMAGES` where the file is damaged."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise ValueError(f"it has more than {_MOST_MEMBERS:,} members")
        self._members = {one.filename.removesuffix(".npy"): one for one in members if one.filename.endswith(".npy")}
        self.other_members = len(members) - len(self._members)
        """Members that are no arrays, or have the name of another one."""

    @property
    def names(self) -> list[str]:
        """The names of its arrays."""
        return list(self._members)

    @property
    def unpacked_bytes(self) -> int:
        """Return the bytes of all members once they are unpacked."""
        return sum(member.file_size for member in self._archive.infolist())

    def header(self, name: str) -> NpyHeader:
        """Return the header of one array; only a few bytes are unpacked."""
        with self._archive.open(self._members[name]) as stream:
            return read_header(stream, self._members[name].file_size)

    def read(self, name: str) -> Array:
        """Return one array: numbers, truth values or texts.

        Raises:
            ValueError: where it is pickled or truncated.
        """
        header = self.header(name)
        if header.dtype.hasobject or header.dtype.kind not in "biufUS" or header.dtype.itemsize > _MOST_HEADER_BYTES:
            raise ValueError(f"{name[:80]} holds neither numbers nor texts; nothing pickled is read")
        if not header.is_whole:
            raise ValueError(f"{name[:80]} is truncated or has a wrong header")
        with self._archive.open(self._members[name]) as stream:
            # The stub says `Any`; it is an array, since the header was checked.
            values: Array = np.lib.format.read_array(stream, allow_pickle=False)
            return values


@contextmanager
def open_npz(file: Path | IO[bytes]) -> Iterator[NpzArchive]:
    """Open an archive to read its headers and some of its arrays.

    Raises:
        One of `DAMAGES`: where it is damaged, or no archive.
    """
    with zipfile.ZipFile(file) as archive:
        yield NpzArchive(archive)


def read_npz(file: Path | IO[bytes], most_bytes: int = MOST_BYTES) -> Arrays:
    """Return all arrays of an archive.

    Args:
        file: a path, or a file open for reading.
        most_bytes: the most bytes of all arrays once they are unpacked.

    Raises:
        ValueError: where it is damaged, pickled, too large, or has a member that is no array.
    """
    try:
        with open_npz(file) as archive:
            if archive.unpacked_bytes > most_bytes:
                raise ValueError(f"it would take more than {most_bytes // 2**20:,} MiB once unpacked")
            if archive.other_members:
                raise ValueError("it holds what is no array")
            return {name: archive.read(name) for name in archive.names}
    except DAMAGES as error:
        raise ValueError(" ".join(str(error).split())[:200] or type(error).__name__) from error


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays, compressed, under a temporary name, and rename it."""
    with whole_file(path, f".{path.stem}.partial.npz") as temporary:
        # mypy takes the names for numpy's own options.
        np.savez_compressed(temporary, **dict(arrays))  # type: ignore[arg-type]
