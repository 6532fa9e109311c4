"""Matplotlib's SVG made fit for a page: its colours follow the theme, every id is unique, each mark has the id of its trial."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from html import escape

from matplotlib.figure import Figure

from reports.figures.ink import VARIABLES

PIXELS_PER_INCH = 72
"""Matplotlib's SVG counts in points; at 72 of them an inch a point is a pixel of the page."""

_WIDE = 480
"""Figures wider than this one scrolls on a phone rather than shrink."""

_COLOUR = re.compile("|".join(VARIABLES))
_ID = re.compile(r'(\bid="|href="#|url\(#)([^")]+)')
_TRIAL_GROUP = re.compile(r'<g id="trial-(\d+)(?:--\d+)?"')
_TAG = re.compile(r"<[^>]*>")
_LONG_DECIMAL = re.compile(r"(\d\.\d\d)\d+")
_FONT = re.compile(r"(font: (?:[\w.]+ )*?[\d.]+px|font-family:) [^;\"]+")
_NO_TURN = re.compile(r' transform="rotate\(-0 [^"]*"')
_UNSEEN = re.compile(r'<path [^>]*style="fill: none"/>')
"""Neither filled nor stroked: the empty cells of a matrix, the ground of a figure."""
_HASHED = re.compile(r"[mp][0-9a-f]{10}")
"""Matplotlib's names of markers and clipping paths: each mark says its marker's again."""

_USES = re.compile(r"<g>((?:\s*<use [^>]*/>){2,})\s*</g>")
_USE_STYLE = re.compile(r' style="([^"]*)"/>')
_SPACE = re.compile(r"\s*\n\s*")
_STYLE_OF = re.compile(r' style="[^"]*"')
_USE = re.compile(r"<use [^>]*>")
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
_USED = re.compile(r'href="#([^"]+)"')
_MARKER = re.compile(r'<defs>\s*<path id="([^"]*)" [^>]*>\s*</defs>')
_DISC = re.compile(r'<path id="([^"]*)" d="M 0 ([\d.]+)\s+(?=(?:C[^CLz"]*){8}z)')
"""Matplotlib's marker "o": eight curves around the origin, from the point below it."""
_LINE = re.compile(r'<path d="([^"]*)"[^>]*?( style="[^"]*")/>')
_TENTHS = re.compile(r"(\d\.\d)\d+")
_FURTHER_POINT = re.compile(r"\s+L ")


def page_svg(
    figure: Figure, name: str, label: str, marks: Mapping[str, Sequence[str]], line_marks: Mapping[str, Sequence[str]]
) -> str:
    """The figure as one SVG element whose colours, fonts and ids belong to the page.

    Args:
        figure: drawn in stand-in colours, at `PIXELS_PER_INCH`.
        name: unique on the page; the prefix of every id.
        label: what the figure shows, for those who can't see it.
        marks: gid of a set of markers → the trial of each, in order.
        line_marks: the same for lines.
    """
    stream = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    source = stream.getvalue()
    body = source[source.index(">", source.index("<svg")) + 1 : source.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    for gid, trials in marks.items():
        body = _name_marks(body, gid, trials)
    for gid, trials in line_marks.items():
        body = _name_lines(body, gid, trials)
    body = _used_definitions(body) if marks else body
    body = _TRIAL_GROUP.sub(lambda m: f'{m.group(0)} class="mark" data-trial="{m.group(1)}"', body)
    body = _own_ids(body, name).replace("xlink:href", "href")
    body = _NO_TURN.sub("", _FONT.sub(r"\1 var(--sans)", body))
    body = _COLOUR.sub(lambda m: f"var({VARIABLES[m.group(0)]})", body)
    body = _UNSEEN.sub("", body)
    body = _USES.sub(_style_once, body)
    body = _TAG.sub(lambda m: _LONG_DECIMAL.sub(r"\1", m.group(0)), body)
    body = _SPACE.sub(" ", body).strip()
    text = escape(label, quote=True)
    width, height = (round(inches * PIXELS_PER_INCH) for inches in figure.get_size_inches())
    wide = " wide" if width > _WIDE else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="figure{wide}" data-figure="{name}" role="img" aria-label="{text}" viewBox="0 0 {width} {height}" '
        f'style="--width: {width}px" stroke-linejoin="round">{body}</svg>'
    )


def _name_lines(body: str, gid: str, trials: Sequence[str]) -> str:
    """Gives each line of a group its trial, in tenths of a pixel, and the look that they share to the group."""
    head = f'<g id="{gid}"'
    start = body.index(f"{head}>")
    end = body.index("</g>", start)
    found = [(line.group(1), line.group(2)) for line in _LINE.finditer(body, start, end)]
    drawn = (_FURTHER_POINT.sub(" ", _TENTHS.sub(r"\1", points)).strip() for points, _ in found)
    marks = (f'<path class="mark" data-trial="{t}" d="{d}"/>' for t, d in zip(trials, drawn, strict=True))
    return f"{body[:start]}{head}{found[0][1]}>{''.join(marks)}{body[end:]}"


def _own_ids(body: str, prefix: str) -> str:
    """Ids that are unique on the page, and short: a large figure names its marker thousands of times."""
    short: dict[str, str] = {}

    def own(match: re.Match[str]) -> str:
        name = match.group(2)
        if _HASHED.fullmatch(name):
            name = short.setdefault(name, f"{name[0]}{len(short)}")
        return f"{match.group(1)}{prefix}-{name}"

    return _ID.sub(own, body)


def _style_once(match: re.Match[str]) -> str:
    """Marks that all look alike take their look from their group."""
    marks = match.group(1)
    styles = set(_USE_STYLE.findall(marks))
    if len(styles) != 1 or len(_USE_STYLE.findall(marks)) != marks.count("<use "):
        return match.group()
    return f'<g style="{styles.pop()}">{_USE_STYLE.sub("/>", marks)}</g>'


def _name_marks(body: str, gid: str, trials: Sequence[str]) -> str:
    """Each marker gets its trial; their look, which they share, is written once, on the group around them."""
    start = body.index(f'<g id="{gid}">')
    end = body.index("</g>", start)
    group, names = body[start:end], iter(trials)
    look = _STYLE_OF.search(group, max(group.find("<use "), 0))
    # Matplotlib defines a marker where it is first used, perhaps in another group.
    radii = dict(_DISC.findall(body))
    marked = _USE.sub(lambda use: _mark(use.group(), next(names), radii), group)
    marked = marked.replace("<g>", f"<g{look.group()}>", 1) if look else marked
    return body[:start] + marked + body[end:]


def _mark(use: str, trial: str, radii: Mapping[str, str]) -> str:
    """A page has tens of thousands of markers, so a disc is a `circle`: shorter than a `use`, and less work to draw."""
    name = f'class="mark" data-trial="{trial}"'
    values = dict(_ATTRIBUTE.findall(use))
    radius = radii.get(values["href"].removeprefix("#"))
    if radius is None:
        return _STYLE_OF.sub("", use).replace("<use", f"<use {name}")
    return f'<circle {name} cx="{float(values["x"]):.1f}" cy="{float(values["y"]):.1f}" r="{radius}"/>'


def _used_definitions(body: str) -> str:
    """Markers are defined once; their own look would hide that of the group, and a disc's is not used any more."""
    used = set(_USED.findall(body))
    return _MARKER.sub(lambda found: _STYLE_OF.sub("", found.group()) if found.group(1) in used else "", body)
