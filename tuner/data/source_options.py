"""Options for reading the files of a source: a second file as the test set, transposed images. No pictures' sizes (`picture_options`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tuner.core.pictures import Resize


class GivenOptions(Protocol):
    """The options of a run that concern its data (`tuner.options.run_options.RunOptions`)."""

    @property
    def test_data(self) -> str | None: ...
    @property
    def transpose(self) -> bool: ...
    @property
    def image_size(self) -> str | None: ...
    @property
    def grayscale(self) -> bool: ...
    @property
    def resize(self) -> Resize: ...
    @property
    def drop_duplicates(self) -> bool: ...


@dataclass(frozen=True)
class SourceOptions:
    """The options of reading a source."""

    test_data: str | None = None
    """A second file, whose images are the test set; None: that of the source, else a seventh of its images."""
    transpose: bool = False
    """True: rows and columns of each image are exchanged."""

    @classmethod
    def of(cls, given: GivenOptions) -> SourceOptions:
        """Return the options of a run's source."""
        return cls(test_data=given.test_data, transpose=given.transpose)
