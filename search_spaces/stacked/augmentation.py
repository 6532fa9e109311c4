"""Augmentation on the device, of one batch for several networks: the changes of `search_spaces.keras.augmentation`.

The random numbers are drawn on the host, from the same streams as there: a network sees the same images as when it trains alone,
but for rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from search_spaces.hyperparameters.recipe import Augmentation
from search_spaces.keras.augmentation import GREY

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

DRAWS = 8
"""Random numbers an image: rotation, right, down, scale, brightness, contrast, saturation in [-1, 1), and mirroring in [0, 1)."""


@dataclass(frozen=True)
class Stream:
    """The kinds of random numbers that a network samples for each chunk of images; networks with equal streams share them."""

    moves: bool
    jitters: bool
    saturates: bool
    mirrors: bool

    @classmethod
    def of(cls, strengths: Augmentation, colour: bool) -> Stream:
        """Return the stream of a network with these strengths."""
        saturates = bool(strengths.saturation) and colour
        return cls(strengths.moves, strengths.jitters, saturates, strengths.horizontal_flip)

    def draw(self, count: int, rng: np.random.Generator) -> Numbers:
        """Return the numbers of a chunk, (count, 8), in the order in which `augment` draws them; 0 where it draws none."""
        numbers = np.zeros((count, DRAWS))
        numbers[:, 7] = 1.0
        if self.moves:
            numbers[:, :4] = rng.uniform(-1.0, 1.0, (4, count)).T
        if self.jitters:
            numbers[:, 4] = rng.uniform(-1.0, 1.0, count)
            numbers[:, 5] = rng.uniform(-1.0, 1.0, count)
        if self.saturates:
            numbers[:, 6] = rng.uniform(-1.0, 1.0, count)
        if self.mirrors:
            numbers[:, 7] = rng.random(count)
        return numbers.astype(np.float32)


@dataclass(frozen=True)
class Augmenter:
    """The augmentation of several networks' copies of a batch."""

    strengths: tuple[Augmentation, ...]
    colour: bool

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Return the different streams, in order of their first network."""
        return tuple(dict.fromkeys(Stream.of(strengths, self.colour) for strengths in self.strengths))

    @property
    def is_identity(self) -> bool:
        """Return whether no network augments."""
        return all(strengths.is_identity for strengths in self.strengths)

    def apply(self, images: jax.Array, draws: jax.Array) -> jax.Array:
        """Return each network's copy of the images, augmented: (networks, n, height, width, channels), in [0, 255].

        Args:
            images: (n, height, width, channels), uint8.
            draws: (streams, n, 8).
        """
        maps = images.astype(jnp.float32)[None]
        if self.is_identity:
            return jnp.broadcast_to(maps, (len(self.strengths), *images.shape))
        streams = self.streams
        numbers = draws[np.array([streams.index(Stream.of(s, self.colour)) for s in self.strengths])]
        if any(strengths.moves for strengths in self.strengths):
            maps = _pixels(self._moved(images, numbers))
        else:
            maps = jnp.broadcast_to(maps, (len(self.strengths), *images.shape))
        if any(strengths.jitters for strengths in self.strengths):
            maps = _pixels(self._jittered(maps, numbers))
        if self.colour and any(strengths.saturation for strengths in self.strengths):
            factors = _by_image(1.0 + self._each("saturation") * numbers[..., 6])
            grey = (maps @ jnp.asarray(GREY))[..., None]
            maps = _pixels(maps * factors + grey * (1.0 - factors))
        if any(strengths.horizontal_flip for strengths in self.strengths):
            maps = jnp.where(_by_image(numbers[..., 7]) < 0.5, maps[:, :, :, ::-1], maps)
        return maps

    def _each(self, name: str) -> Numbers:
        return np.array([[getattr(strengths, name)] for strengths in self.strengths], np.float32)

    def _jittered(self, maps: jax.Array, numbers: jax.Array) -> jax.Array:
        brightness = 1.0 + self._each("brightness") * numbers[..., 4]
        contrast = 1.0 + self._each("contrast") * numbers[..., 5]
        means = maps.mean((2, 3, 4)) * brightness
        return maps * _by_image(brightness * contrast) + _by_image(means * (1.0 - contrast))

    def _moved(self, images: jax.Array, numbers: jax.Array) -> jax.Array:
        """Return images turned, shifted and scaled about their centre, bilinear (`keras.augmentation.transform`)."""
        height, width = images.shape[1:3]
        angle = numbers[..., 0] * self._each("rotation") * (math.pi / 180.0)
        factor = 1.0 / (1.0 + numbers[..., 3] * self._each("scale"))
        cosine, sine = (_by_place(function(angle) * factor) for function in (jnp.cos, jnp.sin))
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        x = jnp.arange(width, dtype=jnp.float32) - middle_x - _by_place(numbers[..., 1] * self._each("shift") * width)
        y = jnp.arange(height, dtype=jnp.float32)[:, None] - middle_y
        y = y - _by_place(numbers[..., 2] * self._each("shift") * height)
        return _sample(images, middle_x + cosine * x - sine * y, middle_y + sine * x + cosine * y, self.colour)


def batch_draws(streams: Sequence[Stream], images: int, batch_size: int, chunk: int, seed: tuple[int, int]) -> Numbers:
    """Return the random numbers of an epoch, in the order of its images: (streams, steps, batch size, 8).

    Args:
        streams: of all networks.
        images: how many there are; an incomplete batch is left out.
        batch_size: images a batch.
        chunk: images that share a stream, a multiple of the batch size.
        seed: of the trial, and the epoch from 0.
    """
    steps = images // batch_size
    drawn = np.stack(
        [
            np.concatenate(
                [
                    stream.draw(min(chunk, images - at), np.random.default_rng((*seed, at // chunk + 1)))
                    for at in range(0, steps * batch_size, chunk)
                ]
            )
            for stream in streams
        ]
    )
    return np.ascontiguousarray(drawn[:, : steps * batch_size].reshape(len(streams), steps, batch_size, DRAWS))


def _sample(images: jax.Array, x: jax.Array, y: jax.Array, colour: bool) -> jax.Array:
    """Return images (n, height, width, channels) at places (networks, n, height, width), between pixels bilinear.

    Outside is zero, of colour images the nearest pixel.
    """
    n, height, width = images.shape[:3]
    left, above = jnp.floor(x), jnp.floor(y)
    number = jnp.arange(n).reshape(-1, 1, 1)
    result: Any = 0.0
    for down in (0, 1):
        for right in (0, 1):
            column, row = left + right, above + down
            weight = (1.0 - jnp.abs(x - column)) * (1.0 - jnp.abs(y - row))
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            at_row = jnp.clip(row, 0, height - 1).astype(jnp.int32)
            at_column = jnp.clip(column, 0, width - 1).astype(jnp.int32)
            pixels = images[number, at_row, at_column].astype(jnp.float32)
            result = result + pixels * (weight if colour else jnp.where(inside, weight, 0.0))[..., None]
    return result


def _pixels(values: jax.Array) -> jax.Array:
    return jnp.clip(jnp.rint(values), 0.0, 255.0)


def _by_image(values: jax.Array) -> jax.Array:
    return values[..., None, None, None]


def _by_place(values: jax.Array) -> jax.Array:
    return values[..., None, None]
