"""`mnist-tune predict` on models of other images than digits: pictures are prepared as the training images were."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inference.models import declared_shape, find_model, takes_images
from mnist_tune import cli
from mnist_tune.cli import predict
from mnist_tune.prediction.loaded_model import Loaded, load
from tests.kit.pictures import CLOTHES, photograph, picture_data, picture_model, trained_model
from tests.kit.predictions import DIGITS, keras_file
from tuner.core.errors import UsageError

untouched_by_numpy = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Spy:
    """A model that keeps what it is shown, and says that everything is a hat."""

    def __init__(self, names: tuple[str, ...], shape: tuple[int, ...], share: float = 0.9) -> None:
        self.names, self.shape, self.share = names, shape, share
        self.shown: list[NDArray[np.uint8]] = []

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.shown.append(images)
        answer = np.full((len(images), len(self.names)), (1 - self.share) / (len(self.names) - 1), np.float32)
        answer[:, 1] = self.share
        return answer

    def load(self, model: object, run: object = None) -> Loaded:
        return Loaded(self, self.names, self.shape)


def run_of(folder: Path, **data: Any) -> Path:
    """A run's folder as far as `predict` looks at it."""
    options = data.pop("options", {})
    folder.mkdir()
    document = {"schema": 1, "kind": "search", "data": data, "options": options}
    (folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
    keras_file(folder / "best.keras", {})
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    photograph(3).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def clothes(tmp_path: Path, shape: tuple[int, ...] = (16, 16, 3), **changes: Any) -> Path:
    return run_of(tmp_path / "run", **{"name": "clothes", "class_names": CLOTHES, "image_shape": shape, **changes})


def spied(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], names: tuple[str, ...] = CLOTHES, **more: Any
) -> Spy:
    spy = Spy(names, shape, **more)
    monkeypatch.setattr(predict, "load", spy.load)
    return spy


