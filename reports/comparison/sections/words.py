"""Words that several sections share."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison.runs import NamedRun


def letters(runs: Sequence[NamedRun], places: Sequence[int] | None = None) -> str:
    """Return the letters of all runs, or of those in these places: "A", "A and B", "A, B and C"."""
    names = [run.letter for run in runs if places is None or run.place in places]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"


def pair_name(runs: Sequence[NamedRun], first: int, second: int) -> str:
    """Return the name of two runs' difference: "A − B"."""
    return f"{runs[first].letter} − {runs[second].letter}"


def have(runs: Sequence[object]) -> str:
    """Return the verb in singular or plural."""
    return "has" if len(runs) == 1 else "have"
