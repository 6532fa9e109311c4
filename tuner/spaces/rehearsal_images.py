"""A few images of a run's data, on which a user's HyperModel is rehearsed, and how they travel to the process that does so. No Keras."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np

from tuner.data.dataset import Dataset
from tuner.data.splits import stratified_indices
from tuner.data.validation import Images, Labels
from tuner.storage.npz_io import read_npz

TRAIN, VALIDATION = 128, 64
A_CLASS = 2
"""At least, of each class: code that counts classes by the largest label must see it."""
_SEED = 1


def rehearsal_images(data: Dataset) -> Dataset:
    """Return the same data set with a few training and validation images, of each class some, and no test images."""
    train = _some(data.y_train, TRAIN, data.classes)
    validation = _some(data.y_validation, VALIDATION, data.classes)
    return replace(
        data,
        x_train=np.asarray(data.x_train[train]),
        y_train=np.asarray(data.y_train[train]),
        x_validation=np.asarray(data.x_validation[validation]),
        y_validation=np.asarray(data.y_validation[validation]),
        x_test=data.x_test[:0],
        y_test=data.y_test[:0],
    )


def noise_images(classes: int, image_shape: tuple[int, ...]) -> Dataset:
    """Return images of noise, for a space that is looked at without data."""
    rng = np.random.default_rng(_SEED)
    count = max(TRAIN + VALIDATION, 2 * A_CLASS * classes)
    images = rng.integers(0, 256, (count, *image_shape), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % classes
    at = count // 3
    return _dataset(classes, images[at:], labels[at:], images[:at], labels[:at])


def images_text(data: Dataset) -> str:
    """Return a small data set's training and validation images as text."""
    content = io.BytesIO()
    np.savez_compressed(
        content,
        x_train=data.x_train,
        y_train=data.y_train,
        x_validation=data.x_validation,
        y_validation=data.y_validation,
        classes=data.classes,
    )
    return base64.b64encode(content.getvalue()).decode()


def read_images(text: str) -> Dataset:
    """Read what `images_text` wrote."""
    arrays = read_npz(io.BytesIO(base64.b64decode(text)))
    classes = int(arrays.pop("classes"))
    return _dataset(classes, **arrays)


def _some(labels: Labels, count: int, classes: int) -> Labels:
    total = min(len(labels), max(count, A_CLASS * classes))
    chosen = stratified_indices(labels, total, np.random.default_rng(_SEED))
    # The stratified sample may have no image of a rare class.
    first = [int(np.flatnonzero(labels == c)[0]) for c in np.setdiff1d(labels, labels[chosen])]
    return np.sort(np.concatenate([chosen, np.array(first, dtype=np.int64)]))


def _dataset(
    classes: int,
    x_train: Images,
    y_train: Labels,
    x_validation: Images,
    y_validation: Labels,
) -> Dataset:
    return Dataset(
        name="rehearsal",
        sha256="",
        fallback=False,
        class_names=tuple(map(str, range(classes))),
        x_train=x_train,
        y_train=y_train,
        x_validation=x_validation,
        y_validation=y_validation,
        x_test=x_validation[:0],
        y_test=y_validation[:0],
    )
