"""`compare-fronts`: validation accuracy against parameters, the front of each run."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.search.pareto import size_front
from reports.comparison.differences import all_same_data
from reports.comparison.figures import RunFront, fronts_figure
from reports.comparison.runs import NamedRun
from reports.comparison.sections.words import letters
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number


def build(runs: Sequence[NamedRun]) -> Section:
    """Return the section: the fronts in one figure, and a table of each."""
    fronts = [RunFront(run.place, run.short, size_front(run.run)) for run in runs]
    drawn = [item for item in fronts if item.front.front]
    without = [item.place for item in fronts if not item.front.front]
    title, score_name = _title(runs, drawn), runs[0].run.score_name
    return Section(
        id="compare-fronts",
        name="Accuracy and size",
        title=title,
        how="A front is the trials of a run's longest training that no smaller trial equals, one seed each. The large mark is the winner's mean, its "
        "line the range of its seeds. Runs with other validation images or other numbers of epochs compare by eye alone.",
        body={
            "figure": Figure(fronts_figure(drawn, title, score_name), f"{score_name.capitalize()} against parameters")
            if drawn
            else None,
            "why_none": f"No trial has a score, so there is no front: {letters(runs, without)}." if without else "",
            "table": _table(runs, drawn) if drawn else None,
        },
    )


def _title(runs: Sequence[NamedRun], drawn: Sequence[RunFront]) -> str:
    if not drawn:
        return "Accuracy against parameters"
    smallest = min(drawn, key=lambda item: item.front.front[0].parameters)
    highest = max(drawn, key=lambda item: item.front.front[-1].accuracy)
    small, high = smallest.front.front[0], highest.front.front[-1]
    words = f"The smallest network on a front is {runs[smallest.place].letter}'s, with {text.count(small.parameters)} parameters"
    if not all_same_data(runs):
        return words
    return f"{words}; the most accurate is {runs[highest.place].letter}'s, with {text.count(high.parameters)}"


def _table(runs: Sequence[NamedRun], drawn: Sequence[RunFront]) -> Table:
    return Table(
        caption="The fronts, one seed each.",
        columns=(
            Column("Run", number=False),
            Column("Trial", number=False),
            Column("Epochs"),
            Column("Parameters"),
            Column("Validation", "%"),
        ),
        rows=[
            Row(
                (
                    Cell(runs[item.place].title, sort=item.place),
                    Cell(point.trial),
                    number(point.epochs, text.epochs(point.epochs)),
                    number(point.parameters),
                    number(point.accuracy, text.percent(point.accuracy)),
                )
            )
            for item in drawn
            for point in item.front.front
        ],
        sortable=True,
    )
