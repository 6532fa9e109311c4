"""The canvas of a figure, which records the trial of each mark. One unit of a figure is one CSS pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from reports.figures.axes import quiet
from reports.figures.svg import PIXELS_PER_INCH, page_svg
from reports.figures.theme_colours import Ink

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
    """gid of a set of lines → the trial of each, in order."""
    _gids: dict[str, int] = field(default_factory=dict)

    def axes(self, *, left: int = 56, right: int = 16, top: int = 12, bottom: int = 44) -> Axes:
        """Add axes with these margins in pixels."""
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
        """Return an id for an artist of a trial, unique even if the trial has several."""
        number = self._gids[trial] = self._gids.get(trial, 0) + 1
        return f"trial-{trial}" if number == 1 else f"trial-{trial}--{number}"

    def points(self, ax: Axes, x: Sequence[float], y: Sequence[float], trials: Sequence[str], **look: object) -> None:
        """Draw markers and record the trial of each."""
        if not x:
            return
        gid = f"marks-{len(self.marks)}"
        self.marks[gid] = tuple(trials)
        style: dict[str, object] = {"marker": "o", "markersize": 6, "markeredgewidth": 1, "markeredgecolor": Ink.PAPER}
        ax.plot(x, y, linestyle="none", gid=gid, clip_on=False, **{**style, **look})  # type: ignore[arg-type]

    def lines(
        self, ax: Axes, lines: Sequence[Sequence[tuple[float, float]]], trials: Sequence[str], **look: object
    ) -> None:
        """Draw lines of one style through given points and record the trial of each."""
        if not lines:
            return
        gid = f"lines-{len(self.line_marks)}"
        self.line_marks[gid] = tuple(trials)
        ax.add_collection(LineCollection(lines, gid=gid, clip_on=False, **look), autolim=False)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Drawing:
    """A figure that is drawn when it is placed: on a page, or in a file."""

    name: str
    """Unique on the page."""
    width: int
    """The width in CSS pixels, as is the height."""
    height: int
    label: str
    """A description for those who can't see the figure."""
    paint: Callable[[Canvas], None]

    def canvas(self) -> Canvas:
        """Return a fresh canvas with the figure on it; needs `drawing` around it."""
        size = (self.width / PIXELS_PER_INCH, self.height / PIXELS_PER_INCH)
        canvas = Canvas(self.name, Figure(figsize=size, dpi=PIXELS_PER_INCH), self.width, self.height)
        self.paint(canvas)
        return canvas

    def svg(self) -> str:
        """Draw the figure as an SVG element of the page."""
        with drawing():
            canvas = self.canvas()
            return page_svg(canvas.figure, self.name, self.label, canvas.marks, canvas.line_marks)

    def __html__(self) -> str:
        """Draw the figure where a template places it; its texts were escaped when it was drawn."""
        return self.svg()


@contextmanager
def drawing() -> Iterator[None]:
    """Apply the page's matplotlib settings while a figure is drawn and written."""
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        yield


def length_name(epochs: float) -> str:
    """Return a number of epochs for the name of a figure or a file: 0.56 → "0_56"."""
    return str(epochs).replace(".", "_")
