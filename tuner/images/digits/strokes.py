"""Synthetic digits drawn from skeletons of strokes, as test images from outside of MNIST. Drawing only; no model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Point: TypeAlias = tuple[float, float]
Stroke: TypeAlias = tuple[Point, ...]
Skeleton: TypeAlias = tuple[Stroke, ...]

_HEIGHT_PX = 120
_FINER = 4
_STEPS = 16
_PAPER = 255

SKELETONS: dict[int, Skeleton] = {
    0: (((0.6, 0.01), (0.2, 0.1), (0.05, 0.5), (0.2, 0.9), (0.5, 1.0), (0.85, 0.85), (0.95, 0.45), (0.8, 0.1), (0.55, 0.0)),),
    1: (((0.52, 0.0), (0.5, 0.5), (0.48, 1.0)),),
    2: (
        ((0.1, 0.25), (0.3, 0.04), (0.62, 0.0), (0.86, 0.2), (0.76, 0.5), (0.42, 0.78), (0.1, 1.0)),
        ((0.1, 1.0), (0.5, 0.98), (0.92, 1.0)),
    ),
    3: (
        ((0.15, 0.12), (0.45, 0.0), (0.82, 0.14), (0.76, 0.38), (0.4, 0.48)),
        ((0.4, 0.48), (0.8, 0.58), (0.9, 0.8), (0.55, 1.0), (0.1, 0.9)),
    ),
    4: (((0.62, 0.0), (0.36, 0.3), (0.08, 0.66)), ((0.08, 0.66), (0.95, 0.66)), ((0.68, 0.36), (0.66, 1.0))),
    5: (
        ((0.86, 0.02), (0.26, 0.02)),
        ((0.26, 0.02), (0.2, 0.44)),
        ((0.2, 0.44), (0.5, 0.36), (0.86, 0.55), (0.82, 0.86), (0.5, 1.0), (0.1, 0.9)),
    ),
    6: (
        ((0.72, 0.02), (0.36, 0.22), (0.12, 0.6), (0.2, 0.9), (0.5, 1.0), (0.84, 0.86), (0.8, 0.6), (0.5, 0.52), (0.18, 0.7)),
    ),
    7: (((0.08, 0.04), (0.5, 0.03), (0.92, 0.03)), ((0.92, 0.03), (0.6, 0.45), (0.4, 1.0))),
    8: (
        (
            (0.76, 0.15), (0.5, 0.0), (0.22, 0.15), (0.32, 0.38), (0.64, 0.54), (0.86, 0.78),
            (0.5, 1.0), (0.14, 0.78), (0.38, 0.54), (0.7, 0.36), (0.77, 0.14),
        ),
    ),
    9: (
        ((0.84, 0.2), (0.5, 0.0), (0.16, 0.2), (0.26, 0.46), (0.58, 0.48), (0.84, 0.2)),
        ((0.84, 0.2), (0.82, 0.6), (0.7, 1.0)),
    ),
}  # fmt: skip
"""Digit → its strokes, each a curve through its points; x to the right, y down, in [0, 1] except for long upstrokes."""

_OTHERS: dict[int, tuple[Skeleton, ...]] = {
    1: (
        (((0.2, 0.25), (0.55, 0.0)), ((0.55, 0.0), (0.52, 0.5), (0.5, 1.0))),
        (((-0.7, 0.5), (0.2, 0.18), (0.55, 0.0)), ((0.55, 0.0), (0.52, 0.5), (0.5, 1.0))),
    ),
    4: ((((0.22, 0.0), (0.14, 0.3), (0.1, 0.55)), ((0.1, 0.55), (0.92, 0.52)), ((0.76, 0.05), (0.7, 0.5), (0.68, 1.0))),),
    7: ((((0.08, 0.04), (0.92, 0.03)), ((0.92, 0.03), (0.6, 0.45), (0.4, 1.0)), ((0.32, 0.52), (0.82, 0.5))),),
    9: ((((0.84, 0.2), (0.5, 0.0), (0.16, 0.2), (0.26, 0.46), (0.58, 0.48), (0.84, 0.2)),
         ((0.84, 0.2), (0.86, 0.65), (0.6, 0.98), (0.22, 0.92))),),
}  # fmt: skip
"""Other ways of writing a digit."""
LONG_UPSTROKE = "long upstroke"
_STYLES = {(1, 2): LONG_UPSTROKE}
"""Ways of writing that have a name: digit and place among its ways."""
_SLIM = {1: 0.45}
"""The width of a narrow digit, in relation to others."""


@dataclass(frozen=True)
class Hand:
    """A handwriting."""

    width: float
    """The width of the pen, in heights of the digit."""
    slant: float
    """Shear to the right, in widths a height."""
    turn: float
    """Clockwise, radians."""
    aspect: float
    """Width over height."""
    tremor: float
    """Standard deviation of a skeleton's points, in heights."""
    noise: float
    """Standard deviation of the paper's grey, of 255."""


