"""Labels of any kind as classes 0 to k - 1: whole numbers from any start, texts, booleans, one-hot rows.

Labels only: no images, no files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import DataError, fault
from tuner.core.text import natural_key
from tuner.storage.npz_io import Array, ArrayHeader

MAX_CLASSES = 100
EXPECTED = "whole numbers, texts, booleans or one-hot rows: (n,), (n, 1) or (n, k)"
_NAMED = 10
"""The number of labels that a note or message names."""
_LONGEST_NAME = 200
_WHOLE_NUMBER = re.compile(r"0|-?[1-9]\d{0,30}")


@dataclass(frozen=True, eq=False)
class MappedLabels:
    """The labels of a data set, as classes."""

    labels: Mapping[str, NDArray[np.int64]]
    """Key of each array → (n,) from 0 to k - 1."""
    class_names: tuple[str, ...]
    """One a class."""
    notes: tuple[str, ...]
    """A note that says the mapping; empty where the labels are 0 to k - 1 already."""


def check_label_header(what: str, header: ArrayHeader) -> None:
    """Raise `DataError` unless an array's type and shape may be those of labels."""
    if header.dtype.kind not in "buifUS":
        raise fault(
            f"{what} has a type that can't be used",
            expected="whole numbers, texts or booleans",
            received=f"dtype {header.dtype}",
            do="convert it with astype and save it again",
        )
    shape = header.shape
    if len(shape) == 2 and shape[1] > MAX_CLASSES:
        do = "give one label an image"
        raise fault(f"{what} has a wrong shape", expected=f"(n,), (n, 1) or one-hot (n, k), k up to {MAX_CLASSES}", received=shape, do=do)  # fmt: skip
    if len(shape) not in (1, 2) or 0 in shape[1:]:
        do = "give one label an image"
        raise fault(f"{what} has a wrong shape", expected="(n,), (n, 1) or one-hot (n, k)", received=shape, do=do)


def map_labels(where: str, arrays: Mapping[str, Array], class_names: Sequence[str] | None = None) -> MappedLabels:
    """Return labels as classes 0 to k - 1; all arrays share one mapping.

    Whole numbers are sorted as numbers, texts as people sort them. A class is a value that some image has.

    Args:
        where: the file or folder, for messages.
        arrays: key → (n,), (n, 1) or one-hot (n, k) of booleans, integers, floats, texts, bytes or, from pandas, objects.
        class_names: the names of labels 0, 1, 2 and so on, where the labels are such numbers; None: a label is its own name.

    Raises:
        DataError: no label, a fraction, NaN, a one-hot row with other than a single 1, a number without a name, fewer than 2 or more than
            100 classes, a class without a training image.
    """
    values = {key: _values(f"{where}: {key}", array) for key, array in arrays.items()}
    if class_names is not None:
        for key, (different, _) in values.items():
            _check_named(f"{where}: {key}", different, class_names)
        _check_one_kind(where, {key: different for key, (different, _) in values.items()})
    occurring = {value for different, _ in values.values() for value in different}
    if not 2 <= len(occurring) <= MAX_CLASSES:
        raise _wrong_count(where, len(occurring))
    order = _sorted(occurring, class_names)
    places = {value: place for place, value in enumerate(order)}
    labels = {
        key: np.array([places[value] for value in different], dtype=np.int64)[inverse]
        for key, (different, inverse) in values.items()
    }
    names = tuple(order) if class_names is None or not _are_numbers(order) else tuple(class_names[int(value)] for value in order)  # fmt: skip
    if "y_train" in labels:
        _check_trained(where, labels["y_train"], names)
    return MappedLabels(labels, names, tuple(_notes(order, names, class_names)))


def _values(what: str, array: Array) -> tuple[list[str], NDArray[np.int64]]:
    """Return an array's different values as texts, and the place of each label's value among them."""
    if array.ndim == 2 and array.shape[1] > 1:
        array = _one_hot_places(what, array)
    flat = array.reshape(-1)
    if flat.dtype.kind == "f":
        flat = _whole(what, flat)
    elif flat.dtype.kind == "O":
        flat = _texts(what, flat)
    different, inverse = np.unique(flat, return_inverse=True)
    if len(different) > MAX_CLASSES:
        raise _wrong_count(what, len(different))
    # Two values may have one text: b"7" and 7 come from different arrays, 7 and "7" from one column.
    return [_text(what, value) for value in different.tolist()], inverse.reshape(-1).astype(np.int64)


def _one_hot_places(what: str, rows: Array) -> Array:
    """Return the place of the single 1 of each row."""
    if rows.dtype.kind in "buif":
        bad = np.flatnonzero(np.any((rows != 0) & (rows != 1), axis=1) | ((rows == 1).sum(axis=1) != 1))
    else:
        bad = np.arange(1)
    if len(bad):
        shown = np.array2string(rows[bad[0]][:_NAMED], separator=", ", max_line_width=10**6)
        raise fault(
            f"{what} has rows that are not one-hot",
            expected="one label an image: a single 1 a row, the rest 0",
            received=f"{shown} at image {int(bad[0]) + 1}",
            do="give one class an image; images with several classes or with shares of classes can't be searched",
        )
    places: Array = rows.argmax(axis=1)
    return places


