"""Folders with a sub-folder of pictures for each class: layouts, formats, names, splits, and what is wrong with them."""

from __future__ import annotations

import io
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.kit.data_files import write_idx, write_npz
from tests.kit.picture_files import CLASSES, COUNTS, noise, write_classes, write_splits
from tuner.core.errors import DataError, UsageError
from tuner.core.text import natural_key
from tuner.data.dataset import Dataset, describe, load_dataset, open_copy, save_arrays, splits_hash
from tuner.data.picture_options import PictureOptions
from tuner.data.pictures import decoding

AS_THEY_ARE = PictureOptions()


def load(folder: Path, pictures: PictureOptions = AS_THEY_ARE, *, validation: float = 0.2, seed: int = 1) -> Dataset:
    return load_dataset(str(folder), validation=validation, seed=seed, pictures=pictures)


def check_refused(folder: Path, *said: str, pictures: PictureOptions = AS_THEY_ARE) -> None:
    with pytest.raises(DataError) as caught:
        load(folder, pictures)
    message = str(caught.value)
    assert all(words in message for words in said), message
    assert "\n" not in message


# What is read


def test_a_folder_of_classes_is_split_in_proportion_and_the_same_each_time(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo")
    data = load(folder)
    assert (data.name, data.class_names, data.input_shape, data.given_validation) == (
        "zoo",
        CLASSES,
        (12, 10, 3),
        False,
    )
    np.testing.assert_array_equal(np.bincount(data.y_test), [2, 1, 2])
    counts = [np.bincount(getattr(data, f"y_{split}")) for split in ("train", "validation", "test")]
    np.testing.assert_array_equal(np.sum(counts, axis=0), list(COUNTS.values()))
    np.testing.assert_array_equal(load(folder, seed=2).x_test, data.x_test)
    assert data.notes[0] == "The data are a folder of 35 images in 3 classes, 12×10, colour."
    assert "no test set: 5 of its 35 images" in data.notes[1]


def test_each_image_has_its_picture_s_pixels_and_its_folder_s_class(tmp_path: Path) -> None:
    data = load(write_classes(tmp_path / "zoo"))
    classes = [name for name, count in COUNTS.items() for _ in range(count)]
    label_of = {noise(number).tobytes(): CLASSES.index(name) for number, name in enumerate(classes)}
    for split in ("train", "validation", "test"):
        for image, label in zip(getattr(data, f"x_{split}"), getattr(data, f"y_{split}"), strict=True):
            assert label_of[image.tobytes()] == label


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"validation": "val"},
        {"validation": "valid"},
        {"train": "Training", "test": "Testing", "validation": "VAL"},
    ],
)
def test_folders_of_splits_are_the_splits(names: dict[str, str], tmp_path: Path) -> None:
    data = load(write_splits(tmp_path / "zoo", **names))
    assert [len(data.y_train), len(data.y_validation), len(data.y_test)] == [35, 7, 7]
    assert data.given_validation
    np.testing.assert_array_equal(data.x_validation[0], np.asarray(noise(1000)))
    np.testing.assert_array_equal(data.x_test[-1], np.asarray(noise(2006)))
    assert "The data have validation images of their own, 7: --validation is not used." in data.notes


def test_given_validation_images_are_those_of_every_fold(tmp_path: Path) -> None:
    data = load(write_splits(tmp_path / "zoo"))
    assert not data.has_folds
    assert data.fold(2) is data
    assert len(data.joined().y_train) == 42
    assert describe(data).given_validation
    save_arrays(data, tmp_path / "copy")
    copy = open_copy(tmp_path / "copy", splits_hash(data))
    assert (copy.given_validation, copy.input_shape) == (True, (12, 10, 3))


def test_other_validation_images_are_other_data(tmp_path: Path) -> None:
    whole = load(write_splits(tmp_path / "zoo"))
    noise(5000).save(next((tmp_path / "zoo" / "validation" / "bee").iterdir()))
    assert load(tmp_path / "zoo").sha256 != whole.sha256


def test_train_samples_of_data_with_validation_images(tmp_path: Path) -> None:
    folder = str(write_splits(tmp_path / "zoo"))
    data = load_dataset(folder, validation=0.2, seed=1, train_samples=9)
    assert [len(data.y_train), len(data.y_validation)] == [9, 7]
    with pytest.raises(UsageError, match="Expected 3 to 35"):
        load_dataset(folder, validation=0.2, seed=1, train_samples=36)


