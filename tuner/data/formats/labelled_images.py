"""One set of images with labels, as a file holds it, and a data set made of one, two or three of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tuner.core.errors import fault
from tuner.data.labels import map_labels
from tuner.data.pictures.in_place import keep_in_place
from tuner.data.splits import TEST_SHARE, split_off_test
from tuner.data.validation import KEYS_OF, Key, RawArrays, Split, check_headers
from tuner.storage.npz_io import Array, ArrayHeader


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images and labels as they were read."""

    where: str
    """The file or folder, for messages."""
    images: Array
    """(n, …), of a shape that `image_shape` knows."""
    labels: Array
    """(n,), (n, 1) or (n, k), of any kind that `labels` knows."""
    notes: tuple[str, ...] = ()
    """Notes for the user about how they were read."""
    class_names: tuple[str, ...] | None = None
    """The names of labels 0, 1, 2 and so on; None: a label is its own name."""
    decoded: bool = False
    """True where pictures were decoded and resized: uint8 from 0 to 255, however dark."""
    transposed: bool = False
    """True where rows and columns were exchanged when they were read."""


def split_test(train: LabelledImages, validation: LabelledImages | None = None) -> RawArrays:
    """Return a data set of a set without test images: a seventh of it, at random in proportion to the classes, is the test set.

    The set's array of images is used up: the training images move to its beginning.

    Raises:
        DataError: fewer than 7 images, or labels that can't be classes.
    """
    _check_lengths(train)
    labels = map_labels(train.where, {"labels": train.labels}, train.class_names).labels["labels"]
    count = round(len(labels) * TEST_SHARE)
    if count < 1:
        raise fault(f"{train.where} has too few images", expected="7 images or more", received=len(labels), do="give more images")  # fmt: skip
    rest, test = split_off_test(labels, count)
    note = (
        f"{train.where} has no test set: {count:,} of its {len(labels):,} images, at random in proportion to the classes, "
        "are the test images."
    )
    test_set = replace(train, images=train.images[test], labels=train.labels[test], notes=())
    train_set = replace(train, images=keep_in_place(train.images, rest), labels=train.labels[rest], notes=())
    return combined(train.where, train_set, test_set, validation, notes=(*train.notes, note))


def combined(
    where: str,
    train: LabelledImages,
    test: LabelledImages,
    validation: LabelledImages | None = None,
    *,
    notes: tuple[str, ...] | None = None,
) -> RawArrays:
    """Return the data set of sets that belong together.

    Args:
        where: the source, for messages.
        train: its training images.
        test: its test images.
        validation: its validation images, where it has such.
        notes: None: those of the sets.

    Raises:
        DataError: sets that don't fit together.
    """
    sets: dict[Split, LabelledImages] = {"train": train, "test": test}
    if validation is not None:
        sets["validation"] = validation
    names = {one.class_names for one in sets.values()}
    if len(names) > 1:
        expected, received = (", ".join((one.class_names or ("no names",))[:6]) for one in (train, test))
        raise fault(f"{where}: the sets have different names of classes", expected=expected, received=received, do="give sets of the same classes")  # fmt: skip
    arrays: dict[Key, Array] = {}
    for split, one in sets.items():
        x_key, y_key = KEYS_OF[split]
        arrays[x_key], arrays[y_key] = one.images, one.labels
    if not train.decoded:
        check_headers(where, {key: _header_of(array) for key, array in arrays.items()})
    said = tuple(dict.fromkeys(note for one in sets.values() for note in one.notes)) if notes is None else notes
    turned = frozenset(KEYS_OF[split][0] for split, one in sets.items() if one.transposed)
    return RawArrays(where, arrays, said, train.class_names, decoded=train.decoded, transposed=turned)


def _header_of(array: Array) -> ArrayHeader:
    """Return the header of an array in memory. Labels of pandas, which are objects, count as texts."""
    return ArrayHeader(array.shape, np.dtype("U1") if array.dtype.kind == "O" else array.dtype)


def _check_lengths(one: LabelledImages) -> None:
    if len(one.images) != len(one.labels):
        received = f"{len(one.images):,} images and {len(one.labels):,} labels"
        raise fault(f"{one.where}: images and labels have different lengths", expected="one label an image", received=received, do="save the pair again")  # fmt: skip
