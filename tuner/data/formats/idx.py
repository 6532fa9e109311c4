"""Reading IDX files, the format of the original MNIST (LeCun, Cortes, Burges 1998) and of EMNIST (Cohen et al. 2017).

`validation.py` checks the values.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tuner.core.errors import DataError, fault
from tuner.data.formats.transposed import EMNIST_NOTE, transposed
from tuner.data.validation import KEYS, Key, RawArrays, check_headers
from tuner.storage.npz_io import Array, ArrayHeader

_NAME = re.compile(
    r"(?P<set>.*?)(?P<split>train|t10k|test)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?", re.IGNORECASE
)
"""MNIST's names; EMNIST's begin with the name of one of its sets, and end with test for t10k."""
_EMNIST = "emnist"
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_Stream: TypeAlias = BufferedReader | gzip.GzipFile
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1024**2
_AGAIN = "copy or download it again"


@dataclass(frozen=True)
class IdxSet:
    """The files of one data set in a folder."""

    folder: Path
    name: str
    """The beginning of their names, such as "emnist-letters-"; empty for MNIST's."""
    files: Mapping[Key, Path]

    @property
    def is_emnist(self) -> bool:
        """Return whether these are files of EMNIST, whose images are transposed."""
        return self.name.lower().startswith(_EMNIST)


def idx_sets(folder: Path) -> list[IdxSet]:
    """Return the data sets of a folder, which may lack some of their files.

    A file may be in a folder of the same name, as some archives unpack.
    """
    sets: dict[str, dict[Key, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        file = path / path.name if path.is_dir() else path
        if match and file.is_file():
            test, labels = match["split"].lower() != "train", match["kind"].lower() == "labels"
            # A plain file sorts before the same file gzipped, so the plain one is used.
            sets.setdefault(match["set"], {}).setdefault(KEYS[2 * test + labels], file)
    return [IdxSet(folder, name, files) for name, files in sets.items()]


def is_idx_file(path: Path) -> bool:
    """Return whether a path names one of the four files of a data set."""
    return _NAME.fullmatch(path.name) is not None and not os.path.isdir(path)


def read_idx_file(path: Path) -> RawArrays:
    """Return the data set of which a file is one of four.

    Raises:
        DataError: as of `read_idx_folder`.
    """
    match = _NAME.fullmatch(path.name)
    chosen = [one for one in idx_sets(path.parent) if match and one.name == match["set"]] if path.is_file() else []
    if not chosen:
        raise fault(f"{path} can't be read", expected="an IDX file", received="no such file", do="correct the path")
    return read_idx_set(chosen[0])


def read_idx_folder(folder: Path) -> RawArrays:
    """Return the data set of a folder of the four files, gzipped or plain; their headers are checked first.

    Raises:
        DataError: several data sets, a file missing, truncated, longer than its header says, of a wrong shape or type, too large.
    """
    sets = idx_sets(folder)
    if len(sets) > 1:
        first = next(iter(sets[0].files.values()))
        raise fault(
            f"{folder} holds the IDX files of several data sets",
            expected="one of them",
            received=", ".join(one.name.strip("-_") or "MNIST's names" for one in sets[:6])
            + (", …" if len(sets) > 6 else ""),
            do=f"give one of the files, such as --data {first}",
        )
    return read_idx_set(sets[0] if sets else IdxSet(folder, "", {}))


def read_idx_set(files: IdxSet) -> RawArrays:
    """Return the arrays of four files; those of EMNIST are transposed back, with a note.

    Raises:
        DataError: as of `read_idx_folder`.
    """
    for key in KEYS:
        if key not in files.files:
            raise _lacks(files, key)
    headers: dict[Key, ArrayHeader] = {key: _read_header(files.files[key]) for key in KEYS}
    where = str(files.folder / files.name.rstrip("-_")) if files.name else str(files.folder)
    check_headers(where, headers)
    notes = []
    if any(path.parent != files.folder for path in files.files.values()):
        notes.append(f"The IDX files of {where} were found in folders of their own names.")
    raw = RawArrays(where, {key: _read(files.files[key]) for key in KEYS}, tuple(notes))
    return transposed(raw, EMNIST_NOTE) if files.is_emnist else raw


def _lacks(files: IdxSet, key: Key) -> DataError:
    kind, number = ("images", 3) if key.startswith("x") else ("labels", 1)
    split = "train" if key.endswith("train") else "test" if files.is_emnist else "t10k"
    name = f"{files.name}{split}-{kind}-idx{number}-ubyte"
    return fault(
        f"{files.folder} lacks the IDX file of {key}",
        expected=f"{name} or {name}.gz",
        received=listing(files.folder),
        do="put the four files of the data set into the folder",
    )


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
    except PermissionError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, error) from error


def _read(path: Path) -> Array:
    """Return the array of a file; at most one byte more than its header promises is read."""
    try:
        with _open(path) as stream:
            header = _header(path, stream)
            content = _read_at_most(stream, header.size_bytes + 1)
    except PermissionError:
        raise
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
    """Return the content up to a limit; takes no more memory than there is content."""
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
