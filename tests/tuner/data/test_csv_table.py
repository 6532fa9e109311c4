"""Tables of pixels: where the label is, what it is, the test set, and ten kinds of wrong content."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from numpy.typing import NDArray

from tests.kit.data_files import load, write_npz
from tuner.core.errors import DataError
from tuner.data.formats.csv_table import csv_tables, read_csv
from tuner.data.source_options import SourceOptions
from tuner.data.sources import find_data

SIDE, ROWS = 6, 42
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (ROWS, SIDE * SIDE))
PIXELS[:, [0, -1]] = 0
PIXELS[0, 7] = 255
LABELS = np.arange(ROWS) % 3


def write(
    path: Path, *, labels: Any = LABELS, pixels: NDArray[Any] = PIXELS, first: bool = True, name: str = "label",
    header: bool = True,
) -> Path:  # fmt: skip
    """A table as Kaggle has it; `first`: the label's column is the first, else the last."""
    frame = pandas.DataFrame(pixels, columns=[f"pixel{number}" for number in range(pixels.shape[1])])
    frame.insert(0 if first else pixels.shape[1], name, labels)
    frame.to_csv(path, index=False, header=header)
    return path


def all_images(path: Path) -> NDArray[np.uint8]:
    arrays = read_csv(path).arrays
    return np.concatenate([arrays["x_train"], arrays["x_test"]])


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".CSV"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"first": False},
        {"name": "class", "first": False},
        {"name": "Digit"},
        {"name": "what it is"},
        {"header": False},
        {"header": False, "first": False},
    ],
)
def test_the_label_is_found_wherever_it_is(changes: dict[str, object], ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"digits{ending}", **changes)  # type: ignore[arg-type]
    raw = read_csv(path)
    assert raw.arrays["x_train"].shape == (36, 36)
    assert raw.arrays["x_train"].dtype == np.uint8
    np.testing.assert_array_equal(np.sort(all_images(path), axis=0), np.sort(PIXELS, axis=0))
    np.testing.assert_array_equal(np.bincount(raw.arrays["y_test"]), [2, 2, 2])
    by_image = {row.tobytes(): label for row, label in zip(PIXELS.astype(np.uint8), LABELS, strict=True)}
    for row, label in zip(raw.arrays["x_train"], raw.arrays["y_train"], strict=True):
        assert by_image[row.tobytes()] == label
    assert raw.class_names is None


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (LABELS + 1, ("1", "2", "3")),
        (LABELS * 10.0, ("0", "10", "20")),
        (np.array(["cat", "dog", "a, b"])[LABELS], ("a, b", "cat", "dog")),
        (LABELS == 1, ("False", "True")),
    ],
)
@pytest.mark.parametrize("header", [True, False])
def test_labels_of_any_kind_are_classes_with_names(
    labels: object, names: tuple[str, ...], header: bool, tmp_path: Path
) -> None:
    dataset = load(write(tmp_path / "a.csv", labels=labels, header=header))
    assert dataset.class_names == names
    assert dataset.name == "a"
    assert any(names[-1] in note for note in dataset.notes)


def test_the_same_table_has_the_same_test_set_each_time_and_says_so(tmp_path: Path) -> None:
    one, two = (load(write(tmp_path / name)) for name in ("a.csv", "b.csv"))
    assert one.sha256 == two.sha256
    assert one.x_test.shape == (6, SIDE, SIDE)
    assert any("6 of its 42 images" in note for note in one.notes)


def test_a_folder_with_two_tables_has_its_own_test_set(tmp_path: Path) -> None:
    write(tmp_path / "mnist_train.csv", labels=LABELS + 5)
    write(tmp_path / "mnist_test.csv", labels=LABELS[:9] + 5, pixels=PIXELS[:9])
    dataset = load(tmp_path)
    assert (len(dataset.x_train) + len(dataset.x_validation), len(dataset.x_test)) == (ROWS, 9)
    assert dataset.class_names == ("5", "6", "7")


