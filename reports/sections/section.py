"""The parts of a section: tables, figures, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from markupsafe import Markup

from reports import formatting as text
from reports.figures.canvas import Drawing

PagePart: TypeAlias = Literal["", "Answer", "Try it", "Search", "Model", "Study", "Record"]


@dataclass(frozen=True)
class Section:
    """One part of the page. Its template places its body."""

    id: str
    name: str
    """The name in the table of contents."""
    title: str
    """The section's answer for this run, as a sentence where there is one."""
    how: str
    """An explanation of how to read the section."""
    body: Mapping[str, object] = field(default_factory=dict)
    template: str = ""
    """The template's name, where it isn't `<id>.html.j2`."""
    part: PagePart = ""
    """Its part of the page; "" where the page has no parts."""
    data: Mapping[str, object] = field(default_factory=dict)
    """The section's part of the data for the page's script."""

    @property
    def folded(self) -> bool:
        """Return whether the reader has to unfold it: it only records."""
        return self.part == "Record"


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    sort: float | str | None = None
    """The value that the column is sorted by, where that is not the text."""
    html: Markup | Drawing | None = None
    """A figure or an image in place of the text, which then describes it."""
    bar: float | None = None
    """A bar behind the number, as a share of the cell, in percent."""
    detail: str = ""
    """A second line in small type."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    label: str
    unit: str = ""
    number: bool = True
    """True if the column is aligned on the decimal point and sorted by value."""
    note: str = ""
    """The meaning of the label, shown on hovering."""
    extra: bool = False
    """True for a hyperparameter; the reader can hide all of these."""
    more: bool = False
    """True for a column that the page's script leaves out until the reader adds it."""
    key: str = ""
    """The name of the column's values in `page_data`, by which the page sorts and filters rows of trials."""


@dataclass(frozen=True)
class Row:
    """A row of a table; its first cell is its header."""

    cells: Sequence[Cell]
    trial: str = ""
    winner: bool = False
    failed: bool = False


@dataclass(frozen=True)
class Table:
    """A table."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    sortable: bool = False
    id: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawing with its title and caption; it is drawn when the template places it."""

    drawing: Drawing
    title: str
    caption: str = ""

    @property
    def name(self) -> str:
        """Unique on the page."""
        return self.drawing.name


@dataclass(frozen=True)
class Picture:
    """An image with its alternative text."""

    source: str
    """A `data:` URL."""
    description: str
    caption: Sequence[str] = ()
    width: int = 56
    height: int = 56


def number(value: float | None, shown: str | None = None) -> Cell:
    """Return a cell that is sorted by its number."""
    return Cell(text.count(value) if shown is None else shown, sort=value)
