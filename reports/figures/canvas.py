"""What all figures share: colours that follow the page's theme, axes, and matplotlib's output made fit for a page.

A figure is drawn with stand-in colours (`Ink`), one for each role; `svg_of` replaces them by CSS variables, makes every
id unique to the figure and gives each mark the id of its trial. One unit of a figure is one CSS pixel.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

PIXELS_PER_INCH = 72
"""Matplotlib's SVG counts in points; at 72 of them an inch a point is a pixel of the page."""

_WIDE = 480
"""Figures wider than this one scrolls on a phone rather than shrink."""

_STYLE: dict[str, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mnist-tune",
    "text.parse_math": False,
    "font.size": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 1.0,
    "path.simplify": False,
    "lines.solid_capstyle": "round",
}


class Ink:
    """Stand-in colours, one a role; none of them is ever seen."""

    TEXT = "#000101"
    MUTED = "#000102"
    HAIRLINE = "#000103"
    FAINT = "#000104"
    """Trials in the background."""
    WINNER = "#000105"
    PAPER = "#000106"
    PUBLISHED = "#000107"
    """References: the same wherever they stand."""
    CATEGORY = ("#000110", "#000111", "#000112", "#000113", "#000114", "#000115")
    """Okabe and Ito's set without black and the winner's."""
    ORDER = ("#000120", "#000121", "#000122", "#000123", "#000124")
    """Ordered, from cividis: few epochs to many."""
    HEAT = tuple(f"#0001{48 + step:02x}" for step in range(8))
    """Ordered, from cividis: few to many."""
    HEAT_TEXT = tuple(f"#0001{64 + step:02x}" for step in range(8))
    """What can be read on `HEAT`."""


VARIABLES = {
    Ink.TEXT: "--ink",
    Ink.MUTED: "--muted",
    Ink.HAIRLINE: "--hairline",
    Ink.FAINT: "--faint",
    Ink.WINNER: "--winner",
    Ink.PAPER: "--paper",
    Ink.PUBLISHED: "--published",
    **{colour: f"--category-{place}" for place, colour in enumerate(Ink.CATEGORY)},
    **{colour: f"--order-{place}" for place, colour in enumerate(Ink.ORDER)},
    **{colour: f"--heat-{place}" for place, colour in enumerate(Ink.HEAT)},
    **{colour: f"--heat-text-{place}" for place, colour in enumerate(Ink.HEAT_TEXT)},
}
"""Stand-in colour → the variable of colours.css that the page shows."""

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


@dataclass
class Canvas:
    """A figure that is being drawn."""

    name: str
    """Unique on the page; the prefix of every id."""
    figure: Figure
    width: int
    height: int
    marks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """gid of a set of markers → the trial of each, in order."""
    line_marks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The same for lines."""
    _gids: dict[str, int] = field(default_factory=dict)

    def axes(self, *, left: int = 56, right: int = 16, top: int = 12, bottom: int = 44) -> Axes:
        """Axes with these margins in pixels."""
        box = (
            left / self.width,
            bottom / self.height,
            (self.width - left - right) / self.width,
            (self.height - top - bottom) / self.height,
        )
        ax = self.figure.add_axes(box)
        quiet(ax)
        return ax

    def trial_gid(self, trial: str) -> str:
        """An id for an artist of a trial; a second one of the same trial gets its own."""
        number = self._gids[trial] = self._gids.get(trial, 0) + 1
        return f"trial-{trial}" if number == 1 else f"trial-{trial}--{number}"

    def points(self, ax: Axes, x: Sequence[float], y: Sequence[float], trials: Sequence[str], **look: object) -> None:
        """Markers, each of which knows its trial."""
        if not x:
            return
        gid = f"marks-{len(self.marks)}"
        self.marks[gid] = tuple(trials)
        style: dict[str, object] = {"marker": "o", "markersize": 6, "markeredgewidth": 1, "markeredgecolor": Ink.PAPER}
        ax.plot(x, y, linestyle="none", gid=gid, clip_on=False, **{**style, **look})  # type: ignore[arg-type]

    def lines(
        self, ax: Axes, lines: Sequence[Sequence[tuple[float, float]]], trials: Sequence[str], **look: object
    ) -> None:
        """Lines of one look through given points, each of which knows its trial."""
        if not lines:
            return
        gid = f"lines-{len(self.line_marks)}"
        self.line_marks[gid] = tuple(trials)
        ax.add_collection(LineCollection(lines, gid=gid, clip_on=False, **look), autolim=False)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Drawing:
    """How a figure was drawn, so that it can be drawn again for another medium."""

    name: str
    width: int
    height: int
    label: str
    paint: Callable[[Canvas], None]

    def canvas(self) -> Canvas:
        """A fresh canvas with the figure on it, in stand-in colours; needs `drawing` around it."""
        size = (self.width / PIXELS_PER_INCH, self.height / PIXELS_PER_INCH)
        canvas = Canvas(self.name, Figure(figsize=size, dpi=PIXELS_PER_INCH), self.width, self.height)
        self.paint(canvas)
        return canvas


_KEPT: ContextVar[dict[str, Drawing] | None] = ContextVar("kept drawings", default=None)


@contextmanager
def keeping() -> Iterator[Mapping[str, Drawing]]:
    """Keeps every figure that is drawn meanwhile, by name."""
    kept: dict[str, Drawing] = {}
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)


@contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib's settings while a figure is made and written."""
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        yield


