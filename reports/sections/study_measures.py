"""What a study measured besides accuracy: a section each, None where its data is not there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from reports import formatting as text
from reports.analysis.study import Spread, arms_of
from reports.analysis.study_measures import (
    THRESHOLDS,
    BatchCost,
    Convergence,
    LayerValues,
    Norms,
    Size,
    Step,
    Stopping,
    Units,
    batch_costs,
    convergence,
    gradient_norms,
    last_shown,
    length_steps,
    median_epoch,
    sizes,
    stopping,
    units,
    weight_norms,
)
from reports.figures.study import Look, looks
from reports.figures.study_measures import Measured, dots_figure, layers_figure, line_figure, stopping_figure
from reports.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, figure, number
from reports.sections.study_part import accuracy_cell, arm_cell, mean_cell, part, points_cell, unsigned

# --- convergence ----------------------------------------------------------------------------------------------------


def convergence_section(run: RunData) -> Section | None:
    """How fast and how steadily each arm learned."""
    rows = convergence(run)
    if not rows:
        return None
    settled = [Measured(row.arm, row.settled) for row in rows if row.settled is not None]
    words = "Epoch from which each seed stays within 0.1 points of its own last score"
    return part(
        "convergence",
        "Convergence",
        _convergence_title(rows),
        "Median over seeds of the first epoch whose validation accuracy reached a threshold, with the first and the last seed; how many seeds reached it "
        "where not all did. Settled: the first epoch from which a seed stays within 0.1 points of its own last score, which says nothing of how good that is. "
        "Wobble: mean change of validation accuracy from one epoch to the next in the second half of training.",
        figures=[figure(dots_figure(settled, looks(arms_of(run)), name="settled", axis="epoch", label=words), words)]
        if settled
        else [],
        tables=[_convergence_table(rows)],
        notes=[
            "Epochs are not seconds: an epoch costs more in one arm than in another; effects has the time of a trial."
        ],
    )


def _convergence_title(rows: Sequence[Convergence]) -> str:
    for place in reversed(range(len(THRESHOLDS))):
        medians = [(row.arm, median_epoch(row.reached[place][0])) for row in rows]
        reached = [(arm, epoch) for arm, epoch in medians if epoch is not None]
        if len(reached) > 1:
            (first, fast), (last, slow) = min(reached, key=lambda r: r[1]), max(reached, key=lambda r: r[1])
            name = f"{text.percent(THRESHOLDS[place], 0)}%"
            if fast == slow:
                return f"All that reached {name} did so after {text.setting(fast)} epochs (median)"
            return f"{first.name} reached {name} after {text.setting(fast)} epochs (median), {last.name} after {text.setting(slow)}"
    return "How fast each arm learned"


def _convergence_table(rows: Sequence[Convergence]) -> Table:
    return Table(
        caption="First epoch at a validation accuracy; how each arm came to rest.",
        columns=(
            Column("Arm", number=False),
            *(Column(f"{text.percent(threshold, 0)}% at", "epoch") for threshold in THRESHOLDS),
            Column("Settled", "epoch"),
            Column("Seeds' spread", "points", note="standard deviation of the last scores over seeds"),
            Column("Wobble", "points"),
        ),
        rows=[
            Row(
                (
                    arm_cell(row.arm),
                    *(_reached_cell(epochs, seeds) for epochs, seeds in row.reached),
                    _epochs_cell(row.settled),
                    number(row.sd, text.percent(row.sd)),
                    number(row.wobble, text.percent(row.wobble)),
                )
            )
            for row in rows
        ],
        sortable=True,
    )


def _reached_cell(epochs: Sequence[int], seeds: int) -> Cell:
    middle = median_epoch(epochs)
    if middle is None:
        return Cell("never")
    ends = f" ({min(epochs)}–{max(epochs)})" if min(epochs) < max(epochs) else ""
    share = f", {len(epochs)} of {seeds}" if len(epochs) < seeds else ""
    return number(middle, f"{middle:g}{ends}{share}")


def _epochs_cell(found: Spread | None) -> Cell:
    return mean_cell(found, f"{found.mean:.1f}" if found else text.MISSING)


# --- early stopping -------------------------------------------------------------------------------------------------


def stopping_section(run: RunData) -> Section | None:
    """Epochs saved against accuracy lost."""
    rows = stopping(run)
    if not rows:
        return None
    words = "Validation accuracy against epochs run; hollow marks put the best weights back"
    return part(
        "early-stopping",
        "Early stopping",
        _stopping_title(rows),
        "A mark is an arm's mean over seeds, its bar their range. Saved: the share of the planned epochs that were not run. Lost: accuracy below the base's, "
        "mean of the pairs. Best epoch: the highest validation accuracy on the way, which is chosen on the images that it is measured on and so flatters itself.",
        figures=[figure(stopping_figure(rows, looks(arms_of(run)), words), words)],
        tables=[_stopping_table(rows)],
        notes=[
            "Stopping and best weights are chosen on the validation images that the score is of: part of a gain may be that choice, "
            "and would not be met again on other images."
        ],
    )


def _stopping_title(rows: Sequence[Stopping]) -> str:
    saving = [row for row in rows if row.saved > 0 and row.lost is not None and not row.arm.base]
    if not saving:
        return "No arm stopped before its last epoch"
    row = max(saving, key=lambda row: row.saved)
    lost = row.lost or 0.0
    cost = f"is {unsigned(lost)} points {'below' if lost > 0 else 'above'} the base"
    return f"{row.arm.name} saves {text.percent(row.saved, 0)}% of the epochs and {cost}"


def _stopping_table(rows: Sequence[Stopping]) -> Table:
    return Table(
        caption="Means over seeds.",
        columns=(
            Column("Arm", number=False),
            Column("Best weights", number=False, note="whether they were put back"),
            Column("Epochs run"),
            Column("Planned"),
            Column("Saved", "% of epochs"),
            Column("Validation", "%"),
            Column("Lost", "points"),
            Column("Best epoch", "%"),
        ),
        rows=[
            Row(
                (
                    arm_cell(row.arm),
                    Cell("put back" if row.restored else "no"),
                    _epochs_cell(row.run),
                    number(row.planned),
                    number(row.saved, text.percent(row.saved, 0)),
                    accuracy_cell(row.score),
                    points_cell(None if row.arm.base else row.lost),
                    number(row.best, text.percent(row.best)),
                )
            )
            for row in rows
        ],
        sortable=True,
    )


# --- epochs ---------------------------------------------------------------------------------------------------------


def epochs_section(run: RunData) -> Section | None:
    """Where more training stops helping."""
    steps = length_steps(run)
    if not steps:
        return None
    arms = sorted((arm for arm in arms_of(run) if arm.records), key=lambda arm: arm.plan.epochs)
    styles = looks(arms_of(run))
    words = "Validation accuracy against epochs of training"
    found = [(arm, Spread(len(arm.scores), math.fsum(arm.scores) / len(arm.scores), None, arm.scores)) for arm in arms]
    drawn = line_figure(
        [arm.plan.epochs for arm, _ in found],
        [scores for _, scores in found],
        [styles[arm.place].colour for arm, _ in found],
        name="lengths",
        axis="epochs of training",
        label=words,
        accuracy=True,
    ) if len(found) > 1 else None  # fmt: skip
    return part(
        "epochs",
        "More epochs",
        _epochs_title(steps),
        "Each length was trained from scratch with a schedule of its own length. A step is the difference to the next shorter length, seed by seed; "
        "the intervals hold together with 95% (Bonferroni), so that they are wider than those under effects.",
        figures=[figure(drawn, words)] if drawn else [],
        tables=[_steps_table(steps)],
        notes=["That no difference shows is not that there is none: a step may be smaller than these seeds can show."],
    )


def _epochs_title(steps: Sequence[Step]) -> str:
    last = last_shown(steps)
    if last is None:
        return "No step to more epochs shows a gain"
    seeds = text.plural(last.n, "seed")
    return f"The last step that shows a gain is from {last.earlier.plan.epochs} to {last.later.plan.epochs} epochs: {text.points(last.gained)} points over {seeds}"


def _steps_table(steps: Sequence[Step]) -> Table:
    return Table(
        caption="From each length to the next.",
        columns=(
            Column("Epochs", number=False),
            Column("Pairs"),
            Column("Gained", "points"),
            Column("Interval", "points"),
            Column("Shown", number=False),
        ),
        rows=[
            Row(
                (
                    Cell(f"{step.earlier.plan.epochs} → {step.later.plan.epochs}", sort=step.later.plan.epochs),
                    number(step.n),
                    points_cell(step.gained),
                    Cell(_ends(step.interval)),
                    Cell(_shown(step)),
                )
            )
            for step in steps
        ],
    )


def _ends(interval: tuple[float, float] | None) -> str:
    return f"{text.points(interval[0])} to {text.points(interval[1])}" if interval else text.MISSING


def _shown(step: Step) -> str:
    if step.interval is None:
        return "no test"
    return ("better" if (step.gained or 0) > 0 else "worse") if step.shown else "no difference shown"


# --- weights and gradients ------------------------------------------------------------------------------------------


def norms_section(run: RunData) -> Section | None:
    """Weight norms against the strength of a penalty, by layer."""
    rows = weight_norms(run)
    if not rows:
        return None
    words = "L2 norm of each layer's kernel, first to last, mean over seeds"
    first, last = rows[0], rows[-1]
    layers = max((row.norms.names for row in rows), key=len)
    return part(
        "weight-norms",
        "Weight norms",
        f"All kernels together have a norm of {text.short(first.total)} with {first.arm.name} and of {text.short(last.total)} with {last.arm.name}",
        "The norm is the root of the sum of squares of a layer's kernel at the end of training. Near zero: below 1% of the largest magnitude of the layer. "
        "A small norm under a normalisation says little: what follows scales it up again.",
        figures=[figure(layers_figure([row.norms for row in rows], looks(arms_of(run)), name="weight-norms", axis="L2 norm", label=words), words)],
        tables=[_norms_table(rows, layers)],
    )  # fmt: skip


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


def _layer_cell(found: LayerValues | None, name: str, write: Callable[[float], str]) -> Cell:
    values = dict(zip(found.names, found.values, strict=True)) if found is not None else {}
    value = values.get(name, math.nan)
    return number(value, write(value)) if math.isfinite(value) else Cell(text.MISSING)


def gradients_section(run: RunData) -> Section | None:
    """Gradients by layer, and the units that answer nothing."""
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
        figures=[figure(layers_figure(rows, looks(arms_of(run)), name="gradients", axis="L2 norm of the gradient", label=words), words)] if rows else [],
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
    dead = [(found.arm, share) for found in counted if (share := _worst(found.dead)) is not None]
    if dead:
        arm, share = max(dead, key=lambda pair: pair[1])
        return f"At most {text.percent(share, 1)}% of a layer's units are dead ({arm.name})"
    return "Gradients by layer"


def _worst(found: LayerValues | None) -> float | None:
    values = [value for value in found.values if math.isfinite(value)] if found is not None else []
    return max(values, default=None)


def _average(found: LayerValues | None) -> float | None:
    values = [value for value in found.values if math.isfinite(value)] if found is not None else []
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
                        for found in (row.dead, row.saturated)
                        for value in (_average(found), _worst(found))
                    ),
                )
            )
            for row in rows
        ],
        sortable=True,
    )


# --- batch size -----------------------------------------------------------------------------------------------------


def noise_section(run: RunData) -> Section | None:
    """Noise scale, time, memory and gap."""
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
    found = []
    for name, axis, values, log in measures:
        measured = [Measured(arm, _scaled(spread, factor)) for arm, spread, factor in values if spread is not None]
        if measured:
            words = axis[0].upper() + axis[1:]
            found.append(figure(dots_figure(measured, styles, name=name, axis=axis, label=words, log=log), words))
    return found


def _scaled(found: Spread, factor: float) -> Spread:
    sd = found.sd * factor if found.sd is not None else None
    return Spread(found.n, found.mean * factor, sd, tuple(value * factor for value in found.values))


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
                    number(row.noise_scale, text.short(row.noise_scale) if row.noise_scale else "not to be told"),
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


# --- capacity -------------------------------------------------------------------------------------------------------


def capacity_section(run: RunData) -> Section | None:
    """Parameters against accuracy and against the gap."""
    found = sizes(run)
    if not found:
        return None
    return part(
        "capacity",
        "Capacity",
        _capacity_title(found),
        "Small marks are seeds, diamonds their means. The gap is training minus validation accuracy at the last epoch: a gap that grows while validation accuracy "
        "does not fall is not yet harm. Training accuracy is taken with dropout and augmentation on, which makes the gap small.",
        multiples=_capacity_figures(run, found),
        tables=[_capacity_table(found)],
        notes=[
            "From one size to the next other things of the network may change too; only what the arms name was varied."
        ],
    )


def _capacity_title(found: Sequence[Size]) -> str:
    small, large = found[0], found[-1]
    gained = text.points(large.score.mean - small.score.mean)
    sizes_words = f"From {text.count(small.parameters)} to {text.count(large.parameters)} parameters validation accuracy goes by {gained} points"
    if small.gap is None or large.gap is None:
        return sizes_words
    return f"{sizes_words}, the gap to training by {text.points(large.gap.mean - small.gap.mean)}"


def _capacity_figures(run: RunData, found: Sequence[Size]) -> list[Figure]:
    styles = looks(arms_of(run))
    drawn = [_size_figure(found, [size.score for size in found], styles, name="capacity-accuracy", accuracy=True)]
    with_gap = [size for size in found if size.gap is not None]
    if len({size.parameters for size in with_gap}) > 1:
        gaps = [size.gap for size in with_gap if size.gap is not None]
        drawn.append(_size_figure(with_gap, gaps, styles, name="capacity-gap", accuracy=False))
    return drawn


def _size_figure(
    found: Sequence[Size], spreads: Sequence[Spread], styles: Mapping[int, Look], *, name: str, accuracy: bool
) -> Figure:
    words = (
        "Validation accuracy against parameters"
        if accuracy
        else "Gap between training and validation against parameters"
    )
    svg = line_figure(
        [size.parameters for size in found],
        spreads,
        [styles[size.arm.place].colour for size in found],
        name=name,
        axis="trainable parameters",
        label=words,
        accuracy=accuracy,
        unit="training minus validation, points",
    )
    return figure(svg, words)


def _capacity_table(found: Sequence[Size]) -> Table:
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
            for size in found
        ],
        sortable=True,
    )


OPTIONAL = (
    convergence_section,
    stopping_section,
    epochs_section,
    norms_section,
    gradients_section,
    noise_section,
    capacity_section,
)
"""In the order of the page."""
