"""A data set, split and ready: loading, sharing between processes, describing.

Where it is found is `sources.py`, what it must be `validation.py`, how it is split `splits.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import DataError, UsageError
from tuner.data.appearance import look_at
from tuner.data.sources import FoundData, find_data
from tuner.data.splits import fold_indices, stratified_indices, without
from tuner.data.validation import SIDE, CheckedArrays, Images, Labels, checked, fault
from tuner.storage.schema.documents import parse
from tuner.storage.schema.run import DataSet

_SPLITS = ("train", "validation", "test")
_INDEX = "dataset.json"
_CHUNK = 10_000
"""Images of which a histogram is counted at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Images and labels of a run. The arrays may be read-only maps of files."""

    name: str
    """`mnist`, `fashion_mnist`, `digits`, or the name of a file or folder without its ending."""
    sha256: str
    """The SHA-256 of the images and labels of the training and test sets as they were before splitting, 64 hexadecimal digits."""
    fallback: bool
    """Whether these are scikit-learn's digits because MNIST was unavailable."""
    class_names: tuple[str, ...]
    """One a class; a class's label is its place."""
    x_train: Images
    """(n, 28, 28), 0 to 255."""
    y_train: Labels
    """(n,), 0 to k - 1."""
    x_validation: Images
    y_validation: Labels
    x_test: Images
    y_test: Labels
    notes: tuple[str, ...] = ()
    """Notes for the user about how the data were read, and how they look; empty where they were opened again."""

    @property
    def classes(self) -> int:
        """The number of classes, 2 to 100."""
        return len(self.class_names)

    @property
    def has_folds(self) -> bool:
        """Return whether as many training images could validate in the place of those that do."""
        return len(self.y_train) >= len(self.y_validation)

    def fold(self, number: int) -> Dataset:
        """Return the same with other images to validate; those that did are then among the training images, after them. Copies both.

        Args:
            number: 0 for the data set as it is, else which of the other folds (`tuner.data.splits.fold_indices`), if it has any.
        """
        if number == 0 or not self.has_folds:
            return self
        chosen = fold_indices(self.y_train, len(self.y_validation), number)
        rest = without(len(self.y_train), chosen)
        return replace(
            self,
            x_train=np.concatenate([self.x_train[rest], self.x_validation]),
            y_train=np.concatenate([self.y_train[rest], self.y_validation]),
            x_validation=self.x_train[chosen],
            y_validation=self.y_train[chosen],
        )

    def joined(self) -> Dataset:
        """Return the same with the validation images among the training ones, after them, and none to validate. Copies both."""
        return replace(
            self,
            x_train=np.concatenate([self.x_train, self.x_validation]),
            y_train=np.concatenate([self.y_train, self.y_validation]),
            x_validation=self.x_validation[:0],
            y_validation=self.y_validation[:0],
        )


def load_dataset(source: str, *, validation: float, seed: int, train_samples: int | None = None) -> Dataset:
    """Find, check and split a data set.

    Args:
        source: `auto`, `mnist`, `fashion_mnist`, `digits`, a `.npz` file, or a folder of IDX files.
        validation: the share of the training set that validates, above 0 and up to 0.5; stratified, order kept.
        seed: of the split and of the choice of `train_samples`, 0 or more.
        train_samples: how many of the remaining training images are kept, stratified; None: all.

    Raises:
        UsageError: an argument out of range, or a name that is no source.
        DataError: the data set isn't there or can't be used.
    """
    if not 0 < validation <= 0.5:
        raise UsageError(
            f"--validation is out of range. Expected a share above 0 and up to 0.5. Received: {validation:g}."
        )
    found = find_data(source)
    arrays = checked(found.raw)
    chosen = _validation_indices(found, arrays, validation, seed)
    rest = without(len(arrays.y_train), chosen)
    if train_samples is not None:
        rest = rest[_subset(arrays.y_train[rest], arrays.classes, train_samples, seed)]
    return _dataset(found, arrays, rest, chosen)


