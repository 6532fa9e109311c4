"""What the value of an option may be: types, ranges, durations, and the line that tells of one that can't be taken."""

from __future__ import annotations

import re

from tuner.errors import UsageError

MOST_TRIALS = 50_000
MOST_VALUES = 100
"""Of a study."""
MAX_SEED = 2**32 - 1
_LONGEST = 1e12
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_BARE = re.compile(r"\d+(?:\.\d+)?")
LEAST_BUDGET_S = 60.0
"""Of a run: workers that start, the evaluation and the export take most of it, whatever is trained."""

_SIZE = (1, 10**12)
_YEAR_S = 366 * 24 * 3600
RANGES: dict[str, tuple[float, float]] = {
    "train_samples": _SIZE,
    "max_params": _SIZE,
    "max_macs": _SIZE,
    "max_epochs": (1, 10_000),
    "factor": (2, 100),
    "min_resource": (0.05, 10_000),
    "iterations": (1, 1000),
    "max_trials": (1, MOST_TRIALS),
    "workers": (1, 1024),
    "confirm_top": (1, 100),
    "confirm_seeds": (1, 100),
    "epochs": (1, 10_000),
    "seeds": (1, 1000),
    "time_budget": (1, _YEAR_S),
    "trial_timeout": (1, _YEAR_S),
}
"""Option → its least and its largest value. The largest are far beyond use: they keep a slip of the finger from filling the memory with a plan,
or the machine with processes."""
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    str(str): ((str,), "a text"),
    str(bool): ((bool,), "true or false"),
    str(int): ((int,), "a whole number"),
    str(float): ((int, float), "a number"),
    str(str | None): ((str, type(None)), "a text"),
    str(int | None): ((int, type(None)), "a whole number"),
    str(float | None): ((int, float, type(None)), "a number"),
}
"""How a type is written in a class → what is taken for it, in types and in words. Others are checked by their own rules."""


def is_one_of(value: object, types: tuple[type, ...]) -> bool:
    """Truth values are no numbers here, though Python has them so."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def flag(name: str) -> str:
    """The command line's spelling of an option."""
    return {"references": "--no-references", "test": "--no-test"}.get(name, "--" + name.replace("_", "-"))


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
    hours, minutes, seconds = (min(float(part or 0), _LONGEST) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def format_duration(seconds: float) -> str:
    """Return a duration as the command line takes it: "90s"."""
    return f"{seconds:.10g}s"


def check_budget(seconds: float | None) -> None:
    """Raise where a time budget is too short for any run.

    Raises:
        UsageError: below a minute.
    """
    if seconds is not None and seconds < LEAST_BUDGET_S:
        raise UsageError(
            "--time-budget is too short. Expected 1m or more: to start the workers, to evaluate the winner and to export it take most "
            f"of a minute, whatever is trained. Received: {format_duration(seconds)}"
        )


def out_of_range(name: str, expected: str, received: object) -> UsageError:
    """The error of a value that is of the right type, but none of those expected."""
    return UsageError(f"{flag(name)} is out of range. Expected {expected}. Received: {received}")
