"""The score of a short trial against that of a long one of the same configuration."""

from __future__ import annotations

from reports.analysis.search.fidelity import Fidelity
from reports.figures.axes import error_axis, error_limits, error_scale, error_ticks, hairlines
from reports.figures.canvas import Canvas, Drawing, length_name
from reports.figures.theme_colours import Ink
from reports.formatting import plural


def fidelity_figure(fidelity: Fidelity, label: str) -> Drawing:
    """Draw a mark for each configuration, linked to its longer trial."""
    short = [item.short for item in fidelity.configurations]
    long = [item.long for item in fidelity.configurations]

    def paint(canvas: Canvas) -> None:
        ax = canvas.axes(left=64, right=16)
        error_axis(ax, long, label=f"after {plural(fidelity.long_epochs, 'epoch')}, %", ticks=5)
        ax.set_xlim(*error_limits(short))
        ticks = error_ticks(short, 4)
        ax.set_xticks([error_scale(tick) for tick in ticks], [f"{100 * tick:.5g}" for tick in ticks])
        ax.set_xlabel(f"after {plural(fidelity.short_epochs, 'epoch')}, %")
        hairlines(ax, "both")
        canvas.points(
            ax,
            [error_scale(value) for value in short],
            [error_scale(value) for value in long],
            [item.long_trial for item in fidelity.configurations],
            color=Ink.ORDER[3],
            markersize=7 if len(short) < 60 else 5,
        )

    name = f"fidelity-{length_name(fidelity.short_epochs)}-{length_name(fidelity.long_epochs)}"
    return Drawing(name, 300, 264, label, paint)
