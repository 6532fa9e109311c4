"""The score of a short trial against that of a long one of the same configuration."""

from __future__ import annotations

from reports.analysis.search.fidelity import Fidelity
from reports.figures.axes import error_axis, error_limits, error_scale, error_ticks, hairlines
from reports.figures.canvas import Canvas, Drawing, length_name
from reports.figures.theme_colours import Ink


def fidelity_figure(found: Fidelity, label: str) -> Drawing:
    """A mark a configuration, of its longer trial."""
    short = [item.short for item in found.configurations]
    long = [item.long for item in found.configurations]

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=64, right=16)
        error_axis(ax, long, label=f"after {found.long_epochs} epochs, %", ticks=5)
        ax.set_xlim(*error_limits(short))
        ticks = error_ticks(short, 4)
        ax.set_xticks([error_scale(tick) for tick in ticks], [f"{100 * tick:.5g}" for tick in ticks])
        ax.set_xlabel(f"after {found.short_epochs} epochs, %")
        hairlines(ax, "both")
        canvas.points(
            ax,
            [error_scale(value) for value in short],
            [error_scale(value) for value in long],
            [item.long_trial for item in found.configurations],
            color=Ink.ORDER[3],
            markersize=7 if len(short) < 60 else 5,
        )

    name = f"fidelity-{length_name(found.short_epochs)}-{length_name(found.long_epochs)}"
    return Drawing(name, 300, 264, label, paint)
