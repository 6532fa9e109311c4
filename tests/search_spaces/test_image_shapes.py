"""Spaces for images of any shape: their counts are Keras's, their caps hold, their networks take the images."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from search_spaces.families.registry import load_family, load_space
from search_spaces.hyperparameters.recipe import Augmentation
from search_spaces.keras.augmentation import augment, saturate
from search_spaces.networks.problem import Problem
from tests.kit.marks import slow_after

SHAPES = ((8, 8), (28, 28), (32, 32, 3), (64, 64, 3), (96, 96), (4, 4), (20, 44), (128, 128, 3))
ROOMY = {"max_params": 2_000_000, "max_macs": 20_000_000}
"""For the spaces of dense layers, whose smallest network on large images is above their own caps."""


def caps(space: str, shape: tuple[int, ...]) -> dict[str, int]:
    return ROOMY if space in ("dense", "cnn3") and max(shape) > 60 else {}


def trainable(model: Any) -> int:
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def check_counts(space: str, shape: tuple[int, ...], samples: int) -> None:
    keras_space = load_space(space, image_shape=shape, classes=7, digits=False, **caps(space, shape))
    rng = np.random.default_rng(3)
    for _ in range(samples):
        values = keras_space.sample(rng)
        assert keras_space.fits(values)
        keras_space.check(values)
        model = keras_space.build_values(values)
        assert trainable(model) == keras_space.count_parameters(values) <= keras_space.max_params
        assert model.input_shape == (None, *shape)
        assert model.output_shape == (None, 7)


@pytest.mark.parametrize(
    ("space", "place"),
    slow_after(
        8,
        [
            *(("compact8k", place) for place in (0, 2, 4, 7)),
            *((space, place) for space, place in zip(("cnn3", "micro1k", "dense", "dense"), (2, 2, 2, 4), strict=True)),
            *itertools.product(("compact8k", "cnn3", "micro1k", "dense"), (1, 3, 5, 6)),
        ],
    ),
)
def test_counts_are_keras_s(space: str, place: int) -> None:
    check_counts(space, SHAPES[place], samples=2)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES[:5])
def test_counts_are_keras_s_over_many_samples(shape: tuple[int, ...]) -> None:
    check_counts("compact8k", shape, samples=60)


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        *itertools.product(("compact8k", "micro1k"), SHAPES),
        # Other caps of the same networks: the smallest and the largest, where images are large.
        *itertools.product(("compact2k", "compact20k"), ((96, 96), (128, 128, 3))),
    ],
)
def test_caps_hold_and_defaults_fit(space: str, shape: tuple[int, ...]) -> None:
    family = load_family(space, image_shape=shape, digits=False)
    rng = np.random.default_rng(1)
    assert family.fits(family.default_configuration())
    for _ in range(25):
        values = family.sample(rng)
        assert family.fits(values)
        assert family.fits(family.sample_near(rng, values))
        assert family.complete(values) == values


def test_every_shape_value_that_fits_occurs_where_images_may_be_shrunk() -> None:
    family = load_family("compact20k", image_shape=(96, 96), digits=False)
    fitting = {name: set(values) for name, values in family.fitting_values().items()}
    rng = np.random.default_rng(1)
    seen: dict[str, set[object]] = {name: set() for name in fitting}
    for _ in range(3_000):
        for name, value in family.sample(rng).items():
            if name in seen:
                seen[name].add(value)
    layouts = [name for name in fitting if not name.startswith("filters_") and not name.endswith(("_filters", "units"))]
    assert {name: seen[name] for name in layouts} == {name: fitting[name] for name in layouts}


def test_large_images_are_shrunk_first() -> None:
    family = load_family("compact8k", image_shape=(96, 96, 3), digits=False)
    pooling = next(tuned for tuned in family.hyperparameters if tuned.name == "image_pooling")
    assert (pooling.minimum, pooling.maximum, pooling.default) == (1, 6, 2)
    assert family.notation(family.default_configuration()).startswith("avg2 ")
    assert family.layers(family.default_configuration())[0].shape == (48, 48, 3)


def test_multiply_adds_have_a_larger_cap_for_larger_images() -> None:
    assert load_family("compact8k").max_macs == 2_500_000
    assert load_family("compact8k", image_shape=(8, 8)).max_macs == 2_500_000
    assert load_family("compact8k", image_shape=(56, 56)).max_macs == 2_500_000  # shrunk to 28×28
    assert load_family("compact8k", image_shape=(42, 42)).max_macs == round(2_500_000 * 1.5**2)


def test_published_networks_are_references_for_digits_of_mnist_s_size_only() -> None:
    digits = load_family("compact8k")
    assert digits.references_that_fit()
    for other in (load_family("compact8k", image_shape=(32, 32, 3)), load_family("compact8k", digits=False)):
        assert other.references() == other.references_that_fit() == ()
        scaled = other.scaled_references()
        assert len(scaled) > 5
        assert all(other.fits(values) for _, values in scaled)
        assert other.count_parameters(scaled[0][1]) > 0.9 * other.max_params


def test_digits_are_neither_mirrored_nor_coloured() -> None:
    names = {tuned.name for tuned in load_family("compact8k").hyperparameters}
    assert not names & {"horizontal_flip", "saturation", "brightness"}
    grey = {tuned.name for tuned in load_family("compact8k", digits=False).hyperparameters}
    assert grey - names == {"horizontal_flip", "brightness", "contrast"}
    colour = load_family("dense", image_shape=(28, 28, 3), digits=False).hyperparameters
    assert {"horizontal_flip", "saturation"} <= {tuned.name for tuned in colour}


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((3, 28), 10, "each side from 4 to 128 pixels"),
        ((28, 129), 10, "each side from 4 to 128 pixels"),
        ((28,), 10, r"Expected images of \(h, w\) or \(h, w, 3\)"),
        ((28, 28, 1), 10, r"Expected images of \(h, w\) or \(h, w, 3\)"),
        ((28, 28, 4), 10, r"Expected images of \(h, w\) or \(h, w, 3\)"),
        ((28, 28), 1, "Expected 2 to 100 classes"),
        ((28, 28), 101, "Expected 2 to 100 classes"),
    ],
)
def test_impossible_problems(shape: tuple[int, ...], classes: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Problem(shape, classes)


def test_a_colour_network_trains() -> None:
    space = load_space("compact2k", image_shape=(16, 20, 3), classes=2, digits=False)
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 256)
    images = rng.integers(0, 120, (256, 16, 20, 3), dtype=np.uint8)
    images[..., 0] += (labels * 120).astype(np.uint8)[:, None, None]
    values = space.complete({"augmentation": "affine+jitter", "batch_size": 32})
    model = space.build_values(values)
    history = space.fit_values(values, model, images, labels, 6, seed=1, verbose=0)
    assert history.history["accuracy"][-1] > 0.9


def colour_images(count: int = 40) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, 12, 10, 3), dtype=np.uint8)


def test_mirroring_takes_half_of_the_images_and_keeps_their_colours() -> None:
    images = colour_images(400)
    changed = augment(images, Augmentation(horizontal_flip=True), np.random.default_rng(1))
    mirrored = (changed == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 150 < mirrored.sum() < 250
    assert (changed[~mirrored] == images[~mirrored]).all()


def test_a_saturation_of_zero_is_grey_and_of_one_the_image() -> None:
    images = colour_images()
    factors = np.repeat(np.array([0.0, 1.0], dtype=np.float32), 20)
    changed = saturate(images, factors)
    assert (changed[:20] == changed[:20, ..., :1]).all()
    assert (changed[20:] == images[20:]).all()


def test_colour_images_move_as_grey_ones_do_and_keep_their_edge() -> None:
    grey = np.full((5, 16, 16), 200, dtype=np.uint8)
    strengths = Augmentation(rotation=10, shift=0.2)
    moved = augment(grey, strengths, np.random.default_rng(1))
    assert (moved == 0).any()
    colour = augment(np.repeat(grey[..., None], 3, axis=-1), strengths, np.random.default_rng(1))
    assert (colour == 200).all()


@pytest.mark.parametrize("strengths", [Augmentation(brightness=0.3), Augmentation(contrast=0.3)])
def test_jitter_of_colour_images_is_that_of_grey_ones(strengths: Augmentation) -> None:
    grey = colour_images()[..., 0]
    expected = augment(grey, strengths, np.random.default_rng(1))
    changed = augment(np.repeat(grey[..., None], 3, axis=-1), strengths, np.random.default_rng(1))
    assert (changed == expected[..., None]).all()


def test_grey_images_have_no_saturation() -> None:
    grey = colour_images()[..., 0]
    assert (augment(grey, Augmentation(saturation=0.4), np.random.default_rng(1)) == grey).all()
