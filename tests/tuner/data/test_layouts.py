"""The layouts in which people keep such data: each is read as its owner means it, or refused with what to do."""

from __future__ import annotations

import gzip
import pickle
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray
from PIL import Image

from tests.kit.data_files import NAMES, build_arrays, idx_bytes, load, write_idx, write_npz
from tuner.core.errors import DataError

ARRAYS = build_arrays(train=120, test=40, classes=10)
X, Y, X_TEST, Y_TEST = (ARRAYS[key] for key in ("x_train", "y_train", "x_test", "y_test"))
WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
NO_J = np.array([label for label in range(25) if label != 9])
"""The labels of Sign Language MNIST: there is no picture of J, and none of Z."""
COLOUR, COLOUR_TEST = (np.repeat(images[..., None], 3, axis=-1) for images in (X, X_TEST))


@dataclass(frozen=True)
class Layout:
    """A file or folder, and what is read from it."""

    write: Callable[[Path], object]
    shape: tuple[int, ...] = (28, 28)
    classes: tuple[str, ...] = tuple(map(str, range(10)))
    test: int = 40
    validation: int | None = None
    """The number of the source's own validation images."""
    same: bool = True
    """Whether the test images are those of `ARRAYS`, bit for bit."""


def npz(**changes: NDArray[np.generic]) -> Callable[[Path], object]:
    return lambda path: write_npz(path, {**ARRAYS, **changes})


def only(**arrays: NDArray[np.generic]) -> Callable[[Path], object]:
    return lambda path: np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def csv(path: Path, labels: NDArray[np.generic] | None, images: NDArray[np.uint8]) -> None:
    names = [*(["label"] if labels is not None else []), *(f"pixel{place}" for place in range(784))]
    rows = images.reshape(len(images), -1).tolist()
    lines = [",".join(map(str, row if labels is None else [labels[at], *row])) for at, row in enumerate(rows)]
    path.write_text("\n".join([",".join(names), *lines]) + "\n")


def csv_pair(prefix: str, y: NDArray[np.generic], y_test: NDArray[np.generic]) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        folder.mkdir()
        csv(folder / f"{prefix}_train.csv", y, X)
        csv(folder / f"{prefix}_test.csv", y_test, X_TEST)

    return write


def pictures(training: str, testing: str | None) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        parts = {training: (X, Y), **({testing: (X_TEST, Y_TEST)} if testing else {})}
        for part, (images, labels) in parts.items():
            for number, (image, label) in enumerate(zip(images, labels, strict=True)):
                place = folder / part / "ABCDEFGHIJ"[label]
                place.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(place / f"{number:04d}==.png")

    return write


def not_mnist(folder: Path) -> None:
    pictures(".", None)(folder)
    (folder / "A" / "RGVtb2NyYXRpY2E=.png").write_bytes(b"")


def torchvision(folder: Path) -> None:
    (folder / "MNIST").mkdir(parents=True)
    write_idx(folder / "MNIST" / "raw", ARRAYS)
    for key, name in NAMES.items():
        (folder / "MNIST" / "raw" / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(ARRAYS[key])))


def in_folders_of_their_names(also_beside: bool) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        for key, name in NAMES.items():
            (folder / name).mkdir(parents=True)
            (folder / name / name).write_bytes(idx_bytes(ARRAYS[key]))
            if also_beside:
                (folder / name.replace("-idx", ".idx")).write_bytes(idx_bytes(ARRAYS[key]))

    return write


def kuzushiji(folder: Path) -> None:
    folder.mkdir()
    for name, key in (("train-imgs", "x_train"), ("train-labels", "y_train"), ("test-imgs", "x_test"), ("test-labels", "y_test")):  # fmt: skip
        np.savez(folder / f"kmnist-{name}", ARRAYS[key])