def _whole(what: str, labels: Array) -> Array:
    """Return floats as integers.

    Raises:
        DataError: a fraction, NaN, or infinity.
    """
    bad = np.flatnonzero(~np.isfinite(labels))
    if len(bad):
        do = "remove these images, or label them"
        received = f"{labels[bad[0]]} at image {bad[0] + 1}"
        raise fault(f"{what} has NaN or infinite labels", expected="whole numbers", received=received, do=do)
    bad = np.flatnonzero(labels != np.floor(labels))
    if len(bad):
        received = f"{labels[bad[0]]:g} at image {bad[0] + 1}"
        raise fault(f"{what} has labels that are not whole", expected="0, 1, 2 and so on, or texts", received=received, do="correct them")  # fmt: skip
    if np.abs(labels).max(initial=0) >= 2**53:
        raise fault(f"{what} has labels out of range", expected="whole numbers below 2^53", received=f"{labels.max():g}", do="number the classes")  # fmt: skip
    return labels.astype(np.int64)


def _texts(what: str, labels: Array) -> Array:
    """Return the texts of a column of anything."""
    texts = [_object_text(label) for label in labels]
    missing = next((place for place, text in enumerate(texts) if text is None), None)
    if missing is not None:
        raise fault(f"{what}: image {missing + 1} has no label", expected="a label for each image", received="an empty cell", do="correct or remove it")  # fmt: skip
    return np.array(texts, dtype=str)


def _object_text(label: Any) -> str | None:
    if label is None or (isinstance(label, float) and math.isnan(label)) or type(label).__name__ in ("NAType", "NaTType"):  # fmt: skip
        return None
    if isinstance(label, bytes):
        return label.decode("utf-8", errors="replace")
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _text(what: str, value: Any) -> str:
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError as error:
        raise fault(f"{what} has labels that are no text", expected="texts in UTF-8", received=repr(value[:40]), do="save them as texts") from error  # fmt: skip
    if not text.strip():
        raise fault(f"{what} has empty labels", expected="a label for each image", received=repr(text), do="label these images, or remove them")  # fmt: skip
    if len(text) > _LONGEST_NAME:
        raise fault(f"{what} has long labels", expected=f"up to {_LONGEST_NAME} characters", received=f"{len(text):,}", do="shorten the names of the classes")  # fmt: skip
    return text


def _are_numbers(values: Sequence[str]) -> bool:
    return all(_WHOLE_NUMBER.fullmatch(value) for value in values)


def _sorted(values: set[str], class_names: Sequence[str] | None) -> list[str]:
    if _are_numbers(tuple(values)):
        return sorted(values, key=int)
    if class_names is not None:
        return sorted(values, key=list(class_names).index)
    return sorted(values, key=natural_key)


def _check_named(what: str, values: Sequence[str], class_names: Sequence[str]) -> None:
    """Raise unless each label is a number that has a name, or is one of the names."""
    last = len(class_names) - 1
    if _are_numbers(values):
        wrong = [value for value in values if not 0 <= int(value) <= last]
    else:
        wrong = [value for value in values if value not in class_names]
    if not wrong:
        return
    unlabelled = wrong == ["-1"] == list(values)
    raise fault(
        f"{what} has no labels" if unlabelled else f"{what} has labels without a name",
        expected=f"0 to {last}, or one of the {len(class_names)} names",
        received="-1 for each image, which means that the labels are kept back" if unlabelled else _listed(wrong),
        do="give images that have labels" if unlabelled else "correct the labels, or the names in the file",
    )


def _check_one_kind(where: str, values: Mapping[str, Sequence[str]]) -> None:
    """Raise where one array has the numbers of classes and another their names."""
    numbers = {key: _are_numbers(different) for key, different in values.items()}
    if len(set(numbers.values())) < 2:
        return
    received = " and ".join(
        f"{_listed(different[:3])} in {key}"
        for kind in (True, False)
        for key, different in [next((key, values[key]) for key, number in numbers.items() if number is kind)]
    )
    raise fault(
        f"{where}: labels are numbers in one set and names in another",
        expected="numbers in all sets, or names in all of them",
        received=received,
        do="save the labels alike",
    )


def _wrong_count(where: str, count: int) -> DataError:
    return fault(
        f"{where}: too {'few' if count < 2 else 'many'} classes",
        expected=f"2 to {MAX_CLASSES} different labels",
        received=f"{count:,}",
        do="give images of two classes or more"
        if count < 2
        else f"merge classes until there are at most {MAX_CLASSES}, or check that these are labels",
    )


def _check_trained(where: str, y_train: NDArray[np.int64], names: Sequence[str]) -> None:
    """Raise unless every class has a training image."""
    missing = np.flatnonzero(np.bincount(y_train, minlength=len(names)) == 0)
    if missing.size:
        raise fault(
            f"{where}: y_train lacks classes that other images have",
            expected="training images of every class",
            received=f"none of {_listed([names[int(place)] for place in missing])}",
            do="add training images of these classes, or remove the others",
        )


def _notes(order: Sequence[str], names: Sequence[str], class_names: Sequence[str] | None) -> list[str]:
    as_given = _are_numbers(order) and [int(value) for value in order] == list(range(len(order)))
    notes = []
    if class_names is not None:
        left_out = [name for name in class_names if name not in names]
        if left_out:
            notes.append(f"No image has the label {_listed(left_out)}: {'this class is' if len(left_out) == 1 else 'these classes are'} left out.")  # fmt: skip
    elif not as_given:
        notes.append(f"The labels are, as classes 0 to {len(names) - 1}: {_listed(names)}.")
    return notes


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
