"""A folder that holds one data set: pictures in a sub-folder for each class, IDX files, `.npz` archives, parquet, HDF5, CSV.

Which data sets a folder holds is found out first; only where there is one, it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tuner.core.errors import DataError, fault
from tuner.data.formats import csv_table, h5, npz, parquet
from tuner.data.formats.idx import idx_sets, listing, read_idx_folder
from tuner.data.formats.image_folder import read_image_folder
from tuner.data.formats.refused import is_refused, refusal
from tuner.data.picture_options import OnProgress, PictureOptions
from tuner.data.pictures.class_folders import has_class_folders
from tuner.data.validation import KEYS, RawArrays

_BELOW = ("raw", "MNIST/raw", "FashionMNIST/raw", "KMNIST/raw", "EMNIST/raw", "gzip")
"""Folders where torchvision and EMNIST's archive put the files of a data set."""
_Reader: TypeAlias = Callable[[PictureOptions, OnProgress | None], RawArrays]


@dataclass(frozen=True)
class _DataSet:
    """A data set that was found in a folder."""

    name: str
    """Its files, for messages."""
    read: _Reader
    path: Path | None = None
    """The path that names it alone; None where there is none."""
    decoded: bool = False
    """True where it consists of pictures that are decoded."""
    precedes_pictures: bool = False
    """True for arrays of training and test images: what lies beside them in folders are their pictures."""


def read_folder(folder: Path, pictures: PictureOptions, on_progress: OnProgress | None = None) -> RawArrays:
    """Return the data set of a folder, with a note where it is not of IDX files directly in it.

    Raises:
        DataError: nothing that can be read, several data sets, or one that is damaged.
        OSError: a folder or file that may not be read.
    """
    data_set, note = _only_data_set(folder)
    raw = data_set.read(pictures, on_progress)
    return raw if note is None else _noted(raw, note)


def decodes_pictures(folder: Path) -> bool:
    """Return whether the data set of a folder consists of pictures that are decoded.

    Raises:
        DataError: as of `read_folder`, but nothing is read.
    """
    return _only_data_set(folder)[0].decoded


def _only_data_set(folder: Path) -> tuple[_DataSet, str | None]:
    """Return the data set of a folder, and a note where it has pictures besides."""
    pictures = has_class_folders(folder)
    arrays = list(_arrays(folder, beside_pictures=pictures))
    if not pictures:
        data_sets = arrays or list(_likely(folder))
    elif len(arrays) == 1 and arrays[0].precedes_pictures:
        note = f"The data are {arrays[0].name}: the folders of pictures beside were passed over. Give a folder of pictures alone to use them."
        return arrays[0], note
    else:
        read = partial(read_image_folder, folder)
        data_sets = [*arrays, _DataSet("folders of pictures", read, decoded=True)]
    if len(data_sets) > 1:
        raise _several(folder, data_sets)
    if not data_sets:
        raise _none(folder)
    return data_sets[0], None


def _arrays(folder: Path, *, beside_pictures: bool) -> Iterator[_DataSet]:
    """Yield the data sets of a folder's files; beside pictures only those that can't be anything else."""
    for place in (folder, *(folder / name for name in _BELOW)):
        if place.is_dir() and (sets := idx_sets(place)):
            file = sets[0].files.get("x_train", next(iter(sets[0].files.values())))
            yield _DataSet(
                str(file.relative_to(folder)),
                _read_idx(place, None if place == folder else f"The IDX files were found in {place}."),
                file,
                precedes_pictures=place == folder,
            )
    for path in npz.pair_sets(folder):
        yield _DataSet(path.name, _plain(npz.read_data_npz, path), path)
    yield from _only_files(
        folder, npz.is_npz, npz.read_data_npz, partial(npz.holds_data_set, whole=beside_pictures), ".npz"
    )
    files = parquet.parquet_files(folder, below=not beside_pictures)
    if with_pictures := list(filter(parquet.holds_pictures, files)):
        yield _parquet(folder, with_pictures, [path.name for path in files if path not in with_pictures])
    yield from _only_files(folder, h5.is_h5, h5.read_h5, partial(h5.holds_data_set, whole=beside_pictures), "HDF5")
    yield from _tables(folder)


