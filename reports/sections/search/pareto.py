"""`pareto`: validation accuracy against parameters, and against multiply-adds."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.search.pareto import Front, size_front
from reports.analysis.search.target import target_of
from reports.figures.search.pareto import front_figure
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number

_NOUNS = {"parameters": "parameters", "multiply_adds": "multiply-adds an image"}
_LEVEL = "The dotted line is the target; one that is far from every trial is not drawn. "


def build(run: RunData) -> Section:
    """The fronts, drawn, and the one of parameters as a table."""
    found, target = size_front(run), target_of(run)
    drawn = front_figure(found, _drawn(found), target=target, best=_best(run)) if found.points else None
    return Section(
        id="pareto",
        name="Accuracy and size",
        title=_title(found),
        how="Marks are trials, darker (in the dark: brighter) with more epochs; the step line is the front of those with the most "
        "epochs: the trials that no smaller one equals. The large mark is the winner with its seeds' range"
        f"{'' if run.info.space.max_params is None else ', the dashed line the cap'}. "
        f"{'' if target is None else _LEVEL}"
        "Diamonds are published test accuracies, which are not validation accuracies of this run.",
        body={
            "figure": Figure(drawn, _drawn(found)) if drawn is not None else None,
            "why_none": "" if found.points else "No trial has a score, so there is no front.",
            "table": _table(found),
            "work": _work(run),
        },
    )


def _best(run: RunData) -> str:
    return "best arm" if run.info.kind == "study" else "winner"


def _work(run: RunData) -> Figure | None:
    """Return the same against multiply-adds; None where no trial's are known."""
    found = size_front(run, "multiply_adds")
    if not found.points:
        return None
    title = _title(found)
    drawing = front_figure(
        found, title, name="pareto-work", target=target_of(run), best=_best(run), width=480, height=300
    )
    return Figure(drawing, title, "Each trial's work for one image, counted from its layers.")


def _title(found: Front) -> str:
    noun = _NOUNS[found.measure]
    if not found.front:
        return f"Accuracy against {noun}"
    small, large = found.front[0], found.front[-1]
    first, last = _size(found, 0), _size(found, -1)
    if len(found.front) == 1:
        longest = sum(point.epochs == found.epochs for point in found.points)
        trials = "The only trial" if longest == 1 else f"The smallest of {longest:,} trials is the best: it"
        return (
            f"{trials} of {text.plural(small.epochs, 'epoch')} has {text.percent(small.accuracy)}% with {first} {noun}"
        )
    gained = text.points(large.accuracy - small.accuracy).lstrip("+")
    return f"From {first} to {last} {noun} the front gains {gained} points"


def _size(found: Front, place: int) -> str:
    point = found.front[place]
    return text.count(point.parameters if found.measure == "parameters" else point.multiply_adds)


def _drawn(found: Front) -> str:
    published = f", and {text.plural(len(found.published), 'published network')}" if found.published else ""
    cap = f" under the cap of {text.count(found.cap)} parameters" if found.cap is not None else ""
    return f"{text.plural(len(found.points), 'trial')}{cap}, {len(found.front)} of them on the front{published}"


def _table(found: Front) -> Table | None:
    if not found.front:
        return None
    return Table(
        caption=f"The front: of the trials of {text.plural(found.epochs or 0, 'epoch')}, those that no smaller one equals. One seed each, "
        "so that the best of them are a little lucky.",
        columns=(
            Column("Trial", number=False),
            Column("Parameters"),
            Column("Validation", "%"),
            Column("Multiply-adds", "of an image"),
        ),
        rows=[
            Row(
                (
                    Cell(point.trial),
                    number(point.parameters),
                    number(point.accuracy, text.percent(point.accuracy)),
                    number(point.multiply_adds),
                ),
                trial=point.trial,
            )
            for point in found.front
        ],
    )