@pytest.mark.parametrize(("validation", "test"), [(None, "test"), ("val", None), (None, None)])
def test_missing_splits_are_split_off(validation: str | None, test: str | None, tmp_path: Path) -> None:
    data = load(write_splits(tmp_path / "zoo", validation=validation, test=test))
    assert data.given_validation == (validation is not None)
    assert len(data.y_test) == (7 if test else 5)
    assert any("no test set" in note for note in data.notes) == (test is None)


def test_a_test_folder_without_classes_is_passed_over(tmp_path: Path) -> None:
    folder = write_splits(tmp_path / "zoo", test=None)
    (folder / "test").mkdir()
    noise(1).save(folder / "test" / "unlabelled.png")
    data = load(folder)
    assert len(data.y_test) == 5
    assert any("passed over" in note and ": test." in note for note in data.notes)


def test_one_class_may_have_the_name_of_a_split(tmp_path: Path) -> None:
    data = load(write_classes(tmp_path / "vehicles", {"bus": 12, "car": 12, "train": 12}))
    assert data.class_names == ("bus", "car", "train")


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "val"), ("bus", "test", "train")])
def test_pictures_of_splits_without_classes_are_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", dict.fromkeys(names, 12))
    check_refused(
        folder, "the pictures have no classes. Expected a sub-folder of pictures for each class, in each split"
    )
    check_refused(folder, *(name for name in names if name != "bus"))


@pytest.mark.parametrize(
    ("suffix", "settings"),
    [
        (".png", {}), (".jpg", {"quality": 95}), (".JPEG", {"format": "JPEG"}), (".webp", {"lossless": True}), (".bmp", {}),
        (".ppm", {}), (".gif", {}),
    ],
)  # fmt: skip
def test_formats(suffix: str, settings: dict[str, object], tmp_path: Path) -> None:
    data = load(write_classes(tmp_path / "zoo", suffix=suffix, **settings))  # type: ignore[arg-type]
    assert data.input_shape == (12, 10, 3)
    assert len(data.y_train) + len(data.y_validation) + len(data.y_test) == 35
    by_split = np.concatenate([data.x_train, data.x_validation, data.x_test]).astype(float)
    expected = np.stack([np.asarray(noise(number)) for number in range(35)])
    assert abs(by_split.mean() - expected.mean()) < 3


