"""The sources of data sets: a file, a folder, Keras's cache, a download, scikit-learn's digits.

Nothing here looks at values (`validation.py`). Keras is imported by nobody but the process of a download.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import DataError, UsageError
from tuner.core.machine import keras_home
from tuner.data.download import download
from tuner.data.idx import has_idx_files, listing, read_idx_folder
from tuner.data.npz import has_keys, read_data_npz
from tuner.data.splits import stratified_indices, without
from tuner.data.validation import KEYS, RawArrays, fault

ENVIRONMENT = "MNIST_TUNE_DATA"
"""The variable that names a `.npz` file or a folder of IDX files, which `auto` and `mnist` take first."""
SOURCES = ("auto", "mnist", "fashion_mnist", "digits")
FASHION_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_CACHED = {"mnist": Path("datasets", "mnist.npz"), "fashion_mnist": Path("datasets", "fashion-mnist")}
_DIGITS_TEST = 500
_DIGITS_SEED = 1998
"""Fixed, so that the test set of the digits is the same in every run."""


@dataclass(frozen=True, eq=False)
class FoundData:
    """A data set as it was found."""

    name: str
    """`mnist`, `fashion_mnist`, `digits`, or the name of a file or folder without its ending."""
    raw: RawArrays
    fallback: bool = False
    class_names: tuple[str, ...] | None = None
    """None: the classes have numbers only."""


def find_data(source: str) -> FoundData:
    """Return the data set that `--data` names.

    Args:
        source: one of `SOURCES`, else a path to a `.npz` file or to a folder of IDX files. A file or folder that has
            the name of a source is given as `./mnist`.

    Raises:
        UsageError: neither a source nor a path.
        DataError: it isn't there, or can't be used.
    """
    if source == "digits":
        return _digits(fallback=False)
    if source == "fashion_mnist":
        return FoundData("fashion_mnist", _cached_or_downloaded("fashion_mnist"), class_names=FASHION_NAMES)
    if source in ("auto", "mnist"):
        return _mnist(may_fall_back=source == "auto")
    return _at_path(source, f"--data {source}")


def _mnist(*, may_fall_back: bool) -> FoundData:
    """Return the first that is there: `$MNIST_TUNE_DATA`, Keras's cache, a download; then perhaps the digits."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        return _at_path(given, f"${ENVIRONMENT}={given}")
    try:
        return FoundData("mnist", _cached_or_downloaded("mnist"))
    except _NotToBeHad:
        if not may_fall_back:
            raise
        return _digits(fallback=True)


class _NotToBeHad(DataError):
    """A data set that is in no cache and can't be downloaded; a damaged one in the cache is another error."""


def _read(path: Path) -> RawArrays:
    return read_idx_folder(path) if path.is_dir() else read_data_npz(path)


def _cached_or_downloaded(name: str) -> RawArrays:
    cached = keras_home() / _CACHED[name]
    if not cached.exists():
        return _downloaded(name, cached)
    try:
        return _read(cached)
    except DataError as error:
        raise DataError(f"{error} Or delete {cached} to have it downloaded again.") from error


def _downloaded(name: str, cached: Path) -> RawArrays:
    """Download into a folder of its own, read it, then move it to Keras's cache: never half a file in there."""
    with tempfile.TemporaryDirectory(prefix="mnist-tune-", ignore_cleanup_errors=True) as folder:
        failure = download(name, Path(folder))
        if failure is not None:
            raise _NotToBeHad(_not_to_be_had(name, cached, failure))
        fresh = Path(folder) / _CACHED[name]
        raw = _read(fresh)
        _keep(fresh, cached)
        return raw


def _not_to_be_had(name: str, cached: Path, failure: str) -> str:
    way = (
        f"set {ENVIRONMENT} to a .npz file or a folder of IDX files"
        if name == "mnist"
        else "give a folder: --data PATH"
    )
    error = fault(
        f"{name} is not to be had",
        expected=f"{cached} or a download",
        received=f"no such file, and a download that failed ({failure})",
        do=f"go online, or {way}, or take --data digits",
    )
    return str(error)


def _keep(fresh: Path, cached: Path) -> None:
    """Move what was downloaded into the cache; where that can't be written, the next run downloads again."""
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        partial = cached.with_name(f".{cached.name}-{os.getpid()}")
        shutil.move(fresh, partial)
        partial.replace(cached)
    except OSError:
        return


def _digits(*, fallback: bool) -> FoundData:
    """Return scikit-learn's 1,797 digits: 1,297 to train, 500 to test, drawn stratified with a fixed seed."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images, labels = upscaled(bunch.images), bunch.target.astype(np.int64)
    test = stratified_indices(labels, _DIGITS_TEST, np.random.default_rng(_DIGITS_SEED))
    train = without(len(labels), test)
    raw = RawArrays(
        "scikit-learn's digits",
        {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]},
    )
    return FoundData("digits", raw, fallback=fallback)


def upscaled(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return (n, 20, 20) pixels 0 to 255 of (n, 8, 8) pixels 0 to 16, by bilinear interpolation.

    20×20 pixels, later centred in 28×28, is how large MNIST's digits are.
    """
    weights = _bilinear_weights(8, 20)
    large = weights @ images @ weights.T
    return np.rint(large * (255 / 16)).astype(np.uint8)


def _bilinear_weights(small: int, large: int) -> NDArray[np.float64]:
    """Return (large, small) weights: pixel centres half a pixel from the edge, which is repeated outwards."""
    positions = np.clip((np.arange(large) + 0.5) * small / large - 0.5, 0, small - 1)
    return np.maximum(0.0, 1.0 - np.abs(positions[:, None] - np.arange(small)[None, :]))


_BELOW = ("raw", "MNIST/raw", "FashionMNIST/raw", "KMNIST/raw")
"""The folder where torchvision puts the files of a data set."""


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


@dataclass(frozen=True)
class Loader:
    """A kind of file or folder that holds a data set."""

    expects: str
    """Its name in a message."""
    recognises: Callable[[Path], bool]
    read: Callable[[Path], RawArrays]


LOADERS = (
    Loader("a .npz file", lambda path: path.suffix == ".npz" and not os.path.isdir(path), read_data_npz),
    Loader("a folder of IDX files", os.path.isdir, read_folder),
)
"""The loaders by what they recognise, the first that does. A new one is a file beside this one and a line here."""


def _at_path(text: str, what: str) -> FoundData:
    path = Path(os.path.expanduser(text))  # unlike Path.expanduser, it never raises
    for loader in LOADERS:
        if loader.recognises(path):
            name = path.resolve().name if os.path.isdir(path) else path.stem
            return FoundData(name, loader.read(path))
    kinds = " or ".join(loader.expects for loader in LOADERS)
    raise UsageError(
        f"{what} can't be used. Expected {', '.join(SOURCES)}, {kinds}. "
        f"Received: {'a file of another kind' if os.path.exists(path) else 'no such file or folder'}."
    )
