"""Reading a table of images from CSV, as Kaggle and OpenML have them: a row is an image, one column is its label.

`validation.py` checks the values.
"""

from __future__ import annotations

import csv
import gzip
import math
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import DataError, fault
from tuner.core.pictures import LEAST_SIDE
from tuner.data.formats.labelled_images import LabelledImages, combined, split_test
from tuner.data.formats.transposed import EMNIST_NOTE, exchanged
from tuner.data.labels import MAX_CLASSES
from tuner.data.validation import MAX_BYTES, MAX_IMAGES, RawArrays

# pandas is typed in part only: its frames are `Any` here.

_ENDINGS = (".csv", ".csv.gz")
_EMNIST = "emnist"
"""The beginning of the names of EMNIST's tables, whose images are transposed."""
_LABEL_NAMES = ("label", "class", "target", "digit", "y")
_EXPECTED = "a label and the pixels of one square image a row, such as Kaggle's label,pixel0,…,pixel783"
_CHUNK_ROWS = 5_000
_LONGEST_LINE = 2**18
"""Bytes of the first line; 785 columns take 16 kB at most."""


@dataclass(frozen=True, eq=False)
class _Table:
    """The rows of a file."""

    pixels: NDArray[Any]
    """(n, side · side), uint8 where all are whole numbers from 0 to 255, else float32."""
    labels: NDArray[Any]
    """(n,), numbers or text."""


def is_csv(path: Path) -> bool:
    """Return whether a path names a CSV file, perhaps gzipped."""
    return path.name.lower().endswith(_ENDINGS) and not os.path.isdir(path)


def csv_tables(folder: Path) -> list[Path]:
    """Return a folder's one table to train on and another to test on, else its only table; empty where it has neither."""
    tables = [path for path in sorted(folder.iterdir()) if is_csv(path)]
    train, test = (_named(tables, word) for word in ("train", "test"))
    if len(train) == len(test) == 1 and train != test:
        return [*train, *test]
    return tables if len(tables) == 1 else []


def holds_pixels(path: Path) -> bool:
    """Return whether a file is a table of a label and the pixels of square images, by its first two lines."""
    try:
        with _open(path) as file:
            lines = [file.readline(_LONGEST_LINE).decode("utf-8-sig") for _ in range(2)]
        first, second = (next(csv.reader([line]), []) for line in lines)
    except (OSError, ValueError, EOFError, zlib.error, csv.Error):
        return False
    side = math.isqrt(max(len(first) - 1, 0))
    row = second if second else first
    numbers = sum(map(_is_number, row))
    return side >= LEAST_SIDE and side * side == len(first) - 1 and len(row) == len(first) and numbers >= len(row) - 1


def read_csv(path: Path) -> RawArrays:
    """Return the data set of a table; a seventh of its rows, at random in proportion to the classes, is the test set.

    Raises:
        DataError: no such file, no table, no label column, images that are not square or too large, a cell without a number.
    """
    return split_test(read_csv_set(path))


def read_csv_set(path: Path) -> LabelledImages:
    """Return the rows of a table; images of a table of EMNIST are transposed back, with a note.

    Raises:
        DataError: as of `read_csv`.
    """
    table = _read(path)
    if path.name.lower().startswith(_EMNIST):
        return LabelledImages(str(path), exchanged(table.pixels), table.labels, (EMNIST_NOTE,), transposed=True)
    return LabelledImages(str(path), table.pixels, table.labels)


def read_csv_pair(train_path: Path, test_path: Path) -> RawArrays:
    """Return the data set of a table to train on and one to test on.

    Raises:
        DataError: as of `read_csv`, or images of different sizes.
    """
    return combined(str(train_path.parent), read_csv_set(train_path), read_csv_set(test_path))


def _named(tables: Sequence[Path], word: str) -> list[Path]:
    """Return the tables that have a word in their name, not as a part of another word."""
    pattern = re.compile(rf"(?<![a-z]){word}(?![a-z])")
    return [path for path in tables if pattern.search(path.name.lower())]


def _read(path: Path) -> _Table:
    """Return a file's rows, read in chunks and held as uint8 where that loses nothing."""
    import pandas

    if not os.path.isfile(path):
        raise fault(f"{path} can't be read", expected="a CSV file", received="no such file", do="correct the path")
    try:
        first = _first_row(path)
        header = 0 if _is_header(first) else None
        with pandas.read_csv(
            path, header=header, chunksize=_CHUNK_ROWS, low_memory=False, keep_default_na=False, na_values=[""]
        ) as chunks:
            return _table(path, first if header == 0 else None, chunks)
    except (DataError, PermissionError):
        raise
    except (OSError, ValueError, EOFError, zlib.error) as error:  # pandas' errors are ValueErrors
        raise fault(
            f"{path} is damaged or no table", expected=_EXPECTED, received=str(error)[:160], do="save it again as CSV"
        ) from error


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def _first_row(path: Path) -> list[str]:
    with _open(path) as file:
        line = file.readline(_LONGEST_LINE)
    row = next(csv.reader([line.decode("utf-8-sig")]), [])
    if len(row) < 2 or not (line.endswith((b"\n", b"\r")) or len(line) < _LONGEST_LINE):
        received = f"a first line of {len(line):,} bytes and {len(row)} column{'' if len(row) == 1 else 's'}"
        raise fault(f"{path} is no table of images", expected=_EXPECTED, received=received, do="save it again as CSV")
    return [cell.strip() for cell in row]


