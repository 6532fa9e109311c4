"""Images whose rows and columns are exchanged, as those of EMNIST (Cohen et al. 2017) are in its files."""

from __future__ import annotations

from dataclasses import replace

from tuner.data.image_shape import layout_of
from tuner.data.validation import Key, RawArrays
from tuner.storage.npz_io import Array

EMNIST_NOTE = "EMNIST keeps its images transposed: rows and columns were exchanged, so that they stand upright."
OPTION_NOTE = "Rows and columns of the images were exchanged (--transpose)."


def transposed(raw: RawArrays, note: str) -> RawArrays:
    """Return a data set with rows and columns of its images exchanged, once: what is transposed already stays as it is."""
    keys = frozenset(key for key in raw.arrays if key.startswith("x")) - raw.transposed
    if not keys:
        return raw
    arrays: dict[Key, Array] = {key: exchanged(array) if key in keys else array for key, array in raw.arrays.items()}
    return replace(raw, arrays=arrays, notes=(*raw.notes, note), transposed=raw.transposed | keys)


def exchanged(images: Array) -> Array:
    """Return images of any shape that `image_shape` knows as (n, w, h), or with their channels last; others as they are."""
    layout = layout_of(images.shape)
    return images if layout is None else layout.arranged(images).swapaxes(1, 2)
