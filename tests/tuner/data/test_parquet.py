"""Parquet files as Hugging Face keeps images: columns, names of classes, sizes, splits, damaged pictures, bounded memory."""

from __future__ import annotations

import io
import json
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.kit.data_files import build_arrays, check_said, load, write_npz
from tests.kit.picture_files import noise, write_classes
from tuner.core.errors import DataError, UsageError
from tuner.data.formats import parquet
from tuner.data.formats.folders import read_folder
from tuner.data.formats.parquet import parquet_splits, read_parquet
from tuner.data.picture_options import PictureOptions
from tuner.data.source_options import SourceOptions
from tuner.data.sources import find_data

DATA = build_arrays(side=12)
X, Y = DATA["x_train"], DATA["y_train"]
COLOUR = np.stack([X, X[:, ::-1], X[:, :, ::-1]], axis=-1)
NAMES = ("ant", "bee", "cat")


def picture(image: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind)
    return stream.getvalue()


def write(
    path: Path, images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8] = X, labels: Any = Y, *, names: Sequence[str] | None = None,
    image: str = "image", label: str = "label", contents: Sequence[bytes | None] | None = None, others: dict[str, Any] | None = None,
    plain: bool = False,
) -> Path:  # fmt: skip
    """A file as `datasets.Dataset.to_parquet` writes it: a struct of bytes and path, labels, the features in the metadata."""
    contents = [picture(one) for one in images] if contents is None else contents
    pictures = [
        content if plain else {"bytes": content, "path": f"{number}.png"} for number, content in enumerate(contents)
    ]
    columns: dict[str, Any] = {image: pictures, label: np.asarray(labels).tolist(), **(others or {})}
    kinds = {image: pa.binary() if plain else pa.struct({"bytes": pa.binary(), "path": pa.string()})}
    if not contents:
        kinds[label] = pa.int64()
    table = pa.table(
        {name: pa.array(values, kinds.get(name)) for name, values in columns.items() if values is not None}
    )
    feature = {"_type": "Value"} if names is None else {"names": list(names), "_type": "ClassLabel"}
    features = {"info": {"features": {image: {"_type": "Image"}, label: feature}}}
    path.parent.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), path, row_group_size=7)
    return path


@pytest.mark.parametrize(
    "changes", [{}, {"image": "img"}, {"label": "fine"}, {"plain": True}, {"others": {"id": None}}]
)
def test_pictures_and_labels_are_read(tmp_path: Path, changes: dict[str, Any]) -> None:
    raw = find_data(str(write(tmp_path / "a.parquet", names=NAMES, **changes))).raw
    assert raw.decoded
    assert raw.class_names == NAMES
    assert raw.arrays["x_train"].shape == (51, 12, 12)
    by_image = {image.tobytes(): label for image, label in zip(X, Y, strict=True)}
    for split in ("train", "test"):
        for image, label in zip(raw.arrays[f"x_{split}"], raw.arrays[f"y_{split}"], strict=True):  # type: ignore[index]
            assert by_image[image.tobytes()] == label
    assert any("9 of its 60 images" in note for note in raw.notes)


def test_colour_stays_unless_grey_is_wanted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", COLOUR)
    assert read_parquet(path, PictureOptions()).arrays["x_train"].shape == (51, 12, 12, 3)
    assert read_parquet(path, PictureOptions(grayscale=True)).arrays["x_train"].shape == (51, 12, 12)
    mixed = write(tmp_path / "b.parquet", [X[0], *COLOUR[1:]])
    arrays = read_parquet(mixed, PictureOptions()).arrays
    everything = np.concatenate([arrays["x_train"], arrays["x_test"]])
    assert any(np.array_equal(image, np.repeat(X[0][..., None], 3, axis=2)) for image in everything)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "GIF"])
def test_kinds_of_pictures(tmp_path: Path, kind: str) -> None:
    flat = np.stack([np.full((16, 16), 4 * number, np.uint8) for number in range(60)])
    path = write(tmp_path / "a.parquet", contents=[picture(image, kind) for image in flat])
    images = read_parquet(path, PictureOptions(grayscale=True)).arrays["x_train"]
    assert images.shape == (51, 16, 16)
    assert np.abs(np.sort(images.mean(axis=(1, 2)))[[0, -1]] - [0, 236]).max() <= 8


