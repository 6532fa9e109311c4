"""The validation of a data set, and its conversion to uint8 images of 28×28 pixels and int64 labels.

Nothing here opens a file (`npz.py`, `idx.py`), looks for a data set (`sources.py`) or splits one (`splits.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import DataError
from tuner.data import image_shape, pixel_range
from tuner.data.image_shape import image_size
from tuner.data.pixel_range import PixelRange
from tuner.storage.npz_io import Array, ArrayHeader

Key: TypeAlias = Literal["x_train", "y_train", "x_test", "y_test"]
Images: TypeAlias = NDArray[np.uint8]
Labels: TypeAlias = NDArray[np.int64]

KEYS: tuple[Key, ...] = ("x_train", "y_train", "x_test", "y_test")
SIDE = image_shape.SIDE
_IMAGES: tuple[Key, Key] = ("x_train", "x_test")
MAX_BYTES = 2 * 1024**3
"""The most that the four arrays may take in memory, as they are in their files."""
MAX_IMAGES = 1_000_000
MAX_CLASSES = 100
_CHUNK = 10_000
"""Images that are converted at a time, so that floats are never held twice."""


@dataclass(frozen=True, eq=False)
class RawArrays:
    """The four arrays as they were found: shapes and types are right, values are not looked at yet."""

    where: str
    """The file or folder, for messages."""
    arrays: Mapping[Key, Array]
    """x_train and x_test of a shape that `image_shape` knows; y_train and y_test of (n,) or (n, 1)."""
    notes: tuple[str, ...] = ()
    """A note for the user about how they were found."""


@dataclass(frozen=True, eq=False)
class CheckedArrays:
    """The four arrays as the rest of the program knows them."""

    x_train: Images
    """(n, 28, 28)."""
    y_train: Labels
    """(n,), every class from 0 to k - 1 among them."""
    x_test: Images
    y_test: Labels
    classes: int
    """k, from 2 to 100."""
    size: tuple[int, int] = (SIDE, SIDE)
    """Height and width of the images before they were padded."""
    notes: tuple[str, ...] = ()
    """Notes for the user about how they were read."""


def fault(what: str, *, expected: str, received: object, do: str) -> DataError:
    """Return the error whose message is one line: what was wrong, expected, received, and what to do."""
    line = f"{what}. Expected {expected}. Received: {received}. {do[:1].upper()}{do[1:]}."
    return DataError(" ".join(line.split()))


def check_headers(where: str, headers: Mapping[Key, ArrayHeader]) -> None:
    """Raise `DataError` unless the four arrays have types, shapes and sizes that can be used; unpacks nothing."""
    for key, header in headers.items():
        _check_dtype(f"{where}: {key}", header, images=key.startswith("x"))
        _check_shape(f"{where}: {key}", header, images=key.startswith("x"))
    _check_memory(where, headers)
    _check_lengths(where, headers, "x_train", "y_train")
    _check_lengths(where, headers, "x_test", "y_test")
    _check_same_size(where, headers)


def _check_dtype(what: str, header: ArrayHeader, *, images: bool) -> None:
    if header.dtype.hasobject:
        raise fault(
            f"{what} holds pickled Python objects, which are never loaded",
            expected="an array of integers or floats",
            received=f"dtype {header.dtype}",
            do="save it again as a plain NumPy array",
        )
    if header.dtype.kind not in ("buif" if images else "uif"):
        raise fault(
            f"{what} has a type that can't be used",
            expected="uint8, or other integers or floats" if images else "whole numbers from 0",
            received=f"dtype {header.dtype}",
            do=_dtype_advice(header.dtype, images=images),
        )


def _dtype_advice(dtype: np.dtype[Any], *, images: bool) -> str:
    if dtype.kind in "US" and not images:
        return "number the names: names, y = numpy.unique(labels, return_inverse=True)"
    return "convert it with astype and save it again" if dtype.kind not in "US" else "save pixels, not text"


def _check_shape(what: str, header: ArrayHeader, *, images: bool) -> None:
    shape = header.shape
    if images and image_size(shape) is None:
        do = image_shape.shape_advice(shape)
        raise fault(f"{what} has a wrong shape", expected=image_shape.EXPECTED, received=shape, do=do)
    if not images and not _is_label_shape(shape):
        do = "give one whole number an image" + (": y.argmax(axis=1) of one-hot rows" if len(shape) == 2 else "")
        raise fault(f"{what} has a wrong shape", expected="(n,) or (n, 1)", received=shape, do=do)
    if not 1 <= shape[0] <= MAX_IMAGES:
        raise fault(
            f"{what} has a length that can't be used",
            expected=f"1 to {MAX_IMAGES:,} images",
            received=f"{shape[0]:,}",
            do="give a set of another size",
        )


def _is_label_shape(shape: tuple[int, ...]) -> bool:
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)


def _check_lengths(where: str, headers: Mapping[Key, ArrayHeader], images: Key, labels: Key) -> None:
    if headers[images].shape[0] != headers[labels].shape[0]:
        raise fault(
            f"{where}: {images} and {labels} have different lengths",
            expected="one label an image",
            received=f"{headers[images].shape[0]:,} images and {headers[labels].shape[0]:,} labels",
            do="save the pair again",
        )


def _check_same_size(where: str, headers: Mapping[Key, ArrayHeader]) -> None:
    train, test = image_size(headers["x_train"].shape), image_size(headers["x_test"].shape)
    if train is not None and test is not None and train != test:
        raise fault(
            f"{where}: x_train and x_test have images of different sizes",
            expected=f"{train[0]}×{train[1]} in both",
            received=f"{test[0]}×{test[1]} in x_test",
            do="bring them to one size",
        )


def _check_memory(where: str, headers: Mapping[Key, ArrayHeader]) -> None:
    size_bytes = sum(header.size_bytes for header in headers.values())
    if size_bytes > MAX_BYTES:
        raise fault(
            f"{where} would take too much memory once unpacked",
            expected=f"at most {MAX_BYTES / 1024**3:g} GiB",
            received=f"{size_bytes / 1024**3:.1f} GiB",
            do="save the images as uint8, or fewer of them",
        )


def checked(raw: RawArrays) -> CheckedArrays:
    """Return the arrays as uint8 images padded to 28×28 and int64 labels from 0.

    Pixels are brought from the range in which they were saved (`pixel_range`) to 0 to 255, rounded to the nearest whole
    number. Images are padded with 0, an odd row or column after them.

    Raises:
        DataError: NaN or infinite values, pixels of an unknown range, labels out of range, a class without a training image.
    """
    y_train = _labels(f"{raw.where}: y_train", raw.arrays["y_train"])
    y_test = _labels(f"{raw.where}: y_test", raw.arrays["y_test"])
    classes = _classes(raw.where, y_train, y_test)
    ranges = _pixel_ranges(raw)
    return CheckedArrays(
        x_train=_images(raw.arrays["x_train"], ranges["x_train"]),
        y_train=y_train,
        x_test=_images(raw.arrays["x_test"], ranges["x_test"]),
        y_test=y_test,
        classes=classes,
        size=image_size(raw.arrays["x_train"].shape) or (SIDE, SIDE),
        notes=tuple(dict.fromkeys(_notes(raw, ranges))),
    )


def _notes(raw: RawArrays, ranges: Mapping[Key, PixelRange]) -> Iterator[str]:
    """Yield what is said of the data: how they were found, reshaped and brought to 0 to 255."""
    yield from raw.notes
    yield from (note for key in _IMAGES if (note := image_shape.reshape_note(raw.arrays[key].shape)))
    yield from (found.note for found in ranges.values() if found.note)
    yield from (note for key in _IMAGES if (note := image_shape.small_note(raw.arrays[key].shape)))


def _labels(what: str, labels: Array) -> Labels:
    if not np.all(np.isfinite(labels)):
        raise fault(f"{what} has NaN or infinite labels", expected="whole numbers", received="NaN", do="remove them")
    if labels.dtype.kind == "f" and np.any(labels != np.floor(labels)):
        broken = labels[labels != np.floor(labels)][0]
        raise fault(
            f"{what} has labels that are not whole", expected="0, 1, 2 and so on", received=broken, do="correct them"
        )
    low, high = labels.min(), labels.max()
    if low < 0 or high >= MAX_CLASSES:
        raise fault(
            f"{what} has labels out of range",
            expected=f"0 to k - 1 for k classes, k from 2 to {MAX_CLASSES}",
            received=f"{low:g} to {high:g}",
            do="number the classes from 0",
        )
    return np.ascontiguousarray(labels.reshape(-1), dtype=np.int64)


def _classes(where: str, y_train: Labels, y_test: Labels) -> int:
    """Return the number of classes; every one must have training images."""
    if min(y_train.min(), y_test.min()) > 0:
        raise fault(
            f"{where}: labels do not start at 0",
            expected="0 to k - 1 for k classes",
            received=f"labels from {min(y_train.min(), y_test.min())}",
            do="subtract the smallest label from all of them",
        )
    classes = int(max(y_train.max(), y_test.max())) + 1
    if classes < 2:
        raise fault(f"{where}: too few classes", expected="2 to 100", received=classes, do="give images of two or more")
    missing = np.flatnonzero(np.bincount(y_train, minlength=classes) == 0)
    if missing.size:
        raise fault(
            f"{where}: y_train lacks classes",
            expected=f"every label from 0 to {classes - 1}",
            received=f"none of {', '.join(map(str, missing[:10]))}",
            do="number the classes without gaps, or add training images of these",
        )
    return classes


def _pixel_ranges(raw: RawArrays) -> dict[Key, PixelRange]:
    """Return the range of each set's pixels; training and test images of one type have one range."""
    images = {key: raw.arrays[key] for key in _IMAGES}
    for key, array in images.items():
        if not np.all(np.isfinite([array.min(), array.max()])):
            what = f"{raw.where}: {key} has NaN or infinite pixels"
            raise fault(what, expected="numbers", received=array.min(), do="remove those images")
    if images["x_train"].dtype == images["x_test"].dtype:
        return dict.fromkeys(_IMAGES, _pixel_range(f"{raw.where}: x_train and x_test", list(images.values())))
    return {key: _pixel_range(f"{raw.where}: {key}", [array]) for key, array in images.items()}


def _pixel_range(what: str, arrays: list[Array]) -> PixelRange:
    found = pixel_range.find_range(arrays)
    if found is None:
        low, high = min(array.min() for array in arrays), max(array.max() for array in arrays)
        raise fault(
            f"{what} have pixels of an unknown range",
            expected=pixel_range.EXPECTED,
            received=f"{low:g} to {high:g}",
            do="save the images as they were before they were normalised",
        )
    return found


def _images(images: Array, pixels: PixelRange) -> Images:
    """Return (n, 28, 28) uint8 of images of any shape that `image_shape` knows."""
    count, (height, width) = len(images), image_size(images.shape) or (0, 0)
    result = np.zeros((count, SIDE, SIDE), dtype=np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    for start in range(0, count, _CHUNK):
        chunk = images[start : start + _CHUNK].reshape(-1, height, width)
        result[start : start + _CHUNK, top : top + height, left : left + width] = pixels.convert(chunk)
    return result
