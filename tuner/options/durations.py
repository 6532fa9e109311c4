"""Durations as the command line writes them: 45m, 2h, 1h30m, 90s."""

from __future__ import annotations

import re

from tuner.core.errors import UsageError

LEAST_BUDGET_S = 60.0
"""Shortest time budget of a run: starting workers, evaluating and exporting take most of it."""
LONGEST = (1, 366 * 24 * 3600)
"""Range of a time limit in seconds."""

_LONGEST_PART = 1e12
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_BARE = re.compile(r"\d+(?:\.\d+)?")


def parse_duration(text: str) -> float:
    """Return the seconds of "45m", "2h", "1h30m" or "90s".

    Raises:
        UsageError: where the text is none of these. A number without a unit may be meant in minutes, or in seconds.
    """
    words = text.strip().lower()
    if _BARE.fullmatch(words):
        raise UsageError(f"A duration needs a unit. Expected {words}s, {words}m or {words}h. Received: {text}")
    match = _DURATION.fullmatch(words)
    if not match or not any(match.groups()):
        raise UsageError(
            f"A duration can't be read. Expected hours, minutes or seconds such as 2h, 45m, 1h30m, 90s. Received: {text}"
        )
    hours, minutes, seconds = (min(float(part or 0), _LONGEST_PART) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def format_duration(seconds: float) -> str:
    """Return a duration as the command line takes it: "90s"."""
    return f"{seconds:.10g}s"


def validate_budget(seconds: float | None) -> None:
    """Check that a time budget is long enough for a run.

    Raises:
        UsageError: below a minute.
    """
    if seconds is not None and seconds < LEAST_BUDGET_S:
        raise UsageError(
            "--time-budget is too short. Expected 1m or more: to start the workers, to evaluate the winner and to export it take most "
            f"of a minute, whatever is trained. Received: {format_duration(seconds)}"
        )