@pytest.mark.parametrize(
    ("shapes", "options", "size", "note"),
    [
        ([(12, 12)], PictureOptions(), (12, 12), None),
        ([(12, 20)], PictureOptions(), (12, 20), None),
        (
            [(80, 80)],
            PictureOptions(),
            (32, 32),
            "were resized to 32×32 (crop), since they have several sizes or are larger than 64 pixels a side",
        ),
        (
            [(12, 12), (20, 30)],
            PictureOptions(),
            (32, 32),
            "were resized to 32×32 (crop), since they have several sizes or are larger than 64 pixels a side",
        ),
        ([(12, 12), (20, 30)], PictureOptions(size=(8, 10)), (8, 10), None),
    ],
)
def test_sizes(
    tmp_path: Path, shapes: list[tuple[int, int]], options: PictureOptions, size: tuple[int, int], note: str | None
) -> None:
    images = [np.full(shapes[number % len(shapes)], number, np.uint8) for number in range(60)]
    raw = read_parquet(write(tmp_path / "a.parquet", images), options)
    assert raw.arrays["x_train"].shape == (51, *size)
    said = [line for line in raw.notes if "resized" in line]
    assert (note in said[0]) if note else not said


@pytest.mark.parametrize(
    ("labels", "names", "classes"),
    [
        (Y, None, ("0", "1", "2")),
        (Y + 4, None, ("4", "5", "6")),
        (np.array(NAMES)[Y], None, NAMES),
        (Y == 1, None, ("False", "True")),
        (Y, ("zebra", "ape", "yak"), ("zebra", "ape", "yak")),
        (Y * 2, ("a", "b", "c", "d", "e"), ("a", "c", "e")),
    ],
)
def test_labels(tmp_path: Path, labels: Any, names: Sequence[str] | None, classes: tuple[str, ...]) -> None:
    assert load(write(tmp_path / "a.parquet", labels=labels, names=names)).class_names == classes


@pytest.mark.parametrize("below", ["", "data", "fashion_mnist"])
def test_a_folder_has_its_own_splits(tmp_path: Path, below: str) -> None:
    folder = tmp_path / "repository"
    write(folder / below / "train-00000-of-00002.parquet", X[:30], Y[:30], names=NAMES)
    write(folder / below / "train-00001-of-00002.parquet", X[30:], Y[30:], names=NAMES)
    write(folder / below / "test-00000-of-00001.parquet", DATA["x_test"], DATA["y_test"], names=NAMES)
    (folder / "README.md").write_text("A card.")
    assert load(folder).sha256 == load(write_npz(tmp_path / "a.npz", DATA)).sha256
    assert load(folder).class_names == NAMES
    for word in ("validation", "val", "valid"):
        write(folder / below / f"{word}-00000-of-00001.parquet", X[:5, ::-1], Y[:5], names=NAMES)
        raw = read_folder(folder, PictureOptions())
        np.testing.assert_array_equal(raw.arrays["x_validation"], X[:5, ::-1])
        (folder / below / f"{word}-00000-of-00001.parquet").unlink()


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["a.parquet"], {"train": 1}),
        (["mnist_train.parquet", "mnist_test.parquet"], {"train": 1, "test": 1}),
        (["trained.parquet", "latest.parquet"], {"train": 2}),
        ([], {}),
    ],
)
def test_the_split_of_a_file_is_in_its_name(tmp_path: Path, names: list[str], splits: dict[str, int]) -> None:
    files = [tmp_path / name for name in names]
    assert {split: len(paths) for split, paths in parquet_splits("here", files).items()} == splits
    if "test" in splits:
        for unclear in ("more.parquet", "train_test.parquet"):
            with pytest.raises(DataError, match=rf"here: it is not clear to which split .*Received: {unclear}\."):
                parquet_splits("here", [*files, tmp_path / unclear])


def test_a_file_without_a_split_beside_others_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "train-0.parquet")
    write(tmp_path / "test-0.parquet", DATA["x_test"], DATA["y_test"])
    write(tmp_path / "everything.parquet")
    check_said(tmp_path, "it is not clear to which split some files belong")
    (tmp_path / "train-0.parquet").unlink()
    (tmp_path / "test-0.parquet").unlink()
    assert len(load(tmp_path).y_test) == 9


def everything(path: Path, **options: Any) -> NDArray[np.uint8]:
    arrays = read_parquet(path, PictureOptions(**options)).arrays
    return np.concatenate([arrays["x_train"], arrays["x_test"]])


