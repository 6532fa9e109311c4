"""The sources of data sets: a file, a folder, Keras's cache, a download, scikit-learn's digits.

Nothing here looks at values (`validation.py`). Files are read in `formats`, the sets of Keras in `keras_datasets`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import UsageError, fault
from tuner.core.text import did_you_mean
from tuner.data.formats.csv_table import is_csv, read_csv, read_csv_pair
from tuner.data.formats.folders import decodes_pictures, read_folder
from tuner.data.formats.h5 import is_h5, read_h5, read_h5_set
from tuner.data.formats.idx import is_idx_file, read_idx_file
from tuner.data.formats.labelled_images import LabelledImages, combined
from tuner.data.formats.npz import is_npz, read_data_npz, read_npz_set
from tuner.data.formats.parquet import is_parquet, read_parquet, read_parquet_pair
from tuner.data.formats.refused import is_refused, refusal
from tuner.data.formats.transposed import OPTION_NOTE, transposed
from tuner.data.formats.unreadable import os_errors_as_faults
from tuner.data.keras_datasets import KERAS_DATASETS, Unavailable, read_keras_dataset
from tuner.data.picture_options import OnProgress, PictureOptions
from tuner.data.source_options import SourceOptions
from tuner.data.splits import split_off_test
from tuner.data.validation import SIDE, RawArrays

ENVIRONMENT = "MNIST_TUNE_DATA"
"""The variable that names a file or a folder; `auto` and `mnist` try it first."""
SOURCES = ("auto", *KERAS_DATASETS, "digits")
_DIGITS_TEST = 500


@dataclass(frozen=True, eq=False)
class FoundData:
    """A data set as it was found."""

    name: str
    """One of `SOURCES` but `auto`, or the name of a file or folder without its ending."""
    raw: RawArrays
    fallback: bool = False


@dataclass(frozen=True)
class _Request:
    """The part of a request that loaders of files need."""

    pictures: PictureOptions
    files: SourceOptions
    on_progress: OnProgress | None


def find_data(
    source: str,
    pictures: PictureOptions = PictureOptions(),
    on_progress: OnProgress | None = None,
    files: SourceOptions = SourceOptions(),
) -> FoundData:
    """Return the data set that `--data` names.

    Args:
        source: one of `SOURCES`, else a path to a file or folder that one of `LOADERS` recognises. A file or folder that has
            the name of a source is written `./mnist`.
        pictures: the size and colour of pictures that are decoded. Arrays are returned as they are (`validation`).
        on_progress: receives the number of pictures that are decoded.
        files: a second file as the test set, and whether images are transposed.

    Raises:
        UsageError: neither a source nor a path; options of files with a source that is none.
        DataError: it is missing, or can't be used.
    """
    request = _Request(pictures, files, on_progress)
    if source not in SOURCES:
        return _at_path(source, f"--data {source}", request)
    if source in ("auto", "mnist") and os.environ.get(ENVIRONMENT):
        given = os.environ[ENVIRONMENT]
        return _at_path(given, f"${ENVIRONMENT}={given}", request)
    _refuse_options(source, files)
    if source == "digits":
        return _digits(fallback=False)
    name = "mnist" if source == "auto" else source
    try:
        return FoundData(name, read_keras_dataset(name, ENVIRONMENT))
    except Unavailable:
        if source != "auto":
            raise
        return _digits(fallback=True)


def _refuse_options(source: str, files: SourceOptions) -> None:
    """Raise where an option of files is given with a data set that is known by name."""
    if files.test_data is not None:
        raise UsageError(f"--test-data needs a file. Expected --data FILE beside it. Received: --data {source}.")
    if files.transpose:
        raise UsageError(
            f"--transpose needs a file or folder. Expected --data PATH beside it. Received: --data {source}."
        )


def _digits(*, fallback: bool) -> FoundData:
    """Return scikit-learn's 1,797 digits: 1,297 to train, 500 to test, sampled stratified with a fixed seed."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images, labels = _centred(upscaled(bunch.images)), bunch.target.astype(np.int64)
    train, test = split_off_test(labels, _DIGITS_TEST)
    raw = RawArrays(
        "scikit-learn's digits",
        {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]},
    )
    return FoundData("digits", raw, fallback=fallback)


