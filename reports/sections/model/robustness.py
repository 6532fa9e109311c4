"""`robustness`: accuracy on corrupted test images."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.model.robustness import Degradation, degradations
from reports.figures.model.measures import robustness_figure
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number
from reports.sections.testing import format_why_not_tested

_HOW = (
    "The exported model on the test images, made worse step by step to the right; the leftmost mark is the untouched set. The "
    "scale of the accuracy, in percent, is the same in all plots and spaced by errors, so that losses near 100% can be seen."
)


def build(run: RunData) -> Section:
    """Return the section: a small plot for each corruption."""
    corruptions = degradations(run)
    every = [value for item in corruptions for value in item.accuracy]
    return Section(
        id="robustness",
        name="Robustness",
        part="Model",
        title=_title(corruptions),
        how=_HOW if corruptions else "The accuracy of the exported model on corrupted test images.",
        body={
            "figures": [Figure(robustness_figure(item, every, _words(item)), _words(item)) for item in corruptions],
            "table": _table(corruptions),
            "caveat": "Only the exported model was measured, so there is no spread over seeds here."
            if corruptions
            else "",
            "why_none": "" if corruptions else f"{format_why_not_tested(run)}, so this was not measured.",
        },
    )


def _title(corruptions: tuple[Degradation, ...]) -> str:
    if not corruptions:
        return "Robustness was not measured"
    worst = max(corruptions, key=lambda item: item.loss)
    if worst.loss <= 0:
        return f"Nothing of {text.plural(len(corruptions), 'kind')} of harm lowered its accuracy"
    return f"{worst.kind.capitalize()} harms most: {text.points(-worst.loss)} points at {worst.levels[-1]:.3g} {worst.unit}"


def _words(item: Degradation) -> str:
    return f"{item.kind.capitalize()}: {text.percent(item.accuracy[0])}% to {text.percent(item.accuracy[-1])}%"


def _table(corruptions: tuple[Degradation, ...]) -> Table | None:
    if not corruptions:
        return None
    steps = max(len(item.levels) for item in corruptions)
    return Table(
        caption="Accuracy in percent at each step; small: how strong the step is.",
        columns=(
            Column("Made worse by", number=False),
            Column("Untouched", "%"),
            *(Column(f"Step {step}", "%") for step in range(1, steps)),
            Column("Lost", "points"),
        ),
        rows=[_row(item, steps) for item in corruptions],
    )


def _row(item: Degradation, steps: int) -> Row:
    cells = [
        Cell(text.percent(accuracy), sort=accuracy, detail=f"{level:.3g}" if place else "")
        for place, (level, accuracy) in enumerate(zip(item.levels, item.accuracy, strict=True))
    ]
    empty = [Cell(text.MISSING)] * (steps - len(cells))
    lost = number(item.loss, text.points(-item.loss))
    return Row((Cell(item.kind.capitalize(), detail=item.unit), *cells, *empty, lost))
