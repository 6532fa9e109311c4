"""`pareto`: validation accuracy against parameters, multiply-adds, RAM and flash."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.search.pareto import Front, Measure, size_front, size_of
from reports.analysis.search.target import target_of
from reports.figures.search.pareto import front_figure
from reports.run.run_data import RunData
from reports.sections.cap_slider import cap_data
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number

_NOUNS = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds an image",
    "ram": "bytes of RAM",
    "flash": "bytes of flash",
}
_FIGURES: dict[Measure, tuple[str, int]] = {
    "parameters": ("pareto", 720),
    "multiply_adds": ("pareto-work", 480),
    "ram": ("pareto-ram", 480),
    "flash": ("pareto-flash", 480),
}
"""Measure → the name and the width of its figure."""
_OTHERS: dict[Measure, str] = {
    "multiply_adds": "Each trial's work for one image, counted from its layers.",
    "ram": "Each int8 network's arena in TFLM's interpreter, computed from its layers.",
    "flash": "Each int8 network's file, computed from its layers.",
}
_SIZES = {"pareto-work": "Multiply-adds", "pareto-ram": "RAM", "pareto-flash": "Flash"}
"""Name of a figure → its size, for the choice."""
_MEMORY: tuple[Measure, ...] = ("ram", "flash")
_MEMORY_COLUMNS: tuple[tuple[Measure, str, str], ...] = (
    ("ram", "RAM", "the int8 network's arena in TFLM's interpreter, computed"),
    ("flash", "Flash", "the int8 file, computed"),
)
_LEVEL = "The dotted line is the target; one that is far from every trial is not drawn. "


def build(run: RunData) -> Section:
    """Return the section: both fronts as figures, and that of parameters as a table."""
    front, target = size_front(run), target_of(run)
    slider = cap_data(run, _FIGURES)
    drawn = (
        front_figure(front, _drawn(front), target=target, best=_best(run), score_name=run.score_name)
        if front.points
        else None
    )
    return Section(
        id="pareto",
        name="Accuracy and size",
        part="Search",
        title=_title(front),
        how="Marks are trials, darker (in the dark: brighter) with more epochs; the step line is the front of those with the most "
        "epochs: no smaller trial is as accurate. The large mark is the winner with its seeds' range"
        f"{'' if run.info.space.max_params is None else ', the dashed line the cap'}. "
        f"{'' if target is None else _LEVEL}"
        "Diamonds are published test accuracies, not validation accuracies of this run; a triangle at the edge is one beyond the axes.",
        body={
            "figure": Figure(drawn, _drawn(front)) if drawn is not None else None,
            "why_none": "" if front.points else "No trial has a score, so there is no front.",
            "slider": bool(slider),
            "table": _table(front),
            "work": _other(run, "multiply_adds"),
            "memory": [figure for measure in _MEMORY if (figure := _other(run, measure)) is not None],
            "sizes": _SIZES,
        },
        data={"cap": slider} if slider else {},
    )


def _best(run: RunData) -> str:
    return "best arm" if run.info.kind == "study" else "winner"


def _other(run: RunData, measure: Measure) -> Figure | None:
    """Return the small figure against another measure; None if no trial's is known."""
    front = size_front(run, measure)
    if not front.points:
        return None
    title = _title(front)
    drawing = front_figure(
        front,
        title,
        name=_FIGURES[measure][0],
        target=target_of(run),
        best=_best(run),
        score_name=run.score_name,
        width=_FIGURES[measure][1],
        height=300,
    )
    return Figure(drawing, title, _OTHERS[measure])


def _title(front: Front) -> str:
    noun = _NOUNS[front.measure]
    if not front.front:
        return f"Accuracy against {noun}"
    small, large = front.front[0], front.front[-1]
    first, last = _size(front, 0), _size(front, -1)
    if len(front.front) == 1:
        longest = sum(point.epochs == front.epochs for point in front.points)
        epochs = text.plural(small.epochs, "epoch")
        if longest == 1:
            return f"The only trial of {epochs} has {text.percent(small.accuracy)}% with {first} {noun}"
        return f"The smallest of {longest:,} trials of {epochs} is the best: {text.percent(small.accuracy)}% with {first} {noun}"
    gained = text.points(large.accuracy - small.accuracy).lstrip("+")
    return f"From {first} to {last} {noun} the front gains {gained} points"


def _size(front: Front, place: int) -> str:
    point = front.front[place]
    return text.count(size_of(point, front.measure))


def _drawn(front: Front) -> str:
    published = f", and {text.plural(len(front.published), 'published network')}" if front.published else ""
    cap = f" under the cap of {text.count(front.cap)} parameters" if front.cap is not None else ""
    return f"{text.plural(len(front.points), 'trial')}{cap}, {len(front.front)} of them on the front{published}"


def _table(front: Front) -> Table | None:
    if not front.front:
        return None
    memory = [
        column for column in _MEMORY_COLUMNS if any(size_of(point, column[0]) is not None for point in front.front)
    ]
    return Table(
        caption=f"The front of the trials of {text.plural(front.epochs or 0, 'epoch')}: no smaller trial is as accurate. One seed each, "
        "so that the best of them are a little lucky.",
        columns=(
            Column("Trial", number=False),
            Column("Parameters"),
            Column("Validation", "%"),
            Column("Multiply-adds", "of an image"),
            *(Column(label, "bytes", note=note) for _, label, note in memory),
        ),
        rows=[
            Row(
                (
                    Cell(point.trial),
                    number(point.parameters),
                    number(point.accuracy, text.percent(point.accuracy)),
                    number(point.multiply_adds),
                    *(number(size_of(point, measure)) for measure, *_ in memory),
                ),
                trial=point.trial,
            )
            for point in front.front
        ],
    )
