"""Files that are not read are refused with the command that converts them; the commands work."""

from __future__ import annotations

import pickle
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from tests.kit.data_files import build_arrays, load, write_npz
from tuner.core.errors import DataError
from tuner.data.formats.refused import is_refused

DATA = build_arrays()
X, Y = DATA["x_train"], DATA["y_train"]


def said(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "Expected" in message
    assert "Received" in message
    return message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.pkl", "is pickled, and nothing pickled is loaded"),
        ("a.pickle", "is pickled"),
        ("a.p", "is pickled"),
        ("a.joblib", "is pickled"),
        ("training.pt", "weights_only=True"),
        ("a.pth", "a file of PyTorch"),
        ("train_32x32.mat", "scipy.io.loadmat"),
        ("a.npy", "holds one array"),
        ("a.tfrecord", "tensorflow_datasets.as_numpy"),
        ("a.arrow", "to_parquet"),
        ("a.zip", "Unpack it and give the folder: python -m zipfile -e "),
        ("a.tar.gz", "tar -xf "),
        ("A.TGZ", "tar -xf "),
        ("a.rar", "Unpack it"),
        ("a.xlsx", "is a spreadsheet"),
    ],
)
def test_each_kind_is_named_with_what_to_do(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    message = said(tmp_path / name)
    assert words in message
    assert f"Received: a .{name.lower().split('.', 1)[1]} file" in message
    assert is_refused(tmp_path / name)
    assert words in said(tmp_path)


def test_a_missing_one_is_missing(tmp_path: Path) -> None:
    assert "no such file" in said(tmp_path / "gone.mat")


def test_a_folder_with_a_name_like_that_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data.zip"
    folder.mkdir()
    write_npz(folder / "a.npz")
    assert load(folder).classes == 3


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    for name in ("a.pkl", "a.pt", "a.npy", "a.mat"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        said(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def converted(path: Path, **replaced: str) -> Path:
    """Run the command that a message gives; return the file that it writes."""
    message = said(path)
    match = re.search(r'(python -c "[^"]*" .*?\.npz\'?)', message)
    assert match is not None, message
    words = shlex.split(match[1])
    words = [replaced.get(word, word) for word in words]
    subprocess.run([sys.executable, *words[1:]], check=True, timeout=100)
    return Path(words[-1])


def test_the_commands_work(tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    expected = load(write_npz(tmp_path / "plain.npz", {"images": X, "labels": Y})).sha256
    scipy.io.savemat(folder / "svhn.mat", {"X": np.moveaxis(X, 0, -1), "y": Y[:, None]})
    (folder / "pair.pkl").write_bytes(pickle.dumps((X, Y)))
    (folder / "named.pickle").write_bytes(pickle.dumps({"images": X, "labels": Y}))
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", Y)
    for name in ("svhn.mat", "pair.pkl", "named.pickle"):
        assert load(converted(folder / name)).sha256 == expected
    assert load(converted(folder / "x.npy", **{"LABELS.npy": str(folder / "y.npy")})).sha256 == expected


def test_an_archive_is_unpacked_by_its_command(tmp_path: Path) -> None:
    write_npz(tmp_path / "inside.npz")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "inside.npz", "inside.npz")
    command = said(tmp_path / "a.zip").rsplit("folder: ", 1)[1].removesuffix(".")
    subprocess.run([sys.executable, *shlex.split(command)[1:]], check=True, timeout=100)
    assert load(tmp_path / "a").sha256 == load(tmp_path / "inside.npz").sha256
