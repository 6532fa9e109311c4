"""Reading a data set from an `.npz` file with Keras's keys. What its values mean is checked in `validation.py`."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from tuner.core.errors import DataError
from tuner.data.validation import KEYS, Key, RawArrays, check_headers, fault
from tuner.storage.npz_io import DAMAGES, NpyHeader, NpzArchive, open_npz

_AGAIN = "save it again with numpy.savez_compressed"


def read_data_npz(path: Path) -> RawArrays:
    """Return the arrays x_train, y_train, x_test and y_test of an archive, having looked at their headers first.

    Raises:
        DataError: no such file, not an archive, truncated, a key missing, pickled, of a wrong shape or type, too large.
    """
    if not os.path.isfile(path):  # never raises, whatever the name
        raise fault(f"{path} can't be read", expected="an .npz file", received="no such file", do="correct the path")
    try:
        with open_npz(path) as archive:
            check_headers(str(path), {key: _header(archive, path, key) for key in KEYS})
            return RawArrays(str(path), {key: archive.read(key) for key in KEYS})
    except DataError:
        raise
    except DAMAGES as error:
        raise fault(
            f"{path} is damaged or no .npz file",
            expected="a complete NumPy archive",
            received=f"{path.stat().st_size:,} bytes that can't be unpacked ({str(error)[:160]})",
            do=f"copy or download it again, or {_AGAIN}",
        ) from error


def has_keys(path: Path) -> bool:
    """Return whether a file is an archive with the four arrays; nothing is unpacked."""
    try:
        with open_npz(path) as archive:
            return set(KEYS) <= set(archive.names)
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _header(archive: NpzArchive, path: Path, key: Key) -> NpyHeader:
    """Return what the archive says of one array."""
    if key not in archive.names:
        raise fault(
            f"{path} lacks the key {key}",
            expected=f"the keys {', '.join(KEYS)}",
            received=", ".join(sorted(archive.names)[:8]) or "an empty archive",
            do=_AGAIN,
        )
    header = archive.header(key)
    if not header.dtype.hasobject and header.stored_bytes != header.expected_bytes:
        raise fault(
            f"{path}: {key} is truncated or has a wrong header",
            expected=f"{header.expected_bytes:,} bytes for the shape {header.shape}",
            received=f"{header.stored_bytes:,}",
            do=_AGAIN,
        )
    return header
