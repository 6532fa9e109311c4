"""Sections about a study's layers: norms of weights and gradients, dead units; None if the data are missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from reports import formatting as text
from reports.analysis.study.effects import arms_of
from reports.analysis.study.measures import (
    LayerValues,
    Norms,
    Units,
    gradient_norms,
    units,
    weight_norms,
)
from reports.figures.study.effects import looks
from reports.figures.study.measures import layers_figure
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number
from reports.sections.study.part import arm_cell, part


def norms_section(run: RunData) -> Section | None:
    """Return the section on weight norms against the strength of a penalty, by layer."""
    rows = weight_norms(run)
    if not rows:
        return None
    words = "L2 norm of each layer's kernel, first to last, mean over seeds"
    layers = max((row.norms.names for row in rows), key=len)
    return part(
        "weight-norms",
        "Weight norms",
        _format_range(rows),
        "The norm is the root of the sum of squares of a layer's kernel at the end of training. Near zero: below 1% of the largest magnitude of the layer. "
        "A small norm under a normalisation says little: what follows scales it up again.",
        figures=[Figure(layers_figure([row.norms for row in rows], looks(arms_of(run)), name="weight-norms", axis="L2 norm", label=words), words)],
        tables=[_norms_table(rows, layers)],
    )  # fmt: skip


def _total(row: Norms) -> float:
    return row.total or 0.0


def _format_range(rows: Sequence[Norms]) -> str:
    """Return the arms of the smallest and of the largest norm as a sentence."""
    least, most = min(rows, key=_total), max(rows, key=_total)
    smallest = f"All kernels together have a norm of {text.short(least.total)} with {least.arm.name}"
    if least is most:
        return smallest
    return f"{smallest}, the smallest, and of {text.short(most.total)} with {most.arm.name}, the largest"


def _norms_table(rows: Sequence[Norms], layers: Sequence[str]) -> Table:
    return Table(
        caption="L2 norms by layer, means over seeds.",
        columns=(
            Column("Arm", number=False),
            Column("All kernels"),
            Column("Near zero", "% of weights"),
            *(Column(name, extra=True) for name in layers),
        ),
        rows=[
            Row(
                (
                    arm_cell(row.arm),
                    number(row.total, text.signed(row.total, 2)),
                    number(row.near_zero, text.percent(row.near_zero, 1)),
                    *(_layer_cell(row.norms, name, lambda value: text.signed(value, 2)) for name in layers),
                )
            )
            for row in rows
        ],
        sortable=True,
    )


def _layer_cell(layer_values: LayerValues | None, name: str, write: Callable[[float], str]) -> Cell:
    values = dict(zip(layer_values.names, layer_values.values, strict=True)) if layer_values is not None else {}
    value = values.get(name, math.nan)
    return number(value, write(value)) if math.isfinite(value) else Cell(text.MISSING)


def gradients_section(run: RunData) -> Section | None:
    """Return the section on gradients by layer, and on dead and saturated units."""
    rows, counted = gradient_norms(run), units(run)
    if not rows and not counted:
        return None
    words = "L2 norm of the gradient of each layer's kernel, first to last, mean over seeds"
    tables = [table for table in (_gradient_table(rows), _units_table(counted)) if table is not None]
    return part(
        "gradients",
        "Gradients",
        _gradients_title(rows, counted),
        "Gradients of the trained model's loss on training images, mean over batches: at the end of training, not on the way. A ratio far below 1 says that the "
        "first layer gets a smaller gradient than the last; layers differ in size, so the ratio compares arms, not layers. Dead: units whose output is nearly "
        "nothing on every image of the sample. Saturated: outputs where the function is flat.",
        figures=[Figure(layers_figure(rows, looks(arms_of(run)), name="gradients", axis="L2 norm of the gradient", label=words), words)] if rows else [],
        tables=tables,
    )  # fmt: skip


def _ratio(row: LayerValues) -> float | None:
    first, last = row.values[0], row.values[-1]
    return first / last if math.isfinite(first) and math.isfinite(last) and last > 0 else None


def _gradients_title(rows: Sequence[LayerValues], counted: Sequence[Units]) -> str:
    ratios = [(row.arm, ratio) for row in rows if (ratio := _ratio(row)) is not None]
    if ratios:
        (low, small), (high, large) = min(ratios, key=lambda r: r[1]), max(ratios, key=lambda r: r[1])
        return f"The first layer's gradient is {text.short(small)} of the last's with {low.name}, {text.short(large)} with {high.name}"
    dead = [(arm_units.arm, share) for arm_units in counted if (share := _worst(arm_units.dead)) is not None]
    if dead:
        arm, share = max(dead, key=lambda pair: pair[1])
        return f"At most {text.percent(share, 1)}% of a layer's units are dead ({arm.name})"
    return "Gradients by layer"


def _worst(layer_values: LayerValues | None) -> float | None:
    values = [value for value in layer_values.values if math.isfinite(value)] if layer_values is not None else []
    return max(values, default=None)


def _average(layer_values: LayerValues | None) -> float | None:
    values = [value for value in layer_values.values if math.isfinite(value)] if layer_values is not None else []
    return sum(values) / len(values) if values else None


def _gradient_table(rows: Sequence[LayerValues]) -> Table | None:
    if not rows:
        return None
    layers = max((row.names for row in rows), key=len)
    return Table(
        caption="Gradient norms by layer, means over seeds.",
        columns=(
            Column("Arm", number=False),
            Column("First over last"),
            *(Column(name, extra=True) for name in layers),
        ),
        rows=[
            Row(
                (
                    arm_cell(row.arm),
                    number(_ratio(row), text.short(_ratio(row))),
                    *(_layer_cell(row, name, text.short) for name in layers),
                )
            )
            for row in rows
        ],
        sortable=True,
    )


def _units_table(rows: Sequence[Units]) -> Table | None:
    if not rows:
        return None
    return Table(
        caption="Units of the activation layers, means over seeds.",
        columns=(
            Column("Arm", number=False),
            Column("Dead", "% of units, mean of layers"),
            Column("Dead, worst layer", "%"),
            Column("Saturated", "% of outputs, mean of layers"),
            Column("Saturated, worst layer", "%"),
        ),
        rows=[
            Row(
                (
                    arm_cell(row.arm),
                    *(
                        number(value, text.percent(value, 1))
                        for layer_values in (row.dead, row.saturated)
                        for value in (_average(layer_values), _worst(layer_values))
                    ),
                )
            )
            for row in rows
        ],
        sortable=True,
    )


OPTIONAL = (norms_section, gradients_section)
"""The functions of the sections, in the order of the page."""
