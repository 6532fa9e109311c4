"""A configuration in little memory, for the thousands that a search keeps."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from tuner.records import Configuration, Value

_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {}
"""Tuples of names that are in use: a space has a few of them, whatever the number of its configurations."""


class PackedConfiguration(Mapping[str, Value]):
    """The values of a configuration; its names are shared with all that have the same. Equal to a dict that has both."""

    __slots__ = ("_names", "_values")

    def __init__(self, configuration: Configuration) -> None:
        names = tuple(sys.intern(name) for name in configuration)
        self._names = _NAMES.setdefault(names, names)
        values = (sys.intern(value) if isinstance(value, str) else value for value in configuration.values())
        self._values = tuple(values)

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[self._names.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))
