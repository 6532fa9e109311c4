"""The result of a check: passed, failed, or not possible, each with a reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tuner.core.records import Json

Status: TypeAlias = Literal["passed", "failed", "not possible"]

LONGEST_DETAIL = 1000
"""Characters."""


@dataclass(frozen=True)
class Outcome:
    """The result of a check, before it has its name."""

    status: Status
    detail: str
    """The things that were compared, the fault, or why nothing could be compared; one line."""


@dataclass(frozen=True)
class Check:
    """A line of the table of checks."""

    name: str
    status: Status
    detail: str

    @property
    def failed(self) -> bool:
        """Return true where the run is not what it says."""
        return self.status == "failed"

    def to_json(self) -> Json:
        """Return the check as `mnist-tune verify --json` prints it."""
        return {"name": self.name, "status": self.status, "detail": self.detail}


def named(name: str, outcome: Outcome) -> Check:
    """Return an outcome as a line of the table; a text of an untrusted run is cut, and stays in one line."""
    detail = " ".join(outcome.detail.split())
    if len(detail) > LONGEST_DETAIL:
        detail = f"{detail[: LONGEST_DETAIL // 2]} … {detail[-LONGEST_DETAIL // 2 :]}"
    return Check(name, outcome.status, detail)


class Unavailable(Exception):
    """A thing that a check needs and that is missing; the message names it. The check is then not possible, and not failed."""


class Contradiction(Exception):
    """A part of the run contradicts itself, so that nothing can be computed from it; its message says how. The check fails."""


def passed(detail: str) -> Outcome:
    """Return the outcome of a check that found no fault."""
    return Outcome("passed", detail)


def failed(detail: str) -> Outcome:
    """Return the outcome of a check that found a fault."""
    return Outcome("failed", detail)


def outcome_of(faults: Sequence[str], detail: str) -> Outcome:
    """Return a failure that names the first fault and counts the others, or a pass with the detail."""
    if not faults:
        return passed(detail)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return failed(f"{faults[0]}{more}")


def count(number: int, noun: str) -> str:
    """Return a number with its noun: "1 trial", "2 trials"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


TOLERANCE = 1e-9
"""Relative and absolute: a sum of floats may be added up in another order by another version of a library."""


def disagreements(received: Any, expected: Any, where: str) -> list[str]:
    """Return where a JSON value differs from another; empty where it doesn't.

    Args:
        received: the value in a file (`Any`: whatever JSON holds).
        expected: the value that it should have.
        where: the value's name in the file.
    """
    if isinstance(expected, Mapping) and isinstance(received, Mapping):
        names = [*expected, *(name for name in received if name not in expected)]
        return [fault for name in names for fault in _item_faults(received, expected, name, where)]
    if _is_list(expected) and _is_list(received):
        if len(received) != len(expected):
            return [f"{where} has {len(received)} entries. Expected {len(expected)}"]
        pairs = zip(received, expected, strict=True)
        return [fault for place, pair in enumerate(pairs) for fault in disagreements(*pair, f"{where}.{place}")]
    return [] if equal(received, expected) else [f"{where} is {_short(received)}. Expected {_short(expected)}"]


def _item_faults(received: Mapping[str, Any], expected: Mapping[str, Any], name: str, where: str) -> list[str]:
    place = f"{where}.{name}" if where else name
    if name not in received:
        return [f"{place} is missing. Expected {_short(expected[name])}"]
    if name not in expected:
        return [f"{place} is {_short(received[name])}. Expected none"]
    return disagreements(received[name], expected[name], place)


def equal(received: Any, expected: Any) -> bool:
    """Return true where two scalars are the same, floats up to rounding."""
    numbers = [
        value for value in (received, expected) if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    if len(numbers) == 2 and float in map(type, numbers):
        return math.isclose(received, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(received) is type(expected) and bool(received == expected)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: object) -> str:
    text = f"{value!r}"
    return text if len(text) <= 80 else f"{text[:79]}…"
