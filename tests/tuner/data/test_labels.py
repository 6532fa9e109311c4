"""Labels of every kind become classes 0 to k - 1 with names, one mapping for all sets; wrong ones are said in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.kit.data_files import build_arrays, check_said, load, write_npz
from tuner.core.errors import DataError
from tuner.core.text import natural_key
from tuner.data.dataset import describe
from tuner.data.labels import check_label_header, map_labels
from tuner.storage.npz_io import ArrayHeader

Y = np.arange(60) % 3
Y_TEST = np.arange(20) % 3
NAMES = np.array(["ant", "bee", "cat"])


def both(change: Any) -> dict[str, NDArray[Any]]:
    return {"y_train": change(Y), "y_test": change(Y_TEST)}


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        pytest.param(both(lambda y: y), ("0", "1", "2"), id="as they are"),
        pytest.param(both(lambda y: y[:, None]), ("0", "1", "2"), id="(n, 1)"),
        pytest.param(both(lambda y: y + 1), ("1", "2", "3"), id="from 1"),
        pytest.param(both(lambda y: y - 7), ("-7", "-6", "-5"), id="negative"),
        pytest.param(both(lambda y: y * 50 + 2), ("2", "52", "102"), id="gaps, sorted as numbers"),
        pytest.param(both(lambda y: y.astype(np.uint64) + 2**63), tuple(str(2**63 + i) for i in range(3)), id="huge"),
        pytest.param(both(lambda y: y.astype(np.float32)), ("0", "1", "2"), id="whole floats"),
        pytest.param(both(lambda y: y.astype(">i2")), ("0", "1", "2"), id="big-endian"),
        pytest.param(both(lambda y: y > 0), ("False", "True"), id="booleans"),
        pytest.param(both(lambda y: NAMES[y]), ("ant", "bee", "cat"), id="texts"),
        pytest.param(both(lambda y: NAMES[y].astype("S3")), ("ant", "bee", "cat"), id="bytes"),
        pytest.param(both(lambda y: np.array(["n10", "n9", "N1"])[y]), ("N1", "n9", "n10"), id="natural order"),
        pytest.param(both(lambda y: y.astype(str)), ("0", "1", "2"), id="numbers as texts"),
        pytest.param(both(lambda y: np.eye(3)[y]), ("0", "1", "2"), id="one-hot floats"),
        pytest.param(both(lambda y: np.eye(3, dtype=bool)[y]), ("0", "1", "2"), id="one-hot booleans"),
        pytest.param(both(lambda y: np.eye(5, dtype=np.uint8)[y + 2]), ("2", "3", "4"), id="one-hot, columns empty"),
        pytest.param({"y_train": Y.astype(str), "y_test": Y_TEST.astype(np.int8)}, ("0", "1", "2"), id="two types"),
    ],
)
def test_labels_become_classes(tmp_path: Path, labels: dict[str, NDArray[Any]], names: tuple[str, ...]) -> None:
    dataset = load(write_npz(tmp_path / "a.npz", None, **labels))
    assert dataset.class_names == names
    assert describe(dataset).class_names == names
    assert dataset.y_test.dtype == np.int64
    order = {value: place for place, value in enumerate(names)}
    plain = labels["y_test"]
    flat = plain.argmax(axis=1) if plain.ndim == 2 and plain.shape[1] > 1 else plain.reshape(-1)
    texts = [value.decode() if isinstance(value, bytes) else str(value) for value in flat.tolist()]
    assert dataset.y_test.tolist() == [order[text.removesuffix(".0")] for text in texts]
    mapping = [note for note in dataset.notes if "as classes 0 to" in note]
    identity = names == tuple(str(number) for number in range(len(names)))
    assert mapping == ([] if identity else [f"The labels are, as classes 0 to {len(names) - 1}: {', '.join(names)}."])


def test_identity_has_the_same_hash_whatever_its_kind(tmp_path: Path) -> None:
    kinds = [both(lambda y: y), both(lambda y: y[:, None]), both(lambda y: np.eye(3)[y]), both(lambda y: y.astype(str))]
    hashes = {load(write_npz(tmp_path / f"{i}.npz", None, **kind)).sha256 for i, kind in enumerate(kinds)}
    assert len(hashes) == 1


def test_a_note_names_ten_classes_at_most() -> None:
    (note,) = map_labels("x", {"y_train": np.arange(12) + 1}).notes
    assert note == "The labels are, as classes 0 to 11: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …."


def wrong(value: Any, dtype: str) -> NDArray[Any]:
    labels = Y.astype(dtype)
    labels[7] = value
    return labels


def many_ones() -> NDArray[Any]:
    rows = np.eye(3)[Y]
    rows[4] = [1, 0, 1]
    return rows


def shared_row() -> NDArray[Any]:
    """One-hot but for a row that has a single 1 and shares of other classes."""
    rows = np.eye(3)[Y]
    rows[4] = [0.5, 0.5, 1]
    return rows


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"y_train": wrong(np.nan, "f4")}, "NaN or infinite labels. Expected whole numbers. Received: nan at image 8"),
        ({"y_train": wrong(np.inf, "f4")}, "Received: inf at image 8"),
        ({"y_train": wrong(0.5, "f4")}, "not whole. Expected 0, 1, 2 and so on, or texts. Received: 0.5 at image 8"),
        ({"y_train": wrong(1e30, "f8")}, "labels out of range"),
        ({"y_test": np.full(20, 3)}, "y_train lacks classes that other images have"),
        ({"y_test": NAMES[Y_TEST]}, "Received: none of ant, bee, cat"),
        ({"y_train": Y * 0, "y_test": Y_TEST * 0}, "too few classes. Expected 2 to 100 different labels. Received: 1"),
        ({"y_train": np.arange(60), "y_test": np.arange(20) + 60}, "y_train lacks classes"),
        ({"y_train": many_ones()}, "not one-hot. Expected one label an image: a single 1 a row, the rest 0. Received: [1., 0., 1.] at image 5"),
        ({"y_train": shared_row()}, "Received: [0.5, 0.5, 1. ] at image 5"),
        ({"y_train": np.full((60, 3), 1 / 3)}, "images with several classes or with shares of classes"),
        ({"y_train": np.zeros((60, 101), np.uint8)}, "Received: (60, 101)"),
        ({"y_train": np.zeros((60, 2, 2), np.uint8)}, "Received: (60, 2, 2). Give one label an image"),
        ({"y_train": np.full(60, "")}, "empty labels"),
        ({"y_train": np.full(60, "x" * 300)}, "long labels. Expected up to 200 characters. Received: 300"),
        ({"y_train": np.full(60, b"\xff\xfe")}, "no text. Expected texts in UTF-8"),
        ({"y_train": Y.astype(complex)}, "Received: dtype complex128"),
        ({"y_train": Y.astype("M8[s]")}, "Received: dtype datetime64[s]"),
        ({"y_train": wrong(100, "i4")}, "too few training images of class 100"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_labels_is_said(tmp_path: Path, labels: dict[str, NDArray[Any]], said: str) -> None:
    check_said(write_npz(tmp_path / "bad.npz", None, **labels), said)


def test_more_than_100_classes_are_refused() -> None:
    for labels in (np.arange(101), np.arange(101).astype(str), np.arange(5000)):
        with pytest.raises(DataError, match=r"too many classes\. Expected 2 to 100 different labels"):
            map_labels("x", {"y_train": labels})
    with pytest.raises(DataError, match="Received: 120"):
        map_labels("x", {"y_train": np.arange(60), "y_test": np.arange(60) + 60})
    assert len(map_labels("x", {"y_train": np.arange(100)}).class_names) == 100


def test_names_of_a_source_are_kept_in_their_order_and_empty_ones_are_left_out() -> None:
    names = ("zebra", "ape", "mole", "yak")
    mapped = map_labels("x", {"y_train": np.array([3, 0, 0, 1]), "y_test": np.array([1])}, names)
    assert mapped.class_names == ("zebra", "ape", "yak")
    assert mapped.labels["y_train"].tolist() == [2, 0, 0, 1]
    assert mapped.notes == ("No image has the label mole: this class is left out.",)
    by_name = map_labels("x", {"y_train": np.array(["yak", "zebra"], dtype=object)}, names)
    assert (by_name.class_names, by_name.labels["y_train"].tolist()) == (("zebra", "yak"), [1, 0])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 4], "labels without a name. Expected 0 to 1, or one of the 2 names. Received: 4"),
        ([-1, -1], "has no labels"),
        ([0, -1], "labels without a name"),
        (["ape", "gnu"], "Received: gnu"),
    ],
)
def test_labels_that_have_no_name_are_said(labels: list[Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        map_labels("x", {"y_train": np.array(labels)}, ("ape", "mole"))


@pytest.mark.parametrize("number", ["y_train", "y_test"])
def test_numbers_in_one_set_and_names_in_another_are_said(number: str) -> None:
    (name,) = {"y_train", "y_test"} - {number}
    labels = {number: np.array([0, 1, 1, 0]), name: np.array(["ape", "mole"])}
    with pytest.raises(DataError) as caught:
        map_labels("x", labels, ("ape", "mole"))
    assert str(caught.value) == (
        "x: labels are numbers in one set and names in another. Expected numbers in all sets, or names in all of them. "
        f"Received: 0, 1 in {number} and ape, mole in {name}. Save the labels alike."
    )


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_an_empty_cell_is_said_with_its_place(missing: Any) -> None:
    with pytest.raises(DataError, match="image 3 has no label"):
        map_labels("x", {"y_train": np.array(["a", "b", missing, "a"], dtype=object)})


def test_a_column_of_anything_is_read_by_its_texts() -> None:
    mapped = map_labels("x", {"y_train": np.array([1, "1", 2.0, True, b"cat"], dtype=object)})
    assert mapped.class_names == ("1", "2", "cat", "True")
    assert mapped.labels["y_train"].tolist() == [0, 0, 1, 3, 2]


def test_natural_order() -> None:
    assert sorted(["a10", "A2", "b", "a1", "1", "01"], key=natural_key) == ["01", "1", "a1", "A2", "a10", "b"]


@pytest.mark.parametrize(("shape", "dtype"), [((), "u1"), ((3, 0), "u1"), ((3,), "V4"), ((3,), "c8")])
def test_a_header_of_no_labels_is_refused(shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(DataError, match="x has a"):
        check_label_header("x", ArrayHeader(shape, np.dtype(dtype)))


def test_images_and_labels_of_different_lengths_are_said(tmp_path: Path) -> None:
    check_said(write_npz(tmp_path / "a.npz", None, y_train=NAMES[Y[:59]]), "60 images and 59 labels")
    assert len(build_arrays()["y_train"]) == 60
