"""Axes of figures, their ticks and labels: accuracies spaced by error rate, epochs, logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes

from reports.figures.theme_colours import Ink
from tuner.core.records import VALIDATION_WORDS

ACCURACY = VALIDATION_WORDS["val_accuracy"]
"""The score of most runs."""


def quiet(ax: Axes) -> None:
    """Style axes for the page: grey, without a box, short ticks."""
    ax.set_facecolor("none")
    for spine in ax.spines.values():
        spine.set_color(Ink.HAIRLINE)
    ax.tick_params(colors=Ink.MUTED, which="both", length=3, width=1, labelsize=11, pad=4)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_color(Ink.MUTED)
        axis.label.set_fontsize(12)


_ACCURACY_TICKS = (
    0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999,
    0.9995, 0.9999,
)  # fmt: skip
_SMALLEST_ERROR = 5e-5


def error_scale(accuracy: float) -> float:
    """Return −log10 of the error rate: equal steps are equal ratios of errors."""
    return -math.log10(max(1.0 - accuracy, _SMALLEST_ERROR))


def error_axis(ax: Axes, accuracies: Sequence[float], *, label: str = f"{ACCURACY}, %", ticks: int = 6) -> None:
    """Make y an axis of accuracies in percent, spaced by error rate. Plot `error_scale(accuracy)` on it."""
    low, high = error_limits(accuracies)
    ax.set_ylim(low, high)
    ax.set_ylabel(label)
    inside = error_ticks(accuracies, ticks)
    ax.set_yticks([error_scale(tick) for tick in inside], [f"{100 * tick:.5g}" for tick in inside])
    hairlines(ax)


def error_ticks(accuracies: Sequence[float], most: int) -> list[float]:
    """Return round accuracies within the limits of an error axis for these."""
    low, high = error_limits(accuracies)
    inside = [tick for tick in _ACCURACY_TICKS if low <= error_scale(tick) <= high]
    while len(inside) > most:
        inside = inside[len(inside) % 2 == 0 :: 2]
    return inside if len(inside) > 1 else _plain_ticks(low, high)


def error_limits(accuracies: Sequence[float]) -> tuple[float, float]:
    """Return the limits of an error axis for these accuracies, with a margin."""
    scaled = [error_scale(value) for value in accuracies] or [0.0, 2.0]
    margin = max(0.08 * (max(scaled) - min(scaled)), 0.04)
    return min(scaled) - margin, max(scaled) + margin


def floored(accuracies: Sequence[float], shown: Sequence[float]) -> list[float]:
    """Return positions on an error axis made for `shown`; values below the axis are moved to its lower edge."""
    low, _ = error_limits(shown)
    return [max(error_scale(value), low) for value in accuracies]


def hairlines(ax: Axes, axis: str = "y") -> None:
    """Draw grid lines behind everything."""
    ax.grid(visible=True, axis=axis, color=Ink.HAIRLINE, linewidth=1)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def whole_ticks(low: float, high: float, most: int = 8) -> list[int]:
    """Return round whole numbers within limits, `most` at most."""
    span = max(high - low, 1)
    steps = (m * 10**e for e in range(19) for m in (1, 2, 5))
    step = next(step for step in steps if span / step <= most)
    first = math.ceil(low / step)
    return [step * k for k in range(first, math.floor(high / step) + 1)]


def epoch_axis(ax: Axes, last: int) -> None:
    """Make x an axis of epochs from 1."""
    ax.set_xlim(0.5, last + 0.5)
    ticks = [tick for tick in whole_ticks(1, last) if tick > 0]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.set_xlabel("epoch")


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return 1, 2 and 5 times powers of ten within limits; with many only powers, with few more multiples."""
    if not 0 < low <= high:
        return []
    inside = _multiples(low, high, (1, 2, 5))
    if len(inside) < 3:
        finer = _multiples(low, high, (1, 2, 3, 4, 6, 8))
        return finer if len(inside) < len(finer) <= most else inside
    if len(inside) <= most:
        return inside
    coarse = _multiples(low, high, (1,))
    return coarse if len(coarse) > 1 else inside[:: -(-len(inside) // most)]


def _multiples(low: float, high: float, of_powers: Sequence[int]) -> list[float]:
    """Return these multiples of powers of ten within limits."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [multiple * 10.0**power for power in powers for multiple in of_powers]
    return [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]


def log_axis(axis_of: Axes, which: str, low: float, high: float) -> None:
    """Make an axis logarithmic, with labels such as 0.01."""
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
    """Move places apart so that labels `gap` high do not overlap; their order is kept."""
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
