"""The winner's answers for images that are not of its data set: digits of random strokes, and the user's own.

Arrays for the report, from a model's answers. No Keras: the model is a function here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.images.digits.preparation import SIZE, Prepared, prepare
from tuner.images.digits.strokes import synthetic_digits, synthetic_styles
from tuner.images.doubt import unsure_note
from tuner.images.user_images import OwnImages
from tuner.storage.npz_io import Arrays
from tuner.storage.schema.data_set import DIGIT_NAMES, are_digits

Images: TypeAlias = NDArray[np.uint8]
Probabilities: TypeAlias = NDArray[np.float32]
Ask: TypeAlias = Callable[[Images], Probabilities]
"""Images (n, h, w) or (n, h, w, 3) uint8 to probabilities (n, classes)."""

DRAWN = 500
"""The number of synthetic digits."""

_WRONG_SHOWN, _RIGHT_SHOWN, _OWN_SHOWN = 12, 10, 24
_ORIGINAL = 50
"""The side in pixels of the kept thumbnail of a drawn digit."""


def can_be_drawn(name: str, class_names: Sequence[str], image_shape: tuple[int, ...]) -> bool:
    """Return whether a data set's images are such as `drawn_arrays` makes: digits of 28×28 grey pixels."""
    return are_digits(name, class_names) and tuple(image_shape) == (SIZE, SIZE)


def drawn_arrays(ask: Ask, count: int, seed: int) -> Arrays:
    """Return `custom/drawn/…` for `count` digits drawn with a seed, of each class equally many."""
    images, labels = synthetic_digits(count, seed)
    prepared = [prepare(image.astype(np.float32) / np.float32(255)) for image in images]
    probabilities = _answers(ask, [one.image for one in prepared], len(DIGIT_NAMES))
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


def own_arrays(ask: Ask, user_images: OwnImages, classes: int, *, digits: bool = True) -> Arrays:
    """Return `custom/own/…`: every image's probabilities, and pictures of those that the page shows.

    Args:
        ask: the model.
        user_images: n of them.
        classes: the number of classes.
        digits: True where the classes are the ten digits.
    """
    images = [
        image if prepared else None for image, prepared in zip(user_images.seen, user_images.prepared, strict=True)
    ]
    probabilities = _answers(ask, images, classes)
    shown = own_shown(probabilities, user_images.labels)
    return {
        "custom/own/names": np.array(user_images.names, dtype=np.str_),
        "custom/own/labels": user_images.labels,
        "custom/own/warnings": np.array(_with_doubts(user_images.warnings, probabilities, digits), dtype=np.str_),
        "custom/own/readable": user_images.readable,
        "custom/own/probabilities": probabilities,
        "custom/own/shown": shown,
        "custom/own/originals": user_images.originals[shown],
        "custom/own/sizes": user_images.sizes[shown],
        "custom/own/seen": user_images.seen[shown],
    }


def _with_doubts(warnings: Sequence[str], probabilities: Probabilities, digits: bool) -> list[str]:
    """Return the warnings of images, each followed by the note about a low probability."""
    doubts = ["" if np.isnan(row).any() else unsure_note(row, digit=digits) or "" for row in probabilities]
    return ["; ".join(filter(None, pair)) for pair in zip(warnings, doubts, strict=True)]


def drawn_shown(probabilities: Probabilities, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of the drawn digits to show: wrong and rejected, worst first; then each class's least sure."""
    of_label = _of_label(probabilities, labels)
    right = _is_right(probabilities, labels)
    wrong = _ranked(np.flatnonzero(~right), of_label)[:_WRONG_SHOWN]
    least = [_ranked(np.flatnonzero(right & (labels == c)), of_label)[:1] for c in range(len(DIGIT_NAMES))]
    return np.concatenate([wrong, *least])[: _WRONG_SHOWN + _RIGHT_SHOWN].astype(np.int64)


def own_shown(probabilities: Probabilities, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of the user's images to show: all, or mistakes, then unpredicted ones, then the least sure."""
    wrong = (labels >= 0) & ~np.isnan(probabilities).any(axis=1) & ~_is_right(probabilities, labels)
    order = np.lexsort((np.nan_to_num(probabilities, nan=-1.0).max(axis=1), ~wrong))
    return np.sort(order[:_OWN_SHOWN]).astype(np.int64)


def _answers(ask: Ask, images: Sequence[Images | None], classes: int) -> Probabilities:
    """Return probabilities (n, classes); NaN where there is no image."""
    answers = np.full((len(images), classes), np.nan, np.float32)
    asked = [index for index, image in enumerate(images) if image is not None]
    if asked:
        answers[asked] = ask(np.stack([image for image in images if image is not None]))
    return answers


def _of_label(probabilities: Probabilities, labels: NDArray[np.int64]) -> Probabilities:
    """Return the true class's probability, (n,); −1 where there is no prediction."""
    return np.nan_to_num(probabilities[np.arange(len(labels)), labels], nan=-1.0)


def _is_right(probabilities: Probabilities, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each prediction is right, (n,); a missing one is not."""
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
