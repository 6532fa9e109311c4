"""Names beside the marks of a figure: each where there is room, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes

_PLACES: tuple[tuple[float, float, Literal["left", "right"]], ...] = (
    (9, 0, "left"), (9, 0, "right"), (7, 10, "left"), (7, -10, "left"), (7, 10, "right"), (7, -10, "right"),
)  # fmt: skip
"""(to the side, up, aligned to) in pixels: where a name may stand, the best place first."""

_NARROW = 15 / 11
"""On a narrow page names are larger, as in report.css, and those that find no room then are hidden."""

_EDGE = 10
"""Pixels beside a name, for browsers whose fonts are wider."""

_LETTER, _STRONG_LETTER = 6.4, 7.4


@dataclass(frozen=True)
class Label:
    """A name, and the mark that it is of."""

    x: float
    y: float
    text: str
    colour: str
    strong: bool = False

    @property
    def width(self) -> float:
        """In pixels, a little more than most fonts need."""
        return (_STRONG_LETTER if self.strong else _LETTER) * len(self.text)


@dataclass(frozen=True)
class Box:
    """A rectangle of a figure, in pixels."""

    left: float
    bottom: float
    width: float
    height: float = 13.0

    def grown(self, side: Literal["left", "right"], by: float) -> Box:
        """Return the same in larger letters, beside the same mark."""
        width, height = by * self.width, by * self.height
        left = self.left if side == "left" else self.left + self.width - width
        return Box(left, self.bottom - (height - self.height) / 2, width, height)

    def between(self, left: float, right: float) -> bool:
        """Return whether all of it lies between two verticals."""
        return left <= self.left and self.left + self.width <= right

    def meets(self, other: Box) -> bool:
        """Return whether the two share a point."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.bottom < other.bottom + other.height
            and other.bottom < self.bottom + self.height
        )


def place_labels(ax: Axes, labels: Iterable[Label], taken: Sequence[Box], width: float) -> None:
    """Write names beside their marks, the first ones first; one that finds no room right of the vertical axis is left out.

    Args:
        ax: its limits are final.
        labels: in the units of the axes.
        taken: where none may stand, in pixels.
        width: of the figure, in pixels.
    """
    wide, narrow = list(taken), list(taken)
    first, last = float(ax.bbox.x0), width
    for place, label in enumerate(labels):
        x, y = ax.transData.transform((label.x, label.y))
        for dx, dy, side in _PLACES:
            left = x + dx if side == "left" else x - dx - label.width
            box = Box(left, y + dy - 6.5, label.width)
            large = box.grown(side, _NARROW)
            if box.between(first, last - _EDGE) and not any(box.meets(other) for other in wide):
                wide.append(box)
                roomy = not large.between(first, last) or any(large.meets(other) for other in narrow)
                if not roomy:
                    narrow.append(large)
                _write(ax, label, (dx if side == "left" else -dx, dy), side, gid=f"roomy-{place}" if roomy else None)
                break


def box_of_text(text: str, left: float, bottom: float) -> Box:
    """Return what a text of a figure's notes takes, in pixels."""
    return Box(left, bottom, _LETTER * len(text))


def _write(
    ax: Axes, label: Label, offset: tuple[float, float], side: Literal["left", "right"], gid: str | None
) -> None:
    ax.annotate(
        label.text,
        (label.x, label.y),
        xytext=offset,
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=12 if label.strong else 11,
        fontweight="bold" if label.strong else "normal",
        color=label.colour,
        annotation_clip=False,
        gid=gid,
    )