def draw(name: str, width: int, height: int, label: str, paint: Callable[[Canvas], None]) -> str:
    """Lets `paint` draw on a canvas and returns the SVG element.

    Args:
        name: unique on the page.
        width: of the figure in CSS pixels.
        height: the same.
        label: what the figure shows, for those who can't see it.
        paint: draws.
    """
    drawn = Drawing(name, width, height, label, paint)
    if (kept := _KEPT.get()) is not None:
        kept[name] = drawn
    with drawing():
        return svg_of(drawn.canvas(), label)


def svg_of(canvas: Canvas, label: str) -> str:
    """The figure as one SVG element whose colours, fonts and ids belong to the page."""
    stream = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    canvas.figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    source = stream.getvalue()
    body = source[source.index(">", source.index("<svg")) + 1 : source.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    for gid, trials in canvas.marks.items():
        body = _name_marks(body, gid, trials)
    for gid, trials in canvas.line_marks.items():
        body = _name_lines(body, gid, trials)
    body = _used_definitions(body) if canvas.marks else body
    body = _TRIAL_GROUP.sub(lambda m: f'{m.group(0)} class="mark" data-trial="{m.group(1)}"', body)
    body = _own_ids(body, canvas.name).replace("xlink:href", "href")
    body = _NO_TURN.sub("", _FONT.sub(r"\1 var(--sans)", body))
    body = _COLOUR.sub(lambda m: f"var({VARIABLES[m.group(0)]})", body)
    body = _UNSEEN.sub("", body)
    body = _USES.sub(_style_once, body)
    body = _TAG.sub(lambda m: _LONG_DECIMAL.sub(r"\1", m.group(0)), body)
    body = _SPACE.sub(" ", body).strip()
    text = escape(label, quote=True)
    wide = " wide" if canvas.width > _WIDE else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="figure{wide}" data-figure="{canvas.name}" role="img" aria-label="{text}" viewBox="0 0 {canvas.width} {canvas.height}" '
        f'style="--width: {canvas.width}px" stroke-linejoin="round">{body}</svg>'
    )


def quiet(ax: Axes) -> None:
    """Axes in the page's greys: no box, hairline, short labels."""
    ax.set_facecolor("none")
    for spine in ax.spines.values():
        spine.set_color(Ink.HAIRLINE)
    ax.tick_params(colors=Ink.MUTED, which="both", length=3, width=1, labelsize=11, pad=4)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_color(Ink.MUTED)
        axis.label.set_fontsize(12)


_LINE = re.compile(r'<path d="([^"]*)"[^>]*?( style="[^"]*")/>')
_TENTHS = re.compile(r"(\d\.\d)\d+")
_FURTHER_POINT = re.compile(r"\s+L ")


def _name_lines(body: str, gid: str, trials: Sequence[str]) -> str:
    """Gives each line of a group its trial, in tenths of a pixel, and the look that they share to the group."""
    head = f'<g id="{gid}"'
    start = body.index(f"{head}>")
    end = body.index("</g>", start)
    found = [(line.group(1), line.group(2)) for line in _LINE.finditer(body, start, end)]
    drawn = (_FURTHER_POINT.sub(" ", _TENTHS.sub(r"\1", points)).strip() for points, _ in found)
    marks = (f'<path class="mark" data-trial="{t}" d="{d}"/>' for t, d in zip(trials, drawn, strict=True))
    return f"{body[:start]}{head}{found[0][1]}>{''.join(marks)}{body[end:]}"


def order_colour(place: int, of: int) -> str:
    """The colour of the place-th of so many ordered things, 0 the least."""
    if of <= 1:
        return Ink.ORDER[-1]
    return Ink.ORDER[round(place * (len(Ink.ORDER) - 1) / (of - 1))]


# --- an accuracy axis that shows errors -----------------------------------------------------------------------------

_ACCURACY_TICKS = (
    0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999,
    0.9995, 0.9999,
)  # fmt: skip
_SMALLEST_ERROR = 5e-5


def error_scale(accuracy: float) -> float:
    """−log10 of the error rate, so that equal steps are equal ratios of errors."""
    return -math.log10(max(1.0 - accuracy, _SMALLEST_ERROR))


