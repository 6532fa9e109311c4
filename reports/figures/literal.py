"""A figure as a file of its own, for slides and papers: SVG and PNG with the light theme's colours in them.

PowerPoint, Inkscape and LaTeX know no CSS variables. The figure is painted again, its stand-in colours are replaced in
matplotlib itself, and both files are written from that.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.collections import Collection, QuadMesh
from matplotlib.colors import ListedColormap, to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

import templates
from reports.figures.canvas import Canvas, Drawing, drawing
from reports.figures.ink import VARIABLES, Ink
from reports.figures.svg import PIXELS_PER_INCH

PROGRAM = "mnist-tune"
"""Stands in every file: what a later call may write over."""

_SCALE = 2
"""PNG files have so many pixels for each of the page's."""

_FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_FONT = re.compile(r"font-family: [^;\"]+")
_VARIABLE = re.compile(r"(--[\w-]+):\s*(#[0-9a-fA-F]{3,8})\s*;")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that a page may hold and an XML file may not."""

_LENGTH = re.compile(r"length-\d+")
"""The page shows the marks of one length of training at a time; a file shows those of the length with most trials."""

_TITLE_SIZE = 12.0
_TITLE_LINE = 17
_TITLE_MARGIN = 10
_TITLE_CHARACTER = 7.4
"""Width of a bold character in pixels, a little more than most fonts need."""

Colour = tuple[float, float, float, float]


@dataclass(frozen=True)
class Files:
    """A figure in both forms."""

    svg: str
    png: bytes


@cache
def light_colours() -> Mapping[str, str]:
    """Stand-in colour → the colour of the light theme, from colours.css."""
    light = templates.colours().split("@media", 1)[0]
    values = dict(_VARIABLE.findall(light))
    return {stand_in: to_hex(values[variable]) for stand_in, variable in VARIABLES.items()}


def files_of(drawn: Drawing) -> Files:
    """Paints a figure again, with what it shows (its label) above it: in a file nothing else says so."""
    with drawing(), mpl.rc_context({"font.sans-serif": ["DejaVu Sans"]}):
        canvas = drawn.canvas()
        _one_length(canvas)
        _add_title(canvas, drawn.label)
        # Ticks are made when they are first needed: now all of them are there to be coloured.
        canvas.figure.draw_without_rendering()
        recolour(canvas.figure, light_colours())
        return Files(_svg(canvas, drawn.label), _png(canvas))


def recolour(figure: Figure, colours: Mapping[str, str]) -> None:
    """Replaces the stand-in colours of everything in a figure; opacities stay."""
    for artist in figure.findobj():
        for kind, repaint in _REPAINT:
            if isinstance(artist, kind):
                repaint(artist, colours)


def _line(line: Any, colours: Mapping[str, str]) -> None:
    line.set_color(_replaced(line.get_color(), colours))
    line.set_markerfacecolor(_replaced(line.get_markerfacecolor(), colours))
    line.set_markeredgecolor(_replaced(line.get_markeredgecolor(), colours))


def _patch(patch: Any, colours: Mapping[str, str]) -> None:
    edge, face = patch.get_edgecolor(), patch.get_facecolor()
    patch.set_alpha(None)
    patch.set_edgecolor(_replaced(edge, colours))
    patch.set_facecolor(_replaced(face, colours))


def _text(text: Any, colours: Mapping[str, str]) -> None:
    text.set_color(_replaced(text.get_color(), colours))


def _collection(collection: Any, colours: Mapping[str, str]) -> None:
    edges, faces = collection.get_edgecolor(), collection.get_facecolor()
    # The opacity is in the colours already; it would be taken twice.
    collection.set_alpha(None)
    collection.set_edgecolor([_replaced(colour, colours) for colour in edges])
    if not isinstance(collection, QuadMesh):
        collection.set_facecolor([_replaced(colour, colours) for colour in faces])


def _mesh(mesh: Any, colours: Mapping[str, str]) -> None:
    if isinstance(mesh.cmap, ListedColormap):
        steps: Any = mesh.cmap.colors
        mesh.set_cmap(ListedColormap([_replaced(colour, colours) for colour in steps]))


# `Any`: each function is given what its class says, which mypy can't follow through a table.
_REPAINT: tuple[tuple[type[Artist], Callable[[Any, Mapping[str, str]], None]], ...] = (
    (Line2D, _line),
    (Patch, _patch),
    (Text, _text),
    (Collection, _collection),
    (QuadMesh, _mesh),
)


def _replaced(colour: Any, colours: Mapping[str, str]) -> Colour | str:
    """A colour in any of matplotlib's forms, replaced where it is a stand-in."""
    if isinstance(colour, str) and colour == "none":
        return colour
    red, green, blue, alpha = to_rgba(colour)
    found = colours.get(to_hex((red, green, blue)))
    return to_rgba(found, alpha) if found is not None else (red, green, blue, alpha)


def _one_length(canvas: Canvas) -> None:
    lengths = [gid for gid in canvas.marks if _LENGTH.fullmatch(gid)]
    shown = max(lengths, key=lambda gid: len(canvas.marks[gid]), default="")
    for artist in canvas.figure.findobj():
        found = _LENGTH.match(artist.get_gid() or "")
        if found is not None and found.group() != shown:
            artist.set_visible(False)


def _add_title(canvas: Canvas, title: str) -> None:
    """Makes the figure higher and writes the title there; what is drawn keeps its size in pixels."""
    width = max(12, int((canvas.width - 2 * _TITLE_MARGIN) / _TITLE_CHARACTER))
    lines = textwrap.wrap(title, width) or [""]
    extra = _TITLE_LINE * len(lines) + _TITLE_MARGIN if title else 0
    share = canvas.height / (canvas.height + extra)
    for ax in canvas.figure.axes:
        box = ax.get_position(original=True)
        ax.set_position((box.x0, box.y0 * share, box.width, box.height * share))
    canvas.height += extra
    canvas.figure.set_size_inches(canvas.width / PIXELS_PER_INCH, canvas.height / PIXELS_PER_INCH)
    for place, line in enumerate(lines):
        height = 1 - (_TITLE_MARGIN / 2 + _TITLE_LINE * (place + 0.5)) / canvas.height
        canvas.figure.text(_TITLE_MARGIN / canvas.width, height, line, fontsize=_TITLE_SIZE, fontweight="bold", va="center", color=Ink.TEXT)  # fmt: skip


def _svg(canvas: Canvas, title: str) -> str:
    stream = io.StringIO()
    nothing = {"Date": None, "Format": None, "Type": None, "Creator": PROGRAM}
    canvas.figure.savefig(stream, format="svg", facecolor=light_colours()[Ink.PAPER], metadata=nothing)
    source = _FONT.sub(f"font-family: {_FONTS}", stream.getvalue())
    end = source.index(">", source.index("<svg")) + 1
    return _NOT_XML.sub("\ufffd", f"{source[:end]}\n <title>{escape(title)}</title>{source[end:]}")


def _png(canvas: Canvas) -> bytes:
    stream = io.BytesIO()
    canvas.figure.savefig(
        stream,
        format="png",
        dpi=_SCALE * PIXELS_PER_INCH,
        facecolor=light_colours()[Ink.PAPER],
        metadata={"Software": PROGRAM},
    )
    return stream.getvalue()
