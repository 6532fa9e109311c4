"""Reading a folder that has a sub-folder of pictures for each class, as people keep photographs.

`pictures/class_folders.py` looks for the files, `pictures/picture_splits.py` decodes them, `validation.py` checks the labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tuner.core.errors import fault
from tuner.core.pictures import Size
from tuner.core.text import escape_unprintable
from tuner.data.labels import MAX_CLASSES
from tuner.data.picture_options import OnProgress, PictureOptions
from tuner.data.pictures import decoding
from tuner.data.pictures.array_images import format_size
from tuner.data.pictures.class_folders import ClassFolders, PictureFile, find_class_folders
from tuner.data.pictures.decoding import Decoded, Open, PictureFiles
from tuner.data.pictures.picture_splits import decode_splits
from tuner.data.splits import TEST_SHARE, split_off_test
from tuner.data.validation import KEYS_OF, MAX_IMAGES, Key, RawArrays, Split
from tuner.storage.npz_io import Array


def read_image_folder(folder: Path, pictures: PictureOptions, on_progress: OnProgress | None = None) -> RawArrays:
    """Return the images of a folder with a sub-folder of pictures for each class, all of one size.

    Without a folder test/, a seventh of the pictures, at random in proportion to the classes, is the test set.

    Args:
        folder: of which `has_class_folders` holds.
        pictures: the size of the images, and whether colour becomes grey.
        on_progress: receives the numbers of pictures that are decoded, and of all.

    Raises:
        DataError: too many classes or pictures, more than 1% of them unreadable, a class without training pictures.
        OSError: a folder that can't be read.
    """
    contents = find_class_folders(folder)
    _check_counts(contents)
    has_test = "test" in contents.files
    splits = dict(contents.files) if has_test else _with_test(contents)
    files = {split: _picture_files(folder, part) for split, part in splits.items()}
    decoded = decode_splits(str(folder), files, pictures, on_progress)
    notes = [_format_recognised(contents, decoded.splits), *contents.notes, *decoded.notes]
    if not has_test:
        count = sum(len(part.images) for part in decoded.splits.values())
        notes.append(
            f"The folder has no test set: {len(decoded.splits['test'].images):,} of its {count:,} images, at random in "
            "proportion to the classes, are the test images."
        )
    arrays: dict[Key, Array] = {}
    for split, part in decoded.splits.items():
        images, labels = KEYS_OF[split]
        arrays[images] = part.images
        arrays[labels] = np.array([splits[split][place].label for place in part.readable], np.int64)
    return RawArrays(str(folder), arrays, tuple(notes), contents.class_names, decoded=True)


def _check_counts(contents: ClassFolders) -> None:
    classes, count = len(contents.class_names), sum(map(len, contents.files.values()))
    if classes > MAX_CLASSES:
        do = "merge classes, or give the folder whose sub-folders are the classes"
        raise fault(
            f"{contents.folder}: too many classes", expected=f"2 to {MAX_CLASSES} sub-folders", received=classes, do=do
        )
    if count > MAX_IMAGES:
        raise fault(
            f"{contents.folder}: too many pictures",
            expected=f"up to {MAX_IMAGES:,}",
            received=f"{count:,}",
            do="give fewer",
        )


def _with_test(contents: ClassFolders) -> dict[Split, tuple[PictureFile, ...]]:
    files = contents.files["train"]
    labels = np.array([file.label for file in files], np.int64)
    train, test = split_off_test(labels, round(len(files) * TEST_SHARE))
    if not len(test):
        raise fault(
            f"{contents.folder} has too few pictures", expected="7 or more", received=len(files), do="add pictures"
        )
    return {
        **contents.files,
        "train": tuple(files[place] for place in train),
        "test": tuple(files[place] for place in test),
    }


def _picture_files(folder: Path, files: Sequence[PictureFile]) -> PictureFiles:
    def batches() -> Iterator[list[Open]]:
        for start in range(0, len(files), decoding.BATCH):
            yield [partial(_open, file.path) for file in files[start : start + decoding.BATCH]]

    return PictureFiles(
        len(files), batches, lambda place: escape_unprintable(str(files[place].path.relative_to(folder)))
    )


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _format_recognised(contents: ClassFolders, splits: Mapping[Split, Decoded]) -> str:
    """Return "The data are a folder of 3,068 images in 10 classes, 96×128 and other sizes, colour."."""
    sizes: Counter[Size] = sum((part.sizes for part in splits.values()), Counter())
    size = min(sizes, key=lambda each: (-sizes[each], each))
    count = sum(sizes.values())
    colour = "colour" if any(part.images.ndim > 3 for part in splits.values()) else "grey"
    others = " and other sizes" if len(sizes) > 1 else ""
    return f"The data are a folder of {count:,} images in {len(contents.class_names)} classes, {format_size(size)}{others}, {colour}."
