"""JSON values compared: what a file says against what it should say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

TOLERANCE = 1e-9
"""Relative and absolute: a sum of floats may be added up in another order by another version of a library."""


def disagreements(found: Any, expected: Any, where: str) -> list[str]:
    """Return where a JSON value differs from another; empty where it doesn't.

    Args:
        found: of a file (`Any`: whatever JSON holds).
        expected: as it should be.
        where: the value's name in the file.
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        names = [*expected, *(name for name in found if name not in expected)]
        return [fault for name in names for fault in _item_faults(found, expected, name, where)]
    if _is_list(expected) and _is_list(found):
        if len(found) != len(expected):
            return [f"{where} has {len(found)} entries. Expected {len(expected)}"]
        pairs = zip(found, expected, strict=True)
        return [fault for place, pair in enumerate(pairs) for fault in disagreements(*pair, f"{where}.{place}")]
    return [] if equal(found, expected) else [f"{where} is {_short(found)}. Expected {_short(expected)}"]


def _item_faults(found: Mapping[str, Any], expected: Mapping[str, Any], name: str, where: str) -> list[str]:
    place = f"{where}.{name}" if where else name
    if name not in found:
        return [f"{place} is missing. Expected {_short(expected[name])}"]
    if name not in expected:
        return [f"{place} is {_short(found[name])}. Expected none"]
    return disagreements(found[name], expected[name], place)


def equal(found: Any, expected: Any) -> bool:
    """Return true where two scalars are the same, floats up to rounding."""
    numbers = [value for value in (found, expected) if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) == 2 and float in map(type, numbers):
        return math.isclose(found, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(found) is type(expected) and bool(found == expected)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: object) -> str:
    text = f"{value!r}"
    return text if len(text) <= 80 else f"{text[:79]}…"
