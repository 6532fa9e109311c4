"""`mnist-tune predict`: what it takes, what it says, what it refuses. A tiny model, of no training."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inference.models import find_model
from mnist_tune import cli
from mnist_tune.cli import predict as predict_command
from mnist_tune.prediction import generalisation as synthetic
from mnist_tune.prediction import page as predict_page
from mnist_tune.prediction.loaded_model import Loaded, load
from tests.kit.paths import ROOT
from tests.kit.predictions import DIGITS, fake_load, keras_file, picture, prediction, read, saved
from tuner.core.errors import UsageError
from tuner.images import limits, reading
from tuner.images.prediction import Prediction, Sample, predict
from tuner.images.reading import NoImages, Picture, Refused

# What is read


def wide_grey(mode: str) -> Image.Image:
    grey = np.asarray(picture().convert("L"))
    values: dict[str, NDArray[Any]] = {
        "I;16": grey.astype(np.uint16) * 257,
        "I": grey.astype(np.int32) * 257,
        "F": grey.astype(np.float32) / 255,
    }
    return Image.fromarray(values[mode])


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("a.png", picture()),
        ("a.jpg", picture()),
        ("a.webp", picture()),
        ("a.bmp", picture()),
        ("a.gif", picture()),
        ("a.tif", picture()),
        ("a.ppm", picture()),
        ("palette.png", picture().convert("P")),
        ("bits.png", picture().convert("1")),
        ("grey.png", picture().convert("L")),
        ("grey-alpha.png", picture().convert("LA")),
        ("cmyk.jpg", picture().convert("CMYK")),
        ("cmyk.tif", picture().convert("CMYK")),
        ("16 bits.png", wide_grey("I;16")),
        ("32 bits.tif", wide_grey("I")),
        ("floats.tif", wide_grey("F")),
        ("named wrongly.txt", picture()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_image_gives_the_same_light(name: str, image: Image.Image, tmp_path: Path) -> None:
    suffix = "PNG" if name.endswith(".txt") else None
    (one,) = read(saved(tmp_path, name, image, format=suffix))
    assert isinstance(one, Picture)
    assert one.note is None
    expected = np.asarray(picture().convert("L"), np.float32) / 255
    assert one.grey.shape == expected.shape
    assert np.abs(one.grey - expected).mean() < 0.07  # one bit loses most: the paper's 3% and the pen's 6%


@pytest.mark.parametrize("ink", [0, 255])
def test_what_is_transparent_becomes_paper(ink: int, tmp_path: Path) -> None:
    share = 255 - np.asarray(picture().convert("L"))
    pixels = np.dstack([np.full((*share.shape, 3), ink, np.uint8), share])
    (one,) = read(saved(tmp_path, "a.png", Image.fromarray(pixels)))
    assert isinstance(one, Picture)
    contrast = np.ptp(one.grey)
    assert contrast > 0.8
    assert (np.median(one.grey) > 0.5) == (ink == 0)


def test_an_exif_tag_turns_the_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture().transpose(Image.Transpose.ROTATE_90)
    (one,) = read(saved(tmp_path, "a.jpg", turned, exif=exif, quality=95))
    assert isinstance(one, Picture)
    assert np.abs(one.grey - np.asarray(picture().convert("L"), np.float32) / 255).mean() < 0.03


def test_of_several_frames_the_first_is_taken_and_said(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.gif", picture(3), save_all=True, append_images=[picture(5), picture(6)])
    (one,) = read(path)
    assert isinstance(one, Picture)
    assert "first" in str(one.note)
    assert np.abs(one.grey - np.asarray(picture(3).convert("L"), np.float32) / 255).mean() < 0.06


def test_large_images_are_reduced(tmp_path: Path) -> None:
    (one,) = read(saved(tmp_path, "a.png", Image.new("L", (4000, 500), 200)))
    assert isinstance(one, Picture)
    assert max(one.grey.shape) == reading.LONGEST_SIDE


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", ".hidden.png", "C.PNG"):
        saved(tmp_path, name, picture())
    (tmp_path / "notes.md").write_text("no image")
    (tmp_path / "below").mkdir()
    assert [Path(one.name).name for one in read(str(tmp_path))] == ["C.PNG", "a.jpg", "b.png"]


def test_standard_input_is_read() -> None:
    file = io.BytesIO()
    picture().save(file, "PNG")
    (one,) = read("-", stdin=file.getvalue())
    assert isinstance(one, Picture)
    assert one.name == "-"


@pytest.mark.parametrize(
    ("array", "names"),
    [
        (np.zeros((28, 28), np.uint8), ["a.npy"]),
        (np.zeros((1, 28, 28), np.uint8), ["a.npy"]),
        (np.zeros((3, 40, 30), np.uint8), ["a.npy[0]", "a.npy[1]", "a.npy[2]"]),
        (np.zeros((2, 28, 28, 1), np.float64), ["a.npy[0]", "a.npy[1]"]),
        (np.zeros((2, 28, 28, 3), np.int64), ["a.npy[0]", "a.npy[1]"]),
        (np.zeros((28, 28, 4), np.uint8), ["a.npy"]),
        (np.zeros((28, 28), bool), ["a.npy"]),
        (np.asfortranarray(np.zeros((2, 28, 20), np.uint16)), ["a.npy[0]", "a.npy[1]"]),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else "",
)
def test_arrays_of_images(array: NDArray[Any], names: list[str], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    found = read(str(tmp_path / "a.npy"))
    assert all(isinstance(one, Picture) for one in found), found
    assert [Path(one.name).name for one in found] == names


@pytest.mark.parametrize(
    ("values", "light"),
    [
        (np.array([[0, 255]], np.uint8), 1.0),
        (np.array([[0, 51]], np.uint8), 0.2),
        (np.array([[0.0, 0.5]]), 0.5),
        (np.array([[0.0, 51.0]]), 0.2),
        (np.array([[0, 65535]], np.uint16), 1.0),
        (np.array([[False, True]]), 1.0),
    ],
)
def test_the_light_of_an_array(values: NDArray[Any], light: float, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values)
    (one,) = read(str(tmp_path / "a.npy"))
    assert isinstance(one, Picture)
    assert one.grey.max() == pytest.approx(light, abs=0.003)


def test_an_archive_s_one_array_of_images_is_taken(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((2, 28, 28), np.uint8), y=np.arange(2))
    assert len(read(str(tmp_path / "a.npz"))) == 2


# What is refused


def png() -> bytes:
    file = io.BytesIO()
    picture().save(file, "PNG")
    return file.getvalue()


def bomb() -> bytes:
    """A PNG that says it has 30,000 by 30,000 pixels."""
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return png()[:8] + chunk + png()[33:]


def below_pillow_s_own_limit() -> bytes:
    file = io.BytesIO()
    Image.new("1", (10_000, 6_500)).save(file, "PNG")
    return file.getvalue()


class Trap:
    """Leaves a mark where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, ("unpickled",)


