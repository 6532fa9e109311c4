"""Augmentation of training images: small changes of place, size, brightness and contrast. Nothing of when it is used."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from search_spaces.hyperparameters.recipe import Augmentation

Images: TypeAlias = npt.NDArray[np.uint8]
"""(n, 28, 28)."""
Transforms: TypeAlias = npt.NDArray[np.float32]
"""(n, 8), each (a0, a1, a2, b0, b1, b2, 0, 0): pixel (x, y) of the result is that at (a0 x + a1 y + a2, b0 x + b1 y + b2)
of the image."""
Factors: TypeAlias = npt.NDArray[np.float32]
"""(n,)."""

_CHUNK = 4096
"""Images at once: 13 MB in float32."""


def augment(images: Images, strengths: Augmentation, rng: np.random.Generator) -> Images:
    """Each image changed on its own: moved (bilinear, zeros outside), then brightened or dimmed.

    Args:
        images: (n, height, width).
        strengths: all zero gives the images back.
        rng: the only source of chance.

    Returns:
        (n, height, width), another array unless all strengths are zero.
    """
    if strengths.is_identity or not len(images):
        return images
    moved = _moved(images, strengths, rng) if strengths.moves else images
    # Drawn last, so that the transforms of a seed are the same with jitter and without.
    return jitter(moved, *sample_jitter(len(images), strengths, rng)) if strengths.jitters else moved


def sample_transforms(
    count: int, size: tuple[int, ...], strengths: Augmentation, rng: np.random.Generator
) -> Transforms:
    """One random transform an image, about the image's middle.

    Args:
        count: how many.
        size: height and width of the images.
        strengths: the largest of each.
        rng: the only source of chance.
    """
    angle, right, down, growth = rng.uniform(-1.0, 1.0, (4, count))
    angle = angle * math.radians(strengths.rotation)
    factor = 1.0 / (1.0 + growth * strengths.scale)
    height, width = size[:2]
    shift_x, shift_y = right * strengths.shift * width, down * strengths.shift * height
    return _inverse_transforms(np.cos(angle) * factor, np.sin(angle) * factor, (shift_x, shift_y), (height, width))


def sample_jitter(count: int, strengths: Augmentation, rng: np.random.Generator) -> tuple[Factors, Factors]:
    """Factors of brightness and of contrast, one each an image, from 1 less a strength to 1 and the strength."""
    brightness, contrast = rng.uniform(-1.0, 1.0, (2, count))
    return (
        (1.0 + strengths.brightness * brightness).astype(np.float32),
        (1.0 + strengths.contrast * contrast).astype(np.float32),
    )


def jitter(images: Images, brightness: Factors, contrast: Factors) -> Images:
    """Images (n, 28, 28) with every pixel times `brightness`, and their distances from the mean times `contrast` (n,)."""
    means = images.mean(axis=(1, 2), dtype=np.float32) * brightness
    factors, offsets = brightness * contrast, means * (1.0 - contrast)
    changed = images * factors[:, None, None] + offsets[:, None, None]
    return np.asarray(np.clip(np.rint(changed, out=changed), 0.0, 255.0, out=changed).astype(np.uint8))


def transform(images: Images, transforms: Transforms) -> Images:
    """Transforms images (n, height, width) by `transforms` (n, 8), bilinear, zeros outside."""
    # In float32, since on integers the interpolation would be cut off instead of rounded.
    maps = images[..., None].astype(np.float32)
    # `Any`: a tensor of the backend.
    result: Any = keras.ops.image.affine_transform(
        maps, transforms, interpolation="bilinear", fill_mode="constant", fill_value=0, data_format="channels_last"
    )
    rounded = np.clip(np.rint(keras.ops.convert_to_numpy(result)), 0, 255)
    return np.asarray(rounded[..., 0].astype(np.uint8))


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
    """From a pixel of the result to its place in the image: undo the shift, then turn and scale about the middle."""
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