def _only_files(
    folder: Path,
    is_kind: Callable[[Path], bool],
    read: Callable[[Path], RawArrays],
    holds: Callable[[Path], bool],
    kind: str,
) -> Iterator[_DataSet]:
    """Yield the files of a kind that hold a data set."""
    files = [path for path in sorted(folder.iterdir()) if is_kind(path)]
    which = f"the only {kind} file" + (" with a data set" if len(files) > 1 else "")
    for path in filter(holds, files):
        note = f"The data were read from {path}, {which} in the folder."
        yield _DataSet(path.name, _plain(read, path, note), path, precedes_pictures=kind == ".npz")


def _tables(folder: Path) -> Iterator[_DataSet]:
    tables = csv_table.csv_tables(folder)
    if len(tables) == 2:
        if any(map(csv_table.holds_pixels, tables)):
            yield _table_pair(*tables)
        return
    yield from _only_files(folder, csv_table.is_csv, csv_table.read_csv, csv_table.holds_pixels, ".csv")


def _likely(folder: Path) -> Iterator[_DataSet]:
    """Yield what may be meant as the data set of a folder that has none: reading it says what is wrong with it."""
    paths = sorted(folder.iterdir())
    archives = [path for path in paths if npz.is_npz(path)]
    if len(archives) == 1:
        yield _DataSet(archives[0].name, _plain(npz.read_data_npz, archives[0]), archives[0])
    elif files := parquet.parquet_files(folder):
        yield _parquet(folder, files)
    elif files := [path for path in paths if h5.is_h5(path)]:
        yield from (_DataSet(path.name, _plain(h5.read_h5, path), path) for path in files)
    elif len(tables := csv_table.csv_tables(folder)) == 2:
        yield _table_pair(*tables)
    else:
        files = [path for path in paths if csv_table.is_csv(path)]
        yield from (_DataSet(path.name, _plain(csv_table.read_csv, path), path) for path in files)


def _read_idx(place: Path, note: str | None) -> _Reader:
    return _plain(read_idx_folder, place, note)


def _parquet(folder: Path, files: list[Path], others: Sequence[str] = ()) -> _DataSet:
    """Return the data set of parquet files, which says that others were passed over."""

    def read(pictures: PictureOptions, on_progress: OnProgress | None) -> RawArrays:
        raw = parquet.read_parquet_folder(folder, files, pictures, on_progress)
        return (
            _noted(raw, f"These files have no pictures and were passed over: {', '.join(others)}.") if others else raw
        )

    name = str(files[0].relative_to(folder)) + (" and others" if len(files) > 1 else "")
    return _DataSet(name, read, files[0] if len(files) == 1 else None, decoded=True)


def _table_pair(train: Path, test: Path) -> _DataSet:
    return _DataSet(f"{train.name} with {test.name}", lambda *_: csv_table.read_csv_pair(train, test))


def _plain(read: Callable[[Path], RawArrays], path: Path, note: str | None = None) -> _Reader:
    """Return a reader of a file in which nothing is decoded, which adds a note."""
    return lambda *_: read(path) if note is None else _noted(read(path), note)


def _several(folder: Path, data_sets: list[_DataSet]) -> DataError:
    names = [one.name for one in data_sets]
    path = next((one.path for one in data_sets if one.path is not None), None)
    return fault(
        f"{folder} holds several data sets",
        expected="one of them",
        received=", ".join(names[:6]) + (", …" if len(names) > 6 else ""),
        do="move the others away" if path is None else f"give its path, such as --data {path}, or move the others away",
    )


def _none(folder: Path) -> DataError:
    for path in sorted(folder.iterdir()):
        if is_refused(path):
            return refusal(path)
    return fault(
        f"{folder} holds no data set that can be read",
        expected=f"train-images-idx3-ubyte and MNIST's three other IDX files, perhaps with .gz, an .npz file with {', '.join(KEYS)}, a .csv table of pixels, a .parquet or .h5 file, or a sub-folder of pictures for each class",
        received=listing(folder),
        do="bring the data into one of these forms, or give the folder that holds them",
    )


def _noted(raw: RawArrays, note: str) -> RawArrays:
    return replace(raw, notes=(*raw.notes, note))
