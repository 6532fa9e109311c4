"""The runs that are compared, and their names on the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.run.reading import read_run
from reports.run.run_data import RunData
from tuner.core.errors import UsageError

COLOURS = 6
"""So many categories have a colour of their own."""

_ALPHABET = 26
_LONGEST_SHORT_NAME = 22


@dataclass(frozen=True)
class NamedRun:
    """A run with its letter."""

    place: int
    """0 for the first that was given; decides its colour."""
    letter: str
    name: str
    """Its folder's name; where another has the same, its folder as it was given."""
    run: RunData

    @property
    def colour(self) -> int:
        """Return which category of colours is the run's; from the seventh run on they come again, and letters tell runs apart."""
        return self.place % COLOURS

    @property
    def title(self) -> str:
        """Letter and name."""
        return f"{self.letter} {self.name}"

    @property
    def short(self) -> str:
        """Letter and name, cut so that a figure has room for it."""
        cut = self.name if len(self.name) <= _LONGEST_SHORT_NAME else self.name[: _LONGEST_SHORT_NAME - 1] + "…"
        return f"{self.letter} {cut}"


def read_runs(folders: Sequence[Path]) -> tuple[NamedRun, ...]:
    """Read the runs that are to be compared, in the order given.

    Raises:
        UsageError: where there are fewer than two, one is given twice, or a folder holds no run.
        JournalError: where a file of a run is damaged.
    """
    if len(folders) < 2:
        given = str(folders[0]) if folders else "none"
        raise UsageError(f"A comparison needs runs to compare. Expected two folders of runs or more. Received: {given}")
    _refuse_the_same(folders)
    runs = [read_run(folder) for folder in folders]
    return name_runs(folders, runs)


def name_runs(folders: Sequence[Path], runs: Sequence[RunData]) -> tuple[NamedRun, ...]:
    """Letters and names for runs that have been read."""
    short = [readable(folder.resolve().name) for folder in folders]
    return tuple(
        NamedRun(place, letter(place), short[place] if short.count(short[place]) == 1 else readable(str(folder)), run)
        for place, (folder, run) in enumerate(zip(folders, runs, strict=True))
    )


def letter(place: int) -> str:
    """0 → "A", 25 → "Z", 26 → "AA"."""
    before = letter(place // _ALPHABET - 1) if place >= _ALPHABET else ""
    return before + chr(ord("A") + place % _ALPHABET)


def readable(name: str) -> str:
    """A file's name as one line of text: what can't be shown is replaced."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)


def _refuse_the_same(folders: Sequence[Path]) -> None:
    seen: dict[Path, Path] = {}
    for folder in folders:
        where = folder.resolve()
        if where in seen:
            raise UsageError(
                f"A run can't be compared with itself. Expected different folders. Received: {seen[where]} and {folder}"
            )
        seen[where] = folder
