"""Choice of the images and labels of training, test and validation among a file's arrays: by their names, else by their shapes.

`npz` and `h5` read files whose arrays have names. Names and headers only: no values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tuner.core.errors import DataError, fault
from tuner.data.formats.labelled_images import LabelledImages, combined, split_test
from tuner.data.labels import MAX_CLASSES
from tuner.data.validation import KEYS, KEYS_OF, Key, RawArrays, Split, check_headers
from tuner.storage.npz_io import Array, ArrayHeader

Kind: TypeAlias = Literal["x", "y"]
Part: TypeAlias = tuple[Split | None, Kind]

_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "t10k": "test",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
}  # fmt: skip
_KINDS: dict[str, Kind] = {
    "x": "x", "images": "x", "image": "x", "imgs": "x", "img": "x", "data": "x", "features": "x", "pixels": "x",
    "y": "y", "labels": "y", "label": "y", "targets": "y", "target": "y", "classes": "y", "class": "y",
}  # fmt: skip
_FILLERS = {"set", "orig"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*k?|\d+")
_GLUED = re.compile(r"(x|y)(train|test|val|valid)|(train|test|val|valid)(x|y)")
_FEWEST_PIXELS = 16
_MEDMNIST = "train_images, train_labels, test_images and test_labels"


@dataclass(frozen=True)
class NamedArrays:
    """The arrays of a file, before any of them is read."""

    where: str
    """The file, for messages."""
    headers: Mapping[str, ArrayHeader]
    read: Callable[[str], Array]
    """Return an array by its name."""
    word: str = "key"
    """The format's word for an array's name, for messages."""
    again: str = "save it again with numpy.savez_compressed"
    """The advice where something is missing."""


@dataclass(frozen=True)
class Pair:
    """The names of the images and the labels of one set."""

    images: str
    labels: str


def part_of(name: str) -> Part | None:
    """Return which part of a data set an array's name means, such as train_images or x_test; None where it means none."""
    words: list[str] = []
    for word in _WORDS.findall(name):
        glued = _GLUED.fullmatch(word.lower())
        words += [part for part in glued.groups() if part] if glued else [word.lower()]
    splits = [_SPLITS[word] for word in words if word in _SPLITS]
    kinds = [_KINDS[word] for word in words if word in _KINDS]
    if len(splits) > 1 or len(kinds) != 1 or len(splits) + len(kinds) + sum(word in _FILLERS for word in words) != len(words):  # fmt: skip
        return None
    return (splits[0] if splits else None), kinds[0]


def read_data_set(arrays: NamedArrays) -> RawArrays:
    """Return the data set of a file; where it has no test set, a seventh of its images.

    Raises:
        DataError: arrays that are missing, or can be taken in several ways, or of a wrong type, shape or size.
    """
    pairs = find_pairs(arrays)
    _check(arrays, pairs)
    sets = {split: _read_pair(arrays, pair) for split, pair in pairs.items()}
    notes = tuple(_notes(arrays, pairs))
    if "test" not in sets:
        raw = split_test(sets["train"], sets.get("validation"))
        return RawArrays(raw.where, raw.arrays, (*notes, *raw.notes), raw.class_names)
    return combined(arrays.where, sets["train"], sets["test"], sets.get("validation"), notes=notes)


def read_one_set(arrays: NamedArrays) -> LabelledImages:
    """Return the only set of a file: its training or its test images, whatever its name says.

    Raises:
        DataError: as of `read_data_set`, or several sets.
    """
    pairs = find_pairs(arrays, one=True)
    if len(pairs) > 1:
        raise fault(
            f"{arrays.where} has {' and '.join(pairs)} images",
            expected="one set of images beside --test-data",
            received=_keys(arrays),
            do="leave out --test-data, or save the sets as two files",
        )
    (pair,) = pairs.values()
    _check(arrays, {"train": pair})
    return _read_pair(arrays, pair)


def find_pairs(arrays: NamedArrays, *, one: bool = False) -> dict[Split, Pair]:
    """Return the pairs of images and labels, the training set among them.

    Args:
        arrays: of the file.
        one: whether a file with a test set only is taken, too.

    Raises:
        DataError: none, or several ways to take them.
    """
    named: dict[Part, list[str]] = {}
    for name in arrays.headers:
        part = part_of(name)
        if part is not None:
            named.setdefault(part, []).append(name)
    splits: list[Split] = [split for split in ("train", "validation", "test") if (split, "x") in named or (split, "y") in named]  # fmt: skip
    if not splits:
        return {"train": _only_pair(arrays, named)}
    pairs = {split: _named_pair(arrays, named, split) for split in splits}
    if "train" not in pairs and not (one and len(pairs) == 1):
        raise _lacks(arrays, "train", "x")
    return pairs


