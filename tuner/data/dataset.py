"""A data set, found (`sources`), checked (`validation`) and split (`splits`): loading, sharing, describing."""

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
from tuner.data.array_hashes import add_array, content_hash
from tuner.data.image_shape import layout_of
from tuner.data.picture_options import OnProgress, PictureOptions
from tuner.data.pictures.duplicates import duplicates_note, image_hashes, without_duplicates
from tuner.data.pictures.in_place import keep_in_place
from tuner.data.pictures.pixel_statistics import pixel_statistics
from tuner.data.source_options import SourceOptions
from tuner.data.sources import find_data
from tuner.data.splits import fold_indices, training_indices, validation_indices, without
from tuner.data.validation import CheckedArrays, Images, Labels, checked
from tuner.storage.schema.data_set import DataSet, are_digits
from tuner.storage.schema.documents import parse

_SPLITS = ("train", "validation", "test")
_INDEX = "dataset.json"


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Images and labels of a run. The arrays may be read-only maps of files."""

    name: str
    """`mnist`, `fashion_mnist`, `cifar10`, `cifar100`, `digits`, or the name of a file or folder without its ending."""
    sha256: str
    """The SHA-256 of the images and labels of the training and test sets as they were before splitting, 64 hexadecimal digits."""
    fallback: bool
    """True where these are scikit-learn's digits because MNIST was unavailable."""
    class_names: tuple[str, ...]
    """One a class; a class's label is its place."""
    x_train: Images
    """(n, h, w) or (n, h, w, 3), 0 to 255."""
    y_train: Labels
    """(n,), 0 to k - 1."""
    x_validation: Images
    y_validation: Labels
    x_test: Images
    y_test: Labels
    given_validation: bool = False
    """True where the source has validation images of its own."""
    notes: tuple[str, ...] = ()
    """Notes for the user about how the data were read, and how they look; empty where a copy was opened."""

    @property
    def classes(self) -> int:
        """The number of classes, 2 to 100."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return (h, w) of grey images, (h, w, 3) of colour ones."""
        return self.x_train.shape[1:]

    @property
    def shows_digits(self) -> bool:
        """Return whether the classes are the ten digits."""
        return are_digits(self.name, self.class_names)

    @property
    def has_folds(self) -> bool:
        """Return whether other validation images can be taken from the training images: they are enough, and the source has none of its own."""
        return not self.given_validation and len(self.y_train) >= len(self.y_validation)

    def fold(self, number: int) -> Dataset:
        """Return a copy with other validation images; the former ones follow the training images.

        Args:
            number: 0 for the data set as it is, else another fold (`tuner.data.splits.fold_indices`), if it has any.
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
        """Return a copy whose training images are followed by the validation images; its validation set is empty."""
        return replace(
            self,
            x_train=np.concatenate([self.x_train, self.x_validation]),
            y_train=np.concatenate([self.y_train, self.y_validation]),
            x_validation=self.x_validation[:0],
            y_validation=self.y_validation[:0],
        )


def load_dataset(
    source: str,
    *,
    validation: float,
    seed: int,
    train_samples: int | None = None,
    pictures: PictureOptions = PictureOptions(),
    files: SourceOptions = SourceOptions(),
    on_progress: OnProgress | None = None,
) -> Dataset:
    """Find, check and split a data set.

    Args:
        source: a name or path that `tuner.data.sources` knows.
        validation: the fraction of the training set that validates, above 0 and up to 0.5; stratified, order kept. It is
            not used where the source has validation images of its own.
        seed: seed of the split and of the choice of `train_samples`, 0 or more.
        train_samples: number of the remaining training images that are kept, stratified; None: all.
        pictures: size and colour of the images, and what happens to duplicates.
        files: a second file as the test set, and whether images are transposed.
        on_progress: receives the numbers of pictures that are decoded, and of all, where a source has pictures.

    Raises:
        UsageError: an argument out of range, or a name that is no source.
        DataError: the data set is missing or can't be used.
    """
    if not 0 < validation <= 0.5:
        raise UsageError(
            f"--validation is out of range. Expected a share above 0 and up to 0.5. Received: {validation:g}."
        )
    source_data = find_data(source, pictures, on_progress, files)
    arrays = checked(source_data.raw, pictures)
    if pictures.drop_duplicates:
        arrays = without_duplicates(source_data.raw.where, arrays)
    names, chosen = arrays.class_names, None
    appearance = look_at(arrays.x_train, arrays.y_train, names)
    if arrays.x_validation is None:
        chosen = validation_indices(source_data.raw.where, arrays.y_train, names, validation, seed)
    sha256 = content_hash(arrays)
    data = Dataset(
        name=source_data.name,
        sha256=sha256,
        fallback=source_data.fallback,
        class_names=names,
        given_validation=chosen is None,
        **_splits(arrays, chosen, train_samples, seed),  # type: ignore[arg-type]
    )
    return replace(data, notes=(*arrays.notes, *_split_notes(data), *appearance))


def _splits(
    arrays: CheckedArrays, chosen: NDArray[np.int64] | None, train_samples: int | None, seed: int
) -> dict[str, NDArray[Any] | None]:
    """Return the six arrays of a data set; `arrays` are used up. `chosen`: images that validate.

    Those from which nothing is taken are not copied, and the training images that are left move to the beginning of their array.
    """
    x, y, rest = arrays.x_train, arrays.y_train, None if chosen is None else without(len(arrays.y_train), chosen)
    if train_samples is not None:
        rest = np.arange(len(y)) if rest is None else rest
        rest = rest[training_indices(y[rest], train_samples, seed)]
    # Copied first: `keep_in_place` moves the other images.
    x_validation = arrays.x_validation if chosen is None else x[chosen]
    return {
        "x_train": x if rest is None else keep_in_place(x, rest),
        "y_train": y if rest is None else y[rest],
        "x_validation": x_validation,
        "y_validation": arrays.y_validation if chosen is None else y[chosen],
        "x_test": arrays.x_test,
        "y_test": arrays.y_test,
    }


def _split_notes(data: Dataset) -> Iterator[str]:
    """Yield notes about validation images that the source has, and about images that are in two splits."""
    if data.given_validation:
        yield f"The data have validation images of their own, {len(data.y_validation):,}: --validation is not used."
    note = duplicates_note(*(image_hashes(getattr(data, f"x_{split}")) for split in _SPLITS))
    if note is not None:
        yield note


def splits_hash(dataset: Dataset) -> str:
    """Return the SHA-256 of a split data set: its name, class names, and each array's shape, type and bytes."""
    names = [dataset.name, dataset.sha256, dataset.fallback, list(dataset.class_names)]
    digest = hashlib.sha256(f"{json.dumps(names)}\n".encode())
    for name in _array_names():
        add_array(digest, name, getattr(dataset, name))
    return digest.hexdigest()


