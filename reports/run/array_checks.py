"""Checks of the arrays of evaluation.npz before the page draws them (the contract is docs/run-folder.md).

The checks are of types, shapes and the range of indices. Arrays with unknown names are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.storage.schema.documents import readable

# `Any`: the file holds arrays of several types.
Array: TypeAlias = NDArray[Any]

_NUMBERS, _WHOLE, _TEXTS, _PIXELS, _TRUTHS = "fiu", "iu", "U", "u", "b"
_SIDE, _DRAWN_SIDE, _OWN_SIDE = 28, 50, 64
_IMAGE = "image"
"""The axes of one image of the run's data: (h, w) or (h, w, 3)."""


class ArrayError(ValueError):
    """An array that breaks its rule."""


@dataclass(frozen=True)
class _Rule:
    """The rule for arrays of a name."""

    name: re.Pattern[str]
    """A group, such as the trial, is part of the name of a size that starts with `$`."""
    kinds: str
    sizes: tuple[int | str, ...]
    """The size of each axis: a number; a name, which has one size in all arrays; `*` for any; or `image` for its axes."""
    below: str | None = None
    """The name of a size: values are integers from `least` to this size less one."""
    least: int = 0


def _rule(name: str, kinds: str, *sizes: int | str, below: str | None = None, least: int = 0) -> _Rule:
    return _Rule(re.compile(name), kinds, sizes, below, least)


_RULES = (
    _rule(r"validation/labels", _WHOLE, "validation", below="classes"),
    _rule(r"confirm/(\d+)/validation_probabilities", _NUMBERS, "validation", "classes"),
    _rule(r"confirm/(\d+)/validation_labels", _WHOLE, "validation", below="classes"),
    _rule(r"confirm/(\d+)/weights/(?:names|shapes)", _TEXTS, "$layers"),
    _rule(r"confirm/(\d+)/weights/statistics", _NUMBERS, "$layers", 9),
    _rule(r"confirm/(\d+)/weights/histogram_counts", _NUMBERS, "$layers", 40),
    _rule(r"confirm/(\d+)/weights/histogram_edges", _NUMBERS, "$layers", 41),
    _rule(r"refit/(\d+)/weights/(?:names|shapes)", _TEXTS, "$layers"),
    _rule(r"refit/(\d+)/weights/statistics", _NUMBERS, "$layers", 9),
    _rule(r"refit/(\d+)/weights/histogram_counts", _NUMBERS, "$layers", 40),
    _rule(r"refit/(\d+)/weights/histogram_edges", _NUMBERS, "$layers", 41),
    _rule(r"test/labels", _WHOLE, "test", below="classes"),
    _rule(r"test/probabilities", _NUMBERS, "test", "classes"),
    _rule(r"test/predictions_per_seed", _WHOLE, "*", "test", below="classes"),
    _rule(r"kernels", _NUMBERS, "*", "*", "*"),
    _rule(r"kernels", _NUMBERS, "*", "*", 3, "*"),
    _rule(r"features/example", _PIXELS, _IMAGE),
    _rule(r"features/names", _TEXTS, "*"),
    _rule(r"features/(\d+)", _NUMBERS, "*", "*", "*"),
    _rule(r"network/layers", _TEXTS, "*"),
    _rule(r"network/(?:kernels|numbers)", _NUMBERS, "*"),
    _rule(r"network/difference", _NUMBERS),
    _rule(r"study/(\d+)/gradient_norms/names", _TEXTS, "$norms"),
    _rule(r"study/(\d+)/gradient_norms/values", _NUMBERS, "$norms"),
    _rule(r"study/(\d+)/units/names", _TEXTS, "$units"),
    _rule(r"study/(\d+)/units/(?:dead|saturated)", _NUMBERS, "$units"),
    _rule(r"study/(\d+)/gradient_noise", _NUMBERS, 4),
    _rule(r"study/(\d+)/step", _NUMBERS, 2),
    _rule(r"confirm/(\d+)/int8_predictions", _WHOLE, "validation", below="classes"),
    _rule(r"test/int8_predictions", _WHOLE, "test", below="classes"),
    _rule(r"int8/names", _TEXTS, "int8"),
    _rule(r"int8/snr_db", _NUMBERS, "int8"),
    _rule(r"memory/operations", _TEXTS, "operations"),
    _rule(r"memory/names", _TEXTS, "tensors"),
    _rule(r"memory/tensors", _WHOLE, "tensors", 4),
    _rule(r"robustness/(?:kinds|units)", _TEXTS, "kinds"),
    _rule(r"robustness/(?:levels|accuracy)", _NUMBERS, "kinds", "levels"),
    _rule(r"images/test_indices", _WHOLE, "pictures", below="test"),
    _rule(r"images/test", _PIXELS, "pictures", _IMAGE),
    _rule(r"images/(?:samples|augmented)", _PIXELS, "samples", _IMAGE),
    _rule(r"images/sample_labels", _WHOLE, "samples", below="classes"),
    _rule(r"custom/(drawn)/seed", _WHOLE),
    _rule(r"custom/(drawn)/labels", _WHOLE, "$images", below="digits"),
    _rule(r"custom/(own)/labels", _WHOLE, "$images", below="classes", least=-1),
    _rule(r"custom/(own)/readable", _TRUTHS, "$images"),
    _rule(r"custom/(drawn|own)/(?:names|styles|warnings)", _TEXTS, "$images"),
    _rule(r"custom/(drawn)/probabilities", _NUMBERS, "$images", "digits"),
    _rule(r"custom/(own)/probabilities", _NUMBERS, "$images", "classes"),
    _rule(r"custom/(drawn|own)/shown", _WHOLE, "$shown", below="$images"),
    _rule(r"custom/(drawn)/seen", _PIXELS, "$shown", _SIDE, _SIDE),
    _rule(r"custom/(own)/seen", _PIXELS, "$shown", _IMAGE),
    _rule(r"custom/(drawn)/originals", _PIXELS, "$shown", _DRAWN_SIDE, _DRAWN_SIDE),
    _rule(r"custom/(own)/originals", _PIXELS, "$shown", _OWN_SIDE, _OWN_SIDE, 3),
    _rule(r"custom/(own)/sizes", _WHOLE, "$shown", 2, below="own side"),
)
_SHOWN = ("probabilities", "warnings", "shown", "originals", "seen")
_DRAWN, _OWN = ("labels", "seed", *_SHOWN), ("names", "labels", "readable", "sizes", *_SHOWN)
_TOGETHER = (
    ("test/labels", "test/probabilities"),
    ("int8/names", "int8/snr_db"),
    ("memory/operations", "memory/names", "memory/tensors"),
    ("images/test_indices", "images/test"),
    ("network/layers", "network/kernels", "network/numbers", "network/difference"),
    ("images/samples", "images/sample_labels"),
    tuple(f"custom/drawn/{name}" for name in _DRAWN),
    tuple(f"custom/own/{name}" for name in _OWN),
)
"""Groups of arrays; a file has all of a group or none."""
_MOST_MAPS = 4096
_MOST_PIXELS = 1024
"""The most pixels of an image's side."""