def _dataset(found: FoundData, arrays: CheckedArrays, train: NDArray[np.int64], chosen: NDArray[np.int64]) -> Dataset:
    return Dataset(
        name=found.name,
        sha256=content_hash(arrays),
        fallback=found.fallback,
        class_names=found.class_names or tuple(map(str, range(arrays.classes))),
        x_train=arrays.x_train[train],
        y_train=arrays.y_train[train],
        x_validation=arrays.x_train[chosen],
        y_validation=arrays.y_train[chosen],
        x_test=arrays.x_test,
        y_test=arrays.y_test,
        notes=(*arrays.notes, *look_at(arrays.x_train, arrays.y_train, arrays.size)),
    )


def _validation_indices(found: FoundData, arrays: CheckedArrays, share: float, seed: int) -> NDArray[np.int64]:
    """Return which training images validate; every class must be on both sides."""
    labels = arrays.y_train
    total = int(len(labels) * share + 0.5)
    if total < arrays.classes:
        raise fault(
            f"{found.raw.where}: a validation split of {share:g} is too small",
            expected=f"{arrays.classes} images or more, one of each class",
            received=f"{total} of {len(labels):,}",
            do="give a larger --validation, or add images",
        )
    chosen = stratified_indices(labels, total, np.random.default_rng([seed, 0]))
    sizes = np.bincount(labels, minlength=arrays.classes)
    counts = np.bincount(labels[chosen], minlength=arrays.classes)
    bare = np.flatnonzero((counts == 0) | (counts == sizes))
    if bare.size:
        raise fault(
            f"{found.raw.where}: too few training images of class {bare[0]}",
            expected=f"enough for a validation split of {share:g}, about {int(np.ceil(1 / share))} of each class",
            received=int(sizes[bare[0]]),
            do="add images of it, or give another --validation",
        )
    return chosen


def _subset(labels: Labels, classes: int, total: int, seed: int) -> NDArray[np.int64]:
    """Return which of the remaining training images are kept; every class must be among them."""
    message = "--train-samples is out of range. Expected {}. Received: {}."
    if not classes <= total <= len(labels):
        raise UsageError(message.format(f"{classes:,} to {len(labels):,} (what the validation split leaves)", total))
    chosen = stratified_indices(labels, total, np.random.default_rng([seed, 1]))
    missing = np.flatnonzero(np.bincount(labels[chosen], minlength=classes) == 0)
    if missing.size:
        raise UsageError(message.format(f"enough that class {missing[0]} is among them", total))
    return chosen


def content_hash(arrays: CheckedArrays) -> str:
    """Return the SHA-256 of names, shapes, types and bytes: the same whichever kind of file they came from."""
    digest = hashlib.sha256()
    for key in ("x_train", "y_train", "x_test", "y_test"):
        _add_array(digest, key, getattr(arrays, key))
    return digest.hexdigest()


def splits_hash(dataset: Dataset) -> str:
    """Return the SHA-256 of a data set as it was split: names of the set and its classes, then each array's shape, type and bytes."""
    names = [dataset.name, dataset.sha256, dataset.fallback, list(dataset.class_names)]
    digest = hashlib.sha256(f"{json.dumps(names)}\n".encode())
    for name in _array_names():
        _add_array(digest, name, getattr(dataset, name))
    return digest.hexdigest()


def _add_array(digest: hashlib._Hash, name: str, array: NDArray[Any]) -> None:
    array = np.ascontiguousarray(array)
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    digest.update(f"{name} {little_endian.dtype.str} {array.shape}\n".encode())
    digest.update(little_endian.data)


