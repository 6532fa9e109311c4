"""Small figures of the winner: calibration, robustness, weights, pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.analysis.model.classification import ReliabilityBin
from reports.analysis.model.robustness import Degradation
from reports.analysis.model.weights import FinalistNorms, LayerWeights
from reports.figures.axes import error_axis, error_scale, hairlines
from reports.figures.canvas import Canvas, Drawing
from reports.figures.search.curves import end_labels, finalist_colour
from reports.figures.theme_colours import Ink
from tuner.stats.intervals import wilson_interval


def reliability_figure(bins: Sequence[ReliabilityBin], label: str, name: str = "reliability") -> Drawing:
    """Draw accuracy against confidence with the 95% interval of each bin, and the number of images below."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=56, right=24, top=16, bottom=76)
        ax.plot([0, 1], [0, 1], color=Ink.MUTED, linewidth=1, linestyle=(0, (4, 3)))
        ax.annotate("as sure as right", (0.2, 0.2), xytext=(8, -4), textcoords="offset points", fontsize=11,
                    va="top", color=Ink.MUTED)  # fmt: skip
        for b in bins:
            low, high = wilson_interval(round(b.accuracy * b.count), b.count)
            ax.plot([b.confidence] * 2, [low, high], color=Ink.WINNER, linewidth=1.5, alpha=0.5)
        ax.plot([b.confidence for b in bins], [b.accuracy for b in bins], linestyle="none", marker="o", markersize=7,
                color=Ink.WINNER, markeredgecolor=Ink.PAPER, clip_on=False)  # fmt: skip
        for place, b in enumerate(bins):
            ax.annotate(f"{b.count:,}", ((b.low + b.high) / 2, 0), xycoords=("data", "axes fraction"),
                        xytext=(0, -30 if place % 2 == 0 else -43), textcoords="offset points", ha="center",
                        fontsize=10, color=Ink.MUTED, annotation_clip=False)  # fmt: skip
        ax.annotate("images", (0, 0), xycoords="axes fraction", xytext=(-10, -37), textcoords="offset points",
                    ha="right", fontsize=10, color=Ink.MUTED, annotation_clip=False)  # fmt: skip
        ax.set_xlim(0, 1.0)
        ax.set_ylim(0, 1.0)
        ticks = [0, 0.25, 0.5, 0.75, 1]
        ax.set_xticks(ticks, [f"{100 * tick:.0f}" for tick in ticks])
        ax.set_yticks(ticks, [f"{100 * tick:.0f}" for tick in ticks])
        hairlines(ax)
        ax.set_xlabel("confidence, %", labelpad=30)
        ax.set_ylabel("accuracy, %")

    return Drawing(name, 440, 384, label, paint)


def robustness_figure(degradation: Degradation, accuracies: Sequence[float], label: str) -> Drawing:
    """Draw the accuracy under one corruption, on the scale of all corruptions."""

    def paint(canvas: Canvas) -> None:
        levels = degradation.levels
        ax = canvas.axes(left=44, right=14, top=10, bottom=58)
        ax.plot(
            levels,
            [error_scale(value) for value in degradation.accuracy],
            color=Ink.WINNER,
            linewidth=2,
            marker="o",
            markersize=5,
            clip_on=False,
        )
        error_axis(ax, accuracies, label="", ticks=6)
        ticks = sorted({levels[0], levels[len(levels) // 2], levels[-1]})
        ax.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
        if levels[0] > levels[-1]:
            ax.invert_xaxis()  # Worse is to the right, whichever way the levels run.
        ax.set_xlabel(degradation.unit.replace(", ", ",\n"))

    return Drawing(f"robustness-{_slug(degradation.kind)}", 240, 214, label, paint)


def weight_histogram(layer: LayerWeights, place: int, label: str) -> Drawing:
    """Draw the histogram of a layer's weights without an axis: the table has the extremes."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=2, right=2, top=2, bottom=3)
        ax.stairs(layer.counts, layer.edges, fill=True, color=Ink.ORDER[2])
        if layer.edges[0] < 0 < layer.edges[-1]:
            ax.axvline(0, color=Ink.TEXT, linewidth=1)
        ax.set_xlim(layer.edges[0], layer.edges[-1])
        ax.set_ylim(0, max([*layer.counts, 1]))
        ax.set_axis_off()

    return Drawing(f"weights-{place}", 128, 36, label, paint)


def norm_figure(finalists: Sequence[FinalistNorms], labels: Sequence[str], label: str) -> Drawing:
    """Draw the L2 norm of each layer's kernel for each confirmed configuration: mean and range over seeds."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=52, right=84)
        ends = []
        for norms, words in zip(finalists, labels, strict=True):
            colour = finalist_colour(norms.place)
            x = list(range(1, len(norms.layers) + 1))
            low, high = [layer.norm.low for layer in norms.layers], [layer.norm.high for layer in norms.layers]
            ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            mean = [layer.norm.mean for layer in norms.layers]
            ax.plot(x, mean, color=colour, linewidth=2, marker="o", markersize=6, markeredgecolor=Ink.PAPER)
            ends.append((words, x[-1], mean[-1], colour))
        layers = max(len(norms.layers) for norms in finalists)
        ax.set_xlim(0.5, layers + 0.5)
        ax.set_xticks(range(1, layers + 1))
        ax.set_ylim(bottom=0)
        hairlines(ax)
        ax.set_xlabel("layer with a kernel, first to last")
        ax.set_ylabel("L2 norm of its weights")
        end_labels(ax, ends)

    return Drawing("finalist-norms", 480, 288, label, paint)


def pixel_figure(counts: Sequence[int], label: str, *, in_colour: bool = False) -> Drawing:
    """Draw the share of training pixels at each grey value, or of all channels at each value, on a logarithmic scale."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=60)
        total = sum(counts) or 1
        shares = [100 * count / total for count in counts]
        smallest = min((share for share in shares if share > 0), default=0.01)
        ax.set_yscale("log")
        bottom = smallest / 2
        ax.stairs([max(s, bottom) for s in shares], list(range(len(shares) + 1)), baseline=bottom, fill=True,
                  color=Ink.ORDER[2])  # fmt: skip
        ax.set_ylim(bottom, 150)
        powers = [10.0**e for e in range(math.ceil(math.log10(bottom)), 3)][-4:]
        ax.set_yticks(powers, [f"{power:g}" for power in powers])
        ax.set_yticks([], minor=True)
        ax.set_xlim(0, len(shares))
        ticks = [0, 64, 128, 192, 255]
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        hairlines(ax)
        ax.set_xlabel("value of red, green or blue" if in_colour else "grey value")
        ax.set_ylabel("% of values" if in_colour else "% of pixels")

    return Drawing("pixels", 400, 224, label, paint)


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() and character.isascii() else "-" for character in text.lower())