def emnist(folder: Path) -> None:
    folder.mkdir()
    for name, key in (("train-images-idx3", "x_train"), ("train-labels-idx1", "y_train"), ("test-images-idx3", "x_test"), ("test-labels-idx1", "y_test")):  # fmt: skip
        array = ARRAYS[key].swapaxes(1, 2) if key.startswith("x") else ARRAYS[key]
        (folder / f"emnist-digits-{name}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(array)))
    (folder / "emnist-digits-mapping.txt").write_text("".join(f"{digit} {48 + digit}\n" for digit in range(10)))


def usps(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for part, images, labels in (("train", X, Y), ("test", X_TEST, Y_TEST)):
            group = file.create_group(part)
            group["data"] = (images[:, 4:20, 4:20].reshape(len(images), 256) / 255).astype("f4")
            group["target"] = labels.astype("i8")


def npz_in_a_folder(folder: Path) -> None:
    folder.mkdir()
    write_npz(folder / "mnist.npz", ARRAYS)


def floats(scale: float, offset: float) -> dict[str, NDArray[np.float32]]:
    return {key: ((ARRAYS[key] / 255 - offset) / scale).astype("f4") for key in ("x_train", "x_test")}


LAYOUTS: Mapping[str, Layout] = {
    "mnist_in_csv": Layout(csv_pair("mnist", Y, Y_TEST)),
    "sign_language_mnist": Layout(csv_pair("sign_mnist", np.resize(NO_J, 120), np.resize(NO_J, 40)), classes=tuple(map(str, NO_J))),
    "sign_mnist.npz": Layout(npz(y_train=np.resize(NO_J, 120), y_test=np.resize(NO_J, 40)), classes=tuple(map(str, NO_J))),
    "mnist_png": Layout(pictures("training", "testing"), classes=tuple("ABCDEFGHIJ"), same=False),
    "notMNIST_small": Layout(not_mnist, classes=tuple("ABCDEFGHIJ"), test=17, same=False),
    "fashion_idx_gz": Layout(lambda path: write_idx(path, ARRAYS, zipped=True)),
    "renamed_idx": Layout(lambda path: write_idx(path, ARRAYS, dots=True)),
    "torchvision_root": Layout(torchvision),
    "kaggle_hojjatk": Layout(in_folders_of_their_names(also_beside=True)),
    "kaggle_hojjatk_dirs": Layout(in_folders_of_their_names(also_beside=False)),
    "kmnist_npz": Layout(kuzushiji),
    "emnist_digits_gz": Layout(emnist),
    "usps.h5": Layout(usps, shape=(16, 16), same=False),
    "breastmnist.npz": Layout(
        only(train_images=X, train_labels=Y[:, None] % 2, val_images=X_TEST[:20], val_labels=Y_TEST[:20, None] % 2, test_images=X_TEST, test_labels=Y_TEST[:, None] % 2),
        classes=("0", "1"), validation=20,
    ),
    "pathmnist.npz": Layout(
        only(train_images=COLOUR, train_labels=Y[:, None], val_images=COLOUR_TEST[:20], val_labels=Y_TEST[:20, None], test_images=COLOUR_TEST, test_labels=Y_TEST[:, None]),
        shape=(28, 28, 3), validation=20, same=False,
    ),
    "rgb28.npz": Layout(npz(x_train=COLOUR, x_test=COLOUR_TEST), shape=(28, 28, 3), same=False),
    "cifar10.npz": Layout(
        npz(x_train=np.pad(COLOUR, ((0, 0), (2, 2), (2, 2), (0, 0))), x_test=np.pad(COLOUR_TEST, ((0, 0), (2, 2), (2, 2), (0, 0))), y_train=Y[:, None], y_test=Y_TEST[:, None]),
        shape=(32, 32, 3), same=False,
    ),
    "grey32.npz": Layout(npz(x_train=np.pad(X, ((0, 0), (2, 2), (2, 2))), x_test=np.pad(X_TEST, ((0, 0), (2, 2), (2, 2)))), shape=(32, 32), same=False),
    "labels_n1.npz": Layout(npz(y_train=Y[:, None], y_test=Y_TEST[:, None])),
    "onehot.npz": Layout(npz(y_train=np.eye(10)[Y], y_test=np.eye(10)[Y_TEST])),
    "standardised.npz": Layout(npz(**floats(0.3081, 0.1307))),
    "minus1to1.npz": Layout(npz(**floats(0.5, 0.5))),
    "float01.npz": Layout(npz(**floats(1.0, 0.0))),
    "flat784.npz": Layout(npz(x_train=X.reshape(-1, 784), x_test=X_TEST.reshape(-1, 784))),
    "string_labels.npz": Layout(npz(y_train=Y.astype(str), y_test=Y_TEST.astype(str))),
    "named_labels.npz": Layout(npz(y_train=WORDS[Y], y_test=WORDS[Y_TEST]), classes=tuple(sorted(WORDS))),
    "other_keys.npz": Layout(only(X_train=X, Y_train=Y, X_test=X_TEST, Y_test=Y_TEST)),
    "no_test.npz": Layout(only(x_train=X, y_train=Y), test=17, same=False),
    "binary_images.npz": Layout(npz(x_train=X > 127, x_test=X_TEST > 127), same=False),
    "channels_first.npz": Layout(npz(x_train=X[:, None], x_test=X_TEST[:, None])),
    "images_uint16.npz": Layout(npz(x_train=X.astype("u2") * 257, x_test=X_TEST.astype("u2") * 257)),
    "small8.npz": Layout(npz(x_train=X[:, 6:22:2, 6:22:2], x_test=X_TEST[:, 6:22:2, 6:22:2]), shape=(8, 8), same=False),
    "folder_of_npz": Layout(npz_in_a_folder),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_read_as_its_owner_means_it(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    layout.write(tmp_path / name)
    data = load(tmp_path / name, validation=0.25)
    assert data.input_shape == layout.shape
    assert data.class_names == layout.classes
    assert len(data.x_test) == layout.test
    if layout.validation is not None:
        assert (len(data.x_train), len(data.x_validation)) == (120, layout.validation)
    if layout.same:
        assert np.array_equal(data.x_test, X_TEST)


def kaggle_competition(folder: Path) -> None:
    folder.mkdir()
    csv(folder / "train.csv", Y, X)
    csv(folder / "test.csv", None, X_TEST)


def web_pages(folder: Path) -> None:
    folder.mkdir()
    for name in NAMES.values():
        (folder / f"{name}.gz").write_text("<!DOCTYPE HTML><html><head><title>403 Forbidden</title></head></html>")


def npy_files(folder: Path) -> None:
    folder.mkdir()
    for name, array in (("train_images", X), ("train_labels", Y)):
        np.save(folder / name, array)


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("train-images-idx3-ubyte", idx_bytes(X))


def zipped_pickle(path: Path) -> None:
    pairs = ((X.reshape(-1, 784) / 255, Y), (X_TEST.reshape(-1, 784) / 255, Y_TEST))
    path.write_bytes(gzip.compress(pickle.dumps((pairs[0], pairs[1], pairs[1]))))


def emnist_mat(path: Path) -> None:
    def part(images: NDArray[np.uint8], labels: NDArray[np.generic]) -> dict[str, object]:
        return {"images": images.transpose(0, 2, 1).reshape(-1, 784), "labels": labels[:, None]}

    scipy.io.savemat(path, {"dataset": {"train": part(X, Y), "test": part(X_TEST, Y_TEST)}})


REFUSED: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "kaggle_digit_recognizer": (kaggle_competition, "test.csv has no label column"),
    "html_for_gz": (web_pages, "train-images-idx3-ubyte.gz is no IDX file"),
    "openml.npz": (only(X=X.reshape(-1, 784).astype("f8"), y=Y.astype(str).astype(object)), "pickled Python objects"),
    "npy_files": (npy_files, "holds one array, and images and labels are needed"),
    "mnist_train.parquet": (lambda path: path.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1"), "damaged or no parquet"),
    "training.pt": (lambda path: path.write_bytes(b"PK\3\4" + b"\0" * 50), "a file of PyTorch"),
    "archive.zip": (archive, "Unpack it and give the folder"),
    "mnist.pkl.gz": (zipped_pickle, "is pickled, and nothing pickled is loaded"),
    "emnist-digits.mat": (emnist_mat, "is a file of MATLAB"),
}


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    write, said = REFUSED[name]
    write(tmp_path / name)
    assert said in refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["mnist.pkl.gz", "emnist-digits.mat"])
def test_the_command_of_a_refusal_makes_what_is_read(name: str, tmp_path: Path) -> None:
    REFUSED[name][0](tmp_path / name)
    command = refusal(tmp_path / name).split("python -c ", 1)[1].split(".npz", 1)[0] + ".npz"
    words = shlex.split(command)
    subprocess.run([sys.executable, "-c", *words], check=True, timeout=100)
    data = load(words[-1])
    assert np.array_equal(data.x_test, X_TEST)
    assert np.array_equal(data.y_test, Y_TEST)
