"""Named arrays in a .npz file, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.files import whole_file

Arrays: TypeAlias = dict[str, NDArray[Any]]


def save_arrays_file(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays, compressed, under a temporary name, and renames it."""
    with whole_file(path, f".{path.stem}.partial.npz") as temporary:
        # mypy takes the names for numpy's own options.
        np.savez_compressed(temporary, **dict(arrays))  # type: ignore[arg-type]


def load_arrays_file(path: Path) -> Arrays:
    """Reads all arrays of a file; nothing is unpickled."""
    with np.load(path, allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files}
