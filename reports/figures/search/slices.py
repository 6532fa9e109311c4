"""One hyperparameter against the score; the page shows or hides the marks of each length of training."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from reports.analysis.search.factors import is_number
from reports.analysis.search.slices import Slice, SliceGroup
from reports.figures.axes import error_axis, floored, log_axis
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink
from reports.formatting import setting
from tuner.core.records import Value

_LONGEST_NAME = 9
_OFFSETS = (0.0, -0.12, 0.12, -0.06, 0.06, -0.18, 0.18)
"""The offsets that spread the marks of a category, by their order: a page is the same each time."""


def slice_figure(
    hyperparameter: Slice, accuracies: Sequence[float], place: int, label: str, winner: Value | None = None
) -> Drawing:
    """Draw all lengths of training in groups `length-<place>`; the score's scale is the same in every slice.

    A triangle on the axis is the winner's value.
    """

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=44, right=14, top=10, bottom=30)
        error_axis(ax, accuracies, label="", ticks=5)
        if hyperparameter.categories is not None:
            _categories(ax, hyperparameter.categories)
        else:
            _numbers(ax, hyperparameter)
        for length, group in enumerate(hyperparameter.groups):
            _group(canvas, ax, hyperparameter, group, gid=f"length-{length}", shown=accuracies)
        _winner(ax, hyperparameter, winner)

    return Drawing(f"slice-{place}", 264, 184, label, paint)


def _categories(ax: Axes, values: Sequence[Value]) -> None:
    names = [setting(value) for value in values]
    short = [name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…" for name in names]
    ax.set_xlim(-0.5, len(names) - 0.5)
    size = 11 if sum(len(name) for name in short) < 26 else 9.5
    ax.set_xticks(range(len(names)), short, fontsize=size)


def _numbers(ax: Axes, hyperparameter: Slice) -> None:
    values = [point.x for group in hyperparameter.groups for point in group.points]
    low, high = min(values), max(values)
    if hyperparameter.log:
        log_axis(ax, "x", low / 1.15, high * 1.15)
        return
    margin = 0.05 * (high - low)
    ax.set_xlim(low - margin, high + margin)
    ax.locator_params(axis="x", nbins=4, integer=all(float(value).is_integer() for value in values), min_n_ticks=1)


def _winner(ax: Axes, hyperparameter: Slice, winner: Value | None) -> None:
    """Mark the winner's value, unless it is not among those that were drawn."""
    if winner is None:
        return
    places: list[float]
    if hyperparameter.categories is not None:
        places = [float(place) for place, value in enumerate(hyperparameter.categories) if repr(value) == repr(winner)]
    else:
        low, high = ax.get_xlim()
        # `is_number` rejects a text, which an untrusted run may hold.
        places = [float(winner)] if is_number(winner) and low <= float(winner) <= high else []
    if not places:
        return
    ax.plot(
        places,
        [0.0] * len(places),
        linestyle="none",
        marker="^",
        markersize=8,
        markeredgewidth=0.75,
        color=Ink.WINNER,
        markeredgecolor=Ink.PAPER,
        clip_on=False,
        transform=ax.get_xaxis_transform(),
        zorder=6,
        gid="winner",
    )


def _group(
    canvas: Canvas, ax: Axes, hyperparameter: Slice, group: SliceGroup, *, gid: str, shown: Sequence[float]
) -> None:
    if not group.points:
        return
    seen: dict[float, int] = {}
    x = []
    for point in group.points:
        number = seen[point.x] = seen.get(point.x, -1) + 1
        x.append(point.x + (_OFFSETS[number % len(_OFFSETS)] if hyperparameter.categories is not None else 0.0))
    canvas.marks[gid] = tuple(point.trial for point in group.points)
    ax.plot(
        x,
        floored([point.accuracy for point in group.points], shown),
        linestyle="none",
        marker="o",
        markersize=5.5,
        markeredgewidth=0.75,
        color=Ink.ORDER[2],
        markeredgecolor=Ink.PAPER,
        clip_on=False,
        gid=gid,
    )
    if group.medians:
        ax.plot(
            [centre for centre, _ in group.medians],
            floored([value for _, value in group.medians], shown),
            linestyle="none",
            marker="_",
            markersize=22,
            markeredgewidth=2,
            color=Ink.TEXT,
            gid=f"{gid}-medians",
        )
