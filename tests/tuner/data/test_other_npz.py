"""Archives of other makers: MedMNIST's, Kuzushiji's pairs of files, images and labels under any names; and what is unclear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_tune.api.given_options import plain_values
from tests.kit.data_files import Arrays, build_arrays, check_said, load, write_npz
from tuner.core.errors import DataError, UsageError
from tuner.data.formats.array_names import part_of
from tuner.data.formats.npz import pair_sets, read_data_npz
from tuner.data.image_shape import layout_of
from tuner.data.source_options import SourceOptions
from tuner.data.sources import find_data
from tuner.options.search_options import SearchOptions

DATA = build_arrays()
X, Y = DATA["x_train"], DATA["y_train"]


def renamed(names: dict[str, str]) -> Arrays:
    return {names[key]: array for key, array in DATA.items()}


def med(**changes: Any) -> Arrays:
    arrays = renamed({"x_train": "train_images", "y_train": "train_labels", "x_test": "test_images", "y_test": "test_labels"})  # fmt: skip
    arrays |= {"val_images": X[:12, ::-1], "val_labels": Y[:12, None]}
    return {key: value for key, value in (arrays | changes).items() if value is not None}


def save(path: Path, arrays: Arrays) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("x_train", ("train", "x")),
        ("y_test", ("test", "y")),
        ("train_images", ("train", "x")),
        ("val_labels", ("validation", "y")),
        ("X_train", ("train", "x")),
        ("trainX", ("train", "x")),
        ("xtrain", ("train", "x")),
        ("Ytest", ("test", "y")),
        ("train_set_x", ("train", "x")),
        ("test_set_y_orig", ("test", "y")),
        ("t10k_images", ("test", "x")),
        ("train/data", ("train", "x")),
        ("test/target", ("test", "y")),
        ("images", (None, "x")),
        ("labels", (None, "y")),
        ("arr_0", None),
        ("train", None),
        ("train_test_images", None),
        ("x_train_y", None),
        ("train_images_small", None),
        ("list_classes", None),
    ],
)
def test_what_a_name_means(name: str, part: object) -> None:
    assert part_of(name) == part


def test_med_mnist_has_a_validation_set_of_its_own(tmp_path: Path) -> None:
    raw = read_data_npz(save(tmp_path / "bloodmnist.npz", med()))
    np.testing.assert_array_equal(raw.arrays["x_train"], X)
    np.testing.assert_array_equal(raw.arrays["x_validation"], X[:12, ::-1])
    np.testing.assert_array_equal(raw.arrays["y_validation"], Y[:12, None])
    dataset = load(tmp_path / "bloodmnist.npz")
    np.testing.assert_array_equal(dataset.x_test, DATA["x_test"])
    np.testing.assert_array_equal(dataset.y_test, DATA["y_test"])
    assert dataset.class_names == ("0", "1", "2")
    assert "train: train_images and train_labels" in load(tmp_path / "bloodmnist.npz").notes[0]


@pytest.mark.parametrize(
    "names",
    [
        {"x_train": "X_train", "y_train": "Y_train", "x_test": "X_test", "y_test": "Y_test"},
        {"x_train": "trainX", "y_train": "trainy", "x_test": "testX", "y_test": "testy"},
        {"x_train": "images_train", "y_train": "labels_train", "x_test": "images_test", "y_test": "labels_test"},
        {"x_train": "train_x", "y_train": "train_y", "x_test": "test_x", "y_test": "test_y"},
    ],
)
def test_names_that_say_what_they_are(tmp_path: Path, names: dict[str, str]) -> None:
    assert load(save(tmp_path / "b.npz", renamed(names))).sha256 == load(write_npz(tmp_path / "a.npz")).sha256


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param({"images": X, "labels": Y}, id="images and labels"),
        pytest.param({"arr_0": X, "arr_1": Y}, id="savez without names"),
        pytest.param({"arr_0": Y, "arr_1": X}, id="labels first"),
        pytest.param({"a": X.reshape(60, 784), "b": Y}, id="flat"),
        pytest.param({"a": X[..., None], "b": np.eye(3)[Y]}, id="channel, one-hot"),
        pytest.param({"a": X, "b": np.array(["p", "q", "r"])[Y]}, id="texts"),
        pytest.param({"data": X, "target": Y, "ids": np.arange(60)}, id="ids besides"),
        pytest.param({"images": X, "labels": Y, "note": np.array("made by me")}, id="a note besides"),
        pytest.param({"x": X, "y": Y, "mean_image": X.mean(axis=0)}, id="a mean besides"),
        pytest.param({"x_train": X, "y_train": Y}, id="training images only"),
    ],
)
def test_images_and_labels_alone_are_split(tmp_path: Path, arrays: Arrays) -> None:
    dataset = load(save(tmp_path / "a.npz", arrays))
    assert (len(dataset.x_train) + len(dataset.x_validation), len(dataset.x_test)) == (51, 9)
    assert np.bincount(dataset.y_test).tolist() == [3, 3, 3]
    by_image = {image.tobytes(): label for image, label in zip(X, Y, strict=True)}
    for image, label in zip(dataset.x_test, dataset.y_test, strict=True):
        assert by_image[image.tobytes()] == label
    assert any("has no test set: 9 of its 60 images" in note for note in dataset.notes)
    assert any("are the images and" in note for note in dataset.notes)


def kuzushiji(folder: Path, name: str = "k49", imgs: str = "imgs") -> Path:
    folder.mkdir(exist_ok=True)
    for key, file in (("x_train", f"train-{imgs}"), ("y_train", "train-labels"), ("x_test", f"test-{imgs}"), ("y_test", "test-labels")):  # fmt: skip
        np.savez_compressed(folder / f"{name}-{file}.npz", DATA[key])
    return folder


@pytest.mark.parametrize("given", ["", "k49-train-imgs.npz", "k49-train-labels.npz", "k49-test-imgs.npz"])
def test_kuzushiji_s_four_files_are_one_data_set(tmp_path: Path, given: str) -> None:
    folder = kuzushiji(tmp_path / "k49")
    assert load(folder / given).sha256 == load(write_npz(tmp_path / "a.npz")).sha256


def test_two_sets_of_pairs_in_a_folder_are_several(tmp_path: Path) -> None:
    folder = kuzushiji(kuzushiji(tmp_path / "both"), "kmnist")
    assert len(pair_sets(folder)) == 2
    check_said(folder, "holds several data sets. Expected one of them. Received: k49-")
    assert load(folder / "kmnist-train-imgs.npz").sha256 == load(write_npz(tmp_path / "a.npz")).sha256


def test_a_missing_file_of_a_pair_is_said(tmp_path: Path) -> None:
    folder = kuzushiji(tmp_path / "k49")
    (folder / "k49-test-labels.npz").unlink()
    check_said(folder, "lacks the file of its test labels. Expected four files such as k49-train-imgs.npz")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        pytest.param({}, "Received: none", id="empty"),
        pytest.param({"a": X}, "has no images with as many labels. Expected the keys x_train", id="images only"),
        pytest.param({"a": Y, "b": Y}, "Received: a, b", id="labels only"),
        pytest.param({"train_images": X, "train_labels": Y, "test_images": X}, "lacks the key y_test", id="no test labels"),
        pytest.param({"test_images": X, "test_labels": Y}, "lacks the key x_train", id="test set only"),
        pytest.param({"data": X, "images": X[:, :9], "target": Y}, "data with target, images with target", id="two images"),
        pytest.param({"a": X, "b": Y, "c": Y}, "a with b, a with c", id="two labels"),
        pytest.param(dict(zip("abcd", DATA.values(), strict=True)), "a with b, c with d", id="two pairs"),
        pytest.param({"images": X, "labels": Y[:50]}, "60 images and 50 labels", id="lengths"),
        pytest.param({"x": X.astype("U3"), "y": Y}, "Save pixels, not text", id="texts as pixels"),
        pytest.param({"x": X, "y": Y.astype(object)}, "pickled Python objects", id="pickled"),
        pytest.param({"x_train": X, "train_images": X, "y_train": Y, "x_test": X, "X_test": X, "y_test": Y[:3]}, "60 images and 3 labels", id="exact names first"),
        pytest.param({"train_images": X, "train_imgs": X, "train_labels": Y}, "train_images and train_imgs may both be the train images", id="two of a name"),
        pytest.param(med(val_labels=None), "lacks the key y_validation", id="no validation labels"),
        pytest.param(med(val_images=X[:12, :9, :9]), "x_validation have images of different sizes", id="another size"),
        pytest.param(med(train_labels=np.eye(4)[Y][:, [0, 1, 2, 3]] + np.eye(4)[3]), "not one-hot", id="several labels"),
        pytest.param({"images": X[:3], "labels": Y[:3]}, "too few images. Expected 7 images or more. Received: 3", id="three images"),
        pytest.param({"images": X, "labels": np.arange(60)}, "too few training images|y_train lacks classes", id="a class an image"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, arrays: Arrays, said: str) -> None:
    path = save(tmp_path / "bad.npz", arrays)
    with pytest.raises(DataError, match=said) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


# A second file as the test set


def with_test(train: Path, test: Path | str) -> Any:
    return find_data(str(train), files=SourceOptions(test_data=str(test))).raw.arrays


@pytest.mark.parametrize(
    "names", [("images", "labels"), ("x_test", "y_test"), ("x_train", "y_train"), ("arr_0", "arr_1")]
)
def test_a_second_archive_is_the_test_set(tmp_path: Path, names: tuple[str, str]) -> None:
    train = save(tmp_path / "train.npz", {"x_train": X, "y_train": Y})
    test = save(tmp_path / "test.npz", {names[0]: DATA["x_test"], names[1]: DATA["y_test"]})
    arrays = with_test(train, test)
    for key, array in DATA.items():
        np.testing.assert_array_equal(arrays[key], array)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (DATA, "has train and test images. Expected one set of images beside --test-data"),
        (med(), "has train and validation and test images"),
        ({"x": X[:, :9], "y": Y}, "different sizes"),
        ({"x": X}, "has no images with as many labels"),
    ],
)
def test_a_second_file_that_does_not_fit_is_said(tmp_path: Path, arrays: Arrays, said: str) -> None:
    train = save(tmp_path / "train.npz", {"images": X, "labels": Y})
    with pytest.raises(DataError, match=said):
        with_test(train, save(tmp_path / "test.npz", arrays))


def test_the_second_file_of_python_may_be_a_path() -> None:
    values = plain_values({"test_data": Path("test.npz"), "transpose": True})
    options = SearchOptions(space="dense", data="train.npz", **values)
    assert SourceOptions.of(options) == SourceOptions(test_data="test.npz", transpose=True)


@pytest.mark.parametrize("source", ["mnist", "digits", "cifar10"])
def test_a_second_file_needs_a_first_one(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_TUNE_DATA", raising=False)
    with pytest.raises(
        UsageError, match=rf"--test-data needs a file\. Expected --data FILE beside it\. Received: --data {source}"
    ):
        find_data(source, files=SourceOptions(test_data="x.npz"))
    with pytest.raises(UsageError, match="--transpose needs a file or folder"):
        find_data(source, files=SourceOptions(transpose=True))


def test_two_files_of_different_kinds_are_refused(tmp_path: Path) -> None:
    train = save(tmp_path / "train.npz", {"images": X, "labels": Y})
    with pytest.raises(DataError, match=r"two files of one kind: a \.npz file\. Received: train\.npz and test\.csv"):
        with_test(train, tmp_path / "test.csv")
    folder = kuzushiji(tmp_path / "k49")
    with pytest.raises(DataError, match=r"two files of one kind: a \.npz file or a \.csv file"):
        with_test(folder, train)
    with pytest.raises(DataError, match="no such file"):
        with_test(train, tmp_path / "gone.npz")


def test_transpose_exchanges_rows_and_columns(tmp_path: Path) -> None:
    for shape in ((60, 28, 28), (60, 28, 28, 1), (60, 1, 28, 28), (60, 784)):
        train = save(tmp_path / f"{len(shape)}{shape[1]}.npz", {"images": X.reshape(shape), "labels": Y})
        plain = find_data(str(train)).raw.arrays["x_train"].reshape(-1, 28, 28)
        raw = find_data(str(train), files=SourceOptions(transpose=True)).raw
        np.testing.assert_array_equal(raw.arrays["x_train"].reshape(-1, 28, 28), plain.swapaxes(1, 2))
        assert "Rows and columns of the images were exchanged (--transpose)." in raw.notes


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((60, 20, 24, 3), (0, 2, 1, 3)), ((60, 3, 20, 24), (0, 3, 2, 1)), ((60, 4, 24, 3), (0, 2, 1, 3)),
        ((60, 3, 20, 4), (0, 2, 1, 3)), ((60, 4, 20, 4), (0, 2, 1, 3)),
    ],
)  # fmt: skip
def test_transpose_leaves_channels_where_the_loader_takes_them(
    shape: tuple[int, ...], axes: tuple[int, ...], tmp_path: Path
) -> None:
    """A first dimension of 3 or 4 may be a height: (n, 4, 24, 3) are colour images of 4×24."""
    images = np.arange(np.prod(shape), dtype=np.int64).reshape(shape).astype(np.uint8)
    path = save(tmp_path / "a.npz", {"images": images, "labels": Y})
    plain, turned = (
        find_data(str(path), files=SourceOptions(transpose=one)).raw.arrays["x_train"] for one in (False, True)
    )
    layout = layout_of(plain.shape)
    assert layout is not None
    expected = plain.transpose(axes) if not layout.first else plain.transpose(0, 3, 2, 1)
    np.testing.assert_array_equal(turned, expected)
