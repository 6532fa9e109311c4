"""The result of a check: passed, failed, or not possible, each with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

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
    """Return an outcome as a line of the table: what a stranger's run puts into it stays one line of some length."""
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
