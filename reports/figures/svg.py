"""Matplotlib's SVG adapted to the page: colours follow the theme, ids are unique, each mark has its trial's id."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from matplotlib.figure import Figure

from reports.figures.theme_colours import STAND_INS, css_variable

PIXELS_PER_INCH = 72
"""The resolution at which one point of matplotlib's SVG is one CSS pixel."""

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML does not allow."""
_LONG_DECIMAL = re.compile(r"(\d\.\d\d)\d+")
_TENTHS = re.compile(r"(\d\.\d)\d+")
_HASHED = re.compile(r"[mp][0-9a-f]{10}")
"""Matplotlib's ids of markers and clipping paths; each mark repeats its marker's."""
_DISC = re.compile(r"M 0 ([\d.]+) (C[^CLz]*){8}z")
"""Matplotlib's marker "o": eight curves around the origin, from the point below it."""

_VARIABLES = {colour: f"var({css_variable(role)})" for role, colour in STAND_INS.items()}

ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", _XLINK)


def parse_svg(figure: Figure, **settings: object) -> Element:
    """Return a figure as matplotlib's SVG, a tree without namespace prefixes and without white space between elements.

    Args:
        figure: at `PIXELS_PER_INCH`.
        **settings: of `Figure.savefig`.
    """
    stream = io.StringIO()
    figure.savefig(stream, format="svg", **settings)  # type: ignore[arg-type]
    root = ElementTree.fromstring(_NOT_XML.sub("\ufffd", stream.getvalue()))
    for element in root.iter():
        element.tail = None
        if element.text is not None and element.tag != f"{{{_SVG}}}text":
            element.text = element.text.strip() or None
    return root


def set_fonts(root: Element, family: str) -> None:
    """Write all text in one family."""
    for element in root.iter(f"{{{_SVG}}}text"):
        style = _declarations(element)
        for name in ("font", "font-family"):
            if name in style:
                size = style[name].partition("px ")[0] + "px " if name == "font" else ""
                style[name] = f"{size}{family}"
        _set_style(element, style)


