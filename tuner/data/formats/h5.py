"""Reading HDF5 files: USPS's groups train and test with data and target, or images and labels under other names.

`array_names` decides which array is what, `validation` checks the values. A file that leads to other files is not read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tuner.core.errors import DataError, fault
from tuner.data.formats.array_names import NamedArrays, is_data_set, read_data_set, read_one_set
from tuner.data.formats.labelled_images import LabelledImages
from tuner.data.validation import RawArrays
from tuner.storage.npz_io import Array, ArrayHeader

_ENDINGS = (".h5", ".hdf5", ".hdf")
_AGAIN = "save it again with h5py"
_MOST_ARRAYS = 100
_TEXT_BYTES = 64
"""Bytes that a text of variable length counts in the estimate of memory."""
_DAMAGES = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, MemoryError, AttributeError)
"""Exceptions that h5py raises for a damaged file."""
_Result = TypeVar("_Result")


def is_h5(path: Path) -> bool:
    """Return whether a path names an HDF5 file."""
    return path.suffix.lower() in _ENDINGS and not os.path.isdir(path)


def read_h5(path: Path) -> RawArrays:
    """Return the data set of a file.

    Raises:
        DataError: no such file, damaged, arrays missing or ambiguous, of a wrong shape or type, too large, in other files.
    """
    return _with_arrays(path, read_data_set)


def read_h5_set(path: Path) -> LabelledImages:
    """Return the only set of a file.

    Raises:
        DataError: as of `read_h5`, or several sets.
    """
    return _with_arrays(path, read_one_set)


def holds_data_set(path: Path, *, whole: bool = False) -> bool:
    """Return whether a file's arrays are a data set; no array is read.

    Args:
        path: the file. A damaged one counts unless it must be whole: reading it says what is wrong.
        whole: as of `array_names.is_data_set`.
    """
    try:
        return _with_arrays(path, lambda arrays: is_data_set(arrays, whole=whole))
    except DataError as error:
        return not whole and error.__cause__ is not None


def _with_arrays(path: Path, use: Callable[[NamedArrays], _Result]) -> _Result:
    with _opened(path) as file:
        datasets = _datasets(path, file)
        headers = {name: _header(path, name, dataset) for name, dataset in datasets.items()}
        arrays = NamedArrays(
            str(path), headers, lambda name: _array(path, name, datasets[name]), word="dataset", again=_AGAIN
        )
        return use(arrays)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import h5py

    if not os.path.isfile(path):
        raise fault(f"{path} can't be read", expected="an .h5 file", received="no such file", do="correct the path")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (DataError, PermissionError):
        raise
    except _DAMAGES as error:
        raise fault(
            f"{path} is damaged or no HDF5 file",
            expected="a complete HDF5 file",
            received=f"{path.stat().st_size:,} bytes that can't be read ({str(error)[:160]})",
            do="copy or download it again",
        ) from error


def _datasets(path: Path, file: Any) -> dict[str, Any]:
    """Return name → dataset of a file, such as "train/data"; links to other files are not followed."""
    import h5py

    datasets: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and len(datasets) <= _MOST_ARRAYS:
            datasets[name] = item

    file.visititems(visit)
    if len(datasets) > _MOST_ARRAYS:
        raise fault(f"{path} holds many arrays", expected=f"up to {_MOST_ARRAYS} datasets: one array of all images", received="more", do=_AGAIN)  # fmt: skip
    return datasets


def _header(path: Path, name: str, dataset: Any) -> ArrayHeader:
    """Return the header of an array. One without values, and one of texts of any length, get the nearest of NumPy."""
    import h5py

    if dataset.is_virtual or dataset.external is not None:
        raise fault(f"{path}: {name} lies in other files", expected="arrays in the file itself", received="a reference to another file", do=_AGAIN)  # fmt: skip
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return ArrayHeader(dataset.shape or (), np.dtype(f"S{_TEXT_BYTES}"))
    return ArrayHeader(dataset.shape or (), dataset.dtype)


def _array(path: Path, name: str, dataset: Any) -> Array:
    import h5py

    text = h5py.check_string_dtype(dataset.dtype)
    if text is not None and text.length is None:
        # HDF5 may never return from reading damaged texts, and Python can't interrupt it.
        raise fault(
            f"{path}: {name} has texts of variable length",
            expected="whole numbers, or texts of one length",
            received="a dataset of h5py.string_dtype()",
            do="save the labels as numpy.array(labels, dtype='S')",
        )
    values: Array = np.asarray(dataset[()])
    return values
