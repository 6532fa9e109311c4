"""What a JSON document must look like: small checks that are put together. What documents there are is in `tuner.documents`.

A check takes a value and raises `ShapeError` where it is another; keys that a check doesn't name are passed over.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

Shape: TypeAlias = Callable[[object], None]

MOST_TEXT = 100_000
"""Characters of one text."""
LARGEST = 2**63
"""Numbers stay below it, so that whatever calculates with one can hold it."""


class ShapeError(ValueError):
    """A value that is not what it must be, and where in the document it stands."""

    def __init__(self, words: str, place: tuple[str, ...] = ()) -> None:
        super().__init__(words)
        self.words = words
        self.place = place

    def __str__(self) -> str:
        return f"{'.'.join(self.place)} {self.words}" if self.place else self.words

    def within(self, name: str) -> ShapeError:
        """The same, seen from one level above."""
        return ShapeError(self.words, (name, *self.place))


def text(value: object) -> None:
    """A text of some length."""
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise _other("is no text" if not isinstance(value, str) else "is too long a text", value)


def truth(value: object) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _other("is neither true nor false", value)


def whole(low: int = 0, high: int = 10**12) -> Shape:
    """A whole number, both ends included."""

    def check(value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _other(f"is no whole number from {low} to {high}", value)

    return check


def number(low: float = -1e15, high: float = 1e15) -> Shape:
    """A number, whole or not, both ends included."""

    def check(value: object) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            raise _other(f"is no number from {low:g} to {high:g}", value)

    return check


def one_of(*choices: str) -> Shape:
    """One of these texts."""

    def check(value: object) -> None:
        if value not in choices:
            raise _other(f"is none of {', '.join(choices)}", value)

    return check


def scalar(value: object) -> None:
    """A text, a number or a truth value: what a hyperparameter may be."""
    if isinstance(value, str):
        text(value)
    elif not isinstance(value, bool):
        number()(value)


def optional(shape: Shape) -> Shape:
    """A value of this shape, or null."""

    def check(value: object) -> None:
        if value is not None:
            shape(value)

    return check


def either(*shapes: Shape) -> Shape:
    """The first of these that fits; where none does, what the last one says."""

    def check(value: object) -> None:
        for shape in shapes[:-1]:
            try:
                return shape(value)
            except ShapeError:
                continue
        return shapes[-1](value)

    return check


def many(shape: Shape, most: int = 100_000, exactly: int | None = None) -> Shape:
    """A list of these."""

    def check(value: object) -> None:
        if not isinstance(value, list) or len(value) > most:
            raise _other(f"is no list of {most} at most", value)
        if exactly is not None and len(value) != exactly:
            raise _other(f"is no list of {exactly}", value)
        for place, item in enumerate(value):
            _below(str(place), shape, item)

    return check


def table(shape: Shape, most: int = 1000) -> Shape:
    """An object whose names are anybody's, and whose values are these."""

    def check(value: object) -> None:
        if not isinstance(value, dict) or len(value) > most:
            raise _other(f"is no object of {most} names at most", value)
        for name, item in value.items():
            text(name)
            _below(name[:80], shape, item)

    return check


def keyed(required: Mapping[str, Shape], extra: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these names; those of `extra` may be missing."""
    wanted = dict(extra or {})

    def check(value: object) -> None:
        if not isinstance(value, dict):
            raise _other("is no object", value)
        for name, shape in required.items():
            if name not in value:
                raise ShapeError(f"lacks the key {name}")
            _below(name, shape, value[name])
        for name, shape in wanted.items():
            if name in value:
                _below(name, shape, value[name])

    return check


def _below(name: str, shape: Shape, value: object) -> None:
    try:
        shape(value)
    except ShapeError as error:
        raise error.within(name) from None


def _other(words: str, value: object) -> ShapeError:
    return ShapeError(f"{words}. Received: {reprlib.repr(value)}")
