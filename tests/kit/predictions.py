"""Models and pictures for prediction, and made-up predictions."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_tune.cli import predict
from mnist_tune.prediction import generalisation as synthetic
from mnist_tune.prediction.loaded_model import Loaded
from tests.kit.handwriting import FONTS, Page, font_mask, picture_of
from tuner.images.prediction import Prediction, Sample
from tuner.images.reading import Picture, Refused, read_images

DIGITS = tuple("0123456789")


def picture(label: int = 3, **page: Any) -> Image.Image:
    return picture_of(font_mask(label, FONTS[0]), Page(size=(120, 120), **page), np.random.default_rng(1))


def read(*words: str, stdin: bytes = b"") -> list[Picture | Refused]:
    return list(read_images(words, lambda: io.BytesIO(stdin)))


def fake_load(model: object, run: object = None) -> Loaded:
    """Return a model that classifies every image as a 7, with probability 0.74."""

    def classify(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        answer = np.full((len(images), 10), 0.02, np.float32)
        answer[:, 7], answer[:, 1] = 0.74, 0.1
        return answer

    return Loaded(classify, DIGITS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, the working directory of the test."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the path of a file that looks like a model; `fake_load` replaces Keras."""
    monkeypatch.setattr(predict, "load", fake_load)
    monkeypatch.setattr(synthetic, "load", fake_load)
    path = tmp_path / "model.keras"
    keras_file(path, {"class_name": "Functional"})
    return str(path)


def keras_file(path: Path, config: Any) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))


def saved(folder: Path, name: str, image: Image.Image, **options: Any) -> str:
    path = folder / name
    image.save(path, **options)
    return str(path)


def prediction(name: str = "a.png", *, classes: int = 10, answered: bool = True) -> Prediction:
    image = np.zeros((28, 28), np.uint8)
    shares = tuple(np.full(classes, 1 / classes).tolist())
    sample = Sample(name, image if answered else None, None if answered else "blank", original=picture())
    return Prediction(sample, tuple(map(str, range(classes))), shares if answered else None)
