"""Helpers shared by the sections of a study's page."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.study.effects import ArmData, Spread
from reports.sections.section import Cell, Figure, Section, Table, number

TEMPLATE = "study-part.html.j2"


def part(
    id: str,
    name: str,
    title: str,
    how: str,
    *,
    why: str = "",
    lead: Sequence[str] = (),
    figures: Sequence[Figure] = (),
    pairs: Sequence[Figure] = (),
    multiples: Sequence[Figure] = (),
    tables: Sequence[Table] = (),
    notes: Sequence[str] = (),
) -> Section:
    """Return a section in the common order: text, figures, tables, notes."""
    body = {
        "why": why,
        "lead": [words for words in lead if words],
        "figures": list(figures),
        "pairs": list(pairs),
        "multiples": list(multiples),
        "tables": list(tables),
        "notes": [words for words in notes if words],
    }
    return Section(id, name, title, how, body, template=TEMPLATE)


def arm_cell(arm: ArmData) -> Cell:
    """Return an arm's name as the header of a row."""
    return Cell(arm.label, sort=arm.place, detail="base" if arm.base else "")


def accuracy_cell(spread: Spread | None) -> Cell:
    """Return mean ± standard deviation in percent."""
    return number(spread.mean, text.spread(spread.mean, spread.sd)) if spread else Cell(text.MISSING)


def points_cell(value: float | None) -> Cell:
    """Return a difference in points."""
    return number(value, text.points(value))


def mean_cell(spread: Spread | None, shown: str) -> Cell:
    """Return a mean with the given text."""
    return number(spread.mean, shown) if spread else Cell(text.MISSING)


def unsigned(difference: float) -> str:
    """Format a difference in points without its sign."""
    return text.points(abs(difference)).lstrip("+")
