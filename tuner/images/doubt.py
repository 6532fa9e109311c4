"""Reasons to doubt an answer: a low probability, a picture that is turned. Works with any model, through its probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

UNSURE = 0.7
"""Below this a class is said to be unsure: of MNIST's test digits one in two hundred, of letters one in four (docs/predict.md)."""
FEWEST_PARTS = 6
"""Digits of a page at least, of which it is said that the page is turned."""
_SURE_TURNED, _SURE_PAGE, _SURER = 0.95, 0.75, 0.05
"""The probability of a turned digit at least; the mean probability of a turned page's digits, and by how much it is more than as they are."""
_TURNS = {1: "90° counterclockwise", 2: "180°", 3: "90° clockwise"}
"""Quarter turns counterclockwise that bring a picture upright."""


def unsure_note(probabilities: Sequence[float] | NDArray[np.floating]) -> str | None:
    """Return what is said of an answer whose highest probability is low; None of others."""
    highest = float(np.max(probabilities))
    return None if highest >= UNSURE else f"unsure ({100 * highest:.0f}%): perhaps none of the classes"


def turned(images: NDArray[np.uint8], quarters: int) -> NDArray[np.uint8]:
    """Return images (n, 28, 28) turned counterclockwise by so many right angles."""
    return np.ascontiguousarray(np.rot90(images, quarters, (1, 2)))


def digit_turn_note(probabilities: NDArray[np.float32], class_names: Sequence[str]) -> str | None:
    """Return what is said of a digit that is surely read once it is turned; None of others.

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
    """Return what is said of a page whose digits are read more surely once it is turned; None of others.

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