def _is_header(row: Sequence[str]) -> bool:
    """Return whether a first row has names: of a row of data at most the label is no number, and it is none of its names.

    Columns that pandas has numbered, 0 to k, are names too.
    """
    words = [cell for cell in row if not _is_number(cell)]
    numbered = list(row) == [str(number) for number in range(len(row))]
    return len(words) > 1 or numbered or any(word.lower() in _LABEL_NAMES for word in words)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _table(path: Path, header: Sequence[str] | None, chunks: Iterator[Any]) -> _Table:
    pixels, labels, column, rows = [], [], None, 0
    for frame in chunks:
        if column is None:
            column = _label_column(path, header, frame)
        pixels.append(_pixels(path, frame.drop(columns=frame.columns[column]), rows + 1 + (header is not None)))
        labels.append(frame[frame.columns[column]].to_numpy())
        rows += len(frame)
        if rows > MAX_IMAGES or sum(block.nbytes for block in pixels) > MAX_BYTES:
            do = "give fewer images"
            raise fault(f"{path} is too large", expected=f"up to {MAX_IMAGES:,} images", received="more", do=do)
    if not rows:
        raise fault(f"{path} has no rows", expected=_EXPECTED, received="a header only", do="give a table of images")
    return _Table(np.concatenate(pixels), _all_labels(path, labels))


def _all_labels(path: Path, chunks: Sequence[NDArray[Any]]) -> NDArray[Any]:
    import pandas

    labels = np.concatenate(chunks)
    empty = np.flatnonzero(pandas.isna(labels))
    if len(empty):
        do = "correct or remove that row"
        raise fault(f"{path}: image {empty[0] + 1} has no label", expected="a label a row", received="an empty cell", do=do)  # fmt: skip
    return labels


def _label_column(path: Path, header: Sequence[str] | None, frame: Any) -> int:
    """Return the place of the labels: the column that is named so, else the first or the last."""
    columns = len(frame.columns)
    if math.isqrt(columns - 1) ** 2 != columns - 1:
        unlabelled = math.isqrt(columns) ** 2 == columns
        raise fault(
            f"{path} has no label column" if unlabelled else f"{path} has a number of columns that can't be used",
            expected=_EXPECTED,
            received=f"{columns} columns",
            do="give the table that has labels; a table without them, such as Kaggle's test.csv, is for predictions"
            if unlabelled
            else "save square images of one channel, without a column of row numbers",
        )
    named = [at for at, name in enumerate(header or ()) if name.lower() in _LABEL_NAMES]
    if len(named) == 1:
        return named[0]
    likely = [at for at in (0, columns - 1) if _may_be_labels(frame[frame.columns[at]])]
    if len(likely) == 1:
        return likely[0]
    raise fault(
        f"{path}: it is not clear which column has the labels",
        expected="one in the first or last column, or a header that names it label, class, target, digit or y",
        received="both may be labels"
        if likely
        else f"neither has 2 to {MAX_CLASSES} different values in the first {_CHUNK_ROWS:,} rows",
        do="add a header",
    )


def _may_be_labels(column: Any) -> bool:
    values = column.dropna().unique()
    if not 2 <= len(values) <= MAX_CLASSES:
        return False
    return values.dtype.kind not in "f" or bool(np.all(values == np.floor(values)))


def _pixels(path: Path, frame: Any, first_line: int) -> NDArray[Any]:
    """Return a chunk's pixels, (n, side · side)."""
    import pandas

    values: NDArray[Any] = frame.apply(pandas.to_numeric, errors="coerce").to_numpy()
    bad = np.argwhere(pandas.isna(values))
    if len(bad):
        row, column = bad[0]
        cell = frame.iloc[row, column]
        raise fault(
            f"{path}: line {first_line + row}, column {frame.columns[column]} has no number",
            expected="a pixel's number in every cell",
            received="an empty cell" if pandas.isna(cell) else repr(str(cell)[:40]),
            do="correct or remove that row",
        )
    bytes_hold_all = values.dtype.kind in "ui" and values.min() >= 0 and values.max() <= 255
    return values.astype(np.uint8 if bytes_hold_all else np.float32)
