"""The winner's answers for images that are not of its data set: digits of random strokes, and the user's own.

Arrays for the report, from a model's answers. No Keras: the model is a function here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.images.doubt import unsure_note
from tuner.images.preparation import SIZE, Prepared, prepare
from tuner.images.strokes import synthetic_digits, synthetic_styles
from tuner.images.user_images import OwnImages
from tuner.storage.npz_io import Arrays

Images: TypeAlias = NDArray[np.uint8]
Probabilities: TypeAlias = NDArray[np.float32]
Ask: TypeAlias = Callable[[Images], Probabilities]
"""Images (n, 28, 28) uint8 to probabilities (n, classes)."""

DRAWN = 500
"""So many digits are drawn."""

_DIGITS = tuple("0123456789")
_DIGIT_SETS = ("mnist", "digits")
_WRONG_SHOWN, _RIGHT_SHOWN, _OWN_SHOWN = 12, 10, 24
_ORIGINAL = 50
"""Pixels a side of what is kept of a drawn digit."""


def are_digits(name: str, class_names: Sequence[str]) -> bool:
    """Return whether a data set's classes are the ten digits. Of a user's own file nobody knows, whatever its classes' numbers."""
    return name in _DIGIT_SETS and tuple(class_names) == _DIGITS


def drawn_arrays(ask: Ask, count: int, seed: int) -> Arrays:
    """`custom/drawn/…` of so many digits drawn with a seed, of each class as many as can be; `count` 0: none were to be drawn."""
    images, labels = synthetic_digits(count, seed)
    prepared = [prepare(image.astype(np.float32) / np.float32(255)) for image in images]
    probabilities = _answers(ask, [one.image for one in prepared], len(_DIGITS))
    shown = drawn_shown(probabilities, labels)
    return {
        "custom/drawn/seed": np.array(seed),
        "custom/drawn/labels": labels,
        "custom/drawn/probabilities": probabilities,
        "custom/drawn/styles": np.array(synthetic_styles(count, seed), dtype=np.str_),
        "custom/drawn/warnings": np.array([one.warning or "" for one in prepared], dtype=np.str_),
        "custom/drawn/shown": shown,
        "custom/drawn/originals": _stacked([_reduced(images[index]) for index in shown], _ORIGINAL),
        "custom/drawn/seen": _stacked([_seen(prepared[index]) for index in shown], SIZE),
    }


def own_arrays(ask: Ask, own: OwnImages, classes: int) -> Arrays:
    """`custom/own/…`: every image's answer, and pictures of those that the page shows."""
    images = [image if prepared else None for image, prepared in zip(own.seen, own.prepared, strict=True)]
    probabilities = _answers(ask, images, classes)
    shown = own_shown(probabilities, own.labels)
    return {
        "custom/own/names": np.array(own.names, dtype=np.str_),
        "custom/own/labels": own.labels,
        "custom/own/warnings": np.array(_with_doubts(own.warnings, probabilities), dtype=np.str_),
        "custom/own/readable": own.readable,
        "custom/own/probabilities": probabilities,
        "custom/own/shown": shown,
        "custom/own/originals": own.originals[shown],
        "custom/own/sizes": own.sizes[shown],
        "custom/own/seen": own.seen[shown],
    }


def _with_doubts(warnings: Sequence[str], probabilities: Probabilities) -> list[str]:
    """Return the warnings of images, with that of a low probability after them."""
    doubts = ["" if np.isnan(row).any() else unsure_note(row) or "" for row in probabilities]
    return ["; ".join(filter(None, pair)) for pair in zip(warnings, doubts, strict=True)]


def drawn_shown(probabilities: Probabilities, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which drawn digits the page shows: wrong ones and refused ones, worst first; then of each class the right one that was least sure."""
    of_label = _of_label(probabilities, labels)
    right = _is_right(probabilities, labels)
    wrong = _ranked(np.flatnonzero(~right), of_label)[:_WRONG_SHOWN]
    least = [_ranked(np.flatnonzero(right & (labels == c)), of_label)[:1] for c in range(len(_DIGITS))]
    return np.concatenate([wrong, *least])[: _WRONG_SHOWN + _RIGHT_SHOWN].astype(np.int64)


def own_shown(probabilities: Probabilities, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of the user's images the page shows, in their order: all, or else mistakes, those without an answer, the least sure."""
    wrong = (labels >= 0) & ~np.isnan(probabilities).any(axis=1) & ~_is_right(probabilities, labels)
    order = np.lexsort((np.nan_to_num(probabilities, nan=-1.0).max(axis=1), ~wrong))
    return np.sort(order[:_OWN_SHOWN]).astype(np.int64)


def _answers(ask: Ask, images: Sequence[Images | None], classes: int) -> Probabilities:
    """(n, classes); NaN where there is no image."""
    answers = np.full((len(images), classes), np.nan, np.float32)
    asked = [index for index, image in enumerate(images) if image is not None]
    if asked:
        answers[asked] = ask(np.stack([image for image in images if image is not None]))
    return answers


def _of_label(probabilities: Probabilities, labels: NDArray[np.int64]) -> Probabilities:
    """(n,) of the true class; below every other where there is no answer."""
    return np.nan_to_num(probabilities[np.arange(len(labels)), labels], nan=-1.0)


def _is_right(probabilities: Probabilities, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,); what has no answer is not right."""
    answered = ~np.isnan(probabilities).any(axis=1)
    return np.asarray(answered & (np.nan_to_num(probabilities).argmax(axis=1) == labels))


def _ranked(indices: NDArray[np.int64], scores: Probabilities) -> NDArray[np.int64]:
    return indices[np.argsort(scores[indices], kind="stable")]


def _seen(prepared: Prepared) -> Images:
    return np.zeros((SIZE, SIZE), np.uint8) if prepared.image is None else prepared.image


def _reduced(image: Images) -> Images:
    return np.asarray(Image.fromarray(image).resize((_ORIGINAL, _ORIGINAL), Image.Resampling.BOX))


def _stacked(images: Sequence[Images], side: int) -> Images:
    return np.stack(images) if images else np.empty((0, side, side), np.uint8)
