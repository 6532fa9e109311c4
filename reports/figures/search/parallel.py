"""Parallel coordinates of trials. The axes are horizontal, one below the other, so that their names have room."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from reports.analysis.search.parallel import Parallel, ParallelAxis, scattered
from reports.figures.axes import ACCURACY, error_limits, error_scale, error_ticks
from reports.figures.canvas import Canvas, Drawing, length_name
from reports.figures.theme_colours import Ink
from reports.formatting import setting

_WIDTH = 720
_LEFT, _RIGHT, _UNUSED = 156, 608, 664
"""The ends of the axes, and the lane of trials that lack a hyperparameter."""
_ROW = 46
_TOP = 30
_LANE = 22
"""Half the width of the lane."""
_LONGEST_NAME = 23


def parallel_figure(parallel: Parallel, shown: Sequence[float], label: str, score_name: str = ACCURACY) -> Drawing:
    """Draw a line for each trial, coloured by its fifth, the best on top; the last axis is the score."""
    height = _TOP + _ROW * len(parallel.axes) + 52

    def paint(canvas: Canvas) -> None:
        ax = canvas.figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        ax.set_xlim(0, _WIDTH)
        ax.set_ylim(height, 0)
        _lines(canvas, ax, parallel, shown)
        for row, axis in enumerate(parallel.axes):
            _setting_axis(ax, axis, row)
        _score_axis(ax, shown, len(parallel.axes), score_name)
        if any(None in axis.places for axis in parallel.axes):
            _word(ax, (_UNUSED, 12), "not used", Ink.MUTED, "center")

    return Drawing(parallel_name(parallel.epochs), _WIDTH, height, label, paint)


def parallel_name(epochs: float) -> str:
    """Return the name of the figure of a length of training."""
    return f"parallel-{length_name(epochs)}"


def _lines(canvas: Canvas, ax: Axes, parallel: Parallel, shown: Sequence[float]) -> None:
    low, high = error_limits(shown)
    unused = [_unused_places(axis.places) for axis in parallel.axes]
    # Many lines are thin and transparent, so that dense places are visible.
    strength = min(1.0, max(0.3, 200 / len(parallel.trials)))
    for fifth in range(5):
        members = [k for k, place in enumerate(parallel.fifths) if place == fifth]
        lines = []
        for k in members:
            rows = [(_x(axis.places[k], unused[row][k]), _TOP + _ROW * row) for row, axis in enumerate(parallel.axes)]
            share = (max(error_scale(parallel.accuracies[k]), low) - low) / (high - low)
            lines.append([*rows, (_x(share, 0.0), _TOP + _ROW * len(parallel.axes))])
        width, alpha = (1.75 * strength**0.5, strength) if fifth == 4 else (1.25 * strength**0.5, 0.8 * strength)
        names = [parallel.trials[k] for k in members]
        canvas.lines(ax, lines, names, colors=Ink.ORDER[fifth], linewidths=width, alpha=alpha, zorder=2 + fifth)


def _unused_places(places: Sequence[float | None]) -> list[float]:
    """Return each trial's place across the lane, from −1 to 1."""
    lacking = [k for k, place in enumerate(places) if place is None]
    offsets = [0.0] * len(places)
    for number, k in enumerate(lacking):
        offsets[k] = scattered(number)
    return offsets


def _x(place: float | None, unused: float) -> float:
    return _UNUSED + _LANE * unused if place is None else round(_LEFT + place * (_RIGHT - _LEFT), 1)


def _setting_axis(ax: Axes, axis: ParallelAxis, row: int) -> None:
    y, gid = _TOP + _ROW * row, f"axis-{row}"
    _rule(ax, y, axis.name, gid)
    if None in axis.places:
        ax.plot([_UNUSED - _LANE, _UNUSED + _LANE], [y, y], color=Ink.MUTED, linewidth=1, zorder=8, gid=f"{gid}-lane")
    room = (_RIGHT - _LEFT) / max(len(axis.ticks), 1)
    for number, (place, value) in enumerate(axis.ticks):
        text = setting(value)
        most = max(3, int(room / 6.5))
        short = text if len(text) <= most or axis.numeric else text[: most - 1] + "…"
        _word(ax, (_x(place, 0.0), y + 14), short, Ink.TEXT, "center", gid=f"{gid}-{number}")


def _score_axis(ax: Axes, shown: Sequence[float], row: int, score_name: str) -> None:
    y, gid = _TOP + _ROW * row, f"axis-{row}"
    _rule(ax, y, f"{score_name.replace('balanced validation', 'balanced')}, %", gid)
    low, high = error_limits(shown)
    for number, tick in enumerate(error_ticks(shown, 6)):
        x = _x((error_scale(tick) - low) / (high - low), 0.0)
        if _LEFT <= x <= _RIGHT:
            _word(ax, (x, y + 14), f"{100 * tick:.5g}", Ink.TEXT, "center", gid=f"{gid}-{number}")
    _word(ax, (_LEFT, y + 34), "worst fifth", Ink.ORDER_TEXT[0], "left", gid=f"{gid}-worst")
    _word(ax, (_RIGHT, y + 34), "best fifth", Ink.ORDER_TEXT[4], "right", gid=f"{gid}-best")


def _rule(ax: Axes, y: float, name: str, gid: str) -> None:
    ax.plot([_LEFT, _RIGHT], [y, y], color=Ink.MUTED, linewidth=1, zorder=8, gid=f"{gid}-rule")
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    _word(ax, (_LEFT - 12, y), short, Ink.TEXT, "right", gid=f"{gid}-name")


def _word(ax: Axes, place: tuple[float, float], text: str, colour: str, side: str, *, gid: str = "") -> None:
    # The text is centred on y and drawn over the lines.
    ax.text(*place, text, fontsize=11, color=colour, ha=side, va="center", zorder=9, gid=gid or None)