@pytest.mark.parametrize(
    ("names", "tables"),
    [
        (("a_test.csv", "a_train.csv"), ["a_train.csv", "a_test.csv"]),
        (("train.csv", "test.csv", "sample_submission.csv"), ["train.csv", "test.csv"]),
        (("train_test.csv",), ["train_test.csv"]),
        (("my_train.csv", "latest.csv"), []),
        (("train.csv", "train.csv.gz", "test.csv"), []),
        ((), []),
    ],
)
def test_the_tables_of_a_folder(names: tuple[str, ...], tables: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_text("")
    assert [path.name for path in csv_tables(tmp_path)] == tables


def test_the_only_table_of_a_folder_is_read_with_a_note_and_an_archive_beside_is_another_data_set(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.csv")
    assert any("the only .csv file in the folder" in note for note in load(tmp_path).notes)
    (tmp_path / "names.csv").write_text("label,name\n0,ant\n")
    assert any("the only .csv file with a data set in the folder" in note for note in load(tmp_path).notes)
    write_npz(tmp_path / "b.npz")
    with pytest.raises(DataError, match=r"holds several data sets.*Received: b\.npz, a\.csv\. Give its path"):
        load(tmp_path)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("name", ["label", None])
def test_columns_that_pandas_has_numbered_are_a_header(name: str | None, first: bool, tmp_path: Path) -> None:
    frame = pandas.DataFrame(PIXELS)
    frame.insert(0 if first else 36, name or "x", LABELS)
    if name is None:
        frame.columns = pandas.Index(range(37))
    frame.to_csv(tmp_path / "a.csv", index=False)
    np.testing.assert_array_equal(np.sort(all_images(tmp_path / "a.csv"), axis=0), np.sort(PIXELS, axis=0))
    assert load(tmp_path / "a.csv").class_names == ("0", "1", "2")


def test_na_and_none_are_names_of_classes(tmp_path: Path) -> None:
    labels = np.array(["NA", "None", "yes"])[LABELS]
    assert load(write(tmp_path / "a.csv", labels=labels)).class_names == ("NA", "None", "yes")


def test_floats_are_read_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", pixels=PIXELS / 255.0)
    assert read_csv(path).arrays["x_train"].dtype == np.float32
    np.testing.assert_array_equal(load(path).x_test, load(write(tmp_path / "b.csv")).x_test)


def test_a_table_longer_than_a_chunk_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.data.formats.csv_table._CHUNK_ROWS", 5)
    np.testing.assert_array_equal(np.sort(all_images(write(tmp_path / "a.csv")), axis=0), np.sort(PIXELS, axis=0))


def broken(change: str) -> str:
    text = ["label," + ",".join(f"pixel{number}" for number in range(36))]
    text += [",".join(map(str, [label, *row])) for label, row in zip(LABELS, PIXELS, strict=True)]
    cells = text[3].split(",")
    if change == "a word":
        cells[4] = "twelve"
    elif change == "an empty cell":
        cells[4] = ""
    elif change == "no label":
        cells[0] = ""
    elif change == "too long a row":
        cells.append("7")
    text[3] = ",".join(cells)
    return "\n".join(text) + "\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 bytes"),
        (b"hello\n", "1 column"),
        (b"label,pixel0\n", "has no rows"),
        ((",".join(f"pixel{n}" for n in range(784)) + "\n" + ",".join(["0"] * 784) + "\n").encode(), "no label column"),
        (("label," + ",".join(map(str, range(35))) + "\n").encode() + b"1," + b",".join([b"0"] * 35), "36 columns"),
        (("label," + ",".join(map(str, range(3072))) + "\n").encode() + b"1," + b",".join([b"0"] * 3072), "3073 columns"),
        (broken("a word").encode(), "line 4, column pixel3 has no number.*'twelve'"),
        (broken("an empty cell").encode(), "line 4, column pixel3 has no number.*an empty cell"),
        (broken("no label").encode(), "image 3 has no label"),
        (broken("too long a row").encode(), "damaged or no table"),
        (b"\xff\xfe\x00label\n1,2,3\n", "damaged or no table"),
        (b"0," * 2**18, "no table of images"),
        (b"1,1\n1,1\n1,1\n", "neither has 2 to 100"),
        (b"a,b\n1,3\n2,4\n", "both may be labels"),
        (b"label,p\n" + b"".join(b"%d,%d\n" % (n, n % 9) for n in range(300)), "too many classes"),
        (b"label,p\n0,1\n1,2\n", "too few images"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        read_csv(path)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in (str(path), "Expected", "Received"))


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    packed = gzip.compress(write(tmp_path / "a.csv").read_bytes())
    for content in (packed[: len(packed) // 2], b"label,pixel\n", b"\x1f\x8b" + bytes(40)):
        (tmp_path / "b.csv.gz").write_bytes(content)
        with pytest.raises(DataError, match="damaged or no table"):
            read_csv(tmp_path / "b.csv.gz")


def test_tables_of_two_sizes_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv", pixels=PIXELS[:, :25])
    with pytest.raises(DataError, match="different sizes"):
        load(tmp_path)


def test_a_second_table_is_the_test_set(tmp_path: Path) -> None:
    train = write(tmp_path / "a.csv", labels=LABELS + 5)
    test = write(tmp_path / "b.csv.gz", labels=LABELS[:9] + 5, pixels=PIXELS[:9], first=False)
    raw = find_data(str(train), files=SourceOptions(test_data=str(test))).raw
    np.testing.assert_array_equal(raw.arrays["x_train"], PIXELS)
    np.testing.assert_array_equal(raw.arrays["x_test"], PIXELS[:9])
    np.testing.assert_array_equal(raw.arrays["y_test"], LABELS[:9] + 5)


def test_a_second_table_without_labels_is_said_to_be_that(tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv")
    pandas.DataFrame(PIXELS).to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(DataError, match=r"test\.csv has no label column.*is for predictions"):
        find_data(str(train), files=SourceOptions(test_data=str(tmp_path / "test.csv")))
    with pytest.raises(DataError, match="no such file"):
        find_data(str(train), files=SourceOptions(test_data=str(tmp_path / "gone.csv")))


def test_several_tables_of_a_folder_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv")
    with pytest.raises(DataError, match=r"holds several data sets.*a\.csv, b\.csv"):
        load(tmp_path)
