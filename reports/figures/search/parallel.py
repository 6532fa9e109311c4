"""Trials as lines from hyperparameter to hyperparameter. Axes lie across the figure, one below the other: names have room so."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from reports.analysis.search.parallel import Parallel, ParallelAxis, scattered
from reports.figures.axes import error_limits, error_scale, error_ticks
from reports.figures.canvas import Canvas, Drawing, length_name
from reports.figures.theme_colours import Ink
from reports.formatting import setting

_WIDTH = 720
_LEFT, _RIGHT, _UNUSED = 156, 608, 664
"""The ends of the axes, and the lane of trials that lack a hyperparameter."""
_ROW = 46
_TOP = 30
_LANE = 22
"""Half the width of that lane."""
_LONGEST_NAME = 23


def parallel_figure(found: Parallel, shown: Sequence[float], label: str) -> Drawing:
    """A line a trial, coloured by its fifth, the best on top; the score is the last axis, on the scale of `shown`."""
    height = _TOP + _ROW * len(found.axes) + 52

    def paint(canvas: Canvas) -> None:
        ax = canvas.figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        ax.set_xlim(0, _WIDTH)
        ax.set_ylim(height, 0)
        _lines(canvas, ax, found, shown)
        for row, axis in enumerate(found.axes):
            _setting_axis(ax, axis, _TOP + _ROW * row)
        _score_axis(ax, shown, _TOP + _ROW * len(found.axes))
        if any(None in axis.places for axis in found.axes):
            _word(ax, (_UNUSED, 12), "not used", Ink.MUTED, "center")

    return Drawing(f"parallel-{length_name(found.epochs)}", _WIDTH, height, label, paint)


def _lines(canvas: Canvas, ax: Axes, found: Parallel, shown: Sequence[float]) -> None:
    low, high = error_limits(shown)
    unused = [_unused_places(axis.places) for axis in found.axes]
    # Of many lines each is thin and lets others through, so that places where they are dense stand out.
    strength = min(1.0, max(0.3, 200 / len(found.trials)))
    for fifth in range(5):
        members = [k for k, place in enumerate(found.fifths) if place == fifth]
        lines = []
        for k in members:
            rows = [(_x(axis.places[k], unused[row][k]), _TOP + _ROW * row) for row, axis in enumerate(found.axes)]
            share = (max(error_scale(found.accuracies[k]), low) - low) / (high - low)
            lines.append([*rows, (_x(share, 0.0), _TOP + _ROW * len(found.axes))])
        width, alpha = (1.75 * strength**0.5, strength) if fifth == 4 else (1.25 * strength**0.5, 0.8 * strength)
        names = [found.trials[k] for k in members]
        canvas.lines(ax, lines, names, colors=Ink.ORDER[fifth], linewidths=width, alpha=alpha, zorder=2 + fifth)


def _unused_places(places: Sequence[float | None]) -> list[float]:
    """From −1 to 1 across the lane."""
    lacking = [k for k, place in enumerate(places) if place is None]
    found = [0.0] * len(places)
    for number, k in enumerate(lacking):
        found[k] = scattered(number)
    return found


def _x(place: float | None, unused: float) -> float:
    return _UNUSED + _LANE * unused if place is None else round(_LEFT + place * (_RIGHT - _LEFT), 1)


def _setting_axis(ax: Axes, axis: ParallelAxis, y: float) -> None:
    _rule(ax, y, axis.name)
    if None in axis.places:
        ax.plot([_UNUSED - _LANE, _UNUSED + _LANE], [y, y], color=Ink.MUTED, linewidth=1, zorder=8)
    room = (_RIGHT - _LEFT) / max(len(axis.ticks), 1)
    for place, value in axis.ticks:
        text = setting(value)
        most = max(3, int(room / 6.5))
        short = text if len(text) <= most or axis.numeric else text[: most - 1] + "…"
        _word(ax, (_x(place, 0.0), y + 14), short, Ink.TEXT, "center")


def _score_axis(ax: Axes, shown: Sequence[float], y: float) -> None:
    _rule(ax, y, "validation accuracy, %")
    low, high = error_limits(shown)
    for tick in error_ticks(shown, 6):
        x = _x((error_scale(tick) - low) / (high - low), 0.0)
        if _LEFT <= x <= _RIGHT:
            _word(ax, (x, y + 14), f"{100 * tick:.5g}", Ink.TEXT, "center")
    _word(ax, (_LEFT, y + 34), "worst fifth", Ink.ORDER[0], "left")
    _word(ax, (_RIGHT, y + 34), "best fifth", Ink.ORDER[4], "right")


def _rule(ax: Axes, y: float, name: str) -> None:
    ax.plot([_LEFT, _RIGHT], [y, y], color=Ink.MUTED, linewidth=1, zorder=8)
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    _word(ax, (_LEFT - 12, y), short, Ink.TEXT, "right")


def _word(ax: Axes, place: tuple[float, float], text: str, colour: str, side: str) -> None:
    # Halfway up the letters stands at y; the lines are below the words.
    ax.text(*place, text, fontsize=11, color=colour, ha=side, va="center", zorder=9)
