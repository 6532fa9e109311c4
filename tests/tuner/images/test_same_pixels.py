"""A picture of the training set becomes the same pixels when it is given to a model: one way to open, reduce and resize it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.kit.picture_files import noise
from tuner.data.dataset import load_dataset
from tuner.data.picture_options import PictureOptions
from tuner.images import picture_files
from tuner.images.input_form import InputForm
from tuner.images.prediction import make_sample
from tuner.images.reading import Picture, read_images
from tuner.images.resizing import resized

LARGE = (1700, 2300)
"""Larger than a picture of digits is kept, and large enough for each of JPEG's reductions."""


def turned(quarter: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = quarter
    return exif


def transparent(size: tuple[int, int]) -> Image.Image:
    picture = noise(1, size)
    picture.putalpha(noise(2, size, colour=False))
    return picture


PICTURES: dict[str, tuple[Image.Image, dict[str, Any]]] = {
    "large.jpg": (noise(1, LARGE), {"quality": 90}),
    "turned.jpg": (noise(1, LARGE), {"exif": turned(6)}),
    "grey.jpg": (noise(1, LARGE, colour=False), {}),
    "cmyk.jpg": (noise(1, (300, 500)).convert("CMYK"), {}),
    "middle.jpg": (noise(1, (150, 300)), {"quality": 60}),
    "small.jpg": (noise(1, (20, 30)), {}),
    "large.png": (noise(1, (500, 1700)), {}),
    "transparent.png": (transparent((70, 90)), {}),
    "16 bits.png": (Image.fromarray(np.random.default_rng(1).integers(0, 2**16, (80, 90), np.uint16)), {}),
    "palette.png": (noise(1, (60, 50)).convert("P"), {}),
    "large.webp": (noise(1, (300, 400)), {}),
}


def trained(path: Path, pictures: PictureOptions) -> NDArray[np.uint8]:
    """The picture as an image of a data set: of a folder where it is of one class, and others of another."""
    folder = path.parent / "zoo"
    for name in ("ant", "bee"):
        (folder / name).mkdir(parents=True)
    for number in range(8):
        (folder / "ant" / f"{number}{path.suffix}").write_bytes(path.read_bytes())
        noise(number, (40, 40)).save(folder / "bee" / f"{number}.png")
    data = load_dataset(str(folder), validation=0.2, seed=1, pictures=pictures)
    return data.x_train[data.y_train == 0][0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(
    "pictures",
    [
        PictureOptions((32, 32)),
        PictureOptions((96, 64), resize="pad"),
        PictureOptions((24, 40), grayscale=True, resize="stretch"),
    ],
    ids=lambda pictures: pictures.resize,
)
def test_a_picture_is_prepared_as_it_was_for_training(name: str, pictures: PictureOptions, tmp_path: Path) -> None:
    picture, settings = PICTURES[name]
    path = tmp_path / name
    picture.save(path, **settings)
    image = trained(path, pictures)
    form = InputForm.of(image.shape, digits=False, how=pictures.resize)
    (read,) = read_images([str(path)], io.BytesIO)
    sample = make_sample(read, raw=False, form=form)
    assert sample.image is not None
    np.testing.assert_array_equal(sample.image, image)


def test_a_large_jpeg_is_reduced_while_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise(1, LARGE).save(tmp_path / "a.jpg")
    sizes = []

    def spied(picture: Image.Image, *rest: Any) -> NDArray[np.uint8]:
        picture.load()
        sizes.append(picture.size)
        return resized(picture, *rest)

    monkeypatch.setattr(picture_files, "resized", spied)
    form = InputForm.of((32, 32, 3), digits=False)
    (read,) = read_images([str(tmp_path / "a.jpg")], io.BytesIO)
    assert isinstance(read, Picture)
    make_sample(read, raw=False, form=form)
    assert sizes == [(288, 213)]
