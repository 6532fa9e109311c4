"""Corruptions of test images: of MNIST's shape as they always were, of others scaled, of colour as photographs."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.training import corruptions
from tuner.training.corruptions import COLOUR_KINDS, KINDS, Corruption, corrupted, corruptions_of

SHAPES = ((4, 4), (8, 8), (28, 28), (128, 64), (4, 128), (4, 4, 3), (32, 32, 3), (64, 48, 3), (128, 128, 3))


def images(shape: tuple[int, ...], count: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (count, *shape), dtype=np.uint8)


def named(name: str, shape: tuple[int, ...]) -> Corruption:
    return next(kind for kind in corruptions_of(shape) if kind.name == name)


def test_grey_images_of_28_by_28_are_made_worse_as_before() -> None:
    """The numbers of earlier runs' pages: bytes of every kind and level."""
    assert corruptions_of((28, 28)) == KINDS
    digest = hashlib.sha256()
    for kind in KINDS:
        for level in kind.levels:
            digest.update(corrupted(kind, images((28, 28), 50), level, np.random.default_rng(5)).tobytes())
    assert digest.hexdigest() == "79e11378c3a0f2b2b91610b9236442532a4f840dd22991f88b8f219929a0f441"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_kind_and_level_suits_every_shape(shape: tuple[int, ...]) -> None:
    whole = images(shape)
    for kind in corruptions_of(shape):
        assert len(kind.levels) == 5
        assert len(set(kind.levels)) == 5
        for step, level in enumerate(kind.levels):
            worse = corrupted(kind, whole, level, np.random.default_rng(1))
            assert worse.shape == whole.shape
            assert worse.dtype == np.uint8
            assert np.array_equal(worse, whole) == (step == 0), (kind.name, level)


@pytest.mark.parametrize(
    ("name", "shape", "levels"),
    [
        ("shift", (28, 28), (0.0, 1.0, 2.0, 3.0, 4.0)),
        ("shift", (56, 60), (0.0, 2.0, 4.0, 6.0, 8.0)),
        ("shift", (56, 56, 3), (0.0, 2.0, 4.0, 6.0, 8.0)),
        ("occlusion", (8, 8), (0.0, 1.0, 2.0, 3.0, 4.0)),
        ("occlusion", (64, 64, 3), (0.0, 9.0, 14.0, 18.0, 23.0)),
        ("rotation", (64, 64), (0.0, 10.0, 20.0, 30.0, 45.0)),
    ],
)
def test_what_is_measured_in_pixels_grows_with_the_image(
    name: str, shape: tuple[int, ...], levels: tuple[float, ...]
) -> None:
    assert named(name, shape).levels == levels


def test_only_colour_images_lose_their_colour_or_are_compressed() -> None:
    grey, colour = ({kind.name for kind in corruptions_of(shape)} for shape in ((32, 32), (32, 32, 3)))
    assert colour - grey == {"brightness", "darkness", "saturation", "compression"}
    assert grey - colour == {"scale"}


def test_without_saturation_the_channels_are_alike() -> None:
    worse = corrupted(named("saturation", (16, 16, 3)), images((16, 16, 3)), 0.0, np.random.default_rng(1))
    assert np.ptp(worse.astype(int), axis=-1).max() <= 1


def test_contrast_keeps_a_photograph_s_mean_and_darkens_a_drawing() -> None:
    for shape, darker in (((16, 16, 3), False), ((16, 16), True)):
        whole = images(shape)
        worse = corrupted(named("contrast", shape), whole, 0.3, np.random.default_rng(1))
        assert (worse.mean() < 0.5 * whole.mean()) == darker
        assert worse.std() < 0.4 * whole.std()


def test_brightness_and_darkness_move_every_pixel_the_same_way() -> None:
    whole = np.full((1, 8, 8, 3), 100, np.uint8)
    for name, value in (("brightness", 100 + 51), ("darkness", 100 - 51)):
        assert set(corrupted(named(name, (8, 8, 3)), whole, 0.2, np.random.default_rng(1)).ravel()) == {value}


def test_the_edge_of_a_photograph_goes_on_and_that_of_a_drawing_is_black() -> None:
    for shape, corner in (((28, 28, 3), 200), ((28, 28), 0)):
        white = np.full((1, *shape), 200, np.uint8)
        moved = corrupted(named("shift", shape), white, 4.0, np.random.default_rng(1))
        assert moved[0, 0, 0].max() == corner
        assert moved[0, -1, -1].min() == 200


def test_a_square_lies_within_the_image_and_has_its_size() -> None:
    for shape in ((8, 8), (40, 20, 3), (4, 4, 3)):
        white = np.full((200, *shape), 255, np.uint8)
        kind = named("occlusion", shape)
        for level in kind.levels[1:]:
            black = corrupted(kind, white, level, np.random.default_rng(2)).reshape(200, *shape[:2], -1).max(-1) == 0
            assert set(black.sum(axis=(1, 2))) == {int(level) ** 2}


def test_many_images_are_made_worse_in_parts_and_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = images((16, 16, 3), 40)
    for kind in COLOUR_KINDS:
        if kind.name == "occlusion":  # the places of later parts are drawn after those of the first
            continue
        at_once = corrupted(kind, whole, kind.levels[2], np.random.default_rng(3))
        monkeypatch.setattr(corruptions, "_CHUNK", 7 * 16 * 16 * 3)
        assert np.array_equal(corrupted(kind, whole, kind.levels[2], np.random.default_rng(3)), at_once)
        monkeypatch.undo()


def test_no_images_stay_none() -> None:
    for kind in COLOUR_KINDS:
        assert corrupted(kind, images((8, 8, 3), 0), kind.levels[1], np.random.default_rng(1)).shape == (0, 8, 8, 3)
