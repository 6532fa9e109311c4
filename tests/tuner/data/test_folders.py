"""Folders that hold one data set, several, or something beside it; and those that may not be read."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from tests.kit.data_files import NAMES, build_arrays, check_said, idx_bytes, load, write_npz
from tests.kit.picture_files import write_classes
from tuner.core.errors import DataError
from tuner.data import keras_datasets

DATA = build_arrays(train=20, test=10, classes=2, side=8)


def idx(folder: Path) -> None:
    for key, name in NAMES.items():
        (folder / name).write_bytes(idx_bytes(DATA[key]))


def torchvision(folder: Path) -> None:
    (folder / "MNIST" / "raw").mkdir(parents=True)
    idx(folder / "MNIST" / "raw")


def npz(folder: Path) -> None:
    write_npz(folder / "arrays.npz", DATA)


def pairs(folder: Path) -> None:
    for key, name in (("x_train", "train-imgs"), ("y_train", "train-labels"), ("x_test", "test-imgs"), ("y_test", "test-labels")):  # fmt: skip
        np.savez(folder / f"k49-{name}.npz", DATA[key])


def parquet(folder: Path) -> None:
    contents = []
    for image in DATA["x_train"]:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        contents.append({"bytes": stream.getvalue(), "path": ""})
    table = pa.table({"image": pa.array(contents), "label": DATA["y_train"]})
    pa.parquet.write_table(table, folder / "pictures.parquet")


def h5(folder: Path) -> None:
    with h5py.File(folder / "arrays.h5", "w") as file:
        for key, array in DATA.items():
            file[key] = array


def table(folder: Path, name: str = "pixels.csv", split: str = "train") -> None:
    frame = pandas.DataFrame(DATA[f"x_{split}"].reshape(-1, 64))
    frame.insert(0, "label", DATA[f"y_{split}"])
    frame.to_csv(folder / name, index=False)


def tables(folder: Path) -> None:
    for split in ("train", "test"):
        table(folder, f"{split}.csv", split)


def pictures(folder: Path) -> None:
    write_classes(folder, {"ant": 12, "bee": 12}, sizes=((4, 4),))


KINDS: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "idx": (idx, "train-images-idx3-ubyte"),
    "torchvision": (torchvision, "MNIST/raw/train-images-idx3-ubyte"),
    "npz": (npz, "arrays.npz"),
    "pairs": (pairs, "k49-train-labels.npz"),
    "parquet": (parquet, "pictures.parquet"),
    "h5": (h5, "arrays.h5"),
    "table": (table, "pixels.csv"),
    "tables": (tables, "train.csv with test.csv"),
    "pictures": (pictures, "folders of pictures"),
}
"""Kind → what writes it, and its name in a message."""
ONE = {frozenset(("idx", "pictures")), frozenset(("npz", "pictures"))}
"""Two that are one data set: arrays, and pictures beside (docs/data.md)."""
SEVERAL = [pair for pair in combinations(KINDS, 2) if frozenset(pair) not in ONE and set(pair) != {"table", "tables"}]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_one_kind_is_read(kind: str, tmp_path: Path) -> None:
    KINDS[kind][0](tmp_path)
    assert load(tmp_path, validation=0.2).classes == 2


@pytest.mark.parametrize("kinds", SEVERAL, ids="+".join)
def test_a_folder_of_two_kinds_names_both(kinds: tuple[str, str], tmp_path: Path) -> None:
    for kind in kinds:
        KINDS[kind][0](tmp_path)
    with pytest.raises(DataError, match=r"holds several data sets\. Expected one of them\. Received: ") as caught:
        load(tmp_path)
    message = str(caught.value)
    (received,) = re.findall(r"Received: (.*)\. (?:Give its path|Move the others)", message)
    assert set(received.split(", ")) == {KINDS[kind][1] for kind in kinds}
    assert "\n" not in message


@pytest.mark.parametrize("kinds", [tuple(sorted(pair)) for pair in sorted(ONE, key=sorted)], ids="+".join)
def test_arrays_beside_pictures_are_taken_and_it_is_said(kinds: tuple[str, str], tmp_path: Path) -> None:
    for kind in kinds:
        KINDS[kind][0](tmp_path)
    data = load(tmp_path)
    np.testing.assert_array_equal(data.x_test, DATA["x_test"])
    assert any("the folders of pictures beside were passed over" in note for note in data.notes)


def weights(folder: Path) -> None:
    with h5py.File(folder / "model.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = np.zeros((64, 10))
    np.savez(folder / "features.npz", a=np.zeros(3))


def lists(folder: Path) -> None:
    (folder / "names.csv").write_text("label,name\n0,ant\n1,bee\n")
    pa.parquet.write_table(pa.table({"file": ["a.png"], "label": [0]}), folder / "metadata.parquet")


@pytest.mark.parametrize("beside", [weights, lists])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tables"])
def test_files_beside_that_are_no_data_set_change_nothing(
    kind: str, beside: Callable[[Path], None], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    KINDS[kind][0](tmp_path / "in")
    sha256 = load(tmp_path / "in", validation=0.2).sha256
    beside(tmp_path / "in")
    assert load(tmp_path / "in", validation=0.2).sha256 == sha256


@pytest.mark.parametrize("name", ["arrays.npz", "arrays.h5", "more.parquet"])
def test_a_damaged_file_isn_t_passed_over(name: str, tmp_path: Path) -> None:
    KINDS["table"][0](tmp_path)
    (tmp_path / name).write_bytes(b"torn")
    check_said(tmp_path, f"holds several data sets. Expected one of them. Received: {name}, pixels.csv")  # fmt: skip
    (tmp_path / "pixels.csv").unlink()
    check_said(tmp_path, f"{name} is damaged or no ")


def test_a_parquet_file_without_pictures_is_named(tmp_path: Path) -> None:
    parquet(tmp_path)
    lists(tmp_path)
    assert "These files have no pictures and were passed over: metadata.parquet." in load(tmp_path).notes
    (tmp_path / "pictures.parquet").unlink()
    (tmp_path / "names.csv").unlink()
    check_said(tmp_path, "metadata.parquet has no column of pictures")


# What may not be read


def forbid(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """As the system does to others than root: a folder that can't be listed, a file that can't be opened."""
    for module, name in ((os, "scandir"), (os, "listdir"), (io, "open")):
        original = getattr(module, name)

        def guarded(path: Any, *rest: Any, original: Any = original, **more: Any) -> Any:
            if not isinstance(path, int) and Path(path) == place:
                raise PermissionError(13, "Permission denied", str(path))
            return original(path, *rest, **more)

        monkeypatch.setattr(module, name, guarded)


@pytest.mark.parametrize(
    ("kind", "source", "place"),
    [
        ("pictures", ".", "."), ("pictures", ".", "bee"), ("table", ".", "."), ("idx", ".", "."),
        ("idx", "train-images-idx3-ubyte", "."), ("idx", "train-images-idx3-ubyte", "train-images-idx3-ubyte"),
        ("idx", ".", "t10k-labels-idx1-ubyte"), ("torchvision", ".", "MNIST/raw"), ("npz", "arrays.npz", "arrays.npz"),
        ("npz", ".", "arrays.npz"), ("pairs", "k49-test-imgs.npz", "."), ("table", "pixels.csv", "pixels.csv"),
    ],
)  # fmt: skip
def test_what_may_not_be_read_is_said_in_one_line(
    kind: str, source: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KINDS[kind][0](tmp_path)
    forbid(monkeypatch, tmp_path / place)
    check_said(tmp_path / source, f"can't be read. Expected files and folders that this user may read. Received: Permission denied: {tmp_path / place}. Correct the permissions")  # fmt: skip


def test_so_is_keras_s_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_TUNE_DATA", raising=False)
    monkeypatch.setattr(keras_datasets, "keras_home", lambda: tmp_path)
    cached = tmp_path / "datasets" / "fashion-mnist"
    cached.mkdir(parents=True)
    idx(cached)
    forbid(monkeypatch, cached)
    check_said("fashion_mnist", f"Permission denied: {cached}")