def test_pictures_are_turned_as_their_exif_tag_says_and_their_size_is_the_upright_one(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    shades = np.zeros((60, 12, 20), np.uint8) + np.arange(60, dtype=np.uint8)[:, None, None]
    shades[:, :6] = 255
    contents: list[bytes | None] = []
    for image in shades:
        stream = io.BytesIO()
        Image.fromarray(np.rot90(image)).save(stream, "PNG", exif=exif)
        contents.append(stream.getvalue())
    images = everything(write(tmp_path / "a.parquet", contents=contents))
    assert images.shape == (60, 12, 20)
    assert {image.tobytes() for image in images} == {image.tobytes() for image in shades}


def test_grey_pictures_that_are_saved_as_colour_are_grey(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", np.repeat(X[..., None], 3, axis=3))
    assert everything(path).shape == (60, 12, 12)
    contents: list[bytes | None] = [picture(image, "JPEG") for image in np.repeat(X[..., None], 3, axis=3)]
    assert everything(write(tmp_path / "b.parquet", contents=contents)).shape == (60, 12, 12)


def test_grey_pictures_may_be_three_times_as_many_as_those_in_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.data.pictures.array_images.MAX_BYTES", 60 * 12 * 12)
    assert everything(write(tmp_path / "a.parquet")).shape == (60, 12, 12)
    check_said(write(tmp_path / "b.parquet", COLOUR), "60 images of 12×12 would take too much memory")


def test_a_parquet_file_and_a_folder_have_the_same_images(tmp_path: Path) -> None:
    """Also of large JPEGs, which are made smaller while they are decoded."""
    contents: list[bytes | None] = []
    for number in range(14):
        content = picture(np.asarray(noise(number, (500, 700))), "JPEG")
        place = tmp_path / "zoo" / "ab"[number % 2] / f"{number:02d}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        contents.append(content)
    path = write(tmp_path / "a.parquet", contents=contents, labels=np.array(["a", "b"] * 7))
    folder = find_data(str(tmp_path / "zoo")).raw.arrays
    images = np.concatenate([folder["x_train"], folder["x_test"]])
    assert {image.tobytes() for image in everything(path)} == {image.tobytes() for image in images}


def test_labels_that_are_numbers_in_one_file_and_names_in_another_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train-0.parquet", names=NAMES)
    write(tmp_path / "test-0.parquet", labels=np.array(NAMES)[Y], names=NAMES)
    check_said(tmp_path, "labels are numbers in one set and names in another. Expected numbers in all sets")


def test_pictures_are_not_transposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a" / "b.parquet")
    monkeypatch.setattr("tuner.data.pictures.picture_splits.decode", lambda *_: pytest.fail("it was decoded"))
    for source in (path, path.parent, write_classes(tmp_path / "zoo")):
        with pytest.raises(
            UsageError, match=r"--transpose .* Received: pictures \(--data .*\)\. Leave it out"
        ) as caught:
            find_data(str(source), files=SourceOptions(transpose=True))
        assert "\n" not in str(caught.value)


def test_a_second_file_is_the_test_set(tmp_path: Path) -> None:
    train = write(tmp_path / "a.parquet", names=NAMES)
    test = write(tmp_path / "b.parquet", DATA["x_test"], DATA["y_test"], names=NAMES)
    arrays = find_data(str(train), files=SourceOptions(test_data=str(test))).raw.arrays
    for key, array in DATA.items():
        np.testing.assert_array_equal(arrays[key], array)  # type: ignore[index]
    other = write(tmp_path / "c.parquet", DATA["x_test"], DATA["y_test"], names=("a", "b", "c"))
    with pytest.raises(DataError, match="other columns or classes"):
        find_data(str(train), files=SourceOptions(test_data=str(other)))


def test_a_damaged_picture_in_a_hundred_is_left_out_and_named(tmp_path: Path) -> None:
    contents: list[bytes | None] = [picture(X[number % 60]) for number in range(200)]
    contents[17] = contents[17][:40]  # type: ignore[index]
    contents[150] = None
    path = write(tmp_path / "a.parquet", labels=np.arange(200) % 3, contents=contents)
    raw = read_parquet(path, PictureOptions())
    assert len(raw.arrays["y_train"]) + len(raw.arrays["y_test"]) == 198
    (note,) = (note for note in raw.notes if "left out" in note)
    assert note.startswith("2 pictures can't be read and were left out: a.parquet row 18 (")
    assert "a.parquet row 151 (no content; its file is named only)" in note
    contents[3] = b"\x89PNG nothing"
    check_said(
        write(path, labels=np.arange(200) % 3, contents=contents),
        "too many pictures can't be read. Expected at most 1% of 200. Received: 3: a.parquet row 4 (",
    )


def test_progress_counts_every_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr("tuner.data.pictures.decoding.BATCH", 25)
    read_parquet(write(tmp_path / "a.parquet"), PictureOptions(), lambda done, total: calls.append((done, total)))
    assert calls == [(25, 60), (50, 60), (60, 60)]


def huge_picture() -> bytes:
    """A PNG that says 10,000×10,000 pixels and holds none."""
    content = bytearray(picture(X[0]))
    content[16:24] = (10_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def without(column: str) -> Callable[[Path], Path]:
    return lambda path: write(path, image="image", label="label", others={column: None})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda path: None, "no such file", id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), "damaged or no parquet file", id="empty"),
        pytest.param(lambda path: path.write_text("<html>"), "Received: 6 bytes that can't be read", id="a page"),
        pytest.param(lambda path: path.write_bytes(write(path).read_bytes()[:-300]), "damaged or no parquet file", id="cut"),
        pytest.param(without("label"), "has no column of labels. Expected a column label of whole numbers or texts. Received: the columns image. Give a file that has labels", id="no labels"),
        pytest.param(without("image"), "has no column of pictures", id="no pictures"),
        pytest.param(lambda path: write(path, image="front", others={"back": [{"bytes": b"", "path": ""}] * 60}), "which column has the pictures: front or back", id="two pictures"),
        pytest.param(lambda path: write(path, label="fine", names=None, others={"coarse": Y.tolist()}), "which column has the labels: fine or coarse", id="two labels"),
        pytest.param(lambda path: write(path, labels=[[1, 2]] * 60), "has no column of labels", id="several labels"),
        pytest.param(lambda path: write(path, [], np.zeros(0, int)), "Expected 1 to 1,000,000 images. Received: 0", id="no rows"),
        pytest.param(lambda path: write(path, labels=[None, *Y[1:].tolist()]), "image 1 has no label", id="an empty label"),
        pytest.param(lambda path: write(path, labels=np.full(60, -1), names=NAMES), "has no labels. Expected 0 to 2, or one of the 3 names. Received: -1 for each image", id="labels kept back"),
        pytest.param(lambda path: write(path, labels=Y + 1, names=NAMES), "labels without a name", id="no name"),
        pytest.param(lambda path: write(path, labels=np.arange(60) * 1.5), "not whole|1.5", id="fractions"),
        pytest.param(lambda path: write(path, contents=[b"no picture"] * 60), "bad.parquet row 1 (no picture of a known kind)", id="no picture"),
        pytest.param(lambda path: write(path, contents=[None] * 60), "its file is named only", id="paths only"),
        pytest.param(lambda path: write(path, contents=[huge_picture()] * 60), "too large. Expected at most 64,000,000 pixels", id="bombs"),
        pytest.param(lambda path: write(path, X[:3], Y[:3]), "too few images", id="three images"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    path = tmp_path / "bad.parquet"
    make(path)
    with pytest.raises(DataError) as caught:
        load(path)
    assert any(part in str(caught.value) for part in said.split("|")), caught.value
    assert "\n" not in str(caught.value)


def test_a_folder_without_training_images_is_said(tmp_path: Path) -> None:
    write(tmp_path / "test-00000-of-00001.parquet")
    check_said(tmp_path, "has no training images")


def test_files_of_other_columns_are_said(tmp_path: Path) -> None:
    write(tmp_path / "train-0.parquet")
    write(tmp_path / "train-1.parquet", label="class")
    check_said(tmp_path, "has other columns or classes than the files before it")


@pytest.mark.parametrize(
    "metadata", ["", "[]", "{", '{"info": 3}', '{"info": {"features": {"label": {"names": [1, 2, 3]}}}}']
)
def test_metadata_that_says_nothing_is_passed_over(tmp_path: Path, metadata: str) -> None:
    path = write(tmp_path / "a.parquet")
    table = pa.parquet.read_table(path).replace_schema_metadata({"huggingface": metadata})
    pa.parquet.write_table(table, path)
    assert load(path).class_names == ("0", "1", "2")


def test_too_many_images_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet")
    monkeypatch.setattr("tuner.data.pictures.array_images.MAX_BYTES", 1000)
    monkeypatch.setattr("tuner.data.pictures.picture_splits.decode", lambda *_: pytest.fail("it was decoded"))
    check_said(path, "60 images of 12×12 would take too much memory")
    monkeypatch.setattr("tuner.data.formats.parquet.MAX_IMAGES", 50)
    check_said(path, "Expected 1 to 50 images. Received: 60")


def test_without_pyarrow_the_command_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    check_said(
        path, "can't be read without pyarrow. Expected pyarrow. Received: no such package. Install it: pip install"
    )


@pytest.mark.parametrize("rows", [len(X) - 3, len(X) + 3])
def test_a_file_that_changes_while_it_is_read_is_refused(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.parquet")
    look = parquet._checked_columns
    again = np.resize(np.arange(len(X)), rows)

    def look_and_change(*given: Any) -> Any:
        seen = look(*given)
        write(path, X[again], Y[again])
        return seen

    monkeypatch.setattr(parquet, "_checked_columns", look_and_change)
    with pytest.raises(DataError, match=rf"was changed while it was read\. Expected {len(X):,} rows"):
        read_parquet(path, PictureOptions())