def array_file(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def archive_file(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "empty"),
    "text.png": (b"hello", "no image of a known kind"),
    "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image of a known kind"),
    "page.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image of a known kind"),
    "truncated.png": (png()[: len(png()) // 2], "damaged or truncated"),
    "head.png": (png()[:20], ""),
    "bomb.png": (bomb(), "too large. Expected at most 64,000,000 pixels"),
    "large.png": (below_pillow_s_own_limit(), "too large. Expected at most 64,000,000 pixels. Received: 10000×6500"),
    "pickled.npy": (array_file(np.array([Trap()], object), allow_pickle=True), "nothing pickled is read"),
    "pickled.npz": (archive_file(a=np.array([[Trap()]], object)), "nothing pickled is read"),
    "text.npy": (array_file(np.array([["a"]])), "Expected numbers"),
    "complex.npy": (array_file(np.zeros((28, 28), complex)), "Expected numbers"),
    "line.npy": (array_file(np.zeros(28)), "Expected images (n, height, width)"),
    "scalar.npy": (array_file(np.array(1.0)), "Expected images (n, height, width)"),
    "none.npy": (array_file(np.zeros((0, 28, 28))), "without images"),
    "five.npy": (array_file(np.zeros((1, 2, 2, 2, 2))), "Expected images (n, height, width)"),
    "channels.npy": (array_file(np.zeros((1, 28, 28, 7))), "Expected images (n, height, width)"),
    "nan.npy": (array_file(np.full((28, 28), np.nan)), "not finite"),
    "negative.npy": (array_file(np.full((28, 28), -1)), "Expected values from 0"),
    "huge values.npy": (array_file(np.full((28, 28), 1e9)), "Expected values from 0"),
    "truncated.npy": (array_file(np.zeros((28, 28)))[:-8], "truncated"),
    "head.npy": (b"\x93NUMPY\x01\x00", "damaged"),
    "two.npz": (archive_file(a=np.zeros((2, 8, 8)), b=np.zeros((2, 8, 8))), "Expected one array of images"),
    "no images.npz": (archive_file(a=np.zeros(3)), "Expected one array of images"),
    "truncated.npz": (archive_file(a=np.zeros((2, 8, 8)))[:60], "damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_file_is_refused_in_a_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content, told = HOSTILE[name]
    Path(name).write_bytes(content)
    (one,) = read(name)
    assert isinstance(one, Refused)
    assert told in one.reason
    assert "\n" not in one.reason
    assert not Path("unpickled").exists()


@pytest.mark.parametrize("word", ["missing.png", "x" * 5000, "", "/dev/null", "a\nb.png", "\udcff.png"])
def test_what_is_no_file_is_refused(word: str) -> None:
    (one,) = read(word)
    assert isinstance(one, Refused)


def test_a_file_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BYTES", 100)
    (one,) = read(saved(tmp_path, "a.png", picture()))
    assert isinstance(one, Refused)
    assert "too large" in one.reason


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(NoImages, match="no images"):
        read(str(tmp_path))


# The command


def os_errors_as_usage(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_the_table(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blank = saved(tmp_path, "blank.png", Image.new("L", (50, 50), 255))
    assert cli.main(["predict", model, saved(tmp_path, "a.png", picture()), blank]) == 0
    head, first, second = os_errors_as_usage(capsys)[0].splitlines()
    assert head.split("  ")[0] == "file"
    assert first.split() == [str(tmp_path / "a.png"), "7", "74.00", "1", "10.00"]
    assert second.split(maxsplit=4)[1:] == ["–", "–", "–", "blank: no ink was found"]


def test_json(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = saved(tmp_path, "ünï 'quo\"te.png", picture())
    assert cli.main(["predict", model, "--json", name]) == 0
    (one,) = json.loads(os_errors_as_usage(capsys)[0])
    assert set(one) == {"file", "class", "probability", "probabilities", "warning"}
    assert (one["file"], one["class"], one["warning"]) == (name, "7", None)
    assert list(one["probabilities"]) == list(DIGITS)
    assert sum(one["probabilities"].values()) == pytest.approx(1)


def test_one_bad_image_leaves_the_others(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = saved(tmp_path, "a.png", picture()), str(tmp_path / "missing.png")
    assert cli.main(["predict", model, bad, good, "--json"]) == 1
    out, err = os_errors_as_usage(capsys)
    first, second = json.loads(out)
    assert (first["class"], second["class"]) == (None, "7")
    assert "no such file" in first["warning"]
    assert err == "mnist-tune: 1 of 2 images can't be used. See their warnings.\n"


def test_several_digits_have_no_class(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = Image.new("RGB", (240, 120))
    two.paste(picture(2), (0, 0))
    two.paste(picture(4), (120, 0))
    assert cli.main(["predict", model, "--json", saved(tmp_path, "two.png", two)]) == 0
    (one,) = json.loads(os_errors_as_usage(capsys)[0])
    assert one["class"] is None
    assert "several digits" in one["warning"]


def test_raw_images_are_taken_as_they_are(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[NDArray[np.uint8]] = []
    answer = fake_load(None).classify

    def classify(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        given.append(images)
        return answer(images)

    monkeypatch.setattr(predict_command, "load", lambda model, run: Loaded(classify, DIGITS))
    pixels = np.random.default_rng(1).integers(0, 256, (3, 28, 28), np.uint8)
    np.save(tmp_path / "a.npy", pixels)
    assert cli.main(["predict", model, str(tmp_path / "a.npy"), "--raw"]) == 0
    np.testing.assert_array_equal(np.concatenate(given), pixels)
    assert cli.main(["predict", model, saved(tmp_path, "b.png", picture()), "--raw"]) == 2
    assert "expected 28×28 pixels. Received: 120×120" in os_errors_as_usage(capsys)[1]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["predict"], "RUN|MODEL"),
        (["predict", "MODEL"], "No images. Expected"),
        (["predict", "MODEL", "missing.png"], "missing.png: no such file"),
        (["predict", "MODEL", "missing.png", "other.png"], "1 more"),
        (["predict", "MODEL", "empty"], "no images"),
        (["predict", "MODEL", "a.png", "--html", "no/such/page.html"], "a file in an existing folder"),
        (["predict", "MODEL", "a.png", "--html", "empty"], "Received a folder"),
        (["predict", "MODEL", "a.png", "--html", "taken.html"], "--force"),
        (["predict", "MODEL", "a.png", "--synthetic", "5"], "generates its images"),
        (["predict", "MODEL", "--synthetic", "0"], "1 to 100000"),
        (["predict", "MODEL", "--synthetic", "some"], "some"),
        (["predict", "MODEL", "--synthetic", "5", "--seed", "-1"], "--seed"),
        (["predict", "nowhere", "a.png"], "does not exist"),
        (["predict", "empty", "a.png"], "holds no model"),
        (["predict", "a.png", "a.png"], "not a .keras file"),
        (["predict", "code.keras", "a.png"], "Lambda"),
        (["predict", "hidden.keras", "a.png"], "Lambda"),
        (["predict", "config.keras", "a.png"], "not a .keras file"),
        (["predict", "unfinished", "a.png"], "no model yet"),
        (["predict", "study", "a.png"], "A study has no model"),
        (["predict", "x" * 5000, "a.png"], "does not exist"),
    ],
)
def test_a_mistake_is_one_line_without_keras(
    words: list[str], line: str, model: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    Path("unfinished").mkdir()
    Path("unfinished/run.json").write_text('{"schema": 1}')
    Path("study").mkdir()
    Path("study/run.json").write_text('{"schema": 1, "kind": "study"}')
    Path("taken.html").write_text("mine")
    saved(folder, "a.png", picture())
    keras_file(Path("code.keras"), {"config": {"layers": [{"class_name": "Lambda"}]}})
    keras_file(Path("hidden.keras"), [[{"x": {"class_name": "__lambda__"}}]])
    Path("config.keras").write_bytes(archive_file(a=np.zeros(1)))
    assert cli.main([model if word == "MODEL" else word for word in words]) == 2
    out, err = os_errors_as_usage(capsys)
    assert line in err
    assert err.count("\n") == 1
    assert out == ""
    assert Path("taken.html").read_text() == "mine"
    assert not list(Path().glob(".*"))


@pytest.mark.parametrize("name", ["a\nb.png", "a\x1b[31mb.png", "a b.png", "ä.png", "'\"<img src=x>.png", "\udcff.png"])
def test_a_name_stays_on_its_line(name: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / name.replace("/", ""))
    Path(path).write_bytes(png())
    page = tmp_path / "page.html"
    assert cli.main(["predict", model, path, "--html", str(page)]) == 0
    out, _ = os_errors_as_usage(capsys)
    assert len(out.splitlines()) == 3
    assert "\x1b" not in out
    html = page.read_text(encoding="utf-8")
    assert "<img src=x>" not in html
    assert "\x1b" not in html


def test_a_page_that_cannot_be_written_leaves_nothing(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    words = ["predict", model, saved(tmp_path, "a.png", picture()), "--html", str(tmp_path / "p.html")]
    assert cli.main(words) == 2
    assert "No space left on device" in os_errors_as_usage(capsys)[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "model.keras"]


# The page


def test_the_page_is_whole_and_asks_nothing_of_a_network() -> None:
    page = predict_page.page_of([prediction(), prediction(answered=False)], "model.keras")
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert "1 of 2 images classified" in page
    assert page.count('class="seen"') == 1
    assert page.count('class="original"') == 2
    assert "--paper: #15171a" in page


def test_the_page_shows_no_more_than_it_can() -> None:
    page = predict_page.page_of([prediction()] * (predict_page.MOST_SHOWN + 1), "m")
    assert page.count('class="card"') == predict_page.MOST_SHOWN
    assert "The first 500 of 501 are shown." in page


def answered(name: str, *probabilities: float) -> Prediction:
    one = prediction(classes=len(probabilities))
    return replace(one, sample=replace(one.sample, name=name), probabilities=probabilities)


def test_the_title_is_the_verdict_and_an_unsure_answer_names_the_runner_up() -> None:
    sure, unsure = answered("a.png", 0.9, 0.06, 0.04), answered("b.png", 0.3, 0.5, 0.2)
    assert "<h1>a.png: 0, 90.00%</h1>" in predict_page.page_of([sure], "m")
    page = predict_page.page_of([unsure], "m")
    assert "<h1>b.png: perhaps 1, 50.00%</h1>" in page
    assert '<p class="unsure"><b>unsure</b> or 0, 30.00%</p>' in page
    both = predict_page.page_of([sure, unsure], "m", ["0", "0"])
    assert "<h1>2 of 2 images classified, 1 of 2 with a known class right, 1 unsure</h1>" in both
    assert both.count('class="unsure"') == 1


def test_an_answer_whose_probability_is_low_is_unsure_however_far_the_next_is() -> None:
    shares = [(0.69, *[0.31 / 9] * 9), (0.71, *[0.29 / 9] * 9)]
    sample = Sample("x", np.zeros((28, 28), np.uint8))
    answers = (np.array([row], np.float32).repeat(3, axis=0) for row in shares for _ in range(2))
    low, high = (predict([sample], lambda images: next(answers)[: len(images)], DIGITS)[0] for _ in shares)
    assert (predict_page.is_unsure(low), predict_page.is_unsure(high)) == (True, False)


def test_of_many_classes_the_most_probable_are_shown() -> None:
    assert predict_page.page_of([prediction(classes=40)], "m").count('class="bar"') == predict_page.MOST_CLASSES


# Drawn digits


def answers(right: list[float | None]) -> tuple[list[Prediction], list[int]]:
    """Predictions of the digits 0, 1, …: each with the probability of its own class, the rest on the next; or refused."""
    found = []
    for label, share in enumerate(right):
        shares = np.zeros(10)
        shares[label % 10], shares[(label + 1) % 10] = share or 0, 1 - (share or 0)
        sample = Sample("x", None if share is None else np.zeros((28, 28), np.uint8))
        found.append(Prediction(sample, DIGITS, None if share is None else tuple(shares.tolist())))
    return found, [label % 10 for label in range(len(right))]


def test_the_figures_of_drawn_digits() -> None:
    found = synthetic.generalisation(*answers([0.9, 0.8, 0.3, None]), seed=1)
    assert (found.n, found.errors, found.refused, found.accuracy) == (4, 2, 1, 0.5)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.3]).mean())
    assert found.calibration_error == pytest.approx((abs(1 - 0.9) + abs(1 - 0.8) + abs(0 - 0.7)) / 3)
    assert found.per_class[:4] == (("0", 1, 1), ("1", 1, 1), ("2", 0, 1), ("3", 0, 1))


def test_drawn_digits_of_a_style_have_their_own_line() -> None:
    found = synthetic.generalisation(*answers([0.9, 0.3, 0.8]), seed=1, styles=["", "long upstroke", "long upstroke"])
    assert found.styles == (("long upstroke", 1, 2),)
    assert synthetic.summary(found).endswith("\nDrawn with a long upstroke: 1 of 2 right")
    assert found.to_json()["styles"] == [{"style": "long upstroke", "right": 1, "n": 2}]


def test_where_all_are_refused_there_is_no_loss() -> None:
    found = synthetic.generalisation(*answers([None, None]), seed=1)
    assert (found.accuracy, found.log_loss, found.calibration_error) == (0.0, None, None)
    assert "–" in synthetic.summary(found)


def test_drawn_digits_on_the_command_line(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", model, "--synthetic", "10", "--json"]) == 0
    found = json.loads(os_errors_as_usage(capsys)[0])
    assert (found["n"], found["errors"], found["accuracy"]) == (10, 9, 0.1)
    assert found["log_loss"] > 2
    assert cli.main(["predict", model, "--synthetic", "10"]) == 0
    assert os_errors_as_usage(capsys)[0].startswith("Accuracy on 10 drawn digits (seed 1): 10.00 [")


def test_drawn_digits_need_a_model_of_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"schema": 1, "data": {"class_names": ["shirt", "coat"]}}))
    keras_file(tmp_path / "best.keras", {})
    assert cli.main(["predict", str(tmp_path), "--synthetic", "5"]) == 2
    assert "Received: shirt, coat" in os_errors_as_usage(capsys)[1]


# Real models

untouched_by_numpy = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras's, of TensorFlow's tensors; the message is NumPy's."""


def tiny_model(**changes: Any) -> Any:  # a Keras model
    import keras

    options = {"shape": (28, 28), "activation": "softmax", "units": 3, **changes}
    image = keras.Input(options["shape"], dtype="uint8")
    tensor = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, keras.layers.Dense(options["units"], options["activation"])(tensor))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of several kinds, untrained."""
    keras = pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("models")
    right = tiny_model()
    right.save(folder / "right.keras")
    if keras.config.backend() == "tensorflow":
        right.export(folder / "right", verbose=False)
        tiny_model(shape=(8, 8, 2)).export(folder / "small", verbose=False)
    tiny_model(shape=(8, 8, 2)).save(folder / "small.keras")
    tiny_model(activation="linear").save(folder / "logits.keras")
    tiny_model(units=1).save(folder / "one.keras")
    keras_file(folder / "nothing.keras", {"class_name": "Functional"})
    keras_file(folder / "foreign.keras", {"module": "os", "class_name": "system", "config": {"command": "mkdir owned"}})
    return folder


@untouched_by_numpy
@pytest.mark.parametrize("name", ["right.keras", "right"])
def test_a_model_is_loaded_and_asked(
    name: str, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (models / name).exists():
        pytest.skip("a SavedModel needs TensorFlow")
    paths = [saved(tmp_path, f"{label}.png", picture(label)) for label in range(3)]
    assert cli.main(["predict", str(models / name), "--json", *paths]) == 0
    found = json.loads(os_errors_as_usage(capsys)[0])
    assert [one["file"] for one in found] == paths
    assert all(sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5) for one in found)
    assert all(one["class"] in ("0", "1", "2") for one in found)


@untouched_by_numpy
def test_both_forms_of_a_model_answer_alike(models: Path) -> None:
    if not (models / "right").exists():
        pytest.skip("a SavedModel needs TensorFlow")
    images = np.random.default_rng(1).integers(0, 256, (300, 28, 28), np.uint8)
    first, second = (load(find_model(models / name)).classify(images) for name in ("right.keras", "right"))
    np.testing.assert_allclose(first, second, atol=1e-5)


@untouched_by_numpy
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("small.keras", "Expected a model from images (n, h, w)"),
        ("small", "Expected a model from images (n, h, w)"),
        ("one.keras", "Expected a model from images (n, h, w)"),
        ("logits.keras", "not probabilities"),
        ("nothing.keras", "can't be loaded safely"),
        ("foreign.keras", "can't be loaded safely"),
    ],
)
def test_a_model_that_is_not_ours_is_refused(
    name: str, line: str, models: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (models / name).exists():
        pytest.skip("a SavedModel needs TensorFlow")
    assert cli.main(["predict", str(models / name), saved(folder, "a.png", picture())]) == 2
    out, err = os_errors_as_usage(capsys)
    assert line in err
    assert err.count("\n") == 1
    assert out == ""
    assert not Path("owned").exists()


@untouched_by_numpy
def test_a_run_s_classes_must_fit_its_model(models: Path) -> None:
    with pytest.raises(UsageError, match="Expected 2 classes"):
        load(find_model(models / "right.keras", ("a", "b")))


def test_it_starts_without_keras_where_the_images_are_bad(tmp_path: Path) -> None:
    keras_file(tmp_path / "m.keras", {})
    program = (
        "import sys; from mnist_tune.cli import main; code = main(sys.argv[1:]);"
        "sys.exit(code if not {'keras', 'tensorflow'} & set(sys.modules) else 99)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "predict", str(tmp_path / "m.keras"), "nothing.png"], cwd=ROOT, check=False
    )
    assert done.returncode == 2
