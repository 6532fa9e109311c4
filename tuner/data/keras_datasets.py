"""The data sets of `keras.datasets`: in Keras's cache, else downloaded. Only the process of a download imports Keras."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from tuner.core.errors import DataError, fault
from tuner.core.machine import keras_home
from tuner.data.download import download
from tuner.data.formats.idx import read_idx_folder
from tuner.data.formats.npz import read_data_npz
from tuner.data.formats.unreadable import os_errors_as_faults
from tuner.data.validation import RawArrays

FASHION_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100_NAMES = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest",
    "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard",
    "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine", "possum",
    "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper",
    "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone",
    "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf",
    "woman", "worm",
)  # fmt: skip
"""The fine labels."""


@dataclass(frozen=True)
class KerasDataset:
    """A data set of `keras.datasets`."""

    cached: Path
    """Its file or folder below Keras's home: Keras's own, or for CIFAR an `.npz` file that we make of it."""
    class_names: tuple[str, ...] | None = None
    download: Path | None = None
    """The archive in Keras's cache from which `cached` is made; None: `cached` is Keras's own."""


KERAS_DATASETS = {
    "mnist": KerasDataset(Path("datasets", "mnist.npz")),
    "fashion_mnist": KerasDataset(Path("datasets", "fashion-mnist"), FASHION_NAMES),
    "cifar10": KerasDataset(
        Path("datasets", "mnist-tune-cifar10.npz"),
        CIFAR10_NAMES,
        Path("datasets", "cifar-10-batches-py-target_archive"),
    ),
    "cifar100": KerasDataset(
        Path("datasets", "mnist-tune-cifar100.npz"), CIFAR100_NAMES, Path("datasets", "cifar-100-python-target_archive")
    ),
}


class Unavailable(DataError):
    """A data set that is not in the cache and can't be downloaded; a damaged one in the cache is another error."""


def read_keras_dataset(name: str, environment: str) -> RawArrays:
    """Return a data set of the cache, or download it.

    Args:
        name: a key of `KERAS_DATASETS`.
        environment: the variable that may name MNIST's files, for messages.

    Raises:
        Unavailable: it is neither cached nor can it be downloaded.
        DataError: it is damaged.
    """
    dataset = KERAS_DATASETS[name]
    cached = keras_home() / dataset.cached
    if not cached.exists():
        raw = _downloaded(name, dataset, cached, environment)
    else:
        try:
            raw = _read(cached)
        except DataError as error:
            raise DataError(f"{error} Or delete {cached} to have it downloaded again.") from error
    return replace(raw, class_names=dataset.class_names)


def _read(path: Path) -> RawArrays:
    with os_errors_as_faults(path):
        return read_idx_folder(path) if path.is_dir() else read_data_npz(path)


def _downloaded(name: str, dataset: KerasDataset, cached: Path, environment: str) -> RawArrays:
    """Download into a temporary folder, read it, then move it to Keras's cache, which never holds half a file."""
    with tempfile.TemporaryDirectory(prefix="mnist-tune-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        fresh = home / dataset.cached
        if dataset.download is None:
            failure = download(name, home)
        else:
            fresh.parent.mkdir()
            _copy_if_there(keras_home() / dataset.download, home / dataset.download)
            failure = download(name, home, archive=fresh)
        if failure is not None:
            raise Unavailable(_unavailable_message(name, dataset, failure, environment))
        raw = _read(fresh)
        _keep(fresh, cached)
        return raw


def _copy_if_there(source: Path, target: Path) -> None:
    """Copy what Keras has downloaded before; Keras checks its hash."""
    if source.is_file():
        shutil.copyfile(source, target)


def _unavailable_message(name: str, dataset: KerasDataset, failure: str, environment: str) -> str:
    alternative = (
        f"set {environment} to a .npz file or a folder of IDX files"
        if name == "mnist"
        else "give a folder: --data PATH"
    )
    error = fault(
        f"{name} is unavailable",
        expected=f"{keras_home() / (dataset.download or dataset.cached)} or a download",
        received=f"no such file, and a download that failed ({failure})"
        if dataset.download is None
        else f"a download that failed ({failure})",
        do=f"go online, or {alternative}, or use --data digits",
    )
    return str(error)


def _keep(fresh: Path, cached: Path) -> None:
    """Move a download into the cache; where the cache can't be written, the next run downloads again."""
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        partial = cached.with_name(f".{cached.name}-{os.getpid()}")
        shutil.move(fresh, partial)
        partial.replace(cached)
    except OSError:
        return
