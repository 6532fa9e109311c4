"""Arrays of images, as they were saved, become uint8 images of one shape: layout, range, size, colour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.core.errors import fault
from tuner.core.pictures import MAX_BYTES, Size
from tuner.data import image_shape, pixel_range
from tuner.data.image_shape import Layout
from tuner.data.picture_options import LARGEST_OWN_SIDE, PictureOptions
from tuner.data.pixel_range import PixelRange
from tuner.images.resizing import resized

Key = TypeVar("Key", bound=str)

_WHOLE_RANGE = PixelRange(0, 255)
_CHUNK_VALUES = 4 * 2**20
"""Values that are converted at a time, so that floats are never held twice."""


def images_of_arrays(
    where: str, arrays: Mapping[Key, NDArray[Any]], pictures: PictureOptions, *, decoded: bool = False
) -> tuple[dict[Key, NDArray[np.uint8]], list[str]]:
    """Return arrays as uint8 images of one shape, (n, h, w) or (n, h, w, 3), and notes about what was done.

    Args:
        where: the data set, for messages.
        arrays: name → images of one size, of any layout that `image_shape` knows.
        pictures: the size, and whether colour becomes grey.
        decoded: the pixels are known to be from 0 to 255.

    Raises:
        DataError: a wrong shape, NaN or infinite values, pixels of an unknown range, too much memory.
    """
    layouts = {key: _layout(f"{where}: {key}", array.shape) for key, array in arrays.items()}
    _check_memory(where, arrays, list(layouts.values()), pictures)
    ranges = dict.fromkeys(arrays, _WHOLE_RANGE) if decoded else _pixel_ranges(where, arrays)
    images = {key: _convert(array, layouts[key], ranges[key], pictures) for key, array in arrays.items()}
    notes = [note for array in arrays.values() if (note := image_shape.reshape_note(array.shape))]
    notes += [pixels.note for pixels in ranges.values() if pixels.note]
    return images, [*notes, *_conversion_notes(list(layouts.values()), pictures)]


def _layout(what: str, shape: tuple[int, ...]) -> Layout:
    layout = image_shape.layout_of(shape)
    if layout is None:
        do = image_shape.shape_advice(shape)
        raise fault(f"{what} has a wrong shape", expected=image_shape.EXPECTED, received=shape, do=do)
    return layout


def _check_memory(
    where: str, arrays: Mapping[Key, NDArray[Any]], layouts: Sequence[Layout], pictures: PictureOptions
) -> None:
    colour = not pictures.grayscale and any(layout.channels > 1 for layout in layouts)
    count = sum(len(array) for array in arrays.values())
    check_image_memory(where, count, pictures.size_for(layouts[0].size), colour=colour)


def fits_in_memory(count: int, size: Size, *, colour: bool) -> bool:
    """Return whether so many images of a size take no more memory than is allowed."""
    return _size_bytes(count, size, colour=colour) <= MAX_BYTES


def _size_bytes(count: int, size: Size, *, colour: bool) -> int:
    return count * math.prod(size) * (3 if colour else 1)


def check_image_memory(where: str, count: int, size: Size, *, colour: bool) -> None:
    """Raise `DataError` where so many images of a size would take too much memory."""
    if not fits_in_memory(count, size, colour=colour):
        raise fault(
            f"{where}: {count:,} images of {format_size(size)} would take too much memory",
            expected=f"at most {MAX_BYTES / 1024**3:g} GiB",
            received=f"{_size_bytes(count, size, colour=colour) / 1024**3:.1f} GiB",
            do="give a smaller --image-size, or --grayscale, or fewer images",
        )


def _pixel_ranges(where: str, arrays: Mapping[Key, NDArray[Any]]) -> dict[Key, PixelRange]:
    """Return the range of each set's pixels; sets of one type have one range."""
    for key, array in arrays.items():
        if not np.all(np.isfinite([array.min(), array.max()])):
            what = f"{where}: {key} has NaN or infinite pixels"
            raise fault(what, expected="numbers", received=array.min(), do="remove those images")
    if len({array.dtype for array in arrays.values()}) == 1:
        return dict.fromkeys(arrays, _pixel_range(f"{where}: {' and '.join(arrays)}", list(arrays.values())))
    return {key: _pixel_range(f"{where}: {key}", [array]) for key, array in arrays.items()}


def _pixel_range(what: str, arrays: list[NDArray[Any]]) -> PixelRange:
    common_range = pixel_range.find_range(arrays)
    if common_range is None:
        low, high = min(array.min() for array in arrays), max(array.max() for array in arrays)
        raise fault(
            f"{what} have pixels of an unknown range",
            expected=pixel_range.EXPECTED,
            received=f"{low:g} to {high:g}",
            do="save the images as they were before they were normalised",
        )
    return common_range


def _convert(images: NDArray[Any], layout: Layout, pixels: PixelRange, pictures: PictureOptions) -> NDArray[np.uint8]:
    """Return uint8 images of the size that `pictures` says: the array itself, or a view, where nothing has to be done."""
    arranged = layout.arranged(images)
    size = pictures.size_for(layout.size)
    shape = size if layout.channels == 1 or pictures.grayscale else (*size, 3)
    if arranged.shape[1:] == shape and arranged.dtype == np.uint8 and (pixels.black, pixels.white) == (0, 255):
        return np.ascontiguousarray(arranged)
    result = np.empty((len(arranged), *shape), np.uint8)
    step = max(1, _CHUNK_VALUES // math.prod(arranged.shape[1:]))
    for start in range(0, len(arranged), step):
        chunk = pixels.convert(arranged[start : start + step])
        result[start : start + step] = chunk if chunk.shape[1:] == shape else _resized(chunk, size, pictures)
    return result


def _resized(images: NDArray[np.uint8], size: Size, pictures: PictureOptions) -> NDArray[np.uint8]:
    return np.stack(
        [
            resized(Image.fromarray(np.ascontiguousarray(image)), size, pictures.resize, pictures.grayscale)
            for image in images
        ]
    )


def _conversion_notes(layouts: Sequence[Layout], pictures: PictureOptions) -> Iterator[str]:
    """Yield notes about images that are resized, made opaque or made grey."""
    before, after = layouts[0].size, pictures.size_for(layouts[0].size)
    if before != after:
        sizes = f"The images were resized from {format_size(before)} to {format_size(after)} ({pictures.resize})"
        limit = f"{LARGEST_OWN_SIDE} pixels a side"
        yield (
            f"{sizes}." if pictures.size else f"{sizes}: they are larger than {limit}. --image-size says another size."
        )
    if any(layout.channels == 4 for layout in layouts):
        yield "The images have a fourth channel, which is taken as opacity: they were put onto white."
    if pictures.grayscale and any(layout.channels > 1 for layout in layouts):
        yield "The images were made grey by their luma."


def format_size(size: Size) -> str:
    """Return "height×width"."""
    return f"{size[0]}×{size[1]}"