def _centred(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images in the middle of 28×28 black pixels."""
    border = (SIDE - images.shape[1]) // 2
    return np.pad(images, ((0, 0), (border, border), (border, border)))


def upscaled(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return (n, 20, 20) pixels 0 to 255 of (n, 8, 8) pixels 0 to 16, by bilinear interpolation.

    MNIST's digits are 20×20 pixels too, centred in 28×28.
    """
    weights = _bilinear_weights(8, 20)
    large = weights @ images @ weights.T
    return np.rint(large * (255 / 16)).astype(np.uint8)


def _bilinear_weights(small: int, large: int) -> NDArray[np.float64]:
    """Return (large, small) weights: pixel centres half a pixel from the edge, which is repeated outwards."""
    positions = np.clip((np.arange(large) + 0.5) * small / large - 0.5, 0, small - 1)
    return np.maximum(0.0, 1.0 - np.abs(positions[:, None] - np.arange(small)[None, :]))


Reader: TypeAlias = Callable[[Path, PictureOptions, OnProgress | None], RawArrays]
PairReader: TypeAlias = Callable[[Path, Path, PictureOptions, OnProgress | None], RawArrays]


@dataclass(frozen=True)
class Loader:
    """A kind of file or folder that holds a data set."""

    expects: str
    """Its name in a message."""
    recognises: Callable[[Path], bool]
    read: Reader
    read_pair: PairReader | None = None
    """The reader of a file of training images and one of test images; None: --test-data doesn't go with it."""
    decodes: Callable[[Path], bool] = lambda path: False
    """Returns whether it decodes pictures, whose rows and columns nothing exchanges."""


def _arrays(read: Callable[[Path], RawArrays]) -> Reader:
    """Return the reader of files that hold arrays, in which nothing is decoded."""
    return lambda path, pictures, on_progress: read(path)


def _pair(read: Callable[[Path], LabelledImages]) -> PairReader:
    """Return the reader of two files that hold arrays."""
    return lambda train, test, pictures, on_progress: combined(str(train), read(train), read(test))


LOADERS = (
    Loader("a .npz file", is_npz, _arrays(read_data_npz), _pair(read_npz_set)),
    Loader("a .csv file of pixels", is_csv, _arrays(read_csv), lambda train, test, *_: read_csv_pair(train, test)),
    Loader("a .parquet file", is_parquet, read_parquet, read_parquet_pair, lambda path: True),
    Loader("an .h5 file", is_h5, _arrays(read_h5), _pair(read_h5_set)),
    Loader("an IDX file", is_idx_file, _arrays(read_idx_file)),
    Loader(
        "a folder of IDX, .npz, .csv, .parquet or .h5 files or with a sub-folder of pictures for each class",
        os.path.isdir,
        read_folder,
        decodes=decodes_pictures,
    ),
)
"""The loaders; the first that recognises a path reads it. A new one is a file in `formats` and a line here."""


def _at_path(text: str, what: str, request: _Request) -> FoundData:
    path = Path(os.path.expanduser(text))  # unlike Path.expanduser, it never raises
    for loader in LOADERS:
        if loader.recognises(path):
            with os_errors_as_faults(path):
                return FoundData(_name(path), _read(loader, path, request))
    if is_refused(path):
        raise refusal(path)
    kinds = ", ".join(loader.expects for loader in LOADERS[:-1]) + f" or {LOADERS[-1].expects}"
    raise UsageError(
        f"{what} can't be used. Expected {', '.join(SOURCES)}, {kinds}. "
        f"Received: {'a file of another kind' if os.path.exists(path) else 'no such file or folder'}.{did_you_mean(text, SOURCES)}"
    )


def _name(path: Path) -> str:
    """Return the name of a file or folder without its ending; with it where a data set is known by that name.

    Only MNIST's name may be a file's too: many keep MNIST as `mnist.npz`.
    """
    is_folder = os.path.isdir(path)
    name = path.resolve().name if is_folder else Path(path.name.removesuffix(".gz")).stem
    if name not in SOURCES or name == "mnist":
        return name
    return f"{name}/" if is_folder else path.name


def _read(loader: Loader, path: Path, request: _Request) -> RawArrays:
    if not request.files.transpose:
        return _read_as_it_is(loader, path, request)
    if loader.decodes(path):
        raise UsageError(
            f"--transpose exchanges rows and columns of arrays. Expected arrays or a table. Received: pictures (--data {path}). "
            "Leave it out: pictures are turned as their EXIF tag says."
        )
    return transposed(_read_as_it_is(loader, path, request), OPTION_NOTE)


def _read_as_it_is(loader: Loader, path: Path, request: _Request) -> RawArrays:
    if request.files.test_data is None:
        return loader.read(path, request.pictures, request.on_progress)
    test = Path(os.path.expanduser(request.files.test_data))
    pairs = [one for one in LOADERS if one.read_pair is not None]
    if loader.read_pair is None or not loader.recognises(test):
        expected = " or ".join(one.expects for one in pairs) if loader.read_pair is None else loader.expects
        raise fault(
            f"--test-data {request.files.test_data} can't be used with --data {path}",
            expected=f"two files of one kind: {expected}",
            received=f"{path.name} and {test.name}",
            do="convert one of them, or leave out --test-data",
        )
    return loader.read_pair(path, test, request.pictures, request.on_progress)
