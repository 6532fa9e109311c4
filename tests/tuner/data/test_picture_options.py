"""The options of pictures: on the command line, from Python, in run.json, when a run is resumed, and in data sets of arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from mnist_tune.api.given_options import command_line, make_options, plain_values
from mnist_tune.cli.parser import add_run_options, given_options, make_parser
from tests.kit.data_files import build_arrays, write_npz
from tests.kit.picture_files import write_classes, write_splits
from tuner.core.errors import DataError, UsageError
from tuner.core.pictures import format_image_size, parse_image_size
from tuner.data.dataset import Dataset, load_dataset
from tuner.data.picture_options import PictureOptions
from tuner.options.option import Group
from tuner.options.resume import merge_for_resume
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions
from tuner.run.run_data import load_run_data

KINDS: dict[type[RunOptions], dict[str, Any]] = {
    SearchOptions: {},
    TrainOptions: {"name": "x", "configuration": {}},
    StudyOptions: {"name": "dropout"},
}


def load(source: Path, **settings: Any) -> Dataset:
    return load_dataset(str(source), validation=0.1, seed=1, pictures=PictureOptions(**settings))


# Options


@pytest.mark.parametrize(
    ("text", "size", "canonical"),
    [("32", (32, 32), "32"), ("48x32", (48, 32), "48x32"), ("4X128", (4, 128), "4x128"), (" 9×9 ", (9, 9), "9")],
)
def test_sizes(text: str, size: tuple[int, int], canonical: str) -> None:
    assert parse_image_size(text) == size
    assert format_image_size(size) == canonical
    assert SearchOptions(space="dense", image_size=text).image_size == canonical


@pytest.mark.parametrize(
    "text", ["3", "129", "0", "-32", "32x", "x32", "32x32x3", "32,32", "", "big", "3x32", "1e2", "٣٢"]
)
def test_wrong_sizes_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        SearchOptions(space="dense", image_size=text)
    assert str(caught.value).startswith(
        "--image-size is out of range: expected N or HxW, such as 32 or 48x32, 4 to 128 pixels a side"
    )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_of_every_kind_of_run(kind: type[RunOptions]) -> None:
    parser = make_parser("mnist-tune", "")
    add_run_options(parser, kind, dict.fromkeys(get_args(Group), "options"))
    words = ["--image-size", "48x48", "--grayscale", "--resize", "pad", "--drop-duplicates"]
    given = given_options(parser.parse_words([*words, "--space", "dense"]))
    options = kind(**given, **KINDS[kind])
    assert PictureOptions.of(options) == PictureOptions((48, 48), True, "pad", True)
    with pytest.raises(UsageError, match="--image-size: expected N or HxW"):
        parser.parse_words(["--image-size", "300"])


@pytest.mark.parametrize(("given", "text"), [(32, "32"), ((48, 32), "48x32"), ([32, 32], "32"), ("32x32", "32")])
def test_sizes_from_python(given: object, text: str) -> None:
    options = make_options(plain_values({"space": "dense", "image_size": given}))
    assert options.image_size == text
    assert command_line(options, Path("out"))[-4:] == ["--image-size", text, "--out", "out"]


@pytest.mark.parametrize("given", [True, 2.5, (1, 2, 3), "huge", 2000, object()])
def test_wrong_sizes_from_python(given: object) -> None:
    with pytest.raises(UsageError, match="--image-size"):
        make_options(plain_values({"space": "dense", "image_size": given}))


def test_run_json_holds_them_and_older_runs_lack_them() -> None:
    options = SearchOptions(space="dense", image_size="48x32", grayscale=True, resize="stretch", drop_duplicates=True)
    document = json.loads(json.dumps(options.to_json()))
    assert SearchOptions.from_json(document) == options
    for name in ("image_size", "grayscale", "resize", "drop_duplicates"):
        del document[name]
    assert PictureOptions.of(SearchOptions.from_json(document)) == PictureOptions()


def test_a_resumed_run_keeps_its_own() -> None:
    options = SearchOptions(space="dense", image_size="32")
    assert merge_for_resume(options, plain_values({"image_size": (32, 32)})).image_size == "32"
    with pytest.raises(UsageError, match=r"--image-size is 32 in this run\. Received: 48"):
        merge_for_resume(options, plain_values({"image_size": 48}))


def test_a_run_s_data_follow_its_options(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "zoo", sizes=((20, 20), (30, 20)))
    options = SearchOptions(space="dense", data=str(folder), validation=0.2, image_size="8x12", grayscale=True)
    assert load_run_data(options).input_shape == (8, 12)
    assert (
        load_run_data(options).sha256
        != load_run_data(SearchOptions(space="dense", data=str(folder), validation=0.2)).sha256
    )


# Arrays


def colour_arrays(side: int = 20, channels: int = 3) -> dict[str, Any]:
    arrays = build_arrays(side=side)
    random = np.random.default_rng(2)
    for key in ("x_train", "x_test"):
        arrays[key] = random.integers(0, 256, (len(arrays[key]), side, side + 4, channels), dtype=np.uint8)
    return arrays


def test_colour_keeps_its_shape(tmp_path: Path) -> None:
    arrays = colour_arrays()
    data = load(write_npz(tmp_path / "a.npz", arrays))
    assert (data.input_shape, data.notes) == ((20, 24, 3), ())
    np.testing.assert_array_equal(data.x_test, arrays["x_test"])


def test_channels_in_the_second_place_are_moved_and_said(tmp_path: Path) -> None:
    arrays = colour_arrays()
    sha256 = load(write_npz(tmp_path / "a.npz", arrays)).sha256
    for key in ("x_train", "x_test"):
        arrays[key] = arrays[key].transpose(0, 3, 1, 2)
    data = load(write_npz(tmp_path / "b.npz", arrays))
    assert data.sha256 == sha256
    assert data.notes == (
        "The images had the shape (n, 3, 20, 24): the channels were moved to the last place, (n, 20, 24, 3).",
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: (x / 255).astype(np.float32), "floats from 0 to 1"),
        (lambda x: (x / 127.5 - 1).astype(np.float32), "from -1 to 1"),
        (lambda x: x.astype(np.uint16) * 257, "16 bits"),
    ],
)
def test_colour_of_other_ranges(change: Any, said: str, tmp_path: Path) -> None:
    arrays = colour_arrays()
    sha256 = load(write_npz(tmp_path / "a.npz", arrays)).sha256
    data = load(write_npz(tmp_path / "b.npz", arrays, **{key: change(arrays[key]) for key in ("x_train", "x_test")}))
    assert data.sha256 == sha256
    assert said in data.notes[0]


def test_opacity_is_put_onto_white(tmp_path: Path) -> None:
    arrays = colour_arrays(channels=4)
    arrays["x_test"][..., 3] = 255
    arrays["x_test"][0, 0, 0, 3] = 0
    data = load(write_npz(tmp_path / "a.npz", arrays))
    assert data.input_shape == (20, 24, 3)
    assert data.x_test[0, 0, 0].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(data.x_test[1:], arrays["x_test"][1:, ..., :3])
    assert "taken as opacity: they were put onto white" in data.notes[0]


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [
        ((4, 20, 4), (4, 20, 3)),  # four channels first, or last: last
        ((4, 20, 3), (4, 20, 3)),
        ((20, 4, 4), (20, 4, 3)),
        ((3, 20, 5), (20, 5, 3)),
        ((1, 4, 4), (4, 4)),
        ((4, 4, 1), (4, 4)),
        ((5, 3, 20), None),
        ((20, 20, 2), None),
        ((16,), (4, 4)),
        ((4, 7), (4, 7)),
    ],
)
def test_places_of_channels(shape: tuple[int, ...], image_shape: tuple[int, ...] | None, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    x: dict[str, Any] = {
        key: random.integers(0, 256, (n, *shape), dtype=np.uint8) for key, n in (("x_train", 60), ("x_test", 20))
    }
    path = write_npz(tmp_path / "a.npz", **x)
    if image_shape is None:
        with pytest.raises(DataError, match="has a wrong shape"):
            load(path)
        return
    data = load(path)
    assert data.input_shape == image_shape
    assert any("the last 4 are taken as the channels" in note for note in data.notes) == (shape == (4, 20, 4))


@pytest.mark.parametrize("colour", [True, False])
def test_large_arrays_are_resized_to_32_and_it_is_said(colour: bool, tmp_path: Path) -> None:
    arrays = colour_arrays(side=65) if colour else build_arrays(side=65)
    data = load(write_npz(tmp_path / "a.npz", arrays))
    assert data.input_shape[:2] == (32, 32)
    size = "65×69" if colour else "65×65"
    assert data.notes == (
        f"The images were resized from {size} to 32×32 (crop): they are larger than 64 pixels a side. --image-size says another size.",
    )


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
def test_arrays_are_resized_as_pictures_are(how: str, tmp_path: Path) -> None:
    from tuner.images.resizing import resized

    arrays = colour_arrays()
    data = load(write_npz(tmp_path / "a.npz", arrays), size=(10, 40), resize=how)
    expected = resized(Image.fromarray(arrays["x_test"][3]), (10, 40), how)  # type: ignore[arg-type]
    np.testing.assert_array_equal(data.x_test[3], expected)
    assert data.notes == (f"The images were resized from 20×24 to 10×40 ({how}).",)


def test_arrays_become_grey(tmp_path: Path) -> None:
    arrays = colour_arrays()
    data = load(write_npz(tmp_path / "a.npz", arrays), grayscale=True)
    luma = arrays["x_test"] @ np.array([0.299, 0.587, 0.114])
    assert data.input_shape == (20, 24)
    assert np.abs(data.x_test - luma).max() <= 1
    assert data.notes == ("The images were made grey by their luma.",)
    assert load(write_npz(tmp_path / "b.npz"), grayscale=True).notes == ()


def test_enlarged_images_must_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.data.pictures.array_images.MAX_BYTES", 1_000_000)
    with pytest.raises(DataError, match="80 images of 128×128 would take too much memory"):
        load(write_npz(tmp_path / "a.npz"), size=(128, 128))


# Duplicates


def with_duplicates(path: Path) -> Path:
    arrays = build_arrays()
    arrays["x_test"][:2] = arrays["x_train"][10:12]
    return write_npz(path, arrays)


def test_duplicates_are_counted_and_said(tmp_path: Path) -> None:
    data = load(with_duplicates(tmp_path / "a.npz"))
    assert data.notes == (
        "Pixel for pixel, 2 training images are in the test set too: accuracy on such images says little of new ones. "
        "--drop-duplicates leaves out those that the test set has.",
    )
    assert len(data.y_train) == 54


def test_duplicates_are_left_out(tmp_path: Path) -> None:
    path = with_duplicates(tmp_path / "a.npz")
    data = load(path, drop_duplicates=True)
    assert data.notes == ("2 training images were left out (--drop-duplicates): the test set has the same pixels.",)
    assert len(data.y_train) + len(data.y_validation) == 58
    test = {image.tobytes() for image in data.x_test}
    assert not any(image.tobytes() in test for image in (*data.x_train, *data.x_validation))
    assert len(data.y_test) == 20
    assert data.sha256 != load(path).sha256


def test_without_duplicates_nothing_changes(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz")
    assert load(path, drop_duplicates=True).sha256 == load(path).sha256
    assert load(path, drop_duplicates=True).notes == ()


def test_duplicates_of_a_given_validation_set(tmp_path: Path) -> None:
    folder = write_splits(tmp_path / "zoo")
    (folder / "validation" / "ant" / "again.png").write_bytes((folder / "test" / "ant" / "2000.png").read_bytes())
    (folder / "validation" / "bee" / "again.png").write_bytes((folder / "train" / "bee" / "14.png").read_bytes())
    said = "Pixel for pixel, 1 validation image is in the test set, and 1 validation image is in the training set too"
    assert any(said in note for note in load(folder).notes)
    data = load(folder, drop_duplicates=True)
    assert len(data.y_validation) == 8
    assert any("1 validation image was left out" in note for note in data.notes)
    assert any("1 validation image is in the training set too" in note for note in data.notes)


def test_a_class_must_be_left_without_duplicates(tmp_path: Path) -> None:
    arrays = build_arrays(classes=2)
    arrays["x_test"] = arrays["x_train"][1::2]
    arrays["y_test"] = arrays["y_train"][1::2]
    with pytest.raises(DataError, match=r"leaves too few images.*Received: no training image of class 1"):
        load(write_npz(tmp_path / "a.npz", arrays), drop_duplicates=True)