def is_data_set(arrays: NamedArrays, *, whole: bool = False) -> bool:
    """Return whether arrays are a data set; none is read.

    Args:
        arrays: of the file.
        whole: whether it must have training and test images of types, shapes and sizes that can be used.
    """
    try:
        pairs = find_pairs(arrays)
        if whole:
            _check(arrays, pairs)
    except DataError:
        return False
    return not whole or "test" in pairs


def _named_pair(arrays: NamedArrays, named: Mapping[Part, list[str]], split: Split) -> Pair:
    names: dict[Kind, str] = {}
    for kind in ("x", "y"):
        candidates = named.get((split, kind), [])
        if not candidates:
            raise _lacks(arrays, split, kind)
        exact = [name for name in candidates if name == f"{kind}_{split}"]
        if len(candidates) > 1 and not exact:
            raise _unclear(arrays, f"{' and '.join(candidates)} may both be the {split} {'images' if kind == 'x' else 'labels'}")  # fmt: skip
        names[kind] = exact[0] if exact else candidates[0]
    return Pair(names["x"], names["y"])


def _only_pair(arrays: NamedArrays, named: Mapping[Part, list[str]]) -> Pair:
    """Return the images and labels of a file whose names don't mention a split."""
    images, labels = named.get((None, "x"), []), named.get((None, "y"), [])
    if len(images) == len(labels) == 1:
        return Pair(images[0], labels[0])
    possible = list(_possible_pairs(arrays.headers))
    if len(possible) > 1:
        possible = [pair for pair in possible if pair.labels in labels or not labels]
        possible = [pair for pair in possible if pair.images in images or not images]
    if len(possible) == 1:
        return possible[0]
    if not possible:
        raise fault(
            f"{arrays.where} has no images with as many labels",
            expected=_expected(arrays),
            received=_keys(arrays),
            do=arrays.again,
        )
    described = ", ".join(dict.fromkeys(f"{pair.images} with {pair.labels}" for pair in possible[:4]))
    raise _unclear(arrays, f"each of these may be the images and labels: {described}")


def _possible_pairs(headers: Mapping[str, ArrayHeader]) -> Iterator[Pair]:
    for images, one in headers.items():
        for labels, other in headers.items():
            if images != labels and _may_be_images(one) and _may_be_labels(other) and one.shape[0] == other.shape[0]:
                yield Pair(images, labels)


def _may_be_images(header: ArrayHeader) -> bool:
    shape = header.shape
    flat = len(shape) == 2 and shape[1] >= _FEWEST_PIXELS and math.isqrt(shape[1]) ** 2 == shape[1]
    return header.dtype.kind in "buif" and not header.dtype.hasobject and (flat or len(shape) in (3, 4))


def _may_be_labels(header: ArrayHeader) -> bool:
    shape = header.shape
    one_hot = len(shape) == 2 and 1 <= shape[1] <= MAX_CLASSES
    return header.dtype.kind in "buifUS" and (len(shape) == 1 or one_hot)


def _check(arrays: NamedArrays, pairs: Mapping[Split, Pair]) -> None:
    """Check types, shapes and sizes before anything is read."""
    headers: dict[Key, ArrayHeader] = {}
    for split, (x_key, y_key) in KEYS_OF.items():
        if split in pairs:
            headers[x_key], headers[y_key] = arrays.headers[pairs[split].images], arrays.headers[pairs[split].labels]
    check_headers(arrays.where, headers)


def _read_pair(arrays: NamedArrays, pair: Pair) -> LabelledImages:
    return LabelledImages(arrays.where, arrays.read(pair.images), arrays.read(pair.labels))


def _notes(arrays: NamedArrays, pairs: Mapping[Split, Pair]) -> Iterator[str]:
    if "test" not in pairs:
        yield f"Of {arrays.where}, {pairs['train'].images} are the images and {pairs['train'].labels} the labels."
    elif any(pair != Pair(f"x_{split}", f"y_{split}") for split, pair in pairs.items()):
        described = ", ".join(f"{split}: {pair.images} and {pair.labels}" for split, pair in pairs.items())
        yield f"Of {arrays.where} these arrays are read as images and labels: {described}."


def _keys(arrays: NamedArrays) -> str:
    names = sorted(arrays.headers)
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "") or "none"


def _expected(arrays: NamedArrays) -> str:
    return f"the {arrays.word}s {', '.join(KEYS)}, or {_MEDMNIST}, or images and labels alone"


def _lacks(arrays: NamedArrays, split: Split, kind: Kind) -> DataError:
    return fault(
        f"{arrays.where} lacks the {arrays.word} {kind}_{split}",
        expected=_expected(arrays),
        received=_keys(arrays),
        do=arrays.again,
    )


def _unclear(arrays: NamedArrays, why: str) -> DataError:
    return fault(
        f"{arrays.where}: it is not clear which arrays are the images and the labels ({why})",
        expected=f"the {arrays.word}s {', '.join(KEYS)}, or images and labels alone",
        received=_keys(arrays),
        do=arrays.again,
    )
