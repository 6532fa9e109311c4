"""Sections about a study's costs: noise and time of batches, accuracy and size; None if the data are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports import formatting as text
from reports.analysis.study.effects import Spread, arms_of
from reports.analysis.study.measures import (
    BatchCost,
    Size,
    batch_costs,
    sizes,
)
from reports.figures.study.effects import Look, looks
from reports.figures.study.measures import Measured, dots_figure, line_figure
from reports.run.run_data import RunData
from reports.sections.section import Column, Figure, Row, Section, Table, number
from reports.sections.study.part import accuracy_cell, arm_cell, mean_cell, part, points_cell


def noise_section(run: RunData) -> Section | None:
    """Return the section on noise scale, time, memory and gap."""
    rows = batch_costs(run)
    if not rows:
        return None
    return part(
        "gradient-noise",
        "Cost and noise",
        _noise_title(rows),
        "The simple noise scale tr(Σ)/|G|² (McCandlish et al. 2018) estimates the batch, in images, beyond which a larger one buys little: it is measured on the trained "
        "model, where it is at its largest, and |G|² is hard to tell from noise there, so read its order of magnitude. Seconds a step are the median of some steps, "
        "seconds an epoch the mean over epochs without the first; memory is the worker's largest, with the library and the data. The gap is training minus "
        "validation accuracy at the last epoch.",
        multiples=_cost_figures(run, rows),
        tables=[_cost_table(rows)],
        notes=["Times are of this machine, one thread a worker, and of whatever else it did."],
    )


def _noise_title(rows: Sequence[BatchCost]) -> str:
    timed = [(row.arm, row.epoch_s.mean) for row in rows if row.epoch_s is not None and row.epoch_s.mean > 0]
    if len(timed) > 1:
        (slow, most), (fast, least) = max(timed, key=lambda r: r[1]), min(timed, key=lambda r: r[1])
        return f"An epoch takes {text.duration(most)} with {slow.name} and {text.duration(least)} with {fast.name}"
    return "What each arm costs"


def _cost_figures(run: RunData, rows: Sequence[BatchCost]) -> list[Figure]:
    styles = looks(arms_of(run))
    measures = (
        ("noise-scale", "noise scale, images", [(r.arm, r.noise_seeds, 1.0) for r in rows], True),
        ("step-time", "time a step, ms", [(r.arm, r.step_s, 1000.0) for r in rows], True),
        ("epoch-time", "time an epoch, s", [(r.arm, r.epoch_s, 1.0) for r in rows], True),
        ("memory", "largest memory, MiB", [(r.arm, r.memory_bytes, 1 / 2**20) for r in rows], False),
        ("gap", "generalisation gap, points", [(r.arm, r.gap, 100.0) for r in rows], False),
    )
    figures = []
    for name, axis, values, log in measures:
        measured = [Measured(arm, _scaled(spread, factor)) for arm, spread, factor in values if spread is not None]
        if measured:
            words = axis[0].upper() + axis[1:]
            figures.append(Figure(dots_figure(measured, styles, name=name, axis=axis, label=words, log=log), words))
    return figures


def _scaled(spread: Spread, factor: float) -> Spread:
    sd = spread.sd * factor if spread.sd is not None else None
    return Spread(spread.n, spread.mean * factor, sd, tuple(value * factor for value in spread.values))


def _cost_table(rows: Sequence[BatchCost]) -> Table:
    return Table(
        caption="Means over seeds; the noise scale is the ratio of the means of tr(Σ) and |G|².",
        columns=(
            Column("Arm", number=False),
            Column("Batch", "images"),
            Column("Noise scale", "images"),
            Column("Time a step", "ms"),
            Column("Time an epoch"),
            Column("Largest memory"),
            Column("Gap", "points"),
        ),
        rows=[
            Row(
                (
                    arm_cell(row.arm),
                    number(row.batch_size),
                    number(row.noise_scale, text.short(row.noise_scale) if row.noise_scale else "unknown"),
                    mean_cell(row.step_s, f"{1000 * row.step_s.mean:.2f}" if row.step_s else ""),
                    mean_cell(row.epoch_s, text.duration(row.epoch_s.mean) if row.epoch_s else ""),
                    mean_cell(row.memory_bytes, text.size(row.memory_bytes.mean) if row.memory_bytes else ""),
                    points_cell(row.gap.mean if row.gap else None),
                )
            )
            for row in rows
        ],
        sortable=True,
    )


def capacity_section(run: RunData) -> Section | None:
    """Return the section on accuracy and gap against parameters."""
    rows = sizes(run)
    if not rows:
        return None
    return part(
        "capacity",
        "Capacity",
        _capacity_title(rows),
        "Small marks are seeds, diamonds their means. The gap is training minus validation accuracy at the last epoch: a gap that grows while validation accuracy "
        "does not fall is not yet harm. Training accuracy is taken with dropout and augmentation on, which makes the gap small.",
        multiples=_capacity_figures(run, rows),
        tables=[_capacity_table(rows)],
        notes=[
            "From one size to the next other things of the network may change too; only what the arms name was varied."
        ],
    )


def _capacity_title(rows: Sequence[Size]) -> str:
    small, large = rows[0], rows[-1]
    gained = text.points(large.score.mean - small.score.mean)
    sizes_words = f"From {text.count(small.parameters)} to {text.count(large.parameters)} parameters validation accuracy goes by {gained} points"
    if small.gap is None or large.gap is None:
        return sizes_words
    return f"{sizes_words}, the gap to training by {text.points(large.gap.mean - small.gap.mean)}"


def _capacity_figures(run: RunData, rows: Sequence[Size]) -> list[Figure]:
    styles = looks(arms_of(run))
    drawn = [_size_figure(rows, [size.score for size in rows], styles, name="capacity-accuracy", accuracy=True)]
    with_gap = [size for size in rows if size.gap is not None]
    if len({size.parameters for size in with_gap}) > 1:
        gaps = [size.gap for size in with_gap if size.gap is not None]
        drawn.append(_size_figure(with_gap, gaps, styles, name="capacity-gap", accuracy=False))
    return drawn


def _size_figure(
    rows: Sequence[Size], spreads: Sequence[Spread], styles: Mapping[int, Look], *, name: str, accuracy: bool
) -> Figure:
    words = (
        "Validation accuracy against parameters"
        if accuracy
        else "Gap between training and validation against parameters"
    )
    svg = line_figure(
        [size.parameters for size in rows],
        spreads,
        [styles[size.arm.place].colour for size in rows],
        name=name,
        axis="trainable parameters",
        label=words,
        accuracy=accuracy,
        unit="training minus validation, points",
    )
    return Figure(svg, words)


def _capacity_table(rows: Sequence[Size]) -> Table:
    return Table(
        caption="By parameters; mean ± standard deviation over seeds.",
        columns=(
            Column("Arm", number=False),
            Column("Parameters"),
            Column("Validation", "%"),
            Column("Gap", "points"),
        ),
        rows=[
            Row(
                (
                    arm_cell(size.arm),
                    number(size.parameters),
                    accuracy_cell(size.score),
                    points_cell(size.gap.mean if size.gap else None),
                )
            )
            for size in rows
        ],
        sortable=True,
    )


OPTIONAL = (noise_section, capacity_section)
"""The functions of the sections, in the order of the page."""