def page_svg(
    figure: Figure, name: str, label: str, marks: Mapping[str, Sequence[str]], line_marks: Mapping[str, Sequence[str]]
) -> str:
    """Return a figure as one SVG element whose colours, fonts and ids belong to the page.

    Args:
        figure: drawn in placeholder colours, at `PIXELS_PER_INCH`.
        name: unique on the page; the prefix of every id.
        label: a description of the figure for screen readers.
        marks: gid of a set of markers → the trial of each, in order.
        line_marks: the same for lines.
    """
    drawn = parse_svg(figure, transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    set_fonts(drawn, "var(--sans)")
    _strip_namespaces(drawn)
    _remove_unseen(drawn)
    groups = {element.get("id"): element for element in drawn.iter("g")}
    for gid, trials in line_marks.items():
        _name_lines(groups[gid], trials)
    if marks:
        markers = {path.get("id", ""): path for path in drawn.iterfind(".//defs/path")}
        for gid, trials in marks.items():
            _name_marks(groups[gid], trials, markers)
        _keep_used_markers(drawn)
    for element in drawn.iter():
        _share_style(element)
        _name_group(element)
        _shorten(element)
    _make_ids_unique(drawn, name)
    width, height = (round(inches * PIXELS_PER_INCH) for inches in figure.get_size_inches())
    svg = Element(
        "svg",
        {
            "xmlns": _SVG,
            "class": "figure",
            "data-figure": name,
            "role": "img",
            "aria-label": _NOT_XML.sub("\ufffd", label),
            "viewBox": f"0 0 {width} {height}",
            "style": f"--width: {width}px",
            "stroke-linejoin": "round",
        },
    )
    svg.extend(drawn)
    return format_svg(svg)


def format_svg(root: Element) -> str:
    """Return a tree as text."""
    # Angle brackets of texts and attributes are escaped: these are the ends of empty elements.
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def _strip_namespaces(root: Element) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if (target := element.attrib.pop(f"{{{_XLINK}}}href", None)) is not None:
            element.attrib = {"href": target, **element.attrib}


def _remove_unseen(root: Element) -> None:
    """Remove metadata, matplotlib's styles, and paths that are neither filled nor stroked."""
    for parent in list(root.iter()):
        for child in list(parent):
            unseen = child.tag == "path" and child.get("style") == "fill: none"
            if unseen or child.tag in ("metadata", "style") or _is_empty_definition(child):
                parent.remove(child)


def _is_empty_definition(element: Element) -> bool:
    return element.tag == "defs" and all(child.tag == "style" for child in element)


def _name_lines(group: Element, trials: Sequence[str]) -> None:
    """Give each line of a group its trial, round it to tenths of a pixel, and move the shared style to the group."""
    paths = group.findall("path")
    if "style" in paths[0].attrib:
        group.set("style", paths[0].attrib["style"])
    for child in list(group):
        group.remove(child)
    for trial, path in zip(trials, paths, strict=True):
        points = " ".join(_TENTHS.sub(r"\1", path.attrib["d"]).replace("\n", " ").replace(" L ", " ").split())
        ElementTree.SubElement(group, "path", {"class": "mark", "data-trial": trial, "d": points})


def _name_marks(group: Element, trials: Sequence[str], markers: Mapping[str, Element]) -> None:
    """Give each marker its trial, and move the shared style to the group.

    A page has tens of thousands of markers, so a disc is a `circle`: shorter than a `use`, and less work to draw.
    """
    names = iter(trials)
    for parent in [group, *group.iter("g")]:
        uses = parent.findall("use")
        if uses and "style" in uses[0].attrib and parent is not group:
            parent.set("style", uses[0].attrib["style"])
        for use in uses:
            use.attrib.pop("style", None)
            attributes = {"class": "mark", "data-trial": next(names), **use.attrib}
            disc = _DISC.fullmatch(" ".join(markers[use.attrib["href"][1:]].attrib["d"].split()))
            if disc is not None:
                x, y = float(attributes.pop("x")), float(attributes.pop("y"))
                del attributes["href"]
                attributes |= {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": disc.group(1)}
                use.tag = "circle"
            use.attrib = attributes


def _keep_used_markers(root: Element) -> None:
    """Remove unused markers, and the style of the others, which would override that of the marks' group."""
    used = {element.attrib["href"][1:] for element in root.iter() if "href" in element.attrib}
    for parent in list(root.iter()):
        for definitions in parent.findall("defs"):
            paths = definitions.findall("path")
            if paths and paths[0].get("id") not in used:
                parent.remove(definitions)
            for path in paths:
                path.attrib.pop("style", None)


def _share_style(group: Element) -> None:
    """Move the style of markers to their group if all have the same."""
    marks = list(group)
    styles = {mark.get("style") for mark in marks}
    if group.tag == "g" and not group.attrib and len(marks) > 1 and {mark.tag for mark in marks} == {"use"}:
        (style, *others) = styles
        if style is not None and not others:
            group.set("style", style)
            for mark in marks:
                del mark.attrib["style"]


def _name_group(group: Element) -> None:
    """Give an artist the classes in its id: a trial's ("trial-0007--2"), a length of training's ("length-0-mean")."""
    kind, _, rest = group.get("id", "").partition("-")
    number = rest.partition("-")[0]
    if kind == "trial" and number.isdecimal():
        group.set("class", "mark")
        group.set("data-trial", number)
    elif kind == "length" and number.isdecimal():
        group.set("class", f"length length-{number}")


def _shorten(element: Element) -> None:
    """Round numbers to hundredths of a pixel, and replace placeholder colours by the theme's variables."""
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for name, value in element.attrib.items():
        element.attrib[name] = " ".join(_LONG_DECIMAL.sub(r"\1", value).split()) if name != "id" else value
    if "style" in element.attrib:
        style = {name: _VARIABLES.get(value, value) for name, value in _declarations(element).items()}
        _set_style(element, style)


def _make_ids_unique(root: Element, prefix: str) -> None:
    """Make ids unique on the page, and short: a large figure repeats its marker's thousands of times."""
    short: dict[str, str] = {}
    for element, attribute, before, identifier, after in list(_references(root)):
        hashed = _HASHED.fullmatch(identifier) is not None
        new = short.setdefault(identifier, f"{identifier[0]}{len(short)}") if hashed else identifier
        element.set(attribute, f"{before}{prefix}-{new}{after}")


def _references(root: Element) -> Iterator[tuple[Element, str, str, str, str]]:
    """Yield each id and each use of one: element, attribute, the text before it, the id, the text after it."""
    for element in root.iter():
        for attribute, value in element.attrib.items():
            if attribute == "id":
                yield element, attribute, "", value, ""
            elif attribute == "href":
                yield element, attribute, "#", value[1:], ""
            elif attribute == "clip-path":
                yield element, attribute, "url(#", value[5:-1], ")"


def _declarations(element: Element) -> dict[str, str]:
    """Return the CSS declarations of an element's style."""
    parts = (part.partition(":") for part in element.get("style", "").split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in parts}


def _set_style(element: Element, style: Mapping[str, str]) -> None:
    if style:
        element.set("style", "; ".join(f"{name}: {value}" for name, value in style.items()))