def describe(dataset: Dataset) -> DataSet:
    """Return `data` of run.json (docs/run-folder.md): mean and sd are of training pixels in [0, 1]."""
    histogram = _pixel_histogram(dataset.x_train)
    values = np.arange(256) / 255
    mean = float(histogram @ values / histogram.sum())
    variance = float(histogram @ (values - mean) ** 2 / histogram.sum())
    labels = {split: _labels_of(dataset, split) for split in _SPLITS}
    return DataSet(
        name=dataset.name,
        sha256=dataset.sha256,
        splits_sha256=splits_hash(dataset),
        fallback=dataset.fallback,
        image_shape=(SIDE, SIDE),
        classes=dataset.classes,
        class_names=tuple(dataset.class_names),
        **{split: len(y) for split, y in labels.items()},
        class_counts={split: tuple(np.bincount(y, minlength=dataset.classes).tolist()) for split, y in labels.items()},
        mean=mean,
        sd=variance**0.5,
        pixel_histogram=tuple(histogram.tolist()),
    )


def _labels_of(dataset: Dataset, split: str) -> Labels:
    labels: Labels = getattr(dataset, f"y_{split}")
    return labels


def _pixel_histogram(images: Images) -> NDArray[np.int64]:
    histogram = np.zeros(256, dtype=np.int64)
    for start in range(0, len(images), _CHUNK):
        histogram += np.bincount(images[start : start + _CHUNK].reshape(-1), minlength=256)
    return histogram


def save_arrays(dataset: Dataset, folder: Path) -> None:
    """Write a data set in a form that processes can map: six `.npy` files, then `dataset.json`.

    Each is written to a temporary name and renamed, the last one last, so that what can be opened is complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _array_names():
        partial = folder / f"{name}.partial"
        with partial.open("wb") as stream:
            np.save(stream, getattr(dataset, name), allow_pickle=False)
        os.replace(partial, folder / f"{name}.npy")
    index = {key: getattr(dataset, key) for key in ("name", "sha256", "fallback", "class_names")}
    partial = folder / f"{_INDEX}.partial"
    partial.write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    os.replace(partial, folder / _INDEX)


def open_arrays(folder: Path) -> Dataset:
    """Return what `save_arrays` wrote, mapped read-only: processes that open it share its memory.

    Raises:
        DataError: a file missing or damaged.
    """
    try:
        index = parse((folder / _INDEX).read_bytes())
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _array_names()}
        return Dataset(
            name=str(index["name"]),
            sha256=str(index["sha256"]),
            fallback=bool(index["fallback"]),
            class_names=tuple(map(str, index["class_names"])),
            **arrays,
        )
    except (OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError) as error:
        raise DataError(f"{folder} holds no complete data set ({error}). Start the run again.") from error


def open_copy(folder: Path, splits_sha256: str | None) -> Dataset:
    """Return what `save_arrays` wrote, as `open_arrays` does, checked as if anybody had written it since.

    Args:
        folder: of the arrays.
        splits_sha256: what `splits_hash` gave of them; None where that is not known (runs of version 0.1.0).

    Raises:
        DataError: a file missing, damaged, or changed.
    """
    data = open_arrays(folder)
    _check_splits(folder, data)
    if splits_sha256 is not None and splits_hash(data) != splits_sha256:
        raise DataError(f"{folder} holds other data than the run wrote. Expected sha256 {splits_sha256[:16]}….")
    return data


def _check_splits(folder: Path, data: Dataset) -> None:
    for split in _SPLITS:
        x, y = getattr(data, f"x_{split}"), getattr(data, f"y_{split}")
        sound = x.dtype == np.uint8 and y.dtype == np.int64 and x.shape[1:] == (SIDE, SIDE) and y.shape == x.shape[:1]
        if not sound or not len(y) or y.min() < 0 or y.max() >= data.classes:
            raise DataError(
                f"{folder} holds no data set. Expected uint8 images (n, {SIDE}, {SIDE}) and int64 labels from 0 to {data.classes - 1}. "
                f"Received: {x.dtype} {x.shape} and {y.dtype} {y.shape} to {split}."
            )


def _array_names() -> Iterator[str]:
    return (f"{kind}_{split}" for split in _SPLITS for kind in "xy")
