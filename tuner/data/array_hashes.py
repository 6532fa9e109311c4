"""Hashes of arrays that do not depend on the file that they came from."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.validation import CheckedArrays


def content_hash(arrays: CheckedArrays) -> str:
    """Return the SHA-256 of names, shapes, types and bytes; it does not depend on the file's format."""
    digest = hashlib.sha256()
    for key in ("x_train", "y_train", "x_test", "y_test", "x_validation", "y_validation"):
        array = getattr(arrays, key)
        if array is not None:
            add_array(digest, key, array)
    return digest.hexdigest()


def add_array(digest: hashlib._Hash, name: str, array: NDArray[Any]) -> None:
    """Add a name and an array's type, shape and bytes, which are little-endian, to a digest."""
    array = np.ascontiguousarray(array)
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    digest.update(f"{name} {little_endian.dtype.str} {array.shape}\n".encode())
    digest.update(little_endian.data)
