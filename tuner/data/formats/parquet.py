"""Reading parquet files as Hugging Face keeps images: a column of structs with `bytes`, and a column of labels.

Pictures are decoded as they are read, some at a time, and resized at once (`pictures/picture_splits.py`), so that memory holds no
more than the images of the run and one batch of the file. `parquet_columns` says which column is which. Needs the extra
`parquet` (pyarrow).
"""

from __future__ import annotations

import io
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tuner.core.errors import DataError, fault
from tuner.data.formats.labelled_images import LabelledImages, combined, split_test
from tuner.data.formats.parquet_columns import Columns, find_columns, has_pictures
from tuner.data.picture_options import OnProgress, PictureOptions
from tuner.data.pictures import decoding
from tuner.data.pictures.decoding import Open, PictureFiles
from tuner.data.pictures.picture_splits import decode_splits
from tuner.data.validation import MAX_IMAGES, RawArrays, Split
from tuner.images.limits import Unreadable

_ENDING = ".parquet"
_SPLIT = re.compile(r"(?<![a-z])(train|test|validation|valid|val)(?![a-z])")
_SPLITS: Mapping[str, Split] = {
    "train": "train", "test": "test", "validation": "validation", "valid": "validation", "val": "validation",
}  # fmt: skip


def is_parquet(path: Path) -> bool:
    """Return whether a path names a parquet file."""
    return path.name.lower().endswith(_ENDING) and not os.path.isdir(path)


def holds_pictures(path: Path) -> bool:
    """Return whether a file has a column of pictures; True where it or pyarrow is damaged or missing, which reading it says."""
    try:
        with _opened(path) as file:
            return has_pictures(file.schema_arrow)
    except DataError:
        return True


def parquet_files(folder: Path, *, below: bool = True) -> list[Path]:
    """Return the files of a folder, by name.

    Args:
        folder: their folder.
        below: take, of a folder without any, those in `data/`, or in the only folder that has any, as in a repository of Hugging Face.
    """
    files = _files_of(folder)
    if files or not below:
        return files
    folders = {path: files for path in sorted(folder.iterdir()) if path.is_dir() and (files := _files_of(path))}
    return folders.get(folder / "data", next(iter(folders.values())) if len(folders) == 1 else [])


def _files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if is_parquet(path)]


def parquet_splits(where: str, files: Sequence[Path]) -> dict[Split, list[Path]]:
    """Return split → its files, such as train-00000-of-00002.parquet; files of which none names a split are "train".

    Args:
        where: the source, for messages.
        files: those of a data set.

    Raises:
        DataError: files that name no split, or two, beside others that name one.
    """
    splits: dict[Split, list[Path]] = {}
    unnamed = []
    for path in files:
        words = {_SPLITS[word] for word in _SPLIT.findall(path.name.lower())}
        if len(words) == 1:
            splits.setdefault(words.pop(), []).append(path)
        else:
            unnamed.append(path)
    if splits and unnamed:
        raise fault(
            f"{where}: it is not clear to which split some files belong",
            expected="train, test or validation in the name of each file, or of none",
            received=", ".join(path.name for path in unnamed[:3]) + (", …" if len(unnamed) > 3 else ""),
            do="rename these files, or move them away: their images may be those of another split",
        )
    return splits or ({"train": unnamed} if unnamed else {})


def read_parquet(path: Path, pictures: PictureOptions, on_progress: OnProgress | None = None) -> RawArrays:
    """Return the data set of a file; a seventh of its images is the test set.

    Raises:
        DataError: pyarrow is missing; no such file, damaged, no column of pictures or of labels, too many damaged pictures.
    """
    return split_test(_read_sets(str(path), {"train": [path]}, pictures, on_progress)["train"])


def read_parquet_pair(
    train_path: Path, test_path: Path, pictures: PictureOptions, on_progress: OnProgress | None = None
) -> RawArrays:
    """Return the data set of a file to train on and one to test on.

    Raises:
        DataError: as of `read_parquet`, or files of different columns or classes.
    """
    sets = _read_sets(str(train_path), {"train": [train_path], "test": [test_path]}, pictures, on_progress)
    return combined(str(train_path), sets["train"], sets["test"])


