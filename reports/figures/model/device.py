"""The winner on a device: its activations in the arena over its operations, and the error after each of them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.patches import Rectangle

from reports.analysis.model.device import LayerError, MemoryPlan, Tensor
from reports.figures.axes import hairlines, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.theme_colours import Ink

_ROW, _LETTER = 22, 6.4
_KB = 1000


def memory_figure(plan: MemoryPlan, label: str) -> Drawing:
    """Draw each activation as a rectangle: from the operation that writes it to the last that reads it, at its bytes of the arena."""

    def paint(canvas: Canvas) -> None:
        names = [*plan.operations]
        ax = canvas.axes(left=64, right=16, top=14, bottom=24 + int(_LETTER * max(map(len, names))))
        fullest = plan.fullest
        for tensor in plan.tensors:
            ax.add_patch(_rectangle(tensor, live=tensor.first <= fullest <= tensor.last))
        top = plan.planned_bytes / _KB
        ax.set_xlim(-0.5, len(names) + 0.5)
        ax.set_ylim(0, 1.06 * top)
        ax.set_xticks(range(len(names) + 1), ["image", *names], rotation=90, fontsize=11)
        ax.tick_params(axis="x", length=0)
        ticks = whole_ticks(0, top, 6) if top >= 2 else [0, top]
        ax.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])
        ax.set_ylabel("place in the arena, kB")
        hairlines(ax)

    height = 260 + int(_LETTER * max(map(len, plan.operations)))
    return Drawing("device-memory", 720, height, label, paint)


def _rectangle(tensor: Tensor, *, live: bool) -> Rectangle:
    """Return the mark of an activation; those that are needed when the arena is fullest stand out."""
    return Rectangle(
        (tensor.first - 0.46, tensor.offset / _KB),
        tensor.last - tensor.first + 0.92,
        tensor.size_bytes / _KB,
        facecolor=Ink.WINNER if live else Ink.ORDER[1],
        edgecolor=Ink.PAPER,
        linewidth=1,
        zorder=2,
    )


def error_figure(errors: Sequence[LayerError], label: str) -> Drawing:
    """Draw the relative error after each operation as a bar, first to last; the one that adds most stands out."""
    worst = max(range(len(errors)), key=lambda place: errors[place].added)

    def paint(canvas: Canvas) -> None:
        names = [error.name for error in errors]
        ax = canvas.axes(left=20 + int(_LETTER * max(map(len, names))), right=64)
        reach = 100 * max(error.error for error in errors) or 1.0
        for row, error in enumerate(errors):
            colour = Ink.WINNER if row == worst else Ink.ORDER[2]
            ax.barh(row, 100 * error.error, height=0.6, color=colour, zorder=2)
            ax.annotate(
                f"{round(100 * error.error, 2):g}", (100 * error.error, row), xytext=(6, 0), textcoords="offset points",
                va="center", fontsize=11, color=Ink.TEXT, annotation_clip=False,
            )  # fmt: skip
        ax.set_ylim(len(errors) - 0.4, -0.6)
        ax.set_yticks(range(len(errors)), names)
        ax.tick_params(axis="y", length=0, labelcolor=Ink.TEXT)
        ax.set_xlim(0, 1.02 * reach)
        ticks = whole_ticks(0, reach, 6) if reach >= 3 else [0, reach / 2, reach]
        ax.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        ax.set_xlabel("error relative to the float network's values, %")
        hairlines(ax, "x")

    return Drawing("device-errors", 720, 12 + _ROW * len(errors) + 44, label, paint)
