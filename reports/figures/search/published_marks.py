"""Published networks beside a run's trials: diamonds within the axes, ticks at the edge for those beyond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.analysis.search.pareto import Measure, PublishedPoint, size_of
from reports.figures.axes import error_scale
from reports.figures.labels import Label
from reports.figures.theme_colours import Ink
from reports.formatting import percent

_LONGEST_NAME = 28
_INSIDE = "D"

KEY_PX = 16
"""The height of the key, in pixels."""


@dataclass(frozen=True)
class PlacedReference:
    """A reference and its place in a figure, in the units of the axes."""

    point: PublishedPoint
    x: float
    y: float
    marker: str
    """A diamond, or a triangle that points to where it lies beyond the axes."""

    @property
    def beyond(self) -> bool:
        """Return whether the reference lies beyond the axes."""
        return self.marker != _INSIDE


def placed_references(ax: Axes, published: Sequence[PublishedPoint], measure: Measure) -> tuple[PlacedReference, ...]:
    """Return the references within the limits of the axes, which are final; those beyond are moved to the edge."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    placed = []
    for point in published:
        x, y = float(size_of(point, measure) or 0), error_scale(point.accuracy)
        beyond = {">": x > right, "<": x < left, "^": y > high, "v": y < low}
        marker = next((shape for shape, is_beyond in beyond.items() if is_beyond), _INSIDE)
        placed.append(PlacedReference(point, min(max(x, left), right), min(max(y, low), high), marker))
    return tuple(placed)


def draw_references(ax: Axes, references: Sequence[PlacedReference], above: float) -> None:
    """Draw the references, and a key `above` pixels above the axes that tells their test figures from this run's validation figures."""
    for marker in dict.fromkeys(reference.marker for reference in references):
        members = [reference for reference in references if reference.marker == marker]
        ax.plot(
            [reference.x for reference in members],
            [reference.y for reference in members],
            linestyle="none",
            marker=marker,
            markersize=7,
            markerfacecolor="none",
            markeredgecolor=Ink.PUBLISHED,
            markeredgewidth=1.5,
            clip_on=False,
            gid="published" if marker == _INSIDE else f"published-{ord(marker)}",
        )
    if references:
        # One text: two would overlap where a narrow page enlarges letters.
        ax.annotate(
            "● this run: validation  ◇ published: test",
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, above),
            textcoords="offset points",
            fontsize=11,
            color=Ink.MUTED,
            annotation_clip=False,
        )


def reference_labels(references: Sequence[PlacedReference]) -> list[Label]:
    """Return the labels of the references, the most accurate first; beyond the axes they give the accuracy."""
    best_first = sorted(references, key=lambda reference: -reference.point.accuracy)
    return [Label(reference.x, reference.y, _words(reference), Ink.PUBLISHED) for reference in best_first]


def _words(reference: PlacedReference) -> str:
    name = reference.point.name[:_LONGEST_NAME]
    return f"{name} {percent(reference.point.accuracy)}%" if reference.beyond else name
