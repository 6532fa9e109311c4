"""Images that are in two splits of a data set, pixel for pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import fault
from tuner.data.validation import CheckedArrays

Hashes = NDArray[np.int64]


def image_hashes(images: NDArray[np.uint8]) -> Hashes:
    """Return a 64-bit hash of each image's pixels, (n,). Hashes of one process can be compared, and of no other."""
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    return np.fromiter((hash(row.tobytes()) for row in rows), np.int64, len(rows))


def duplicates_note(train: Hashes, validation: Hashes, test: Hashes) -> str | None:
    """Return a note about images that are in two splits, by their hashes; None where there are none."""
    tested = _counted({"training": _common(train, test), "validation": _common(validation, test)})
    trained = _counted({"validation": _common(validation, train)})
    if not tested and not trained:
        return None
    parts = [f"{words} in the {split} set" for words, split in ((tested, "test"), (trained, "training")) if words]
    remedy = " --drop-duplicates leaves out those that the test set has." if tested else ""
    return f"Pixel for pixel, {', and '.join(parts)} too: accuracy on such images says little of new ones.{remedy}"


def dropped_note(train: int, validation: int) -> str | None:
    """Return a note about images that `--drop-duplicates` left out; None where there are none."""
    words = _counted({"training": train, "validation": validation}, verbs=("was", "were"))
    return f"{words} left out (--drop-duplicates): the test set has the same pixels." if words else None


def without_duplicates(where: str, arrays: CheckedArrays) -> CheckedArrays:
    """Return arrays without the training and validation images that the test set has too, and a note about them.

    Raises:
        DataError: a class of which no training image is left, or an empty validation set.
    """
    test = image_hashes(arrays.x_test)
    train_kept = ~np.isin(image_hashes(arrays.x_train), test)
    validation, labels, dropped = arrays.x_validation, arrays.y_validation, 0
    if validation is not None and labels is not None:
        kept = ~np.isin(image_hashes(validation), test)
        validation, labels, dropped = validation[kept], labels[kept], int((~kept).sum())
    note = dropped_note(int((~train_kept).sum()), dropped)
    if note is None:
        return arrays
    y_train = arrays.y_train[train_kept]
    missing = np.flatnonzero(np.bincount(y_train, minlength=arrays.classes) == 0)
    if missing.size or (labels is not None and not len(labels)):
        raise fault(
            f"{where}: --drop-duplicates leaves too few images",
            expected="training images of each class, and validation images",
            received=f"no training image of class {missing[0]}" if missing.size else "no validation image",
            do="remove the duplicates from the test set instead",
        )
    return replace(
        arrays,
        x_train=arrays.x_train[train_kept],
        y_train=y_train,
        x_validation=validation,
        y_validation=labels,
        notes=(*arrays.notes, note),
    )


def _common(first: Hashes, second: Hashes) -> int:
    """Return how many of the first images are among the second."""
    return int(np.isin(first, second).sum())


def _counted(counts: dict[str, int], verbs: tuple[str, str] = ("is", "are")) -> str:
    """Return "3 training images and 1 validation image are"; "" where all counts are 0."""
    words = [f"{count:,} {split} image{'' if count == 1 else 's'}" for split, count in counts.items() if count]
    return f"{' and '.join(words)} {verbs[sum(counts.values()) != 1]}" if words else ""
