"""Figures as files: SVG and PNG in the light theme's colours for slides and papers, and SVG that follows the theme.

PowerPoint, Inkscape and LaTeX do not support CSS variables: for them the figure is drawn in fixed colours.
"""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib as mpl

import templates
from reports.figures.canvas import Canvas, Drawing, drawing
from reports.figures.svg import PIXELS_PER_INCH, format_svg, parse_svg, set_fonts
from reports.figures.theme_colours import Ink, light_colours, painted_with

PROGRAM = "mnist-tune"
"""The program's name in every file, which marks the files that a later call may overwrite."""

_SCALE = 2
"""Pixels of a PNG file for each CSS pixel."""

_FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

_LENGTH = re.compile(r"length-\d+")
"""The groups of marks by length of training. A file shows only those of the length with most trials."""

_TITLE_SIZE = 12.0
_TITLE_LINE = 17
_TITLE_MARGIN = 10
_TITLE_CHARACTER = 7.4
"""Width of a bold character in pixels, a little more than most fonts need."""


@dataclass(frozen=True)
class Files:
    """A figure as SVG and as PNG."""

    svg: str
    png: bytes


def make_files(figure: Drawing) -> Files:
    """Draw a figure for files, with its label as the title."""
    with drawing(), mpl.rc_context({"font.sans-serif": ["DejaVu Sans"]}), painted_with(light_colours()):
        canvas = figure.canvas()
        _one_length(canvas)
        _add_title(canvas, figure.label)
        return Files(_svg(canvas, figure.label), _png(canvas))


def themed_file(figure: Drawing, title: str) -> str:
    """Return a figure of the page as an SVG file that follows the viewer's theme."""
    svg = ElementTree.fromstring(figure.svg())
    style = ElementTree.Element("style")
    style.text = f"{templates.colours()} svg {{ background: var(--paper); }}"
    svg.insert(0, style)
    svg.insert(0, _title_element(title))
    return format_svg(svg) + "\n"


def _title_element(title: str) -> ElementTree.Element:
    element = ElementTree.Element("title")
    element.text = title
    return element


def _one_length(canvas: Canvas) -> None:
    lengths = [gid for gid in canvas.marks if _LENGTH.fullmatch(gid)]
    shown = max(lengths, key=lambda gid: len(canvas.marks[gid]), default="")
    for artist in canvas.figure.findobj():
        match = _LENGTH.match(artist.get_gid() or "")
        if match is not None and match.group() != shown:
            artist.set_visible(False)


def _add_title(canvas: Canvas, title: str) -> None:
    """Make the figure higher and write the title at the top; the drawing keeps its size in pixels."""
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
    nothing = {"Date": None, "Format": None, "Type": None, "Creator": PROGRAM}
    svg = parse_svg(canvas.figure, facecolor=Ink.PAPER, metadata=nothing)
    set_fonts(svg, _FONTS)
    svg.insert(0, _title_element(title))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{format_svg(svg)}\n'


def _png(canvas: Canvas) -> bytes:
    stream = io.BytesIO()
    canvas.figure.savefig(
        stream,
        format="png",
        dpi=_SCALE * PIXELS_PER_INCH,
        facecolor=Ink.PAPER,
        metadata={"Software": PROGRAM},
    )
    return stream.getvalue()
