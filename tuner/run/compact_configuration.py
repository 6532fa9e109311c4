"""A configuration in little memory, for the thousands that a search keeps."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Mapping

from tuner.core.records import Configuration, Value

_NUMBERS: dict[str, int] = {}
"""Name of a hyperparameter → its number."""
_NAMES: list[str] = []


class CompactConfiguration(Mapping[str, Value]):
    """The values of a configuration, its names as numbers. Equal to a dict of the same names and values."""

    __slots__ = ("_names", "_values")

    def __init__(self, configuration: Configuration) -> None:
        numbers = [_number(name) for name in configuration]
        # A byte each, where they fit: no space of ours has more than 60 names.
        self._names = bytes(numbers) if max(numbers, default=0) < 256 else array("H", numbers)
        self._values = tuple(
            [sys.intern(value) if isinstance(value, str) else value for value in configuration.values()]
        )

    @classmethod
    def of(cls, configuration: Configuration) -> CompactConfiguration:
        """Return a configuration in little memory: a promoted trial's is that of the trial below it."""
        return configuration if isinstance(configuration, cls) else cls(configuration)

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[self._names.index(_NUMBERS[name])]
        except (KeyError, ValueError):
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return (_NAMES[number] for number in self._names)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(dict(self))


def _number(name: str) -> int:
    if name not in _NUMBERS:
        _NUMBERS[name] = len(_NAMES)
        _NAMES.append(name)
    return _NUMBERS[name]