def read_parquet_folder(
    folder: Path, files: Sequence[Path], pictures: PictureOptions, on_progress: OnProgress | None = None
) -> RawArrays:
    """Return the data set of a folder of files; without a file of test images, a seventh is the test set.

    Args:
        folder: the source, for messages.
        files: those of `parquet_files`.
        pictures: as of `read_parquet`, like `on_progress`.

    Raises:
        DataError: as of `read_parquet` and `parquet_splits`, or no training images.
    """
    splits = parquet_splits(str(folder), files)
    if "train" not in splits:
        names = ", ".join(path.name for paths in splits.values() for path in paths[:3])
        raise fault(f"{folder} has no training images", expected="a file such as train-00000-of-00001.parquet", received=names, do="add it, or give one file")  # fmt: skip
    sets = _read_sets(str(folder), splits, pictures, on_progress)
    if "test" not in sets:
        return split_test(sets["train"], sets.get("validation"))
    return combined(str(folder), sets["train"], sets["test"], sets.get("validation"))


def _read_sets(
    where: str, splits: Mapping[Split, Sequence[Path]], pictures: PictureOptions, on_progress: OnProgress | None
) -> dict[Split, LabelledImages]:
    """Return split → its images, all of one size."""
    columns, rows = _checked_columns(where, splits)
    files = {split: _picture_files(paths, columns, rows[split]) for split, paths in splits.items()}
    decoded = decode_splits(where, files, pictures, on_progress)
    return {
        split: LabelledImages(
            where,
            part.images,
            _labels(splits[split], columns)[part.readable],
            decoded.notes,
            columns.class_names,
            decoded=True,
        )
        for split, part in decoded.splits.items()
    }


def _checked_columns(where: str, splits: Mapping[Split, Sequence[Path]]) -> tuple[Columns, dict[Split, list[int]]]:
    """Return the columns, which all files share, and the number of rows of each file."""
    columns: Columns | None = None
    rows: dict[Split, list[int]] = {split: [] for split in splits}
    for split, paths in splits.items():
        for path in paths:
            with _opened(path) as file:
                file_columns = find_columns(str(path), file.schema_arrow)
                rows[split].append(file.metadata.num_rows)
            if columns is not None and file_columns != columns:
                raise fault(f"{path} has other columns or classes than the files before it", expected=", ".join(columns.read), received=", ".join(file_columns.read), do="give files of one data set")  # fmt: skip
            columns = file_columns
    if columns is None or not all(0 < sum(counts) <= MAX_IMAGES for counts in rows.values()):
        raise fault(f"{where} has a length that can't be used", expected=f"1 to {MAX_IMAGES:,} images", received=", ".join(f"{sum(counts):,}" for counts in rows.values()), do="give a set of another size")  # fmt: skip
    return columns, rows


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise fault(f"{path} can't be read without pyarrow", expected="pyarrow", received="no such package", do="install it: pip install 'mnist-tune[parquet]', or pip install pyarrow") from error  # fmt: skip
    if not os.path.isfile(path):
        raise fault(f"{path} can't be read", expected="a .parquet file", received="no such file", do="correct the path")
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except PermissionError:
        raise
    except (pyarrow.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        raise fault(
            f"{path} is damaged or no parquet file",
            expected="a complete parquet file",
            received=f"{path.stat().st_size:,} bytes that can't be read ({' '.join(str(error).split())[:160]})",
            do="copy or download it again",
        ) from error


def _picture_files(paths: Sequence[Path], columns: Columns, rows: Sequence[int]) -> PictureFiles:
    """Return the pictures of a split: rows of its files, one file after another, read some at a time."""

    def batches() -> Iterator[list[Open]]:
        for path, expected in zip(paths, rows, strict=True):
            with _opened(path) as file:
                count = 0
                for batch in file.iter_batches(batch_size=decoding.BATCH, columns=[columns.picture]):
                    count += batch.num_rows
                    if count > expected:
                        break
                    pictures = batch.column(0)
                    contents = pictures.field("bytes") if columns.is_struct else pictures
                    yield [partial(_open_content, content) for content in contents.to_pylist()]
            if count != expected:
                raise fault(f"{path} is damaged, or was changed while it was read", expected=f"{expected:,} rows, as its footer says", received=f"{count:,} of them or more" if count > expected else f"{count:,}", do="copy or download it again")  # fmt: skip

    ends = list(accumulate(rows))

    def name(place: int) -> str:
        file = bisect_right(ends, place)
        return f"{paths[file].name} row {place - ends[file] + rows[file] + 1}"

    return PictureFiles(ends[-1], batches, name)


def _open_content(content: bytes | None) -> BinaryIO:
    if not content:
        raise Unreadable("no content; its file is named only")
    return io.BytesIO(content)


def _labels(paths: Sequence[Path], columns: Columns) -> Any:
    """Return the labels of a split, (n,) of objects."""
    labels: list[Any] = []
    for path in paths:
        with _opened(path) as file:
            labels += file.read(columns=[columns.label]).column(0).to_pylist()
    return np.array(labels, dtype=object)