def test_a_photograph_is_named_by_its_class(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spy = spied(monkeypatch, (16, 16, 3))
    assert cli.main(["predict", str(clothes(tmp_path)), str(picture)]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split()[1:3] == ["hat", "90.00"]
    (images,) = spy.shown
    assert images.shape == (1, 16, 16, 3)
    colour = np.asarray(photograph(3), float).mean(axis=(0, 1))
    assert np.abs(images[0].mean(axis=(0, 1)) - colour).max() < 3


@pytest.mark.parametrize(("how", "black"), [("crop", False), ("pad", True), ("stretch", False)])
def test_it_is_resized_as_the_training_images_were(
    how: str, black: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (90, 30), (250, 250, 250)).save(tmp_path / "a.png")
    spy = spied(monkeypatch, (16, 16, 3))
    assert (
        cli.main(["predict", str(clothes(tmp_path, options={"resize": how, "epochs": 3})), str(tmp_path / "a.png")])
        == 0
    )
    assert (spy.shown[0].min() < 10) == black


def test_a_grey_run_gets_grey_images_of_its_size(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = spied(monkeypatch, (10, 14))
    assert cli.main(["predict", str(clothes(tmp_path, (10, 14))), str(picture)]) == 0
    assert spy.shown[0].shape == (1, 10, 14)


@pytest.mark.parametrize(("image", "code"), [(("RGB", (14, 10)), 0), (("L", (14, 10)), 0), (("RGB", (10, 14)), 2)])
def test_raw_images_must_have_the_model_s_size(
    image: Any, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mode, size = image
    image = photograph(2, size, mode)
    image.save(tmp_path / "a.png")
    spy = spied(monkeypatch, (10, 14, 3))
    assert cli.main(["predict", str(clothes(tmp_path, (10, 14, 3))), str(tmp_path / "a.png"), "--raw"]) == code
    if code == 0:
        assert np.array_equal(spy.shown[0][0], np.asarray(image.convert("RGB")))
    else:
        assert "expected 14×10 pixels. Received: 10×14" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16", "P"])
def test_a_grey_picture_is_shown_to_a_colour_model_in_three_equal_channels(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    light = Image.new("L", (30, 30), 200)
    image = (
        Image.fromarray(np.full((30, 30), 200 * 257, np.uint16))
        if mode == "I;16"
        else Image.new("1", (30, 30), 1)
        if mode == "1"
        else light.convert(mode)
    )
    image.save(tmp_path / "a.png")
    spy = spied(monkeypatch, (16, 16, 3))
    assert cli.main(["predict", str(clothes(tmp_path)), str(tmp_path / "a.png")]) == 0
    assert spy.shown[0].shape == (1, 16, 16, 3)
    assert set(spy.shown[0].ravel().tolist()) <= ({255} if mode == "1" else {199, 200, 201})


def test_transparent_pixels_are_white(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(tmp_path / "a.png")
    spy = spied(monkeypatch, (16, 16, 3))
    assert cli.main(["predict", str(clothes(tmp_path)), str(tmp_path / "a.png")]) == 0
    assert spy.shown[0].min() == 255


@pytest.mark.parametrize("shape", [(10, 14, 3), (10, 14)])
def test_raw_pictures_are_put_onto_white_as_the_training_pictures_were(
    shape: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.zeros((10, 14, 4), np.uint8)
    pixels[:, :3, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", pixels)
    spy = spied(monkeypatch, shape)
    names = [str(tmp_path / name) for name in ("a.png", "b.npy")]
    assert cli.main(["predict", str(clothes(tmp_path, shape)), *names, "--raw"]) == 0
    for image in spy.shown[0]:
        assert (image[:, :3].max(), image[:, 3:].min()) == (0, 255)


def test_the_hint_at_digits_needs_no_standard_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photograph(3).save(tmp_path / "a.png")
    spied(monkeypatch, (28, 28), DIGITS)
    folder = run_of(tmp_path / "run", class_names=DIGITS, image_shape=(28, 28), name="train")
    monkeypatch.setattr(sys, "stderr", None)
    predict.run(predict.make_command_parser().parse_args([str(folder), str(tmp_path / "a.png")]), [])


@pytest.mark.parametrize("share", [0.6, 0.4])
def test_only_what_is_less_than_even_is_unsure_and_nothing_is_turned(
    share: float, tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spy = spied(monkeypatch, (16, 16, 3), share=share)
    assert cli.main(["predict", str(clothes(tmp_path)), str(picture), "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["class"] == "hat"
    assert list(one["probabilities"]) == list(CLOTHES)
    assert ("unsure (40%)" in str(one["warning"])) == (share < 0.5)
    assert len(spy.shown) == 1


@pytest.mark.parametrize(
    ("given", "digits"),
    [
        (("mnist",), True),
        (("digits",), True),
        ((None,), True),
        (("train",), False),
        (("train", "--digits"), True),
        (("fashion_mnist",), False),
    ],
)
def test_digits_are_prepared_as_digits_and_others_are_resized(
    given: Any, digits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = given
    Image.new("L", (60, 60), 250).save(tmp_path / "blank.png")
    spy = spied(monkeypatch, (28, 28), DIGITS)
    folder = run_of(tmp_path / "run", class_names=DIGITS, image_shape=(28, 28), **({"name": name} if name else {}))
    assert cli.main(["predict", str(folder), str(tmp_path / "blank.png"), *options]) == 0
    out, err = capsys.readouterr()
    assert ("blank" in out.splitlines()[1].split("blank.png")[1]) == digits
    assert bool(spy.shown) == (not digits)
    assert ("--digits prepares pictures as MNIST's" in err) == (not digits)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--digits"], "--digits: the preparation of digits makes 28×28 grey pixels"),
        (["--digits", "--raw"], "--raw and --digits"),
        (["--synthetic", "3"], "--synthetic needs a model of digits"),
    ],
)
def test_what_does_not_suit_pictures_is_refused(
    options: list[str], line: str, tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [] if "--synthetic" in options else [str(picture)]
    assert cli.main(["predict", str(clothes(tmp_path)), *images, *options]) == 2
    err = capsys.readouterr().err
    assert line in err
    assert err.count("\n") == 1


def test_the_page_shows_the_colours_and_says_the_size(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spied(monkeypatch, (10, 14, 3))
    page = tmp_path / "page.html"
    assert cli.main(["predict", str(clothes(tmp_path, (10, 14, 3))), str(picture), "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "the 10×14 pixels that the network saw" in text
    assert 'width="98" height="70"' in text
    assert "data:image/webp" in text


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        ((28, 28), True), ((4, 4), True), ((128, 128, 3), True), ((3, 4), False), ((4, 129), False), ((28, 28, 1), False),
        ((28, 28, 4), False), ((28,), False), ((), False), ((None, None), False), ((None, 28, 3), False), ((28, 28, 3, 1), False),
    ],
)  # fmt: skip
def test_the_shapes_that_a_model_may_take(shape: tuple[Any, ...], fits: bool) -> None:
    assert takes_images(shape) == fits


def test_a_file_says_its_images_without_keras(tmp_path: Path) -> None:
    layer = {"class_name": "InputLayer", "config": {"batch_shape": [None, 10, 14, 3]}}
    inner = {"class_name": "InputLayer", "config": {"batch_shape": [None, 20, 28, 3]}}
    model = {"class_name": "Functional", "config": {"layers": [inner, {"class_name": "Dense", "config": {}}]}}
    for name, config, shape in (
        ("before a model", {"config": {"layers": [layer, model]}}, (10, 14, 3)),
        ("after a model", {"config": {"layers": [model, layer]}}, (10, 14, 3)),
        ("only in a model", {"class_name": "Sequential", "config": {"layers": [model]}}, (20, 28, 3)),
        ("two", {"config": {"layers": [layer, inner]}}, (10, 14, 3)),
        ("right", {"config": {"layers": [layer]}}, (10, 14, 3)),
        ("empty", {}, None),
        ("large", {"layers": [{"class_name": "InputLayer", "config": {"batch_shape": [None, 500, 500]}}]}, None),
        ("odd", [{"class_name": "InputLayer", "config": {"batch_shape": "x"}}], None),
    ):
        keras_file(tmp_path / f"{name}.keras", config)
        assert declared_shape(find_model(tmp_path / f"{name}.keras")) == shape


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained colour model in a file of its own."""
    path = tmp_path_factory.mktemp("model") / "clothes.keras"
    trained_model(picture_data((16, 20, 3))).save(path)
    return path


@untouched_by_numpy
def test_a_real_colour_model_is_right_about_a_png_file(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{label}.png" for label in range(4)]
    for label, path in enumerate(paths):
        photograph(label).save(path)
    assert cli.main(["predict", str(saved), "--json", *map(str, paths)]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert [one["class"] for one in answers] == ["0", "1", "2", "3"]


@untouched_by_numpy
def test_a_model_of_other_images_than_its_run_s_is_refused(saved: Path) -> None:
    assert load(find_model(saved, CLOTHES, (16, 20, 3))).image_shape == (16, 20, 3)
    with pytest.raises(UsageError, match="doesn't fit its run"):
        load(find_model(saved, CLOTHES, (28, 28)))


@untouched_by_numpy
def test_images_of_another_shape_are_refused_by_a_loaded_model(saved: Path) -> None:
    classify = load(find_model(saved)).classify
    with pytest.raises(UsageError, match=r"Expected \(n, 16, 20, 3\)"):
        classify(np.zeros((2, 28, 28), np.uint8))
    assert classify(np.zeros((0, 16, 20, 3), np.uint8)).shape == (0, 12)


def test_a_grey_model_by_hand_takes_its_size() -> None:
    assert picture_model((9, 7)).input_shape == (None, 9, 7)
