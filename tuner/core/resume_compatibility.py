"""The versions whose runs this version resumes. The format of the files has a number of its own (`tuner.core.records.SCHEMA`)."""

from __future__ import annotations

import re

from tuner.core.errors import UsageError

RESUMED_MINORS: frozenset[tuple[int, int]] = frozenset({(0, 1)})
"""The minor versions that sample, train and write files as this one does.

A change of any of these three removes the older versions from this set."""

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\..{0,100})?", re.ASCII)
_NOT_INSTALLED = "not installed"


def check_version(begun_by: str, ours: str) -> None:
    """Check that this version can resume a run of another one.

    Args:
        begun_by: the version in a run's run.json.
        ours: this version.

    Raises:
        UsageError: where it can't; the message says what to do instead.
    """
    if begun_by in (ours, _NOT_INSTALLED):
        return
    theirs, current = minor_version(begun_by), minor_version(ours)
    if theirs is None or current is None:
        raise UsageError(
            f"run.json names no version of mnist-tune. Expected one such as {ours}. Received: {begun_by[:40]}"
        )
    if theirs > current:
        raise UsageError(
            f"The run was begun by a newer mnist-tune. Expected {ours} or older. Received: {begun_by}. "
            f"Upgrade: pip install 'mnist-tune>={begun_by}'"
        )
    if theirs != current and theirs not in RESUMED_MINORS:
        raise UsageError(
            f"The run was begun by mnist-tune {begun_by}, which samples or trains differently from {ours}. To resume it: pip "
            f"install 'mnist-tune=={theirs[0]}.{theirs[1]}.*'. Or start a new run; mnist-tune report works as it is."
        )


def minor_version(version: str) -> tuple[int, int] | None:
    """Return the major and minor number of a version: (0, 1) for "0.1.7"; None where the text is no version."""
    match = _VERSION.fullmatch(version)
    return None if match is None else (int(match.group(1)), int(match.group(2)))
