"""Pixels of every range and images of every shape become the same data set, and a note says what was done; others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from tests.kit.data_files import Arrays, build_arrays, check_said, load, write_idx, write_npz
from tuner.data.pixel_range import find_range

ARRAYS = build_arrays()


def changed(change: Any) -> Arrays:
    """The two sets of images, changed alike."""
    return {key: change(ARRAYS[key]) for key in ("x_train", "x_test")}


def standardised(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return ((images / 255 - 0.1307) / 0.3081).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda x: (x / 255).astype(np.float32), "floats from 0 to 1", id="0 to 1"),
        pytest.param(lambda x: (x / 127.5 - 1).astype(np.float32), "from -1 to 1", id="-1 to 1"),
        pytest.param(standardised, "were standardised (-0.4242 to 2.82", id="standardised"),
        pytest.param(lambda x: x / 255 - 0.5, "were standardised (-0.5 to 0.5)", id="-.5 to .5"),
        pytest.param(lambda x: x.astype(np.uint16) * 257, "16 bits", id="16 bits"),
        pytest.param(lambda x: x.reshape(-1, 784), "(n, 784) and were reshaped to (n, 28, 28)", id="flat"),
        pytest.param(lambda x: x[:, None], "(n, 1, 28, 28) and were reshaped to (n, 28, 28)", id="channels first"),
    ],
)
def test_other_ranges_and_shapes_are_the_same_data_and_said(tmp_path: Path, change: Any, said: str) -> None:
    data = load(write_npz(tmp_path / "a.npz", None, **changed(change)))
    assert data.sha256 == load(write_npz(tmp_path / "b.npz")).sha256
    (note,) = data.notes
    assert said in note
    assert note.endswith(".")


def test_usual_data_are_not_commented(tmp_path: Path) -> None:
    assert load(write_npz(tmp_path / "a.npz")).notes == ()
    assert load("digits").notes == ()


def test_zeros_and_ones_are_black_and_white(tmp_path: Path) -> None:
    for dtype in (bool, np.uint8):
        data = load(write_npz(tmp_path / "a.npz", None, **changed(lambda x, dtype=dtype: (x > 127).astype(dtype))))
        assert set(np.unique(data.x_train)) == {0, 255}
        assert "zeros and ones" in data.notes[0]


def test_scikit_learn_s_digits_are_not_nearly_black(tmp_path: Path) -> None:
    images, labels = load_digits().images, load_digits().target
    path = write_npz(tmp_path / "a.npz", x_train=images[:1000], y_train=labels[:1000], x_test=images[1000:], y_test=labels[1000:])  # fmt: skip
    data = load(path)
    assert data.x_train.max() == 255
    assert "from 0 to 16: 16 is taken as white" in data.notes[0]
    assert data.input_shape == (8, 8)
    assert len(data.notes) == 1


def test_two_types_are_brought_to_one_range_each(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", x_test=(ARRAYS["x_test"] / 255).astype(np.float32))
    assert load(path).sha256 == load(write_npz(tmp_path / "b.npz")).sha256


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.array([-2.5, 0.1, 3.07]), id="standardised a pixel at a time"),
        pytest.param(
            standardised(np.arange(256, dtype=np.uint8)).astype(np.float16), id="standardised, half precision"
        ),
        pytest.param(np.array([0, 300]), id="beyond 8 bits"),
        pytest.param(np.array([0, 4095]), id="12 bits"),
        pytest.param(np.array([0, 9]), id="nearly black"),
        pytest.param(np.array([0.0, 2.34, 9.37]), id="odd floats"),
        pytest.param(np.array([0.0, 1e6]), id="huge"),
        pytest.param(np.array([-1, 255]), id="negative"),
    ],
)
def test_an_unknown_range_is_refused(tmp_path: Path, values: NDArray[Any]) -> None:
    assert find_range([values]) is None
    images = np.resize(values, (60, 28, 28))
    path = write_npz(tmp_path / "a.npz", x_train=images, x_test=images[:20])
    check_said(path, "pixels of an unknown range. Expected 0 to 255, 0 to 1, -1 to 1, 0 to 16, 0 to 65535")


def test_a_dim_set_is_taken_and_said() -> None:
    found = find_range([np.array([0, 100], np.uint8)])
    assert found is not None
    assert "brightest is only 100" in str(found.note)
    assert found.convert(np.array([0, 100], np.uint8)).tolist() == [0, 100]


def test_labels_in_a_column_are_taken(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", y_train=ARRAYS["y_train"][:, None], y_test=ARRAYS["y_test"][:, None])
    assert load(path).sha256 == load(write_npz(tmp_path / "b.npz")).sha256


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((60, 28, 28, 2), "Save grey images, (n, h, w), or colour, (n, h, w, 3)."),
        ((60, 3, 3), "Give images of 4 pixels a side or more."),
        ((60, 3, 2, 28), "Give images of 4 pixels a side or more."),
        ((60, 9), "Reshape the images to (n, h, w)."),
        (
            (60, 3072),
            "Reshape colour to (n, 3, 32, 32), or (n, 32, 32, 3) where a pixel's three values are neighbours.",
        ),
        ((60, 785), "Reshape the images to (n, h, w)."),
        ((60,), "Save the images as (n, h, w) or (n, h, w, 3)."),
    ],
)
def test_advice_fits_the_shape(tmp_path: Path, shape: tuple[int, ...], advice: str) -> None:
    check_said(write_npz(tmp_path / "a.npz", x_train=np.zeros(shape, np.uint8)), advice)


# Folders


def test_a_folder_s_one_archive_is_taken(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    data = load(write_npz(tmp_path / "in" / "mine.npz").parent)
    assert data.sha256 == load(write_npz(tmp_path / "b.npz")).sha256
    assert "mine.npz, the only .npz file" in data.notes[0]
    np.savez(tmp_path / "in" / "other.npz", a=np.zeros(3))
    assert "with a data set" in load(tmp_path / "in").notes[0]


def test_of_several_data_sets_none_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_npz(tmp_path / "in" / "a.npz")
    write_npz(tmp_path / "in" / "b.npz")
    check_said(tmp_path / "in", "holds several data sets. Expected one of them. Received: a.npz, b.npz. Give its path")


@pytest.mark.parametrize("below", ["raw", "MNIST/raw"])
def test_idx_files_are_found_in_torchvision_s_folders(tmp_path: Path, below: str) -> None:
    folder = tmp_path / "in" / below
    folder.parent.mkdir(parents=True)
    write_idx(folder)
    data = load(tmp_path / "in")
    assert data.sha256 == load(write_npz(tmp_path / "b.npz")).sha256
    assert f"were found in {folder}" in data.notes[0]


def test_idx_files_are_found_in_folders_of_their_own_names(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "in")
    for path in list(folder.iterdir()):
        path.rename(tmp_path / "moving")
        path.mkdir()
        (tmp_path / "moving").rename(path / path.name)
    data = load(folder)
    assert data.sha256 == load(write_npz(tmp_path / "b.npz")).sha256
    assert "in folders of their own names" in data.notes[0]


def test_a_folder_of_other_things_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("")
    check_said(
        tmp_path / "in", "holds no data set that can be read. Expected train-images-idx3-ubyte and MNIST's three"
    )
