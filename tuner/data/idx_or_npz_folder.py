"""A data set in a folder: its four IDX files, perhaps in a folder below, or its one `.npz` file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tuner.core.errors import DataError
from tuner.data.idx import has_idx_files, listing, read_idx_folder
from tuner.data.npz import has_keys, read_data_npz
from tuner.data.validation import KEYS, RawArrays, fault

_BELOW = ("raw", "MNIST/raw", "FashionMNIST/raw", "KMNIST/raw")
"""Where torchvision puts the files of a data set."""


def read_folder(folder: Path) -> RawArrays:
    """Return the arrays of a folder, with a note where they are not in it as IDX files.

    Raises:
        DataError: nothing that can be read, several data sets, or one that is damaged.
    """
    if has_idx_files(folder):
        return read_idx_folder(folder)
    below = [folder / name for name in _BELOW if has_idx_files(folder / name)]
    archives = sorted(path for path in folder.iterdir() if path.suffix == ".npz" and path.is_file())
    complete = archives if len(archives) == 1 else [path for path in archives if has_keys(path)]
    if len(below) + len(complete) != 1:
        raise _none(folder) if not (below or complete) else _several(folder, [*below, *complete])
    if below:
        return _noted(read_idx_folder(below[0]), f"The IDX files were found in {below[0]}.")
    which = "the only .npz file" if len(archives) == 1 else "the only .npz file with the four arrays"
    return _noted(read_data_npz(complete[0]), f"The data were read from {complete[0]}, {which} in the folder.")


def _several(folder: Path, found: list[Path]) -> DataError:
    names = [str(path.relative_to(folder)) for path in found]
    return fault(
        f"{folder} holds several data sets",
        expected="one of them",
        received=", ".join(names[:6]) + (", …" if len(names) > 6 else ""),
        do=f"give its path, such as --data {found[0]}",
    )


def _none(folder: Path) -> DataError:
    return fault(
        f"{folder} holds no data set that can be read",
        expected=f"train-images-idx3-ubyte and MNIST's three other IDX files, perhaps with .gz, or an .npz file with {', '.join(KEYS)}",
        received=listing(folder),
        do="bring the data into one of these forms, or give the folder that holds them",
    )


def _noted(raw: RawArrays, note: str) -> RawArrays:
    return replace(raw, notes=(*raw.notes, note))
