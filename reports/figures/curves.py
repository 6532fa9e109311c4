"""Learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from reports.analysis.curves import Band, Curve
from reports.figures.canvas import Canvas, Ink, draw, epoch_axis, error_axis, error_scale, hairlines, log_axis


@dataclass(frozen=True)
class LabelledBand:
    """A configuration's band with the word that stands beside it."""

    label: str
    band: Band
    winner: bool


def accuracy_curves(
    background: Sequence[Curve], bands: Sequence[LabelledBand], seeds: Sequence[Curve], label: str
) -> str:
    """Validation accuracy: all trials faint, each seed of the winner thin, means and bands of the finalists."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(right=104)
        for curve in background:
            _line(canvas, ax, curve, colour=Ink.FAINT, width=1.0, order=1)
        for place, item in enumerate(reversed(bands)):
            colour = Ink.WINNER if item.winner else Ink.CATEGORY[place % len(Ink.CATEGORY)]
            low = [error_scale(value) for value in item.band.low]
            high = [error_scale(value) for value in item.band.high]
            ax.fill_between(item.band.epochs, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
            mean = [error_scale(value) for value in item.band.mean]
            ax.plot(item.band.epochs, mean, color=colour, linewidth=2.5 if item.winner else 2, zorder=4)
            _end_label(ax, item.label, (item.band.epochs[-1], mean[-1]), colour, 9 if item.winner else -9)
        for curve in seeds:
            _line(canvas, ax, curve, colour=Ink.WINNER, width=0.75, order=3)
        values = [v for item in bands for v in (*item.band.low, *item.band.high)]
        values += [curve.values[-1] for curve in background if curve.values]
        error_axis(ax, _without_lowest(values))
        epoch_axis(ax, max([*(c.epochs[-1] for c in background if c.epochs), *(b.band.epochs[-1] for b in bands)]))

    return draw("curves-accuracy", 960, 400, label, paint)


def loss_curves(training: Band | None, validation: Band | None, label: str) -> str:
    """Training and validation loss of the winner, on a logarithmic scale."""
    pairs = [("training", training, Ink.MUTED, "--"), ("validation", validation, Ink.WINNER, "-")]

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=52, right=76)
        values = [v for _, b, _, _ in pairs if b for v in (*b.low, *b.high) if v > 0]
        for place, (name, found, colour, dash) in enumerate(pairs):
            if found is None:
                continue
            ax.fill_between(found.epochs, found.low, found.high, color=colour, alpha=0.18, linewidth=0)
            ax.plot(found.epochs, found.mean, color=colour, linewidth=2, linestyle=dash)
            _end_label(ax, name, (found.epochs[-1], found.mean[-1]), colour, 6 if place == 0 else -6)
        low, high = (min(values) * 0.9, max(values) * 1.1) if values else (0.01, 1)
        log_axis(ax, "y", low, high)
        hairlines(ax)
        ax.set_ylabel("cross-entropy")
        epoch_axis(ax, max(b.epochs[-1] for _, b, _, _ in pairs if b))

    return draw("curves-loss", 400, 264, label, paint)


def rate_curve(rate: Curve, label: str) -> str:
    """The learning rate at the end of each epoch."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=16)
        ax.plot(rate.epochs, rate.values, color=Ink.WINNER, linewidth=2, gid=canvas.trial_gid(rate.trial))
        high = max(rate.values) * 1.08 or 1.0
        ax.set_ylim(0, high)
        ticks = [0, max(rate.values) / 2, max(rate.values)]
        ax.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])
        hairlines(ax)
        ax.set_ylabel("learning rate")
        epoch_axis(ax, rate.epochs[-1])

    return draw("curves-rate", 400, 264, label, paint)


def _line(canvas: Canvas, ax: Axes, curve: Curve, *, colour: str, width: float, order: int) -> None:
    if not curve.epochs:
        return
    points = [(float(n), error_scale(value)) for n, value in zip(curve.epochs, curve.values, strict=True)]
    lines = LineCollection([points], colors=colour, linewidths=width, zorder=order)
    lines.set_gid(canvas.trial_gid(curve.trial))
    ax.add_collection(lines, autolim=False)


def _end_label(ax: Axes, text: str, at: tuple[float, float], colour: str, shift: float) -> None:
    ax.annotate(
        text,
        at,
        xytext=(10, shift),
        textcoords="offset points",
        va="center",
        fontsize=11,
        color=colour,
        annotation_clip=False,
    )


def _without_lowest(values: Sequence[float]) -> list[float]:
    ordered = sorted(value for value in values if math.isfinite(value))
    return ordered[len(ordered) // 10 :]
