"""Labels beside the marks of a figure: a label without room is left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from matplotlib.axes import Axes

_PLACES: tuple[tuple[float, float, Literal["left", "right"]], ...] = (
    (9, 0, "left"), (9, 0, "right"), (7, 10, "left"), (7, -10, "left"), (7, 10, "right"), (7, -10, "right"),
)  # fmt: skip
"""(x offset, y offset, alignment) in pixels, the preferred position first."""

_NARROW = 15 / 11
"""The enlargement of labels on a narrow page, as in report.css; those without room are hidden there."""

_EDGE = 10
"""Extra pixels beside a label, for browsers with wider fonts."""

_LETTER, _STRONG_LETTER = 6.4, 7.4


@dataclass(frozen=True)
class Label:
    """The label of a mark."""

    x: float
    y: float
    text: str
    colour: str
    strong: bool = False
    short: str = ""
    """A shorter text where the label has no room; "" leaves it out then."""

    @property
    def width(self) -> float:
        """The width in pixels, a little more than most fonts need."""
        return (_STRONG_LETTER if self.strong else _LETTER) * len(self.text)


@dataclass(frozen=True)
class Box:
    """A rectangle of a figure, in pixels."""

    left: float
    bottom: float
    width: float
    height: float = 13.0

    def grown(self, side: Literal["left", "right"], by: float) -> Box:
        """Return the box of the label in larger letters, beside the same mark."""
        width, height = by * self.width, by * self.height
        left = self.left if side == "left" else self.left + self.width - width
        return Box(left, self.bottom - (height - self.height) / 2, width, height)

    def between(self, left: float, right: float) -> bool:
        """Return True if the box lies between two verticals."""
        return left <= self.left and self.left + self.width <= right

    def meets(self, other: Box) -> bool:
        """Return True if the two boxes share a point."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.bottom < other.bottom + other.height
            and other.bottom < self.bottom + self.height
        )


def place_labels(ax: Axes, labels: Iterable[Label], taken: Sequence[Box], width: float) -> None:
    """Write labels beside their marks in this order; leave out those without room right of the vertical axis.

    Args:
        ax: the axes, with final limits.
        labels: the labels, in the units of the axes.
        taken: the boxes that labels must not overlap, in pixels.
        width: the figure's width in pixels.
    """
    room = _Room(list(taken), list(taken), float(ax.bbox.x0), width)
    for place, label in enumerate(labels):
        shorter = [replace(label, text=label.short)] if label.short else []
        any(_placed(ax, candidate, place, room) for candidate in (label, *shorter))


@dataclass(frozen=True)
class _Room:
    """The boxes that are taken, on a wide and on a narrow page, between two verticals."""

    wide: list[Box]
    narrow: list[Box]
    first: float
    last: float


def _placed(ax: Axes, label: Label, place: int, room: _Room) -> bool:
    """Write a label at the first position with room, take its boxes, and return whether there was one."""
    x, y = ax.transData.transform((label.x, label.y))
    for dx, dy, side in _PLACES:
        left = x + dx if side == "left" else x - dx - label.width
        box = Box(left, y + dy - 6.5, label.width)
        large = box.grown(side, _NARROW)
        if box.between(room.first, room.last - _EDGE) and not any(box.meets(other) for other in room.wide):
            room.wide.append(box)
            roomy = not large.between(room.first, room.last) or any(large.meets(other) for other in room.narrow)
            if not roomy:
                room.narrow.append(large)
            _write(ax, label, (dx if side == "left" else -dx, dy), side, gid=f"roomy-{place}" if roomy else None)
            return True
    return False


def box_of_text(text: str, left: float, bottom: float) -> Box:
    """Return the box of a note in a figure, in pixels."""
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
