"""The types of the documents' fields: numbers, texts and lists with the limits that readers rely on."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

Default = TypeVar("Default")

MOST_CLASSES = 1000
_LARGEST = 2**63 - 1
_NUMBER = 10**15

Text: TypeAlias = Annotated[str, Meta(max_length=100_000)]
TrialName: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{4,12}\Z")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10**12)]
Index: TypeAlias = Annotated[int, Meta(ge=0, le=10**6)]
Seed: TypeAlias = Annotated[int, Meta(ge=0, le=_LARGEST)]
Epochs: TypeAlias = Annotated[int, Meta(ge=0, le=10**6)]
Length: TypeAlias = Epochs | Annotated[float, Meta(ge=0.01, le=0.99)]
"""Epochs of a training; below 1 a fraction of the images."""
Fraction: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Positive: TypeAlias = Annotated[float, Meta(ge=0, le=_NUMBER)]
Real: TypeAlias = Annotated[float, Meta(ge=-_NUMBER, le=_NUMBER)]
Number: TypeAlias = Annotated[int, Meta(ge=-_NUMBER, le=_NUMBER)] | Real
"""A number that stays whole where it was written so."""
Scalar: TypeAlias = bool | Number | Text
"""The value of a hyperparameter."""
Interval: TypeAlias = tuple[Real, Real]
Scalars: TypeAlias = Annotated[tuple[Scalar, ...], Meta(max_length=100_000)]
Texts: TypeAlias = Annotated[tuple[Text, ...], Meta(max_length=100_000)]
TrialNames: TypeAlias = Annotated[tuple[TrialName, ...], Meta(max_length=10_000)]
Values: TypeAlias = Annotated[dict[Text, Scalar], Meta(max_length=1000)]
"""A configuration."""
Flat: TypeAlias = (
    Scalar
    | Annotated[list[Scalar | None], Meta(max_length=100_000)]
    | Annotated[dict[Text, Scalar | None], Meta(max_length=1000)]
    | None
)
"""A value of an option: nothing that is nested deeper than a list or an object."""
Table: TypeAlias = Annotated[dict[Text, Flat], Meta(max_length=1000)]


class Part(msgspec.Struct, omit_defaults=True, frozen=True):
    """A document or an object in one. A field with a plain default is not written while it has it: its key is absent."""


class ChangingPart(msgspec.Struct, omit_defaults=True):
    """A part that changes during the run."""


def written(default: Default) -> Default:
    """Return a field that is always written, and read as this default where an older run lacks it."""
    return msgspec.field(default_factory=lambda: default)
