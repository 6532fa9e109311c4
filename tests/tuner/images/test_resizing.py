"""One picture as an image of a size: crop, pad and stretch, shrinking by area, grey, transparency, orientation, 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.kit.picture_files import noise
from tuner.core.pictures import Resize
from tuner.images.resizing import resized

LEFT_RIGHT = Image.fromarray(np.repeat(np.array([[10, 10, 200, 200]], np.uint8), 2, axis=0))
"""2×4: the left half is 10, the right half 200."""


def shades(*rows: list[int]) -> NDArray[np.uint8]:
    return np.array(rows, np.uint8)


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("colour", [True, False])
def test_a_picture_of_the_size_is_as_it_was(how: Resize, colour: bool) -> None:
    picture = noise(1, (12, 10), colour=colour)
    np.testing.assert_array_equal(resized(picture, (12, 10), how), np.asarray(picture))


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
def test_shrinking_takes_the_mean_of_the_area(how: Resize) -> None:
    picture = noise(1, (64, 48))
    expected = np.asarray(picture, float).reshape(16, 4, 12, 4, 3).mean(axis=(1, 3))
    assert np.abs(resized(picture, (16, 12), how) - expected).max() <= 1


def test_crop_keeps_the_middle() -> None:
    picture = Image.fromarray(np.repeat(np.arange(0, 60, 10, dtype=np.uint8)[None], 2, axis=0))
    np.testing.assert_array_equal(resized(picture, (2, 2), "crop"), shades([20, 30], [20, 30]))
    np.testing.assert_array_equal(resized(picture.transpose(Image.Transpose.TRANSPOSE), (2, 2), "crop"), shades([20, 20], [30, 30]))  # fmt: skip


def test_pad_keeps_all_and_adds_black() -> None:
    image = resized(LEFT_RIGHT, (4, 4), "pad")
    np.testing.assert_array_equal(image, shades([0] * 4, [10, 10, 200, 200], [10, 10, 200, 200], [0] * 4))
    assert resized(noise(1, (2, 4)), (4, 4), "pad")[0].tolist() == [[0, 0, 0]] * 4


def test_stretch_changes_the_proportions() -> None:
    np.testing.assert_array_equal(resized(LEFT_RIGHT, (2, 2), "stretch"), shades([10, 200], [10, 200]))
    np.testing.assert_array_equal(resized(LEFT_RIGHT, (4, 2), "stretch"), shades(*[[10, 200]] * 4))


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(4, 4), (128, 4), (4, 128), (33, 57)])
@pytest.mark.parametrize("original", [(1, 1), (1, 300), (300, 1), (50, 50), (7, 90)])
def test_every_size_can_be_had(how: Resize, size: tuple[int, int], original: tuple[int, int]) -> None:
    assert resized(noise(1, original), size, how).shape == (*size, 3)
    assert resized(noise(1, original, colour=False), size, how).shape == size


def test_enlarging_is_bilinear() -> None:
    image = resized(Image.fromarray(shades([0, 100])), (1, 8), "stretch")
    assert np.all(np.diff(image[0].astype(int)) >= 0)
    assert len(np.unique(image)) > 2


def test_grey_is_the_luma() -> None:
    picture = Image.new("RGB", (4, 4), (200, 100, 50))
    assert set(np.unique(resized(picture, (4, 4), grayscale=True))) == {round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)}


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (200, 0, 0, 0), [255, 255, 255]),
        ("RGBA", (200, 0, 0, 255), [200, 0, 0]),
        ("RGBA", (0, 0, 0, 51), [204, 204, 204]),
        ("LA", (0, 0), 255),
        ("LA", (7, 255), 7),
    ],
)
def test_transparent_pixels_become_white(mode: str, colour: tuple[int, ...], expected: object) -> None:
    image = resized(Image.new(mode, (4, 4), colour), (4, 4))
    assert image[0, 0].tolist() == expected


def test_a_palette_with_a_transparent_colour_is_put_onto_white(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((0, 0), 1)
    picture.save(tmp_path / "a.png", transparency=0)
    with Image.open(tmp_path / "a.png") as again:
        image = resized(again, (4, 4))
    assert (image[0, 0].tolist(), image[1, 1].tolist()) == ([40, 50, 60], [255, 255, 255])


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.fromarray(np.full((4, 4), 65535, np.uint16)), 255),
        (Image.fromarray(np.full((4, 4), 257, np.uint16)), 1),
        (Image.new("1", (4, 4), 1), 255),
        (Image.fromarray(np.full((4, 4), 0.5, np.float32)), 128),
        (Image.new("CMYK", (4, 4), (0, 0, 0, 0)), [255, 255, 255]),
    ],
)
def test_other_modes(picture: Image.Image, expected: object) -> None:
    assert resized(picture, (4, 4))[0, 0].tolist() == expected


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (3, 3)), (6, (0, 3)), (8, (3, 0)), (99, (0, 0))])
def test_exif_says_which_side_is_up(orientation: int, corner: tuple[int, int]) -> None:
    picture = Image.new("L", (4, 4))
    picture.putpixel((0, 0), 255)
    picture.getexif()[0x0112] = orientation
    image = resized(picture, (4, 4))
    assert np.argwhere(image == 255).tolist() == [list(corner)]