def describe(dataset: Dataset) -> DataSet:
    """Return `data` of run.json (docs/run-folder.md): mean and sd are of training pixels in [0, 1]."""
    pixels = pixel_statistics(dataset.x_train)
    labels = {split: _labels_of(dataset, split) for split in _SPLITS}
    return DataSet(
        name=dataset.name,
        sha256=dataset.sha256,
        splits_sha256=splits_hash(dataset),
        fallback=dataset.fallback,
        image_shape=dataset.input_shape,
        given_validation=dataset.given_validation,
        classes=dataset.classes,
        class_names=tuple(dataset.class_names),
        **{split: len(y) for split, y in labels.items()},
        class_counts={split: tuple(np.bincount(y, minlength=dataset.classes).tolist()) for split, y in labels.items()},
        mean=pixels.mean,
        sd=pixels.sd,
        pixel_histogram=pixels.histogram,
    )


def _labels_of(dataset: Dataset, split: str) -> Labels:
    labels: Labels = getattr(dataset, f"y_{split}")
    return labels


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
    index = {key: getattr(dataset, key) for key in ("name", "sha256", "fallback", "class_names", "given_validation")}
    partial = folder / f"{_INDEX}.partial"
    partial.write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    os.replace(partial, folder / _INDEX)


def open_arrays(folder: Path) -> Dataset:
    """Open the data set that `save_arrays` wrote, mapped read-only: processes that open it share its memory.

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
            given_validation=bool(index.get("given_validation", False)),
            **arrays,
        )
    except (OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError) as error:
        raise DataError(f"{folder} holds no complete data set ({error}). Start the run again.") from error


def open_copy(folder: Path, splits_sha256: str | None) -> Dataset:
    """Open the data set that `save_arrays` wrote and check it: another program may have changed it since.

    Args:
        folder: of the arrays.
        splits_sha256: their `splits_hash`; None where it is not known (runs of version 0.1.0).

    Raises:
        DataError: a file missing, damaged, or changed.
    """
    data = open_arrays(folder)
    _check_splits(folder, data)
    if splits_sha256 is not None and splits_hash(data) != splits_sha256:
        raise DataError(f"{folder} holds other data than the run wrote. Expected sha256 {splits_sha256[:16]}….")
    return data


def _check_splits(folder: Path, data: Dataset) -> None:
    shape = data.input_shape
    if layout_of((1, *shape)) is None or len(shape) > 3 or shape[2:] not in ((), (3,)):
        raise _no_data_set(folder, "uint8 images (n, h, w) or (n, h, w, 3)", f"images of the shape {shape}")
    for split in _SPLITS:
        x, y = getattr(data, f"x_{split}"), _labels_of(data, split)
        sound = x.dtype == np.uint8 and y.dtype == np.int64 and x.shape[1:] == shape and y.shape == x.shape[:1]
        if not sound or not len(y) or y.min() < 0 or y.max() >= data.classes:
            expected = f"uint8 images of the shape {shape} and int64 labels from 0 to {data.classes - 1}"
            raise _no_data_set(folder, expected, f"{x.dtype} {x.shape} and {y.dtype} {y.shape} to {split}")


def _no_data_set(folder: Path, expected: str, received: str) -> DataError:
    return DataError(f"{folder} holds no data set. Expected {expected}. Received: {received}.")


def _array_names() -> Iterator[str]:
    return (f"{kind}_{split}" for split in _SPLITS for kind in "xy")
