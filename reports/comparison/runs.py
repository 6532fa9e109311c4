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
"""The number of colours; further runs reuse them."""

_ALPHABET = 26
_LONGEST_SHORT_NAME = 22


@dataclass(frozen=True)
class NamedRun:
    """A run with its letter and name."""

    place: int
    """The run's index in the order given; decides its colour."""
    letter: str
    name: str
    """The folder's name; the path as given if another run has the same name."""
    run: RunData

    @property
    def colour(self) -> int:
        """The index of the run's colour; from the seventh run on only letters are unique."""
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
    _reject_duplicates(folders)
    runs = [read_run(folder) for folder in folders]
    if len({run.objective for run in runs}) > 1:
        # Fronts and best trials compare by one score.
        runs = [run.by_accuracy() for run in runs]
    return name_runs(folders, runs)


def name_runs(folders: Sequence[Path], runs: Sequence[RunData]) -> tuple[NamedRun, ...]:
    """Return these runs with letters and names."""
    short = [readable(folder.resolve().name) for folder in folders]
    return tuple(
        NamedRun(place, letter(place), short[place] if short.count(short[place]) == 1 else readable(str(folder)), run)
        for place, (folder, run) in enumerate(zip(folders, runs, strict=True))
    )


def letter(place: int) -> str:
    """Return the letter of an index: 0 → "A", 25 → "Z", 26 → "AA"."""
    before = letter(place // _ALPHABET - 1) if place >= _ALPHABET else ""
    return before + chr(ord("A") + place % _ALPHABET)


def readable(name: str) -> str:
    """Return a file's name as one line of text, with unprintable characters replaced."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)


def _reject_duplicates(folders: Sequence[Path]) -> None:
    seen: dict[Path, Path] = {}
    for folder in folders:
        where = folder.resolve()
        if where in seen:
            raise UsageError(
                f"A run can't be compared with itself. Expected different folders. Received: {seen[where]} and {folder}"
            )
        seen[where] = folder
