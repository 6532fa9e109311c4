"""Augmentation of training images: small changes of position, size, brightness, contrast and colours, mirroring."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from search_spaces.hyperparameters.recipe import Augmentation

Images: TypeAlias = npt.NDArray[np.uint8]
"""(n, height, width) or (n, height, width, 3)."""
Transforms: TypeAlias = npt.NDArray[np.float32]
"""(n, 8), each (a0, a1, a2, b0, b1, b2, 0, 0): pixel (x, y) of the result is that at (a0 x + a1 y + a2, b0 x + b1 y +
b2) of the image."""
Factors: TypeAlias = npt.NDArray[np.float32]
"""(n,)."""

_CHUNK = 4096
"""Images a chunk: 13 MB of MNIST's in float32."""
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""The parts of red, green and blue in the grey of a pixel (ITU-R BT.601)."""


def augment(images: Images, strengths: Augmentation, rng: np.random.Generator) -> Images:
    """Return images with random changes: moved (bilinear), then brightened or dimmed, then mirrored.

    Args:
        images: (n, height, width) or (n, height, width, 3).
        strengths: where all are zero, the images are returned.
        rng: the only source of chance.

    Returns:
        images of the same shape, another array unless all strengths are zero.
    """
    if strengths.is_identity or not len(images):
        return images
    moved = _moved(images, strengths, rng) if strengths.moves else images
    # Sampled last, so that a seed has the same transforms with and without jitter.
    changed = jitter(moved, *sample_jitter(len(images), strengths, rng)) if strengths.jitters else moved
    if strengths.saturation and images.ndim == 4:
        changed = saturate(changed, _sample_factors(len(images), strengths.saturation, rng))
    return mirror(changed, rng.random(len(images)) < 0.5) if strengths.horizontal_flip else changed


def sample_transforms(
    count: int, size: tuple[int, ...], strengths: Augmentation, rng: np.random.Generator
) -> Transforms:
    """Sample one transform an image, about the image's centre.

    Args:
        count: how many.
        size: height and width of the images.
        strengths: the maxima.
        rng: the only source of chance.
    """
    angle, right, down, growth = rng.uniform(-1.0, 1.0, (4, count))
    angle = angle * math.radians(strengths.rotation)
    factor = 1.0 / (1.0 + growth * strengths.scale)
    height, width = size[:2]
    shift_x, shift_y = right * strengths.shift * width, down * strengths.shift * height
    return _inverse_transforms(np.cos(angle) * factor, np.sin(angle) * factor, (shift_x, shift_y), (height, width))


def sample_jitter(count: int, strengths: Augmentation, rng: np.random.Generator) -> tuple[Factors, Factors]:
    """Sample the factors of brightness and contrast of each image, from 1 - strength to 1 + strength."""
    return _sample_factors(count, strengths.brightness, rng), _sample_factors(count, strengths.contrast, rng)


def _sample_factors(count: int, strength: float, rng: np.random.Generator) -> Factors:
    return (1.0 + strength * rng.uniform(-1.0, 1.0, count)).astype(np.float32)


def jitter(images: Images, brightness: Factors, contrast: Factors) -> Images:
    """Multiply images by `brightness` (n,), and their distances from the image's mean by `contrast` (n,)."""
    means = images.mean(axis=tuple(range(1, images.ndim)), dtype=np.float32) * brightness
    factors, offsets = brightness * contrast, means * (1.0 - contrast)
    return _as_pixels(images * _an_image(factors, images) + _an_image(offsets, images))


def saturate(images: Images, factors: Factors) -> Images:
    """Multiply the distances of colour images' pixels from their grey (ITU-R BT.601) by `factors` (n,)."""
    grey = images.astype(np.float32) @ GREY
    by_image = _an_image(factors, images)
    return _as_pixels(images * by_image + grey[..., None] * (1.0 - by_image))


def mirror(images: Images, chosen: npt.NDArray[np.bool_]) -> Images:
    """Return the images, those that are chosen (n,) mirrored left to right."""
    mirrored = np.array(images)
    mirrored[chosen] = mirrored[chosen][:, :, ::-1]
    return mirrored


def transform(images: Images, transforms: Transforms) -> Images:
    """Transform images by `transforms` (n, 8), bilinear; outside are zeros, of colour images the pixels of their edge."""
    is_colour = images.ndim == 4
    # In float32, since integers would be truncated instead of rounded.
    maps = (images if is_colour else images[..., None]).astype(np.float32)
    # `Any`: a tensor of the backend.
    result: Any = keras.ops.image.affine_transform(
        maps,
        transforms,
        interpolation="bilinear",
        fill_mode="nearest" if is_colour else "constant",
        fill_value=0,
        data_format="channels_last",
    )
    pixels = _as_pixels(np.asarray(keras.ops.convert_to_numpy(result)))
    return pixels if is_colour else pixels[..., 0]


def _an_image(factors: Factors, images: Images) -> Factors:
    """Return factors (n,) in a shape that multiplies whole images."""
    return factors.reshape(-1, *(1,) * (images.ndim - 1))


def _as_pixels(values: npt.NDArray[np.float32]) -> Images:
    return np.asarray(np.clip(np.rint(values), 0.0, 255.0).astype(np.uint8))


def _moved(images: Images, strengths: Augmentation, rng: np.random.Generator) -> Images:
    transforms = sample_transforms(len(images), images.shape[1:3], strengths, rng)
    chunks = range(0, len(images), _CHUNK)
    return np.concatenate([transform(images[at : at + _CHUNK], transforms[at : at + _CHUNK]) for at in chunks])


def _inverse_transforms(
    cosine: npt.NDArray[np.float64],
    sine: npt.NDArray[np.float64],
    shift: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    size: tuple[int, int],
) -> Transforms:
    """Return transforms from result to image: undo the shift, then rotate and scale about the centre."""
    middle_x, middle_y = (size[1] - 1) / 2, (size[0] - 1) / 2
    from_x, from_y = middle_x + shift[0], middle_y + shift[1]
    zeros = np.zeros_like(cosine)
    columns = (
        cosine,
        -sine,
        middle_x - cosine * from_x + sine * from_y,
        sine,
        cosine,
        middle_y - sine * from_x - cosine * from_y,
        zeros,
        zeros,
    )
    return np.stack(columns, axis=1).astype(np.float32)
