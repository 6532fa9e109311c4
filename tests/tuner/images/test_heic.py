"""HEIC files: one line of advice, or read where `pillow-heif` is installed; skipped files of a folder are named."""

from __future__ import annotations

import io
import struct
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_tune import cli
from mnist_tune.cli import predict as command
from tests.kit.predictions import fake_load, keras_file, picture, saved
from tests.kit.predictions import read as read_pictures
from tests.kit.runs.user_image_runs import page, read
from tuner.data.picture_options import PictureOptions
from tuner.data.pictures.decoding import PictureFiles, decode
from tuner.images.heic import ADVICE, is_heic
from tuner.images.reading import Picture, Refused


def heic(brand: bytes = b"heic", *others: bytes) -> bytes:
    box = brand + bytes(4) + b"".join(others)
    return struct.pack(">I", 8 + len(box)) + b"ftyp" + box + bytes(64)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (heic(), True),
        (heic(b"mif1", b"heic"), True),
        (heic(b"mif1", b"miaf"), True),
        (heic(b"avif", b"mif1"), False),
        (heic(b"mif1", b"avif"), False),
        (heic(b"mp42"), False),
        (b"ftypheic", False),
        (b"", False),
    ],
)
def test_heic_is_recognised(content: bytes, expected: bool) -> None:
    assert is_heic(content) == expected


@pytest.fixture
def without_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


@pytest.mark.usefixtures("without_reader")
@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "a.heif", "named.jpg"])
def test_without_the_reader_it_says_save_as_jpeg(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(heic())
    (one,) = read_pictures(str(tmp_path))
    assert isinstance(one, Refused)
    assert one.reason.startswith("a HEIC image, which is not read here. Save it as JPEG")
    assert "\n" not in one.reason


def test_with_a_reader_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for `pillow-heif`: a plugin of that name for Pillow."""

    def open_heif(file: Any, name: Any) -> Any:
        image = picture()
        image.format = "HEIF"
        return image

    def register() -> None:
        Image.register_open("HEIF", open_heif, lambda prefix: prefix[4:8] == b"ftyp")

    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    monkeypatch.setitem(sys.modules, "pillow_heif", types.SimpleNamespace(register_heif_opener=register))
    (tmp_path / "a.heic").write_bytes(heic())
    (one,) = read_pictures(str(tmp_path / "a.heic"))
    assert isinstance(one, Picture)
    assert np.ptp(one.grey) > 0.5


def test_a_real_heic_is_read(tmp_path: Path) -> None:
    reader = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    reader.from_pillow(picture()).save(file, quality=90)
    (tmp_path / "a.heic").write_bytes(file.getvalue())
    assert is_heic(file.getvalue())
    (one,) = read_pictures(str(tmp_path / "a.heic"))
    assert isinstance(one, Picture)
    assert np.abs(one.grey - np.asarray(picture().convert("L"), np.float32) / 255).mean() < 0.03


def test_predict_names_every_file_of_a_folder_that_it_passes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "load", fake_load)
    keras_file(tmp_path / "m.keras", {})
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    saved(folder, "a.png", picture())
    for name in ("notes.md", "b\x1b[31m.pdf", ".hidden"):
        (folder / name).write_text("")
    assert cli.main(["predict", str(tmp_path / "m.keras"), str(folder)]) == 0
    _, err = capsys.readouterr()
    assert err == f"mnist-tune: skipped in {folder}: b\\x1b[31m.pdf, below/, notes.md\n"


def test_a_run_s_images_name_the_files_that_are_passed_over(tmp_path: Path) -> None:
    page(tmp_path / "7" / "a.png")
    for name in ("notes.md", "7/b.pdf"):
        (tmp_path / name).write_text("")
    (note,) = read(tmp_path).notes
    assert note == "--images: these files are no images and were skipped: notes.md, 7/b.pdf."


def test_in_a_data_set_the_package_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    files = PictureFiles(1, lambda: [[lambda: io.BytesIO(heic())]], str)
    assert decode(files, (8, 8), PictureOptions()).faults == {0: ADVICE}
