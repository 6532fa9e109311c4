"""The pictures of a data set, decoded: all of one size, all grey or all in colour, whatever kind of source they come from.

A folder of photographs and parquet files hand their pictures over here; which picture has which label is theirs to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tuner.core.errors import fault
from tuner.core.pictures import Size
from tuner.data.picture_options import OnProgress, PictureOptions
from tuner.data.pictures.array_images import check_image_memory, fits_in_memory, format_size
from tuner.data.pictures.decoding import (
    Decoded,
    PictureFiles,
    are_saved_grey,
    common_size,
    decode,
    format_faults,
    in_colour,
)  # fmt: skip
from tuner.data.validation import Split

_MOST_FAULTS = 0.01
"""The largest share of pictures that can't be read and are left out."""


@dataclass(frozen=True, eq=False)
class DecodedSplits:
    """The images of a data set."""

    splits: Mapping[Split, Decoded]
    notes: tuple[str, ...]
    """Notes for the user about their size, and about those that can't be read."""


def decode_splits(
    where: str, splits: Mapping[Split, PictureFiles], pictures: PictureOptions, on_progress: OnProgress | None = None
) -> DecodedSplits:
    """Return the images of each split.

    Args:
        where: the source, for messages.
        splits: its pictures.
        pictures: the size of the images, and whether colour becomes grey.
        on_progress: receives the numbers of pictures that are decoded, and of all.

    Raises:
        DataError: images that would take too much memory (nothing is decoded then), or more than 1% that can't be read.
    """
    own_size = common_size(splits.values()) if pictures.size is None else None
    size = pictures.size_for(own_size)
    total = sum(files.count for files in splits.values())
    colour = not pictures.grayscale
    if colour and not fits_in_memory(total, size, colour=True):
        colour = not are_saved_grey(splits.values())
    check_image_memory(where, total, size, colour=colour)
    decoded = _decode(splits, size, pictures, total, on_progress)
    faulty = {
        splits[split].name(place): words for split, part in decoded.items() for place, words in part.faults.items()
    }
    notes = (*_size_notes(own_size, pictures), *_faults_notes(where, faulty, total))
    return DecodedSplits(decoded, notes)


def _decode(
    splits: Mapping[Split, PictureFiles],
    size: Size,
    pictures: PictureOptions,
    total: int,
    on_progress: OnProgress | None,
) -> dict[Split, Decoded]:
    """Return the images of each split: all of them grey, or all in colour."""
    before = 0
    decoded: dict[Split, Decoded] = {}
    for split, files in splits.items():
        decoded[split] = decode(
            files,
            size,
            pictures,
            None if on_progress is None else lambda done, before=before: on_progress(before + done, total),  # type: ignore[misc]
        )
        before += files.count
    colour = any(part.images.ndim > 3 for part in decoded.values())
    return {split: _in_colour(part) if colour else part for split, part in decoded.items()}


def _in_colour(part: Decoded) -> Decoded:
    return part if part.images.ndim > 3 else replace(part, images=in_colour(part.images))


def _faults_notes(where: str, faulty: Mapping[str, str], count: int) -> Iterator[str]:
    """Yield a note about pictures that are left out.

    Raises:
        DataError: more than 1% of all.
    """
    shown = format_faults(list(faulty), list(faulty.values()))
    if len(faulty) > _MOST_FAULTS * count:
        raise fault(
            f"{where}: too many pictures can't be read",
            expected=f"at most {_MOST_FAULTS:.0%} of {count:,}",
            received=f"{len(faulty):,}: {shown}",
            do="correct or remove them",
        )
    if faulty:
        what = "One picture" if len(faulty) == 1 else f"{len(faulty):,} pictures"
        yield f"{what} can't be read and {'was' if len(faulty) == 1 else 'were'} left out: {shown}."


def _size_notes(own_size: Size | None, pictures: PictureOptions) -> Iterator[str]:
    """Yield a note about the size of the images where it was chosen, not given."""
    if pictures.size is None and own_size is None:
        size = format_size(pictures.size_for(None))
        yield (
            f"The pictures were resized to {size} ({pictures.resize}), since they have several sizes or are larger than 64 pixels a "
            "side. --image-size says another size."
        )