def error_axis(ax: Axes, accuracies: Sequence[float], *, label: str = "validation accuracy, %", ticks: int = 6) -> None:
    """Makes y an axis of accuracies in percent, spaced by error rate. Plot `error_scale(accuracy)` on it."""
    low, high = error_limits(accuracies)
    ax.set_ylim(low, high)
    ax.set_ylabel(label)
    inside = error_ticks(accuracies, ticks)
    ax.set_yticks([error_scale(tick) for tick in inside], [f"{100 * tick:.5g}" for tick in inside])
    hairlines(ax)


def error_ticks(accuracies: Sequence[float], most: int) -> list[float]:
    """Round accuracies within the limits of an error axis for these."""
    low, high = error_limits(accuracies)
    inside = [tick for tick in _ACCURACY_TICKS if low <= error_scale(tick) <= high]
    while len(inside) > most:
        inside = inside[len(inside) % 2 == 0 :: 2]
    return inside if len(inside) > 1 else _plain_ticks(low, high)


def error_limits(accuracies: Sequence[float]) -> tuple[float, float]:
    """The limits of an error axis for these accuracies, with a margin."""
    scaled = [error_scale(value) for value in accuracies] or [0.0, 2.0]
    margin = max(0.08 * (max(scaled) - min(scaled)), 0.04)
    return min(scaled) - margin, max(scaled) + margin


def floored(accuracies: Sequence[float], shown: Sequence[float]) -> list[float]:
    """Places on an error axis made for `shown`; what is worse than the axis stands on its lower edge."""
    low, _ = error_limits(shown)
    return [max(error_scale(value), low) for value in accuracies]


def hairlines(ax: Axes, axis: str = "y") -> None:
    """Grid lines behind everything."""
    ax.grid(visible=True, axis=axis, color=Ink.HAIRLINE, linewidth=1)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def whole_ticks(low: float, high: float, most: int = 8) -> list[int]:
    """Round whole numbers within limits, `most` at most."""
    span = max(high - low, 1)
    steps = (m * 10**e for e in range(19) for m in (1, 2, 5))
    step = next(step for step in steps if span / step <= most)
    first = math.ceil(low / step)
    return [step * k for k in range(first, math.floor(high / step) + 1)]


def length_name(epochs: float) -> str:
    """A number of epochs in the name of a figure or a file: 0.56 → "0_56"."""
    return str(epochs).replace(".", "_")


def epoch_axis(ax: Axes, last: int) -> None:
    """Makes x an axis of epochs from 1."""
    ax.set_xlim(0.5, last + 0.5)
    ticks = [tick for tick in whole_ticks(1, last) if tick > 0]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.set_xlabel("epoch")


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """1, 2, 5 times powers of ten within limits; powers alone where these are many."""
    if not 0 < low <= high:
        return []
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    fine = [m * 10.0**e for e in powers for m in (1, 2, 5)]
    inside = [tick for tick in fine if low * 0.999 <= tick <= high * 1.001]
    coarse = [tick for tick in inside if math.isclose(math.log10(tick) % 1, 0, abs_tol=1e-9)]
    if len(inside) <= most:
        return inside
    return coarse if len(coarse) > 1 else inside[:: -(-len(inside) // most)]


def log_axis(axis_of: Axes, which: str, low: float, high: float) -> None:
    """A logarithmic axis with labels such as 0.01."""
    ticks = log_ticks(low, high, 4 if which == "x" else 6)
    labels = [f"{tick:.3g}" for tick in ticks]
    if which == "x":
        axis_of.set_xscale("log")
        axis_of.set_xlim(low, high)
        axis_of.set_xticks(ticks, labels)
        axis_of.set_xticks([], minor=True)
    else:
        axis_of.set_yscale("log")
        axis_of.set_ylim(low, high)
        axis_of.set_yticks(ticks, labels)
        axis_of.set_yticks([], minor=True)


def spread_labels(places: Sequence[float], gap: float) -> list[float]:
    """Moves places apart so that labels `gap` high do not overlap; their order is kept."""
    order = sorted(range(len(places)), key=lambda k: places[k])
    moved = list(places)
    for earlier, later in pairwise(order):
        moved[later] = max(moved[later], moved[earlier] + gap)
    excess = [moved[k] - places[k] for k in order]
    shift = max(excess, default=0.0) / 2
    return [place - shift for place in moved] if shift else moved


def _plain_ticks(low: float, high: float) -> list[float]:
    accuracies = [1 - 10**-low, 1 - 10**-high]
    digits = max(1, 1 - math.floor(math.log10(max(accuracies[1] - accuracies[0], 1e-5))))
    steps = [accuracies[0] + share * (accuracies[1] - accuracies[0]) for share in (0.15, 0.5, 0.85)]
    return sorted({round(step, digits) for step in steps})


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