def random_hand(random: np.random.Generator) -> Hand:
    """Return a random handwriting: thin or thick pen, straight or slanted, clean or noisy paper."""
    return Hand(
        width=float(random.uniform(0.03, 0.16)),
        slant=float(random.uniform(-0.25, 0.4)),
        turn=math.radians(float(random.uniform(-12, 12))),
        aspect=float(random.uniform(0.5, 0.9)),
        tremor=float(random.uniform(0.0, 0.035)),
        noise=float(random.choice([0.0, 4.0, 12.0])),
    )


def synthetic_digits(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return dark digits on white paper, of each class equally many.

    Returns:
        (count, 200, 200) uint8 and (count,) int64. The first images are the same whatever the count.
    """
    labels = np.arange(count, dtype=np.int64) % 10
    images = [draw_digit(int(label), np.random.default_rng([seed, index])) for index, label in enumerate(labels)]
    return np.stack(images) if images else np.empty((0, 200, 200), np.uint8), labels


def synthetic_styles(count: int, seed: int) -> tuple[str, ...]:
    """Return the style in which each of `synthetic_digits` is written; empty where it has no name."""
    return tuple(_style(index % 10, np.random.default_rng([seed, index])) for index in range(count))


def _style(label: int, random: np.random.Generator) -> str:
    random_hand(random)  # sampled first, as `draw_digit` does, so that the random numbers below are the same
    return _STYLES.get((label, _way(label, random)), "")


def _way(label: int, random: np.random.Generator) -> int:
    """Choose a way of writing a digit: 0 for its skeleton, then the others."""
    return int(random.integers(1 + len(_OTHERS.get(label, ()))))


def draw_digit(label: int, random: np.random.Generator, hand: Hand | None = None) -> NDArray[np.uint8]:
    """Return one dark digit on white paper, (200, 200) uint8."""
    hand = hand or random_hand(random)
    ink = Image.fromarray(np.rint(255 * ink_of(label, random, hand)).astype(np.uint8))
    page = Image.new("L", (200, 200), 0)
    left, top = ((200 - size) // 2 + int(random.integers(-8, 9)) for size in ink.size)
    page.paste(ink, (left, top))
    darkness = float(random.uniform(0.6, 1.0))
    grey = _PAPER - darkness * np.asarray(page, np.float64) + random.normal(0.0, hand.noise, (200, 200))
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def ink_of(label: int, random: np.random.Generator, hand: Hand) -> NDArray[np.float64]:
    """Return the fraction of each pixel that is ink, in [0, 1]; the digit is some 120 pixels high plus a margin."""
    skeleton = (SKELETONS[label], *_OTHERS.get(label, ()))[_way(label, random)]
    curves = [_deformed(stroke, label, hand, random) for stroke in skeleton]
    low = np.min([curve.min(axis=0) for curve in curves], axis=0)
    high = np.max([curve.max(axis=0) for curve in curves], axis=0)
    radius = hand.width * _HEIGHT_PX * _FINER / 2
    margin = radius + 2 * _FINER
    scale = _HEIGHT_PX * _FINER / max(high - low)
    width, height = (int(side) for side in (high - low) * scale + 2 * margin)
    canvas = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(canvas)
    for curve in curves:
        _draw(pen, (curve - low) * scale + margin, radius)
    small = canvas.resize((max(1, width // _FINER), max(1, height // _FINER)), Image.Resampling.BOX)
    return np.asarray(small.filter(ImageFilter.GaussianBlur(0.5)), np.float64) / 255


def _deformed(stroke: Stroke, label: int, hand: Hand, random: np.random.Generator) -> NDArray[np.float64]:
    """Return a stroke in a handwriting: (points, 2), dense."""
    points = np.asarray(stroke) + random.normal(0.0, hand.tremor, (len(stroke), 2))
    curve = _spline(points) - 0.5
    curve[:, 0] *= hand.aspect * _SLIM.get(label, 1.0)
    curve[:, 0] -= hand.slant * curve[:, 1]
    turn = np.array(((math.cos(hand.turn), -math.sin(hand.turn)), (math.sin(hand.turn), math.cos(hand.turn))))
    return np.asarray(curve @ turn.T)


def _spline(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a curve through points (n, 2) (Catmull and Rom 1974, uniform)."""
    padded = np.vstack((2 * points[0] - points[1], points, 2 * points[-1] - points[-2]))
    t = np.linspace(0.0, 1.0, _STEPS)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
    ]
    return np.vstack(parts)


def _draw(pen: ImageDraw.ImageDraw, curve: NDArray[np.float64], radius: float) -> None:
    """Draw a line with round ends and joints."""
    pen.line([(float(x), float(y)) for x, y in curve], fill=255, width=max(1, round(2 * radius)))
    for x, y in curve:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
