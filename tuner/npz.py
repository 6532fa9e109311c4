"""Reading a data set from an `.npz` file with Keras's keys. What its values mean is checked in `data_checks.py`."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from tuner.data_checks import KEYS, Header, Key, RawArrays, check_headers, fault
from tuner.errors import DataError
from tuner.npy import DAMAGES, read_npy_header

_AGAIN = "save it again with numpy.savez_compressed"


def read_npz(path: Path) -> RawArrays:
    """Return the arrays x_train, y_train, x_test and y_test of an archive, having looked at their headers first.

    Raises:
        DataError: no such file, not an archive, truncated, a key missing, pickled, of a wrong shape or type, too large.
    """
    if not os.path.isfile(path):  # never raises, whatever the name
        raise fault(f"{path} can't be read", expected="an .npz file", received="no such file", do="correct the path")
    try:
        with zipfile.ZipFile(path) as archive:
            headers: dict[Key, Header] = {key: _header(archive, path, key) for key in KEYS}
        check_headers(str(path), headers)
        with np.load(path, allow_pickle=False) as arrays:
            return RawArrays(str(path), {key: arrays[key] for key in KEYS})
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
        with zipfile.ZipFile(path) as archive:
            return {f"{key}.npy" for key in KEYS} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _header(archive: zipfile.ZipFile, path: Path, key: Key) -> Header:
    """Return what the archive says of one array; a few bytes of it are unpacked."""
    info = _member(archive, path, key)
    with archive.open(info) as stream:
        shape, dtype, length = read_npy_header(stream)
    header = Header(shape, dtype)
    expected_bytes = length + header.size_bytes
    if not dtype.hasobject and info.file_size != expected_bytes:
        raise fault(
            f"{path}: {key} is truncated or has a wrong header",
            expected=f"{expected_bytes:,} bytes for the shape {shape}",
            received=f"{info.file_size:,}",
            do=_AGAIN,
        )
    return header


def _member(archive: zipfile.ZipFile, path: Path, key: Key) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(f"{key}.npy")
    except KeyError as error:
        found = sorted(name.removesuffix(".npy") for name in archive.namelist())
        raise fault(
            f"{path} lacks the key {key}",
            expected=f"the keys {', '.join(KEYS)}",
            received=", ".join(found[:8]) or "an empty archive",
            do=_AGAIN,
        ) from error
