"""Data sets in files: small arrays, NumPy archives and IDX files, right and wrong."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.core.errors import DataError
from tuner.data.dataset import Dataset, load_dataset

Arrays = dict[str, NDArray[Any]]


NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def build_arrays(train: int = 60, test: int = 20, classes: int = 3, side: int = 28) -> Arrays:
    """Return images of noise; the labels cycle through the classes."""
    generator = np.random.default_rng(0)
    return {
        "x_train": generator.integers(0, 256, (train, side, side)).astype(np.uint8),
        "y_train": (np.arange(train) % classes).astype(np.uint8),
        "x_test": generator.integers(0, 256, (test, side, side)).astype(np.uint8),
        "y_test": (np.arange(test) % classes).astype(np.uint8),
    }


def write_npz(path: Path, arrays: Arrays | None = None, **changes: Any) -> Path:
    np.savez_compressed(path, **{**(arrays or build_arrays()), **changes})
    return path


def idx_bytes(array: NDArray[Any]) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, arrays: Arrays | None = None, *, dots: bool = False, zipped: bool = False) -> Path:
    folder.mkdir()
    for key, array in (arrays or build_arrays()).items():
        name = NAMES[key].replace("-idx", ".idx") if dots else NAMES[key]
        content = idx_bytes(array)
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    return folder


def load(source: Path | str, *, validation: float = 0.1, seed: int = 1, train_samples: int | None = None) -> Dataset:
    return load_dataset(str(source), validation=validation, seed=seed, train_samples=train_samples)


IMAGES = build_arrays()["x_train"]


def check_said(source: Path | str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        load(source)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert message.endswith(".")
