"""The parts and the words that the sections of a study's page share."""

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
    """A section in the one order that all have: words, figures, tables, caveats."""
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
    """An arm's name as the header of a row."""
    return Cell(arm.label, sort=arm.place, detail="base" if arm.base else "")


def accuracy_cell(found: Spread | None) -> Cell:
    """Mean ± standard deviation in percent."""
    return number(found.mean, text.spread(found.mean, found.sd)) if found else Cell(text.MISSING)


def points_cell(value: float | None) -> Cell:
    """A difference in points."""
    return number(value, text.points(value))


def mean_cell(found: Spread | None, shown: str) -> Cell:
    """A mean that was written elsewhere."""
    return number(found.mean, shown) if found else Cell(text.MISSING)


def unsigned(difference: float) -> str:
    """A difference in points without its sign."""
    return text.points(abs(difference)).lstrip("+")
