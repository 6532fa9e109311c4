"""The validation of a data set, and its conversion to uint8 images of one shape and int64 labels.

Nothing here opens a file (`formats`), looks for a data set (`sources`) or splits one (`splits`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import fault
from tuner.core.pictures import MAX_BYTES
from tuner.data import image_shape
from tuner.data.image_shape import Layout, layout_of
from tuner.data.labels import check_label_header, map_labels
from tuner.data.picture_options import PictureOptions
from tuner.data.pictures.array_images import format_size, images_of_arrays
from tuner.storage.npz_io import Array, ArrayHeader

__all__ = (
    "KEYS", "KEYS_OF", "MAX_BYTES", "MAX_IMAGES", "SIDE", "CheckedArrays", "Images", "Key", "Labels", "RawArrays", "Split",
    "check_headers", "checked",
)  # fmt: skip

Split: TypeAlias = Literal["train", "validation", "test"]
Key: TypeAlias = Literal["x_train", "y_train", "x_test", "y_test", "x_validation", "y_validation"]
Images: TypeAlias = NDArray[np.uint8]
Labels: TypeAlias = NDArray[np.int64]

KEYS: tuple[Key, ...] = ("x_train", "y_train", "x_test", "y_test")
"""The arrays of every data set. `x_validation` and `y_validation` are there where the source has validation images of its own."""
SIDE = image_shape.SIDE
KEYS_OF: Mapping[Split, tuple[Key, Key]] = {
    "train": ("x_train", "y_train"),
    "validation": ("x_validation", "y_validation"),
    "test": ("x_test", "y_test"),
}
"""The images and labels of each split; a validation set is optional."""
_IMAGES: tuple[Key, ...] = tuple(images for images, _ in KEYS_OF.values())
MAX_IMAGES = 1_000_000


@dataclass(frozen=True, eq=False)
class RawArrays:
    """The arrays as they were read: shapes and types are checked, values are not."""

    where: str
    """The file or folder, for messages."""
    arrays: Mapping[Key, Array]
    """Those of `KEYS`, perhaps x_validation and y_validation. Images of a shape that `image_shape` knows, labels of any kind that `labels` knows."""
    notes: tuple[str, ...] = ()
    """Notes for the user about how they were found."""
    class_names: tuple[str, ...] | None = None
    """The names of labels 0, 1, 2 and so on; None: a label is its own name."""
    decoded: bool = False
    """True where pictures were decoded and resized: pixels are uint8 from 0 to 255, however dark."""
    transposed: frozenset[Key] = frozenset()
    """The images whose rows and columns were exchanged when they were read."""


@dataclass(frozen=True, eq=False)
class CheckedArrays:
    """The arrays, checked and converted, as the rest of the program uses them."""

    x_train: Images
    """(n, h, w) or (n, h, w, 3)."""
    y_train: Labels
    """(n,), every class from 0 to k - 1 among them."""
    x_test: Images
    y_test: Labels
    class_names: tuple[str, ...]
    """One a class, 2 to 100."""
    x_validation: Images | None = None
    """None: validation images are to be split off the training images."""
    y_validation: Labels | None = None
    notes: tuple[str, ...] = ()
    """Notes for the user about how they were read."""

    @property
    def classes(self) -> int:
        """The number of classes, k."""
        return len(self.class_names)


def check_headers(where: str, headers: Mapping[Key, ArrayHeader]) -> None:
    """Raise `DataError` unless the arrays have usable types, shapes and sizes; unpacks nothing."""
    for key, header in headers.items():
        _check_dtype(f"{where}: {key}", header)
        (_check_image_header if key.startswith("x") else check_label_header)(f"{where}: {key}", header)
        _check_length(f"{where}: {key}", header)
    _check_memory(where, headers)
    for images, labels in KEYS_OF.values():
        if images in headers:
            _check_lengths(where, headers, images, labels)
    _check_same_shape(where, headers)


def _check_dtype(what: str, header: ArrayHeader) -> None:
    if header.dtype.hasobject:
        raise fault(
            f"{what} holds pickled Python objects, which are never loaded",
            expected="an array of numbers or texts",
            received=f"dtype {header.dtype}",
            do="save it again as a plain NumPy array",
        )


def _check_image_header(what: str, header: ArrayHeader) -> None:
    if header.dtype.kind not in "buif":
        raise fault(
            f"{what} has a type that can't be used",
            expected="uint8, or other integers or floats",
            received=f"dtype {header.dtype}",
            do="convert it with astype and save it again" if header.dtype.kind not in "US" else "save pixels, not text",
        )
    if layout_of(header.shape) is None:
        do = image_shape.shape_advice(header.shape)
        raise fault(f"{what} has a wrong shape", expected=image_shape.EXPECTED, received=header.shape, do=do)


def _check_length(what: str, header: ArrayHeader) -> None:
    if not 1 <= header.shape[0] <= MAX_IMAGES:
        raise fault(
            f"{what} has a length that can't be used",
            expected=f"1 to {MAX_IMAGES:,} images",
            received=f"{header.shape[0]:,}",
            do="give a set of another size",
        )


def _check_lengths(where: str, headers: Mapping[Key, ArrayHeader], images: Key, labels: Key) -> None:
    if headers[images].shape[0] != headers[labels].shape[0]:
        raise fault(
            f"{where}: {images} and {labels} have different lengths",
            expected="one label an image",
            received=f"{headers[images].shape[0]:,} images and {headers[labels].shape[0]:,} labels",
            do="save the pair again",
        )


def _check_same_shape(where: str, headers: Mapping[Key, ArrayHeader]) -> None:
    layouts = {key: layout_of(headers[key].shape) for key in _IMAGES if key in headers}
    train = layouts["x_train"]
    for key, other in layouts.items():
        if train is None or other is None or train.image_shape == other.image_shape:
            continue
        what = "images of different sizes" if train.size != other.size else "grey and colour images"
        raise fault(
            f"{where}: x_train and {key} have {what}",
            expected=f"{_format_images(train)} in both",
            received=f"{_format_images(other)} in {key}",
            do="bring them to one size" if train.size != other.size else "make all of them grey, or all of them colour",
        )


def _format_images(layout: Layout) -> str:
    return format_size(layout.size) + (", in colour" if layout.channels > 1 else "")


def _check_memory(where: str, headers: Mapping[Key, ArrayHeader]) -> None:
    size_bytes = sum(header.size_bytes for header in headers.values())
    if size_bytes > MAX_BYTES:
        raise fault(
            f"{where} would take too much memory once unpacked",
            expected=f"at most {MAX_BYTES / 1024**3:g} GiB",
            received=f"{size_bytes / 1024**3:.1f} GiB",
            do="save the images as uint8, or fewer of them",
        )


def checked(raw: RawArrays, pictures: PictureOptions = PictureOptions()) -> CheckedArrays:
    """Return the arrays as uint8 images of one shape and int64 labels from 0.

    Pixels are converted from the range in which they were saved (`pixel_range`) to 0 to 255, rounded to the nearest
    whole number. Images keep their size up to 64×64, or are resized (`pictures`).

    Raises:
        DataError: NaN or infinite values, pixels of an unknown range, labels that can't be classes (`labels`).
    """
    mapped = map_labels(
        raw.where,
        {labels: raw.arrays[labels] for _, labels in KEYS_OF.values() if labels in raw.arrays},
        raw.class_names,
    )
    images, notes = images_of_arrays(
        raw.where, {key: raw.arrays[key] for key in _IMAGES if key in raw.arrays}, pictures, decoded=raw.decoded
    )
    return CheckedArrays(
        x_train=images["x_train"],
        y_train=mapped.labels["y_train"],
        x_test=images["x_test"],
        y_test=mapped.labels["y_test"],
        class_names=mapped.class_names,
        x_validation=images.get("x_validation"),
        y_validation=mapped.labels.get("y_validation"),
        notes=tuple(dict.fromkeys((*raw.notes, *notes, *mapped.notes))),
    )
