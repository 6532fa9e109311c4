"""Reading `.npz` archives: Keras's, MedMNIST's, anybody's images and labels, and Kuzushiji's pairs of files.

`array_names` decides which array is what, `validation` checks the values.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tuner.core.errors import DataError, fault
from tuner.data.formats.array_names import NamedArrays, is_data_set, read_data_set, read_one_set
from tuner.data.formats.labelled_images import LabelledImages
from tuner.data.validation import KEYS, Key, RawArrays, check_headers
from tuner.storage.npz_io import DAMAGES, Array, ArrayHeader, NpyHeader, NpzArchive, open_npz

_AGAIN = "save it again with numpy.savez_compressed"
_FILE_OF_PAIR = re.compile(
    r"(?P<set>.*?)[-_]?(?P<split>train|test)[-_](?P<kind>imgs|images|labels)\.npz", re.IGNORECASE
)
_FILES: dict[Key, str] = dict(zip(KEYS, ("train images", "train labels", "test images", "test labels"), strict=True))
_Result = TypeVar("_Result")


def is_npz(path: Path) -> bool:
    """Return whether a path names an archive."""
    return path.suffix.lower() == ".npz" and not os.path.isdir(path)


def read_data_npz(path: Path) -> RawArrays:
    """Return the data set of an archive, or of the four files that belong together by their names.

    Raises:
        DataError: no such file, not an archive, truncated, an array missing, pickled, of a wrong shape or type, too large.
    """
    return _read_pair_files(path) if _is_file_of_pair(path) else _with_arrays(path, read_data_set)


def read_npz_set(path: Path) -> LabelledImages:
    """Return the only set of an archive.

    Raises:
        DataError: as of `read_data_npz`, or several sets.
    """
    return _with_arrays(path, read_one_set)


def pair_sets(folder: Path) -> list[Path]:
    """Return a file of each set of a folder that is saved as pairs of files, such as k49-train-imgs.npz."""
    matches = ((path, _FILE_OF_PAIR.fullmatch(path.name)) for path in sorted(folder.iterdir()) if path.is_file())
    return list({match["set"]: path for path, match in matches if match and _is_file_of_pair(path)}.values())


def holds_data_set(path: Path, *, whole: bool = False) -> bool:
    """Return whether an archive's arrays are a data set; no array is unpacked.

    Args:
        path: the file. A damaged one counts unless it must be whole: reading it says what is wrong.
        whole: as of `array_names.is_data_set`.
    """
    try:
        return _with_arrays(path, lambda arrays: is_data_set(arrays, whole=whole))
    except DataError as error:
        return not whole and error.__cause__ is not None


def _with_arrays(path: Path, use: Callable[[NamedArrays], _Result]) -> _Result:
    with _archive(path) as archive:
        headers = {name: _header(archive, path, name) for name in archive.names}
        return use(NamedArrays(str(path), headers, archive.read))


@contextmanager
def _archive(path: Path) -> Iterator[NpzArchive]:
    if not os.path.isfile(path):  # never raises, whatever the name
        raise fault(f"{path} can't be read", expected="an .npz file", received="no such file", do="correct the path")
    try:
        with open_npz(path) as archive:
            yield archive
    except (DataError, PermissionError):
        raise
    except DAMAGES as error:
        raise fault(
            f"{path} is damaged or no .npz file",
            expected="a complete NumPy archive",
            received=f"{path.stat().st_size:,} bytes that can't be unpacked ({str(error)[:160]})",
            do=f"copy or download it again, or {_AGAIN}",
        ) from error


def _header(archive: NpzArchive, path: Path, key: str) -> NpyHeader:
    """Return the header of one array, checked."""
    header = archive.header(key)
    if not header.dtype.hasobject and header.stored_bytes != header.expected_bytes:
        raise fault(
            f"{path}: {key} is truncated or has a wrong header",
            expected=f"{header.expected_bytes:,} bytes for the shape {header.shape}",
            received=f"{header.stored_bytes:,}",
            do=_AGAIN,
        )
    return header


def _is_file_of_pair(path: Path) -> bool:
    """Return whether a file is one of a pair: named so, with a single array."""
    if not _FILE_OF_PAIR.fullmatch(path.name):
        return False
    try:
        with open_npz(path) as archive:
            return len(archive.names) == 1
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _read_pair_files(path: Path) -> RawArrays:
    """Return the data set of four files with one array each; their headers are checked first."""
    match = _FILE_OF_PAIR.fullmatch(path.name)
    name = match["set"] if match else path.name
    files = dict(_siblings(path, name))
    for key, kind in _FILES.items():
        if key not in files:
            raise fault(
                f"{path} lacks the file of its {kind}",
                expected="four files such as k49-train-imgs.npz, k49-train-labels.npz, k49-test-imgs.npz and k49-test-labels.npz",
                received=", ".join(file.name for file in files.values()),
                do="put the four files into one folder",
            )
    where = str(path.parent / name)
    check_headers(where, {key: _with_arrays(files[key], _only_header) for key in _FILES})
    return RawArrays(where, {key: _with_arrays(files[key], _only_array) for key in _FILES})


def _siblings(path: Path, name: str) -> Iterator[tuple[Key, Path]]:
    """Yield the key and path of each file of a set."""
    for other in sorted(path.parent.iterdir()):
        match = _FILE_OF_PAIR.fullmatch(other.name)
        if match and match["set"] == name:
            test, labels = match["split"].lower() == "test", match["kind"].lower() == "labels"
            yield KEYS[2 * test + labels], other


def _only_header(arrays: NamedArrays) -> ArrayHeader:
    if len(arrays.headers) != 1:
        received = ", ".join(sorted(arrays.headers)[:8]) or "none"
        raise fault(f"{arrays.where} is not one of a pair of files", expected="one array", received=received, do=_AGAIN)
    (header,) = arrays.headers.values()
    return header


def _only_array(arrays: NamedArrays) -> Array:
    (name,) = arrays.headers
    return arrays.read(name)
