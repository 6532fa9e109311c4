"""The versions whose runs this version resumes. The format of the files has a number of its own (`tuner.core.records.SCHEMA`)."""

from __future__ import annotations

import re

from tuner.core.errors import UsageError

RESUMED_MINORS: frozenset[tuple[int, int]] = frozenset({(0, 1)})
"""The minor versions whose runs this one ends as they themselves would have: the same draws, the same training, the same files.

Whoever changes one of these takes the older ones out."""

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\..{0,100})?", re.ASCII)
_NOT_INSTALLED = "not installed"


def check_version(begun_by: str, ours: str) -> None:
    """
    Args:
        begun_by: the version in a run's run.json.
        ours: this version.

    Raises:
        UsageError: where a run of that version is not resumed, and what to do instead.
    """
    if begun_by in (ours, _NOT_INSTALLED):
        return
    theirs, own = minor_version(begun_by), minor_version(ours)
    if theirs is None or own is None:
        raise UsageError(
            f"run.json names no version of mnist-tune. Expected one such as {ours}. Received: {begun_by[:40]}"
        )
    if theirs > own:
        raise UsageError(
            f"The run was begun by a newer mnist-tune. Expected {ours} or older. Received: {begun_by}. "
            f"Upgrade: pip install 'mnist-tune>={begun_by}'"
        )
    if theirs != own and theirs not in RESUMED_MINORS:
        raise UsageError(
            f"The run was begun by mnist-tune {begun_by}, which draws or trains otherwise than {ours}. Go on with it by "
            f"pip install 'mnist-tune=={theirs[0]}.{theirs[1]}.*', or start a new run; mnist-tune report works as it is."
        )


def minor_version(version: str) -> tuple[int, int] | None:
    """Return major and minor number of a version, such as (0, 1) of "0.1.7"; None where it is none."""
    match = _VERSION.fullmatch(version)
    return None if match is None else (int(match.group(1)), int(match.group(2)))
