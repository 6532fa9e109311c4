"""Reasons to doubt an answer: a low probability, a picture that is turned. Works with any model, through its probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

UNSURE = 0.7
"""A lower probability gets a note: one in two hundred of MNIST's test digits, one in four letters (docs/predict.md)."""
FEWEST_PARTS = 6
"""The fewest digits of a page for a note that the page is turned."""
_UNSURE_PICTURE = 0.5
"""The threshold for pictures of anything but digits, whose classes are less easy to tell apart."""
_SURE_TURNED, _SURE_PAGE, _SURER = 0.95, 0.75, 0.05
"""The probability of a turned digit at least; the mean probability of a turned page's digits, and by how much it is more than as they are."""
_TURNS = {1: "90° counterclockwise", 2: "180°", 3: "90° clockwise"}
"""Quarter turns counterclockwise that bring a picture upright."""


def unsure_note(probabilities: Sequence[float] | NDArray[np.floating], *, digit: bool = True) -> str | None:
    """Return a note about an answer whose highest probability is low; None for others."""
    highest = float(np.max(probabilities))
    if not digit:
        return None if highest >= _UNSURE_PICTURE else f"unsure ({100 * highest:.0f}%)"
    return None if highest >= UNSURE else f"unsure ({100 * highest:.0f}%): perhaps none of the classes"


def turned(images: NDArray[np.uint8], quarters: int) -> NDArray[np.uint8]:
    """Return images (n, 28, 28) turned counterclockwise by `quarters` right angles."""
    return np.ascontiguousarray(np.rot90(images, quarters, (1, 2)))


def digit_turn_note(probabilities: NDArray[np.float32], class_names: Sequence[str]) -> str | None:
    """Return a note about a digit that is read with high probability once it is turned; None for others.

    Args:
        probabilities: (4, classes) of the digit as it is and after one, two and three quarter turns counterclockwise.
        class_names: of the classes.
    """
    highest = probabilities.max(axis=1)
    best = int(highest.argmax())
    if best == 0 or highest[best] < _SURE_TURNED:
        return None
    name = class_names[int(probabilities[best].argmax())]
    return f"turned by {_TURNS[best]} it would be {name} ({100 * float(highest[best]):.0f}%)"


def page_turn_note(probabilities: NDArray[np.float32]) -> str | None:
    """Return a note about a page whose digits are read with higher probability once it is turned; None for others.

    Args:
        probabilities: (4, n, classes) of its digits as they are and after one, two and three quarter turns counterclockwise.
    """
    means = probabilities.max(axis=2).mean(axis=1)
    best = int(means.argmax())
    if best == 0 or probabilities.shape[1] < FEWEST_PARTS:
        return None
    if means[best] < _SURE_PAGE or means[best] - means[0] < _SURER:
        return None
    return f"the picture seems to be turned: turn it by {_TURNS[best]}"
