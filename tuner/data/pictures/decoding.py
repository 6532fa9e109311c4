"""Decoding many pictures in parallel, each resized at once, so that memory holds images of the final size only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from tuner.core.machine import cpu_cores
from tuner.core.pictures import Size
from tuner.data.picture_options import LARGEST_OWN_SIDE, PictureOptions
from tuner.images.limits import DAMAGES, Unreadable, short
from tuner.images.picture_files import image_of_file, open_picture, upright_size, without_warnings

Open: TypeAlias = Callable[[], BinaryIO]
"""Opens the file of a picture; it is closed by whoever calls it."""
BATCH = 256
"""Pictures that are handed to the threads at a time."""
_GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "F")


@dataclass(frozen=True)
class PictureFiles:
    """The pictures of a split, in order; their places are 0 to count - 1."""

    count: int
    batches: Callable[[], Iterable[Sequence[Open]]]
    """Returns what opens each of them, some at a time; called once for each time that they are read."""
    name: Callable[[int], str]
    """A picture's place → its name, for messages."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pictures as images of one size."""

    images: NDArray[np.uint8]
    """(n, h, w) where all are grey, else (n, h, w, 3)."""
    readable: NDArray[np.int64]
    """(n,) the places of the pictures that could be read, ascending."""
    faults: dict[int, str]
    """The place of each other picture → what is wrong with it."""
    sizes: Counter[Size]
    """Height and width as they were → the number of pictures."""


@dataclass(frozen=True, eq=False)
class _Picture:
    image: NDArray[np.uint8]
    """(h, w) or (h, w, 3)."""
    original_size: Size


def decode(
    files: PictureFiles, size: Size, pictures: PictureOptions, on_progress: Callable[[int], None] | None = None
) -> Decoded:
    """Decode pictures, several at a time.

    Args:
        files: the pictures; they are opened from several threads.
        size: height and width of the images.
        pictures: the way to resize them, and whether colour becomes grey.
        on_progress: receives the number of pictures that are done.
    """
    images = np.empty((files.count, *size), np.uint8)
    readable: list[int] = []
    faults: dict[int, str] = {}
    sizes: Counter[Size] = Counter()
    done = 0
    with without_warnings(), ThreadPoolExecutor(cpu_cores()) as threads:
        for batch in files.batches():
            for picture in threads.map(lambda opened: _decoded(opened, size, pictures), batch):
                done += 1
                if isinstance(picture, str):
                    faults[done - 1] = picture
                    continue
                if picture.image.ndim == images.ndim:  # this is the first picture in colour
                    images = in_colour(images, len(readable))
                images[len(readable)] = (
                    picture.image if picture.image.ndim == images.ndim - 1 else picture.image[..., None]
                )
                readable.append(done - 1)
                sizes[picture.original_size] += 1
            if on_progress is not None:
                on_progress(done)
    return Decoded(images[: len(readable)], np.array(readable, np.int64), faults, sizes)


def in_colour(images: NDArray[np.uint8], filled: int | None = None) -> NDArray[np.uint8]:
    """Return grey images (n, h, w) as (n, h, w, 3); only the first `filled` ones are copied."""
    colour = np.empty((*images.shape, 3), np.uint8)
    colour[:filled] = images[:filled, ..., None]
    return colour


def _decoded(opened: Open, size: Size, pictures: PictureOptions) -> _Picture | str:
    """Return a picture, grey where its three channels are alike, or what is wrong with it."""
    try:
        with opened() as file:
            image, original_size = image_of_file(file, size, pictures.resize, pictures.grayscale)
    except UnidentifiedImageError:
        return "no picture of a known kind"
    except Unreadable as error:
        return str(error)
    except DAMAGES as error:
        return f"damaged or truncated: {short(error)}"
    if (
        image.ndim == 3
        and np.array_equal(image[..., 0], image[..., 1])
        and np.array_equal(image[..., 0], image[..., 2])
    ):
        image = image[..., 0]
    return _Picture(image, original_size)


def common_size(splits: Iterable[PictureFiles]) -> Size | None:
    """Return the height and width that all pictures have, up to 64 pixels; None where they differ or are larger.

    Only headers are looked at, and none after the first that differs. Pictures that can't be read are passed over.
    """
    first: Size | None = None
    for size, _ in _headers(splits):
        first = first or size
        if size != first or max(size) > LARGEST_OWN_SIDE:
            return None
    return first


def are_saved_grey(splits: Iterable[PictureFiles]) -> bool:
    """Return whether no picture is saved in colour, by the headers; pictures that can't be read are passed over."""
    return all(mode in _GREY_MODES for _, mode in _headers(splits))


def _headers(splits: Iterable[PictureFiles]) -> Iterator[tuple[Size, str]]:
    """Yield the upright height and width of each picture that can be opened, and Pillow's mode."""
    for files in splits:
        for opened in (one for batch in files.batches() for one in batch):
            try:
                with without_warnings(), opened() as file, open_picture(file) as picture:
                    header = upright_size(picture), picture.mode
            except (Unreadable, *DAMAGES):
                continue
            yield header


def format_faults(names: Sequence[str], faults: Sequence[str], shown: int = 5) -> str:
    """Return "a.png (empty), b.png (damaged) and 3 more"."""
    words = [f"{name} ({fault})" for name, fault in zip(names, faults, strict=True)]
    rest = len(words) - shown
    return ", ".join(words[:shown]) + (f" and {rest:,} more" if rest > 0 else "")
