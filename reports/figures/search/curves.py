"""Learning curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from reports.analysis.model.curves import Band, Curve, Stop
from reports.figures.axes import (
    epoch_axis,
    error_axis,
    error_limits,
    error_scale,
    floored,
    hairlines,
    log_axis,
    spread_labels,
)
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink

_PANEL = (480, 280)
_DASHED = (0, (4, 2.5))


@dataclass(frozen=True)
class LabelledBand:
    """A configuration's band with its label."""

    label: str
    band: Band
    winner: bool
    place: int = 1
    """1 for the winner, from 2 for the finalists; it decides the colour in every figure."""

    @property
    def colour(self) -> str:
        """The colour of the place."""
        return finalist_colour(self.place)


@dataclass(frozen=True)
class Split:
    """A metric of one configuration on training images and on validation images."""

    label: str
    place: int
    training: Band | None
    validation: Band | None


def finalist_colour(place: int) -> str:
    """Return the colour of a confirmed configuration by its place, 1 for the winner."""
    return Ink.WINNER if place <= 1 else Ink.CATEGORY[(place - 2) % len(Ink.CATEGORY)]


def accuracy_curves(
    background: Sequence[Curve],
    bands: Sequence[LabelledBand],
    seeds: Sequence[Curve],
    label: str,
    stops: Sequence[Stop] = (),
) -> Drawing:
    """Draw validation accuracy: all trials faint, each seed of the winner thin, means and bands of the finalists.

    A cross marks the end of a trial that stopped early; one below the axis is drawn on the lower edge.
    """

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(right=104)
        values = [v for item in bands for v in (*item.band.low, *item.band.high)]
        values += [curve.values[-1] for curve in background if curve.values]
        shown = _without_lowest(values)
        for curve in background:
            _line(canvas, ax, curve, colour=Ink.FAINT, width=1.0, order=1)
        for item in reversed(bands):
            _band(ax, item.band, item.colour, error_scale, width=2.5 if item.winner else 2)
        for curve in seeds:
            _line(canvas, ax, curve, colour=Ink.WINNER, width=0.75, order=3)
        error_axis(ax, shown)
        ends = [*(c.epochs[-1] for c in background if c.epochs), *(b.band.epochs[-1] for b in bands)]
        epoch_axis(ax, max([*ends, *(stop.epoch for stop in stops)]))
        end_labels(ax, [(b.label, b.band.epochs[-1], error_scale(b.band.mean[-1]), b.colour) for b in bands])
        _stops(canvas, ax, stops, shown)

    return Drawing("curves-accuracy", 960, 400, label, paint)


def split_accuracy(splits: Sequence[Split], label: str) -> Drawing:
    """Draw training and validation accuracy of the confirmed configurations, spaced by error rate."""
    return _split_figure("curves-splits", splits, label, error_scale, _accuracy_axis)


def split_loss(splits: Sequence[Split], label: str) -> Drawing:
    """Draw training and validation loss of the confirmed configurations, on a logarithmic scale."""
    return _split_figure("curves-loss", splits, label, _log, _loss_axis)


def gap_curves(bands: Sequence[LabelledBand], label: str) -> Drawing:
    """Draw training minus validation accuracy over the epochs, in percentage points."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=76)
        for item in reversed(bands):
            _band(ax, item.band, item.colour, _percent, width=2)
        values = [_percent(v) for item in bands for v in (*item.band.low, *item.band.high)]
        low, high = _gap_limits(values)
        ax.set_ylim(low, high)
        ax.locator_params(axis="y", nbins=5)
        hairlines(ax)
        ax.axhline(0, color=Ink.MUTED, linewidth=1)
        ax.set_ylabel("training − validation, points")
        epoch_axis(ax, max(item.band.epochs[-1] for item in bands))
        end_labels(ax, [(b.label, b.band.epochs[-1], _percent(b.band.mean[-1]), b.colour) for b in bands])

    return Drawing("curves-gap", *_PANEL, label, paint)


def rate_curves(rates: Sequence[LabelledBand], label: str) -> Drawing:
    """Draw the learning rate at the end of each epoch, in percent of each configuration's maximum (in its label)."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=112)
        labels = []
        for item in reversed(rates):
            peak = max(item.band.mean)
            shares = [100 * value / peak for value in item.band.mean]
            ax.plot(item.band.epochs, shares, color=item.colour, linewidth=2)
            labels.append((f"{item.label} {peak:.3g}", item.band.epochs[-1], shares[-1], item.colour))
        ax.set_ylim(0, 108)
        ticks = [0, 25, 50, 75, 100]
        ax.set_yticks(ticks, [str(tick) for tick in ticks])
        hairlines(ax)
        ax.set_ylabel("learning rate, % of its highest")
        epoch_axis(ax, max(item.band.epochs[-1] for item in rates))
        end_labels(ax, labels)

    return Drawing("curves-rate", *_PANEL, label, paint)


