"""The table of docs/hyperband.md: Keras Tuner's sizes, as a search plans them, beside the paper's own."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

import pytest

from tests.kit.paths import ROOT
from tests.kit.runs.oracle_driver import make
from tuner.oracle.protocol import make_plan

PAGE = (ROOT / "docs" / "hyperband.md").read_text(encoding="utf-8")
Bracket = Sequence[tuple[int, Fraction]]
BRACKETS = re.findall(r"^\| (\d) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
TOTALS = [tuple(row) for row in re.findall(r"^\| " + r" \| ".join([r"([\d.]+)%?"] * 7) + r" \|$", PAGE, re.MULTILINE)]


def paper(longest: int, factor: int) -> list[Bracket]:
    """Li et al. 2018, algorithm 1: of each bracket the rungs, (trials, epochs)."""
    most = max(s for s in range(50) if factor**s <= longest)
    found: list[Bracket] = []
    for s in range(most, -1, -1):
        n = math.ceil(Fraction((most + 1) * factor**s, s + 1))
        found.append([(n // factor**i, Fraction(longest * factor**i, factor**s)) for i in range(s + 1)])
    return found


def planned(longest: int, factor: int) -> list[Bracket]:
    """What a search of ours plans."""
    plan = make_plan(make(max_epochs=longest, factor=factor), "hyperband", longest)
    return [[(rung.size, Fraction(rung.epochs)) for rung in bracket.rungs] for bracket in plan.brackets]


def cell(bracket: Bracket) -> str:
    return ", ".join(f"{trials} × {_short(epochs)}" for trials, epochs in bracket)


def _short(number: Fraction) -> str:
    return f"{float(number):.2f}".rstrip("0").rstrip(".")


def trials(brackets: Sequence[Bracket]) -> int:
    return sum(number for bracket in brackets for number, _ in bracket)


def epochs(brackets: Sequence[Bracket]) -> Fraction:
    return sum((number * length for bracket in brackets for number, length in bracket), Fraction(0))


def test_the_brackets_of_the_defaults_are_those_of_the_table() -> None:
    ours, theirs = planned(15, 3), paper(15, 3)
    found = [
        (str(place), cell(mine), cell(other)) for place, (mine, other) in enumerate(zip(ours, theirs, strict=True))
    ]
    assert found == BRACKETS
    assert (trials(ours), int(epochs(ours)), trials(theirs), int(epochs(theirs))) == (30, 194, 22, 130)


@pytest.mark.parametrize("row", TOTALS, ids=lambda row: f"{row[0]} by {row[1]}")
def test_totals_are_those_of_the_table(row: tuple[str, ...]) -> None:
    ours, theirs = (sizes(int(row[0]), int(row[1])) for sizes in (planned, paper))
    more = round(100 * (float(epochs(ours) / epochs(theirs)) - 1))
    found = (trials(ours), _short(epochs(ours)), trials(theirs), _short(epochs(theirs)), more)
    assert tuple(map(str, found)) == row[2:]


def test_the_page_has_both_tables() -> None:
    assert (len(BRACKETS), len(TOTALS)) == (3, 6)
