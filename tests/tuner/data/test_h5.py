"""HDF5 files: USPS's groups, two arrays, other names; and ten kinds of wrong content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.kit.data_files import build_arrays, check_said, load, write_npz
from tuner.core.errors import DataError
from tuner.data.source_options import SourceOptions
from tuner.data.sources import find_data

DATA = build_arrays(side=16)
X, Y = DATA["x_train"], DATA["y_train"]


def save(path: Path, arrays: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    return path


def usps(**changes: Any) -> dict[str, Any]:
    """As the file of USPS has it: flat floats from 0 to 1, in groups."""
    arrays = {
        "train/data": (X / 255).reshape(60, 256).astype("f4"), "train/target": Y.astype("i8"),
        "test/data": (DATA["x_test"] / 255).reshape(20, 256).astype("f4"), "test/target": DATA["y_test"].astype("i8"),
    }  # fmt: skip
    return {name: array for name, array in (arrays | changes).items() if array is not None}


@pytest.mark.parametrize("name", ["usps.h5", "usps.hdf5", "USPS.H5"])
def test_usps(tmp_path: Path, name: str) -> None:
    dataset = load(save(tmp_path / name, usps()))
    assert dataset.sha256 == load(write_npz(tmp_path / "a.npz", DATA)).sha256
    assert "train: train/data and train/target" in dataset.notes[0]


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param({"images": X, "labels": Y}, id="images and labels"),
        pytest.param({"a/b/pixels_of_it": X, "a/b/what": Y}, id="any names"),
        pytest.param({"x": X, "y": np.array([b"a", b"b", b"c"])[Y]}, id="texts of one length"),
        pytest.param({"x": X, "y": np.eye(3)[Y]}, id="one-hot"),
        pytest.param({"train_set_x": X, "train_set_y": Y, "list_classes": [b"non-cat", b"cat"]}, id="a course's cats"),
    ],
)
def test_one_set_is_split(tmp_path: Path, arrays: dict[str, Any]) -> None:
    dataset = load(save(tmp_path / "a.h5", arrays))
    assert (len(dataset.x_train) + len(dataset.x_validation), len(dataset.x_test), dataset.classes) == (51, 9, 3)


def test_a_second_file_is_the_test_set(tmp_path: Path) -> None:
    train = save(tmp_path / "train.h5", {"train_set_x": X, "train_set_y": Y})
    test = save(tmp_path / "test.h5", {"test_set_x": DATA["x_test"], "test_set_y": DATA["y_test"]})
    raw = find_data(str(train), files=SourceOptions(test_data=str(test))).raw
    for key, array in DATA.items():
        np.testing.assert_array_equal(raw.arrays[key], array)  # type: ignore[index]


def test_the_only_file_of_a_folder_is_read(tmp_path: Path) -> None:
    save(tmp_path / "usps.h5", usps())
    assert any("the only HDF5 file in the folder" in note for note in load(tmp_path).notes)
    save(tmp_path / "other.h5", usps())
    check_said(tmp_path, "holds several data sets")


def other_file(path: Path) -> None:
    save(path.with_name("other.h5"), {"secret": X})
    with h5py.File(path, "w") as file:
        file["images"] = h5py.ExternalLink("other.h5", "secret")
        file["labels"] = Y


def virtual(path: Path) -> None:
    save(path.with_name("other.h5"), {"secret": X})
    layout = h5py.VirtualLayout(shape=X.shape, dtype=X.dtype)
    layout[:] = h5py.VirtualSource(path.with_name("other.h5"), "secret", shape=X.shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("images", layout)
        file["labels"] = Y


def external(path: Path) -> None:
    path.with_name("secret.bin").write_bytes(X.tobytes())
    with h5py.File(path, "w") as file:
        file.create_dataset("images", X.shape, X.dtype, external=[(str(path.with_name("secret.bin")), 0, X.nbytes)])
        file["labels"] = Y


def bomb(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (1_000_000, 28, 28), "f8", chunks=(100, 28, 28))
        file.create_dataset("labels", (1_000_000,), "i8", chunks=(1000,))


def many(path: Path) -> None:
    save(path, {f"image{number}": X[0] for number in range(120)})


def cut(path: Path) -> None:
    content = save(path, usps()).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flipped(path: Path) -> None:
    content = bytearray(save(path, usps()).read_bytes())
    content[8:200] = bytes(192)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda path: None, "no such file", id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), "damaged or no HDF5 file", id="empty"),
        pytest.param(lambda path: path.write_text("<html>"), "damaged or no HDF5 file. Expected a complete HDF5 file. Received: 6 bytes", id="a page"),
        pytest.param(cut, "damaged or no HDF5 file", id="cut"),
        pytest.param(flipped, "damaged or no HDF5 file", id="flipped"),
        pytest.param(lambda path: save(path, {}), "has no images with as many labels. Expected the datasets x_train", id="nothing in it"),
        pytest.param(lambda path: save(path, usps(**{"test/target": None})), "lacks the dataset y_test", id="no test labels"),
        pytest.param(lambda path: save(path, {"images": X, "labels": Y[:9]}), "60 images and 9 labels", id="lengths"),
        pytest.param(lambda path: save(path, {"a": X, "b": X[:, :9], "c": Y}), "a with c, b with c", id="unclear"),
        pytest.param(lambda path: save(path, {"images": [b"x"] * 60, "labels": Y}), "Save pixels, not text", id="texts"),
        pytest.param(lambda path: save(path, {"images": X, "labels": np.full(60, b"\xff")}), "texts in UTF-8", id="no text"),
        pytest.param(lambda path: save(path, usps(**{"train/data": usps()["train/data"] * 9})), "pixels of an unknown range", id="range"),
        pytest.param(other_file, "has no images with as many labels", id="a link to another file"),
        pytest.param(virtual, "images lies in other files", id="virtual"),
        pytest.param(external, "images lies in other files", id="external"),
        pytest.param(lambda path: save(path, {"x": X, "y": ["a", "b", "c"] * 20}), "texts of variable length. Expected whole numbers, or texts of one length", id="variable texts"),
        pytest.param(bomb, "too much memory once unpacked", id="bomb"),
        pytest.param(many, "holds many arrays", id="an array an image"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    path = tmp_path / "bad.h5"
    make(path)
    check_said(path, said)


def test_h5py_comes_with_the_program() -> None:
    from importlib.metadata import requires

    assert any(line.startswith("h5py") for line in requires("keras") or ())


def test_a_group_that_names_itself_ends(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["loop"] = file["/"]
        file["images"], file["labels"] = X, Y
    try:
        assert load(tmp_path / "a.h5").classes == 3
    except DataError as error:
        assert "\n" not in str(error)
