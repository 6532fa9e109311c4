"""IDX files of EMNIST's names: one set of several, its images transposed back, and what is unclear."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.kit.data_files import build_arrays, check_said, idx_bytes, load, write_idx, write_npz
from tuner.data.formats.idx import idx_sets
from tuner.data.formats.transposed import EMNIST_NOTE, transposed
from tuner.data.source_options import SourceOptions
from tuner.data.sources import find_data
from tuner.data.validation import RawArrays

DATA = build_arrays()
FILES = {"x_train": "train-images-idx3", "y_train": "train-labels-idx1", "x_test": "test-images-idx3", "y_test": "test-labels-idx1"}  # fmt: skip


def write_emnist(folder: Path, name: str = "emnist-letters", *, zipped: bool = True, first: int = 1) -> Path:
    """As EMNIST has it: transposed, labels from 1 for letters."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, file in FILES.items():
        array = DATA[key].swapaxes(1, 2) if key.startswith("x") else DATA[key] + first
        content = idx_bytes(array)
        path = folder / f"{name}-{file}-ubyte{'.gz' * zipped}"
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("below", ["", "raw", "EMNIST/raw", "gzip"])
def test_emnist_stands_upright(tmp_path: Path, below: str, zipped: bool) -> None:
    write_emnist(tmp_path / "emnist" / below, zipped=zipped)
    dataset = load(tmp_path / "emnist")
    np.testing.assert_array_equal(dataset.x_test, DATA["x_test"])
    assert dataset.class_names == ("1", "2", "3")
    assert EMNIST_NOTE in dataset.notes


def test_the_option_does_not_transpose_emnist_twice(tmp_path: Path) -> None:
    folder = write_emnist(tmp_path / "emnist")
    raw = find_data(str(folder), files=SourceOptions(transpose=True)).raw
    np.testing.assert_array_equal(raw.arrays["x_test"], DATA["x_test"])
    assert raw.notes == (EMNIST_NOTE,)


def test_other_files_are_transposed_by_the_option_alone(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "idx")
    np.testing.assert_array_equal(find_data(str(folder)).raw.arrays["x_test"], DATA["x_test"])
    raw = find_data(str(folder), files=SourceOptions(transpose=True)).raw
    np.testing.assert_array_equal(raw.arrays["x_test"], DATA["x_test"].swapaxes(1, 2))


def test_one_of_several_sets_is_chosen_by_a_file(tmp_path: Path) -> None:
    folder = write_emnist(write_emnist(tmp_path / "raw"), "emnist-digits", first=0)
    check_said(
        folder,
        "holds the IDX files of several data sets. Expected one of them. Received: emnist-digits, emnist-letters",
    )
    assert [one.name for one in idx_sets(folder)] == ["emnist-digits-", "emnist-letters-"]
    for file in FILES.values():
        assert load(folder / f"emnist-digits-{file}-ubyte.gz").class_names == ("0", "1", "2")
    assert load(folder / "emnist-letters-train-images-idx3-ubyte.gz").class_names == ("1", "2", "3")
    write_idx(tmp_path / "idx")
    for path in (tmp_path / "idx").iterdir():
        path.rename(folder / path.name)
    check_said(folder, "MNIST's names")
    assert load(folder / "t10k-labels-idx1-ubyte").sha256 == load(write_npz(tmp_path / "a.npz")).sha256


@pytest.mark.parametrize("file", FILES.values())
def test_a_missing_file_is_said_by_its_own_name(tmp_path: Path, file: str) -> None:
    folder = write_emnist(tmp_path / "emnist")
    (folder / f"emnist-letters-{file}-ubyte.gz").unlink()
    check_said(folder, f"Expected emnist-letters-{file}-ubyte or emnist-letters-{file}-ubyte.gz")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    check_said(tmp_path / "train-images-idx3-ubyte", "can't be read. Expected an IDX file. Received: no such file")


def test_emnist_s_tables_are_transposed_too(tmp_path: Path) -> None:
    images = DATA["x_train"].copy()
    images[:, -1, -1] = 0  # the last column of EMNIST's tables is black, so only the first can be the labels
    rows = np.column_stack([DATA["y_train"].astype(int) + 1, images.swapaxes(1, 2).reshape(60, -1)])
    for name in ("emnist-letters-train.csv", "letters.csv"):
        np.savetxt(tmp_path / name, rows, fmt="%d", delimiter=",")
    upright, lying = (find_data(str(tmp_path / name)).raw for name in ("emnist-letters-train.csv", "letters.csv"))
    np.testing.assert_array_equal(upright.arrays["x_test"].swapaxes(1, 2).reshape(9, -1), lying.arrays["x_test"])
    assert EMNIST_NOTE in upright.notes
    assert upright.arrays["x_test"].shape == (9, 28, 28)
    by_image = {image.tobytes() for image in images}
    assert all(np.ascontiguousarray(image).tobytes() in by_image for image in upright.arrays["x_test"])


def write_tables(folder: Path, *names: str) -> Path:
    """Tables as EMNIST has them: transposed, the labels first."""
    folder.mkdir()
    for name, split in zip(names, ("train", "test"), strict=False):
        images = DATA[f"x_{split}"].swapaxes(1, 2).reshape(-1, 784).copy()
        images[:, -1] = 0
        np.savetxt(folder / name, np.column_stack([DATA[f"y_{split}"], images]), fmt="%d", delimiter=",")
    return folder


def check_upright(raw: RawArrays) -> None:
    for split in ("train", "test"):
        expected = DATA[f"x_{split}"].copy()
        expected[:, -1, -1] = 0
        np.testing.assert_array_equal(raw.arrays[f"x_{split}"], expected)  # type: ignore[index]
    assert EMNIST_NOTE in raw.notes


@pytest.mark.parametrize("transpose", [True, False])
@pytest.mark.parametrize("name", ["emnist", "letters"])
def test_a_folder_of_emnist_s_tables_stands_upright_whatever_its_name(
    name: str, transpose: bool, tmp_path: Path
) -> None:
    folder = write_tables(tmp_path / name, "emnist-letters-train.csv", "emnist-letters-test.csv")
    check_upright(find_data(str(folder), files=SourceOptions(transpose=transpose)).raw)


def test_a_folder_of_that_name_with_other_tables_is_not_transposed(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "emnist", "train.csv", "test.csv")
    raw = find_data(str(folder)).raw
    assert EMNIST_NOTE not in raw.notes
    check_upright(transposed(raw, EMNIST_NOTE))


def test_of_two_tables_the_option_transposes_the_one_that_is_not_yet(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "tables", "emnist-letters-train.csv", "mine.csv")
    files = SourceOptions(test_data=str(folder / "mine.csv"), transpose=True)
    check_upright(find_data(str(folder / "emnist-letters-train.csv"), files=files).raw)