def _split_figure(
    name: str,
    splits: Sequence[Split],
    label: str,
    scale: Callable[[float], float],
    axis: Callable[[Axes, Sequence[float]], None],
) -> Drawing:
    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60, right=112)
        labels: list[tuple[str, float, float, str]] = []
        values: list[float] = []
        for split in reversed(splits):
            colour = finalist_colour(split.place)
            for word, band, dash in (("training", split.training, _DASHED), ("validation", split.validation, "-")):
                if band is None:
                    continue
                _band(ax, band, colour, scale, width=2 if split.place == 1 else 1.25, dash=dash, fill=split.place == 1)
                values += [*band.low, *band.high] if split.place == 1 else band.mean[1:]
                words = word if split.place == 1 else split.label if word == "validation" else ""
                labels.append((words, band.epochs[-1], scale(band.mean[-1]), colour))
        axis(ax, values)
        end_labels(ax, [item for item in labels if item[0]])
        epoch_axis(ax, max(int(item[1]) for item in labels))

    return Drawing(name, *_PANEL, label, paint)


def _accuracy_axis(ax: Axes, values: Sequence[float]) -> None:
    error_axis(ax, _without_lowest(values), label="accuracy, %")


def _loss_axis(ax: Axes, values: Sequence[float]) -> None:
    known = [value for value in values if value > 0]
    low, high = (min(known) * 0.9, max(known) * 1.1) if known else (0.01, 1.0)
    log_axis(ax, "y", low, high)
    hairlines(ax)
    ax.set_ylabel("cross-entropy")


def _band(
    ax: Axes,
    band: Band,
    colour: str,
    scale: Callable[[float], float],
    *,
    width: float,
    dash: str | tuple[float, tuple[float, float]] = "-",
    fill: bool = True,
) -> None:
    if fill and band.seeds > 1:
        low, high = [scale(value) for value in band.low], [scale(value) for value in band.high]
        ax.fill_between(band.epochs, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
    mean = [scale(value) for value in band.mean]
    marker = "o" if len(mean) == 1 else None
    ax.plot(band.epochs, mean, color=colour, linewidth=width, linestyle=dash, marker=marker, zorder=4)


def _line(canvas: Canvas, ax: Axes, curve: Curve, *, colour: str, width: float, order: int) -> None:
    if not curve.epochs:
        return
    points = [(float(n), error_scale(value)) for n, value in zip(curve.epochs, curve.values, strict=True)]
    if len(points) == 1:  # A line of one point is invisible.
        points = [(points[0][0] - 0.15, points[0][1]), (points[0][0] + 0.15, points[0][1])]
    lines = LineCollection([points], colors=colour, linewidths=width, zorder=order)
    lines.set_gid(canvas.trial_gid(curve.trial))
    ax.add_collection(lines, autolim=False)


def _stops(canvas: Canvas, ax: Axes, stops: Sequence[Stop], shown: Sequence[float]) -> None:
    known = [stop for stop in stops if stop.accuracy is not None]
    if not known:
        return
    y = floored([stop.accuracy or 0.0 for stop in known], shown)
    canvas.points(ax, [stop.epoch for stop in known], y, [stop.trial for stop in known], marker="X", markersize=9,
                  color=Ink.TEXT, zorder=6)  # fmt: skip
    last = max(range(len(known)), key=lambda place: (known[place].epoch, y[place]))
    low, _ = error_limits(shown)
    below = ", below the axis" if all(value <= low for value in y) else ""
    ax.annotate(
        f"stopped early{below}",
        (known[last].epoch, y[last]),
        xytext=(9, 7),
        textcoords="offset points",
        fontsize=11,
        color=Ink.TEXT,
        annotation_clip=False,
    )


def end_labels(ax: Axes, labels: Sequence[tuple[str, float, float, str]]) -> None:
    """Write labels at the ends of lines, moved apart: (text, x, y, colour)."""
    if not labels:
        return
    pixels = [float(ax.transData.transform((x, y))[1]) for _, x, y, _ in labels]
    for (text, x, y, colour), pixel, moved in zip(labels, pixels, spread_labels(pixels, 15), strict=True):
        ax.annotate(
            text,
            (x, y),
            xytext=(9, moved - pixel),
            textcoords="offset points",
            va="center",
            fontsize=11,
            color=colour,
            annotation_clip=False,
        )


def _gap_limits(values: Sequence[float]) -> tuple[float, float]:
    """Return limits without the lowest tenth: in the first epochs training accuracy is far below validation."""
    ordered = sorted(value for value in values if math.isfinite(value))
    low, high = ordered[len(ordered) // 10], ordered[-1]
    margin = max(0.1 * (high - low), 0.02)
    return min(low, 0) - margin, max(high, 0) + margin


def _percent(fraction: float) -> float:
    return 100 * fraction


def _log(value: float) -> float:
    """Return the value, or 1e-9 if it is smaller: a logarithmic axis needs positive values."""
    return max(value, 1e-9)


def _without_lowest(values: Sequence[float]) -> list[float]:
    ordered = sorted(value for value in values if math.isfinite(value))
    return ordered[len(ordered) // 10 :]
