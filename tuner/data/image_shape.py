"""The shapes in which images of one channel are saved. Shapes only: no values, no files."""

from __future__ import annotations

import math

SIDE = 28
"""Pixels: height and width of every image once it is loaded."""
EXPECTED = f"(n, h, w), (n, h, w, 1), (n, 1, h, w) or (n, h·w) with h and w from 1 to {SIDE}"
_COLOURS = (3, 4)
_DIGIT = 20
"""Pixels: the height of MNIST's digits."""


def image_size(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return height and width of the images of an array, each from 1 to 28; None where its shape is none of `EXPECTED`."""
    size = _size(shape)
    return size if size is not None and all(1 <= side <= SIDE for side in size) else None


def _size(shape: tuple[int, ...]) -> tuple[int, int] | None:
    match shape:
        case (_, height, width) | (_, height, width, 1) | (_, 1, height, width):
            return height, width
        case (_, pixels) if math.isqrt(pixels) ** 2 == pixels:
            return math.isqrt(pixels), math.isqrt(pixels)
    return None


def reshape_note(shape: tuple[int, ...]) -> str | None:
    """Return what is said of images that are reshaped; None where the shape is (n, h, w) or (n, h, w, 1)."""
    size = image_size(shape)
    if size is None or shape[1:3] == size:
        return None
    height, width = size
    inner = ", ".join(map(str, shape[1:]))
    return f"The images had the shape (n, {inner}) and were reshaped to (n, {height}, {width}), row by row."


def small_note(shape: tuple[int, ...]) -> str | None:
    """Return what is said of images that are smaller than MNIST's digits, which are 20 pixels high; None of others."""
    size = image_size(shape)
    if size is None or max(size) >= _DIGIT:
        return None
    height, width = size
    return (
        f"The images are {height}×{width}: they lie in the middle of {SIDE}×{SIDE}, not enlarged. Digits of MNIST are "
        f"{_DIGIT} pixels high."
    )


def shape_advice(shape: tuple[int, ...]) -> str:
    """Return what to do with images whose shape is none of `EXPECTED`."""
    if len(shape) == 4 and (shape[3] in _COLOURS or shape[1] in _COLOURS):
        last = shape[3] in _COLOURS
        mean = "x[..., :3].mean(axis=3)" if last else "x[:, :3].mean(axis=1)"
        shrink = f", and shrink them to {SIDE}×{SIDE}" if max(shape[1:3] if last else shape[2:4]) > SIDE else ""
        return f"make the images grey: {mean}{shrink}"
    if _size(shape) is not None:
        return f"crop or shrink the images to {SIDE}×{SIDE}"
    if len(shape) == 2:
        return "reshape the images to (n, h, w)"
    return "save one channel an image as (n, h, w)"
