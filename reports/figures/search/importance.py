"""The share of the scores' variance that each hyperparameter, and each pair, explains."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.search.importance import Share
from reports.figures.axes import hairlines, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink

_ROW = 24
_LONGEST_NAME = 36


def importance_figure(shares: Sequence[Share], label: str) -> Drawing:
    """Draw a bar for each share with its standard deviation over trees: single hyperparameters dark, pairs light."""
    height = 12 + _ROW * len(shares) + 44

    def paint(canvas: Canvas) -> None:
        names = [_shortened(" × ".join(share.names)) for share in shares]
        ax = canvas.axes(left=24 + int(6.6 * max(len(name) for name in names)), right=72)
        reach = max(share.share + share.spread for share in shares)
        for row, share in enumerate(shares):
            colour = Ink.ORDER[4] if len(share.names) == 1 else Ink.ORDER[1]
            ax.barh(row, 100 * share.share, height=0.55, color=colour, zorder=2)
            ends = [100 * max(0.0, share.share - share.spread), 100 * (share.share + share.spread)]
            # A light line below it sets it off from its bar.
            ax.plot(ends, [row, row], color=Ink.PAPER, linewidth=4, zorder=3)
            ax.plot(ends, [row, row], color=Ink.TEXT, linewidth=1.5, zorder=4)
            ax.annotate(
                f"{100 * share.share:.0f} ± {100 * share.spread:.0f}",
                (ends[1], row), xytext=(7, 0), textcoords="offset points",
                va="center", fontsize=11, color=Ink.TEXT, annotation_clip=False,
            )  # fmt: skip
        ax.set_ylim(len(shares) - 0.4, -0.6)
        ax.set_yticks(range(len(shares)), names)
        ax.tick_params(axis="y", length=0, labelcolor=Ink.TEXT)
        ax.set_xlim(0, 100 * reach)
        ticks = whole_ticks(0, 100 * reach, 6)
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.set_xlabel("share of the variance, %")
        hairlines(ax, "x")

    return Drawing("importance", 480, height, label, paint)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
