"""Our test accuracy beside a published one."""

from __future__ import annotations

from reports.analysis.model.training import PublishedComparison
from reports.figures.axes import hairlines
from reports.figures.canvas import Canvas, Drawing
from reports.figures.study.effects import short_label
from reports.figures.theme_colours import Ink


def published_figure(comparison: PublishedComparison, label: str) -> Drawing:
    """Draw two rows: the published figure; our seeds, the exported model and its interval."""

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=112, right=20, top=8)
        ax.plot([100 * comparison.published], [0], marker="D", markersize=9, markerfacecolor="none",
                markeredgecolor=Ink.PUBLISHED, markeredgewidth=1.5, clip_on=False)  # fmt: skip
        ax.axvline(100 * comparison.published, color=Ink.PUBLISHED, linewidth=1, linestyle=(0, (4, 3)))
        if comparison.interval is not None:
            ax.plot([100 * end for end in comparison.interval], [1, 1], color=Ink.WINNER, linewidth=3)
        ax.plot([100 * comparison.exported], [1], marker="o", markersize=9, color=Ink.WINNER, markeredgecolor=Ink.PAPER)
        if len(comparison.trials) == len(comparison.per_seed):
            canvas.points(ax, [100 * value for value in comparison.per_seed], [1.35] * len(comparison.per_seed),
                          comparison.trials, color=Ink.MUTED, markersize=5)  # fmt: skip
        scores = (comparison.published, comparison.exported, *comparison.per_seed, *(comparison.interval or ()))
        values = [100 * score for score in scores]
        margin = 0.08 * (max(values) - min(values)) or 0.1
        ax.set_xlim(min(values) - margin, max(values) + margin)
        ax.locator_params(axis="x", nbins=4)
        ax.set_ylim(1.7, -0.6)
        ax.set_yticks([0, 1, 1.35], [short_label(comparison.name, 14), "ours", "each seed"])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        hairlines(ax, "x")
        ax.set_xlabel("test accuracy, %")

    return Drawing("published", 440, 176, label, paint)