def check_arrays(arrays: Mapping[str, Array], classes: int, image_shape: tuple[int, ...] = (_SIDE, _SIDE)) -> None:
    """Check all arrays with a known name.

    Args:
        arrays: the arrays of evaluation.npz.
        classes: the number of classes of the run's data.
        image_shape: the shape of one of their images.

    Raises:
        ArrayError: if an array breaks its rule.
    """
    sides, channels = image_shape[:2], image_shape[2:]
    if len(sides) != 2 or not all(1 <= side <= _MOST_PIXELS for side in sides) or channels not in ((), (3,)):
        raise ArrayError(f"the images of the run's data have a wrong shape. Received: {image_shape}")
    sizes: dict[str, int] = {"classes": classes, "digits": 10, "own side": _OWN_SIDE + 1}
    matches = [(key, _with_image(rule, image_shape), prefix) for key, rule, prefix in _known(arrays)]
    for key, rule, prefix in matches:
        _check_kind(key, arrays[key], rule)
        _check_sizes(key, arrays[key].shape, rule, prefix, sizes)
    for key, rule, prefix in matches:
        _check_values(key, arrays[key], rule, prefix, sizes)
    for names in _TOGETHER:
        there = [name in arrays for name in names]
        if any(there) and not all(there):
            raise ArrayError(
                f"{' and '.join(names)} go together. Received: {names[there.index(True)]} without {names[there.index(False)]}"
            )


def _known(arrays: Mapping[str, Array]) -> Iterator[tuple[str, _Rule, str]]:
    for key in arrays:
        rules = [(rule, match) for rule in _RULES if (match := rule.name.fullmatch(key)) is not None]
        if rules:
            axes = arrays[key].ndim
            rule, match = next((pair for pair in rules if len(pair[0].sizes) == axes), rules[0])
            yield key, rule, "/".join(match.groups())


def _with_image(rule: _Rule, image_shape: tuple[int, ...]) -> _Rule:
    """Return a rule with the axes of an image in place of their word."""
    sizes = [axes for size in rule.sizes for axes in (image_shape if size == _IMAGE else (size,))]
    return replace(rule, sizes=tuple(sizes))


def _check_kind(key: str, array: Array, rule: _Rule) -> None:
    if array.dtype.kind not in rule.kinds or (rule.kinds == _PIXELS and array.dtype != np.uint8):
        raise ArrayError(f"{key} has a wrong type. Received: {array.dtype}")


def _check_sizes(key: str, shape: tuple[int, ...], rule: _Rule, prefix: str, sizes: dict[str, int]) -> None:
    fits = len(shape) == len(rule.sizes) and all(
        _fits(size, wanted, prefix, sizes) for size, wanted in zip(shape, rule.sizes, strict=True)
    )
    if not fits or (rule.sizes[:2] == ("*", "*") and max(shape) > _MOST_MAPS):
        raise ArrayError(f"{key} has a wrong shape. Received: {shape}")


def _fits(size: int, wanted: int | str, prefix: str, sizes: dict[str, int]) -> bool:
    if isinstance(wanted, int):
        return size == wanted
    name = wanted.replace("$", f"{prefix}/")
    return size > 0 if name == "*" else sizes.setdefault(name, size) == size


def _check_values(key: str, array: Array, rule: _Rule, prefix: str, sizes: Mapping[str, int]) -> None:
    if rule.below is not None and array.size:
        low, high = int(array.min()), int(array.max())
        if low < rule.least or high >= sizes.get(rule.below.replace("$", f"{prefix}/"), 0):
            raise ArrayError(f"{key} points outside of {rule.below.strip('$')}. Received: {low} to {high}")
    if (
        array.dtype.kind == "f"
        and "probabilities" in key
        and not bool(np.all((array >= -1e-3) & (array <= 1 + 1e-3) | np.isnan(array)))
    ):
        raise ArrayError(f"{key} holds no probabilities")


def readable_texts(array: Array) -> Array:
    """Return an array of texts without unprintable characters; other arrays unchanged."""
    return (
        np.array([readable(text) for text in array.tolist()], dtype=np.str_)
        if array.dtype.kind == "U" and array.ndim == 1
        else array
    )
