"""Switch for the figures of pages in tests: empty by default, since most tests look at words; real ones for tests marked `draws`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

from reports.figures.canvas import Drawing
from reports.sections.section import Figure

_state = {"draws": False}


def set_drawing(draws: bool) -> None:
    """Switch the drawing of pages' figures on or off."""
    _state["draws"] = draws


@contextmanager
def drawn() -> Iterator[None]:
    """Draw the figures of pages that are rendered within the context."""
    before = _state["draws"]
    set_drawing(True)
    try:
        yield
    finally:
        set_drawing(before)


def _placed(drawing: Drawing) -> str:
    if _state["draws"]:
        return drawing.svg()
    name, label = escape(drawing.name), escape(drawing.label, quote=True)
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="figure" data-figure="{name}" role="img" aria-label="{label}"></svg>'


def leave_drawings_empty() -> None:
    """Install the switch between the drawings and the page."""
    Drawing.__html__ = _placed  # type: ignore[method-assign, assignment]


def svg_of(value: object) -> str:
    """Return the SVG text of a value that a section's body holds for a figure."""
    if not isinstance(value, Figure):
        raise ValueError(f"Expected a figure. Received: {value!r}")
    return value.drawing.svg()
