"""The data of a run in run.json: names, shapes, counts, and a digest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from tuner.storage.schema.fields import MOST_CLASSES, Count, Part, Real, Text, written

DIGIT_NAMES = tuple("0123456789")
"""The names of the ten digits as classes."""
_DIGIT_SETS = ("mnist", "digits")
MNIST_SHAPE = (28, 28)
ClassNames: TypeAlias = Annotated[tuple[Text, ...], Meta(max_length=MOST_CLASSES)]
ImageShape: TypeAlias = Annotated[tuple[Count, ...], Meta(min_length=2, max_length=3)]
_ClassCounts: TypeAlias = Annotated[tuple[Count, ...], Meta(max_length=MOST_CLASSES)]


def are_digits(name: str, class_names: Sequence[str]) -> bool:
    """Return whether a data set's classes are the ten digits. The classes of a user's own file may be anything."""
    return name in _DIGIT_SETS and tuple(class_names) == DIGIT_NAMES


class DataSet(Part, frozen=True, kw_only=True):
    """The data that the run was trained and measured on."""

    name: Text
    sha256: Text = written("")
    splits_sha256: Text | None = None
    """Absent in older runs."""
    fallback: bool = written(False)
    image_shape: ImageShape | None = None
    """(h, w) grey, (h, w, 3) in colour; absent in older runs."""
    classes: Annotated[int, Meta(ge=1, le=MOST_CLASSES)]
    class_names: ClassNames = written(())
    train: Count
    validation: Count
    given_validation: bool = written(False)
    """True where the source has validation images of its own, so that every trial validates on these."""
    test: Count
    class_counts: Annotated[dict[Text, _ClassCounts], Meta(max_length=1000)] = msgspec.field(default_factory=lambda: {})
    mean: Real | None = written(None)
    sd: Real | None = written(None)
    pixel_histogram: Annotated[tuple[Count, ...], Meta(max_length=256)] = written(())

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Return the shape of an image; of an older run, which says none, MNIST's."""
        return self.image_shape or MNIST_SHAPE

    @property
    def has_folds(self) -> bool:
        """Return whether confirmed seeds validate on other images each, as `Dataset.has_folds` says."""
        return not self.given_validation and self.train >= self.validation

    @property
    def in_colour(self) -> bool:
        """Return whether the images have three channels."""
        return len(self.input_shape) == 3

    @property
    def is_mnist(self) -> bool:
        """Return whether published figures of MNIST can be compared with this run's."""
        return self.name == "mnist" and not self.fallback

    @property
    def is_digits(self) -> bool:
        """Return whether these are scikit-learn's small digits, by request or as the fallback."""
        return self.fallback or self.name == "digits"

    @property
    def shows_digits(self) -> bool:
        """Return whether the classes are the ten digits."""
        return are_digits(self.name, self.class_names)

    def class_name(self, index: int) -> str:
        """Return the name of a class, or its number where it has none."""
        return self.class_names[index] if index < len(self.class_names) else str(index)
