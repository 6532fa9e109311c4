"""Reading a data set from a folder of IDX files, the format of the original MNIST (LeCun, Cortes, Burges 1998).

What the values mean is checked in `validation.py`.
"""

from __future__ import annotations

import gzip
import zlib
from io import BufferedReader
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tuner.core.errors import DataError
from tuner.data.validation import KEYS, Key, RawArrays, check_headers, fault
from tuner.storage.npz_io import Array, ArrayHeader

_STEMS: dict[Key, tuple[str, str]] = {
    "x_train": ("train-images", "idx3-ubyte"),
    "y_train": ("train-labels", "idx1-ubyte"),
    "x_test": ("t10k-images", "idx3-ubyte"),
    "y_test": ("t10k-labels", "idx1-ubyte"),
}
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_Stream: TypeAlias = BufferedReader | gzip.GzipFile
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1024**2
_AGAIN = "copy or download it again"


def read_idx_folder(folder: Path) -> RawArrays:
    """Return the arrays of a folder of the four files, gzipped or plain, having looked at their headers first.

    Raises:
        DataError: a file missing, truncated, longer than its header says, of a wrong shape or type, too large.
    """
    paths: dict[Key, Path] = {key: _find(folder, key) for key in KEYS}
    headers: dict[Key, ArrayHeader] = {key: _read_header(path) for key, path in paths.items()}
    check_headers(str(folder), headers)
    nested = any(path.parent != folder for path in paths.values())
    note = f"The IDX files of {folder} were found in folders of their own names."
    return RawArrays(str(folder), {key: _read(path) for key, path in paths.items()}, (note,) if nested else ())


def _find(folder: Path, key: Key) -> Path:
    """Return the file of one array: `train-images-idx3-ubyte` or `train-images.idx3-ubyte`, perhaps with `.gz`.

    A folder of that name may hold the file of that name, as some archives unpack.
    """
    path = _found(folder, key)
    if path is None:
        stem, kind = _STEMS[key]
        raise fault(
            f"{folder} lacks the IDX file of {key}",
            expected=f"{stem}-{kind} or {stem}-{kind}.gz",
            received=listing(folder),
            do="put the four files of MNIST's names into the folder",
        )
    return path


def _found(folder: Path, key: Key) -> Path | None:
    stem, kind = _STEMS[key]
    names = [name + ending for name in (f"{stem}-{kind}", f"{stem}.{kind}") for ending in ("", ".gz")]
    paths = [folder / name for name in names] + [folder / name / name for name in names]
    return next((path for path in paths if path.is_file()), None)


def has_idx_files(folder: Path) -> bool:
    """Return whether a folder has any of the four files."""
    return any(_found(folder, key) is not None for key in KEYS)


def listing(folder: Path) -> str:
    """Return the first names in a folder, for messages."""
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "") if names else "an empty folder"


def _open(path: Path) -> _Stream:
    """Open a file that is gzipped or not, whatever its name says."""
    with path.open("rb") as stream:
        gzipped = stream.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rb") if gzipped else path.open("rb")


def _read_header(path: Path) -> ArrayHeader:
    try:
        with _open(path) as stream:
            return _header(path, stream)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, error) from error


def _read(path: Path) -> Array:
    """Return the array of a file, reading one byte more than its header promises and no further."""
    try:
        with _open(path) as stream:
            header = _header(path, stream)
            content = _read_at_most(stream, header.size_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, error) from error
    if len(content) != header.size_bytes:
        raise _wrong_length(path, header, f"{len(content):,}" if len(content) < header.size_bytes else "more")
    return np.frombuffer(content, dtype=header.dtype).reshape(header.shape)


def _header(path: Path, stream: _Stream) -> ArrayHeader:
    """Read two zero bytes, the type, the number of dimensions and each dimension (big-endian, four bytes)."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or magic[3] not in (1, 3, 4):
        raise fault(
            f"{path} is no IDX file",
            expected="a file that starts with 00 00 08 03 (images) or 00 00 08 01 (labels)",
            received=magic.hex(" ") or "an empty file",
            do=_AGAIN,
        )
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise _damaged(path, "the header is incomplete")
    header = ArrayHeader(tuple(int(size) for size in np.frombuffer(sizes, ">u4")), np.dtype(_DTYPES[magic[2]]))
    if not isinstance(stream, gzip.GzipFile):
        _check_file_size(path, header, 4 + len(sizes))
    return header


def _check_file_size(path: Path, header: ArrayHeader, header_bytes: int) -> None:
    content_bytes = path.stat().st_size - header_bytes
    if content_bytes != header.size_bytes:
        raise _wrong_length(path, header, f"{content_bytes:,}")


def _read_at_most(stream: _Stream, limit_bytes: int) -> bytearray:
    """Return what is there, up to a limit; takes no more memory than there is content."""
    content = bytearray()
    while len(content) < limit_bytes:
        chunk = stream.read(min(_CHUNK_BYTES, limit_bytes - len(content)))
        if not chunk:
            break
        content += chunk
    return content


def _wrong_length(path: Path, header: ArrayHeader, received: str) -> DataError:
    expected = f"{header.size_bytes:,} bytes for the shape {header.shape}"
    return fault(f"{path} is truncated or has a wrong header", expected=expected, received=received, do=_AGAIN)


def _damaged(path: Path, reason: object) -> DataError:
    return fault(f"{path} is damaged", expected="a complete IDX file, gzipped or plain", received=reason, do=_AGAIN)