def test_the_first_frame_of_a_gif_is_taken(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", suffix=".gif", colour=False)
    frames = [Image.new("L", (10, 12), shade) for shade in (200, 10)]
    for path in folder.glob("bee/*.gif"):
        frames[0].save(path, save_all=True, append_images=frames[1:])
    data = load(folder)
    assert set(np.unique(data.x_train[data.y_train == 1])) == {200}


def test_pgm_files_are_grey(tmp_path: Path) -> None:
    data = load(write_classes(tmp_path / "zoo", suffix=".pgm", colour=False))
    assert data.input_shape == (12, 10)
    assert "12×10, grey" in data.notes[0]


def test_grey_pictures_that_are_saved_as_colour_are_grey(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", colour=False)
    sha256 = load(folder).sha256
    for path in folder.glob("*/*.png"):
        Image.open(path).convert("RGB").save(path)
    assert load(folder).sha256 == sha256


@pytest.mark.parametrize("place", ["ant/0.png", "cat/34.png"])
def test_one_picture_in_colour_makes_all_of_them_colour(place: str, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", colour=False)
    noise(1, colour=True).save(folder / place)
    data = load(folder)
    assert {x.shape[1:] for x in (data.x_train, data.x_validation, data.x_test)} == {(12, 10, 3)}
    everything = np.concatenate([data.x_train, data.x_validation, data.x_test])
    assert (np.ptp(everything, axis=3).max(axis=(1, 2)) > 0).sum() == 1
    assert load(folder, PictureOptions(grayscale=True)).input_shape == (12, 10)


def test_classes_are_in_natural_key(tmp_path: Path) -> None:
    names = ["10", "2", "1", "b10", "B2"]
    data = load(write_classes(tmp_path / "zoo", dict.fromkeys(names, 10)))
    assert data.class_names == ("1", "2", "10", "B2", "b10")
    assert sorted(["²", "a", "", "7a", "7", "A"], key=natural_key) == ["", "7", "7a", "A", "a", "²"]


def test_hidden_files_and_those_of_windows_are_passed_over_in_silence(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo")
    sha256, notes = load(folder).sha256, load(folder).notes
    for name in (".DS_Store", "._0.png", "Thumbs.db", "desktop.ini"):
        (folder / "bee" / name).write_bytes(b"\0\5\x16\7")
    (folder / ".git").mkdir()
    (folder / "README.md").write_text("# Zoo")
    assert (load(folder).sha256, load(folder).notes) == (sha256, notes)


def test_other_files_and_folders_are_passed_over_and_said(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo")
    sha256 = load(folder).sha256
    (folder / "bee" / "notes.txt").write_text("bees")
    (folder / "docs").mkdir()
    data = load(folder)
    assert data.sha256 == sha256
    assert (
        "2 files and folders were passed over, which are no pictures in the folder of a class: bee/notes.txt, docs."
        in data.notes
    )


@pytest.mark.parametrize("arrays", ["npz", "idx"])
def test_arrays_beside_folders_of_pictures_are_the_data_set(arrays: str, tmp_path: Path) -> None:
    folder = tmp_path / "zoo"
    if arrays == "idx":
        write_idx(folder)
    else:
        write_npz(write_classes(folder) / "data.npz")
    write_classes(folder)
    data = load(folder)
    assert data.sha256 == load(write_npz(tmp_path / "b.npz")).sha256
    assert any("the folders of pictures beside were passed over" in note for note in data.notes)


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": np.zeros((40, 8, 8)), "labels": np.arange(40) % 2},
        {"x_train": np.zeros((40, 8, 8)), "y_train": np.arange(40) % 2},
        {"features": np.ones((40, 64)), "labels": np.arange(40)},
        {"x_train": np.ones((40, 512)), "y_train": np.arange(40), "x_test": np.ones((9, 512)), "y_test": np.arange(9)},
    ],
)
def test_an_archive_without_whole_training_and_test_images_doesn_t_replace_pictures(
    arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "zoo")
    sha256 = load(folder).sha256
    np.savez(folder / "features.npz", **arrays)  # type: ignore[arg-type]
    assert load(folder).sha256 == sha256


def test_a_table_of_pixels_beside_pictures_is_another_data_set_and_one_of_names_is_not(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo")
    (folder / "labels.csv").write_text("file,class\nant/0.png,ant\n")
    assert load(folder).class_names == CLASSES
    rows = "\n".join(",".join(map(str, [number % 2, *range(16)])) for number in range(20))
    (folder / "digits.csv").write_text(rows)
    check_refused(folder, "holds several data sets. Expected one of them. Received: digits.csv, folders of pictures.")


@pytest.mark.parametrize("below", [".", "bee"])
def test_a_folder_that_may_not_be_read_is_said_in_one_line(
    below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_classes(tmp_path / "zoo")
    forbid(monkeypatch, folder / below)
    check_refused(
        folder, "zoo can't be read", f"Received: Permission denied: {folder / below}. Correct the permissions"
    )


def forbid(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """As the system does to others than root: a folder whose names can't be listed."""
    for name in ("scandir", "listdir"):
        original = getattr(os, name)

        def guarded(path: str, original: Any = original) -> Any:
            if Path(path) == place:
                raise PermissionError(13, "Permission denied", str(path))
            return original(path)

        monkeypatch.setattr(os, name, guarded)


def test_a_picture_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 600 MiB that takes no room on the disk, beside a hundred others."""
    folder = write_classes(tmp_path / "zoo", {"ant": 60, "bee": 60}, sizes=((4, 4),))
    with (folder / "bee" / "77.png").open("r+b") as file:
        file.truncate(600 * 2**20)
    tracemalloc.start()
    data = load(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert any("bee/77.png (too large. Expected at most 512 MiB)" in note for note in data.notes)
    assert peak < 64 * 2**20


def test_only_headers_are_read_to_find_the_common_size(tmp_path: Path) -> None:
    content = content_of("PNG")
    read = 0

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            nonlocal read
            part = super().read(size)
            read += len(part)
            return part

    files = decoding.PictureFiles(3, lambda: [[lambda: Counted(content + bytes(10**6))] * 3], str)
    assert decoding.common_size([files]) == (9, 7)
    assert read < 3000


# Sizes


@pytest.mark.parametrize(
    ("sizes", "pictures", "shape", "said"),
    [
        (((12, 10),), AS_THEY_ARE, (12, 10, 3), None),
        (((64, 64),), AS_THEY_ARE, (64, 64, 3), None),
        (((12, 10), (10, 12)), AS_THEY_ARE, (32, 32, 3), "resized to 32×32 (crop)"),
        (((65, 40),), AS_THEY_ARE, (32, 32, 3), "larger than 64 pixels a side. --image-size says another size"),
        (((65, 40), (9, 9)), PictureOptions(size=(20, 24)), (20, 24, 3), None),
        (((12, 10),), PictureOptions(size=(20, 24), resize="pad", grayscale=True), (20, 24), None),
    ],
)
def test_size(
    sizes: tuple[tuple[int, int], ...],
    pictures: PictureOptions,
    shape: tuple[int, ...],
    said: str | None,
    tmp_path: Path,
) -> None:
    data = load(write_classes(tmp_path / "zoo", sizes=sizes), pictures)
    assert data.input_shape == shape
    resized_notes = [note for note in data.notes if "resized" in note]
    assert (said is None) == (not resized_notes)
    assert said is None or said in resized_notes[0]
    others = " and other sizes" if len(sizes) > 1 else ""
    assert f"{others}, {'grey' if len(shape) == 2 else 'colour'}" in data.notes[0]


def test_the_commonest_size_is_said(tmp_path: Path) -> None:
    data = load(write_classes(tmp_path / "zoo", sizes=((12, 10), (9, 9), (9, 9))))
    assert "35 images in 3 classes, 9×9 and other sizes, colour" in data.notes[0]


def test_pictures_on_their_side_are_turned_and_counted_upright(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", suffix=".jpg", quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in folder.glob("*/*.jpg"):
        with Image.open(path) as picture:
            turned = picture.transpose(Image.Transpose.ROTATE_90)
        turned.save(path, exif=exif, quality=95)
    data = load(folder)
    assert data.input_shape == (12, 10, 3)
    assert "12×10, colour" in data.notes[0]


def test_too_much_memory_is_refused_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_classes(tmp_path / "zoo")
    monkeypatch.setattr("tuner.data.pictures.array_images.MAX_BYTES", 100_000)
    monkeypatch.setattr("tuner.data.pictures.picture_splits.decode", lambda *_: pytest.fail("pictures were decoded"))
    check_refused(folder, "35 images of 64×64 would take too much memory", pictures=PictureOptions(size=(64, 64)))


# What is wrong


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


def oversized(path: Path) -> None:
    Image.new("1", (9000, 8000)).save(path)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (truncated, "damaged or truncated"),
    "empty": (lambda path: path.write_bytes(b""), "(empty)"),
    "text": (lambda path: path.write_text("no picture"), "no picture of a known kind"),
    "a page": (lambda path: path.write_text("<html><body>404</body></html>"), "no picture of a known kind"),
    "one byte": (lambda path: path.write_bytes(b"\x89"), "no picture of a known kind"),
    "header only": (lambda path: path.write_bytes(path.read_bytes()[:33]), "no picture of a known kind"),
    "zeros": (lambda path: path.write_bytes(bytes(500)), "no picture of a known kind"),
    "bits": (lambda path: path.write_bytes(path.read_bytes()[:41] + bytes(9) + path.read_bytes()[50:]), "damaged"),
    "too large": (oversized, "too large"),
    "an archive": (lambda path: path.write_bytes(b"PK\3\4" + bytes(100)), "no picture of a known kind"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_one_broken_picture_in_a_hundred_is_named_and_left_out(kind: str, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", {"ant": 60, "bee": 60}, sizes=((4, 4),))
    whole = load(folder)
    path = folder / "bee" / "77.png"
    BROKEN[kind][0](path)
    data = load(folder)
    (note,) = (note for note in data.notes if "can't be read" in note)
    assert note.startswith("One picture can't be read and was left out: bee/77.png (")
    assert BROKEN[kind][1] in note
    assert sum(len(getattr(data, f"y_{split}")) for split in ("train", "validation", "test")) == 119
    assert data.sha256 != whole.sha256
    assert "a folder of 119 images" in data.notes[0]


@pytest.mark.parametrize("kind", BROKEN)
def test_more_broken_pictures_are_refused(kind: str, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo")
    for name in ("ant/1.png", "cat/30.png"):
        BROKEN[kind][0](folder / name)
    check_refused(folder, "too many pictures can't be read. Expected at most 1% of 35. Received: 2: ", BROKEN[kind][1])


def test_the_rest_keep_their_labels_where_pictures_are_broken(tmp_path: Path) -> None:
    folder = write_splits(tmp_path / "zoo")
    for number in range(3000, 3400):
        Image.new("L", (10, 12), number % 256).save(folder / "train" / "cat" / f"{number}.png")
    for number in (0, 1, 13, 14):
        (folder / "train" / ("ant" if number < 14 else "bee") / f"{number}.png").write_bytes(b"")
    data = load(folder)
    assert np.bincount(data.y_train).tolist() == [11, 9, 411]
    flat = np.ptp(data.x_train.reshape(len(data.x_train), -1), axis=1) == 0
    np.testing.assert_array_equal(data.y_train[flat], np.full(400, 2))
    (note,) = (note for note in data.notes if "can't be read" in note)
    assert note.startswith(
        "4 pictures can't be read and were left out: train/ant/0.png (empty), train/ant/1.png (empty)"
    )


def test_a_file_that_may_not_be_read_is_broken(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", {"ant": 60, "bee": 60}, sizes=((4, 4),))
    (folder / "bee" / "gone.png").symlink_to(folder / "bee" / "77.png")
    assert sum(len(getattr(load(folder), f"y_{split}")) for split in ("train", "validation", "test")) == 121
    (folder / "bee" / "77.png").unlink()  # a link to nothing is no file
    assert sum(len(getattr(load(folder), f"y_{split}")) for split in ("train", "validation", "test")) == 119


FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM", "TIFF")


def content_of(kind: str) -> bytes:
    stream = io.BytesIO()
    noise(1, (9, 7)).save(stream, kind)
    return stream.getvalue()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 400),
)
def test_whatever_the_bytes_a_picture_is_decoded_or_at_fault(
    kind: str, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(content_of(kind))
    for place, value in changes:
        content[place % len(content)] = value
    content = content[: len(content) - cut % len(content)]
    files = decoding.PictureFiles(1, lambda: [[lambda: io.BytesIO(content)]], str)
    decoded = decoding.decode(files, (8, 8), AS_THEY_ARE)
    assert len(decoded.images) + len(decoded.faults) == 1
    assert decoded.images.shape[1:3] == (8, 8)
    assert all("\n" not in words and len(words) < 200 for words in decoded.faults.values())


def make_one_class(folder: Path) -> None:
    write_classes(folder, {"ant": 20})


def make_loose_pictures(folder: Path) -> None:
    folder.mkdir()
    for number in range(9):
        noise(number).save(folder / f"{number}.png")


def make_empty_classes(folder: Path) -> None:
    for name in CLASSES:
        (folder / name).mkdir(parents=True)


def make_test_class_untrained(folder: Path) -> None:
    write_splits(folder)
    (folder / "test" / "dog").mkdir()
    noise(1).save(folder / "test" / "dog" / "1.png")


def make_too_many_classes(folder: Path) -> None:
    write_classes(folder, {f"class {number}": 1 for number in range(101)}, sizes=((4, 4),))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (make_one_class, "or a sub-folder of pictures for each class. Received: ant."),
        (make_loose_pictures, "or a sub-folder of pictures for each class. Received: 0.png"),
        (make_empty_classes, "holds no data set that can be read"),
        (make_test_class_untrained, "classes of the test pictures have no training pictures. Expected the folders of train/: ant, bee, cat. Received: dog."),
        (make_too_many_classes, "too many classes. Expected 2 to 100 sub-folders. Received: 101."),
        (lambda folder: write_classes(folder, {"ant": 1, "bee": 2}), "has too few pictures. Expected 7 or more. Received: 3."),
        (lambda folder: write_classes(folder, {"ant": 30, "bee": 1}), "too few training images of class bee"),
        (lambda folder: write_classes(folder, sizes=((3, 3),)), "4 pixels"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_data_set_is_refused(make: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    make(tmp_path / "zoo")
    check_refused(tmp_path / "zoo", said)


def test_a_name_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", {"ant": 10, "bee\n<b>": 10})
    os.rename(folder / "ant", os.fsencode(folder) + b"/caf\xe9")
    data = load(folder)
    assert data.class_names == ("bee\\n<b>", "caf\\udce9")
    save_arrays(data, tmp_path / "copy")
    assert open_copy(tmp_path / "copy", splits_hash(data)).class_names == data.class_names


# Progress and threads


def test_progress_counts_every_picture_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BATCH", 8)
    seen: list[tuple[int, int]] = []
    folder = str(write_splits(tmp_path / "zoo"))
    load_dataset(folder, validation=0.2, seed=1, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(8, 49), (16, 49), (24, 49), (32, 49), (35, 49), (42, 49), (49, 49)]


def test_one_core_and_many_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_classes(tmp_path / "zoo", sizes=((40, 30), (30, 40)), suffix=".jpg")
    hashes = set()
    for cores in (1, 7):
        monkeypatch.setattr(decoding, "cpu_cores", lambda cores=cores: cores)
        hashes.add(load(folder).sha256)
    assert len(hashes) == 1
