"""`pareto`: validation accuracy against parameters."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.pareto import Front, size_front
from reports.figures.pareto import front_figure
from reports.run_data import RunData
from reports.sections.section import Cell, Column, Row, Section, Table, figure, number


def build(run: RunData) -> Section:
    """The front, drawn and as a table."""
    found = size_front(run)
    title = _title(found)
    return Section(
        id="pareto",
        name="Accuracy and size",
        title=title,
        how="Marks are trials, darker or brighter with more epochs; the step line is the front of those with the most epochs. The large mark "
        "is the winner with its seeds' range. Diamonds are published test accuracies, which are not validation accuracies of this run.",
        body={
            "figure": figure(front_figure(found, title), _drawn(found)) if found.points else None,
            "why_none": "" if found.points else "No trial has a score, so there is no front.",
            "table": _table(found),
        },
    )


def _title(found: Front) -> str:
    if not found.front:
        return "Accuracy against parameters"
    if len(found.front) == 1:
        only = found.front[0]
        return (
            f"No smaller trial came near {text.percent(only.accuracy)}% with {text.count(only.parameters)} parameters"
        )
    small, large = found.front[0], found.front[-1]
    gained = text.points(large.accuracy - small.accuracy).lstrip("+")
    return f"From {text.count(small.parameters)} to {text.count(large.parameters)} parameters the front gains {gained} points"


def _drawn(found: Front) -> str:
    published = ", and published networks" if found.published else ""
    return f"{text.plural(len(found.points), 'trial')}, the front and the cap{published}"


def _table(found: Front) -> Table | None:
    if not found.front:
        return None
    return Table(
        caption=f"The front: of the trials of {text.plural(found.epochs or 0, 'epoch')}, those that no smaller one equals. One seed each.",
        columns=(Column("Trial", number=False), Column("Parameters"), Column("Validation", "%"), Column("Errors", "%")),
        rows=[
            Row(
                (
                    Cell(point.trial),
                    number(point.parameters),
                    number(point.accuracy, text.percent(point.accuracy)),
                    number(1 - point.accuracy, text.percent(1 - point.accuracy)),
                ),
                trial=point.trial,
            )
            for point in found.front
        ],
    )
