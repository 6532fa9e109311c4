"""Sections about a study's epochs: convergence, early stopping, length of training; None if the data are missing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.study.effects import Spread, arms_of
from reports.analysis.study.learning import (
    THRESHOLDS,
    Convergence,
    Step,
    Stopping,
    convergence,
    last_shown,
    length_steps,
    median_epoch,
    stopping,
)
from reports.figures.study.effects import looks
from reports.figures.study.measures import Measured, dots_figure, line_figure, stopping_figure
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number
from reports.sections.study.part import accuracy_cell, arm_cell, mean_cell, part, points_cell, unsigned


def convergence_section(run: RunData) -> Section | None:
    """Return the section on the speed and steadiness of each arm's learning."""
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
        figures=[Figure(dots_figure(settled, looks(arms_of(run)), name="settled", axis="epoch", label=words), words)]
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
            fast, (last, slow) = min(epoch for _, epoch in reached), max(reached, key=lambda r: r[1])
            first = _joined([arm.name for arm, epoch in reached if epoch == fast])
            name = f"{text.percent(THRESHOLDS[place], 0)}%"
            if fast == slow:
                return f"All that reached {name} did so after {text.setting(fast)} epochs (median)"
            return f"{first} reached {name} after {text.setting(fast)} epochs (median), {last.name} after {text.setting(slow)}"
    return "How fast each arm learned"


def format_learning(rows: Sequence[Convergence]) -> str:
    """Return which arm learned fastest and which most steadily, in two sentences; "" where fewer than two compare."""
    fastest = _convergence_title(rows)
    steady = sorted(((row.wobble, row.arm.name) for row in rows if row.wobble is not None), key=lambda item: item[0])
    if len(steady) < 2 or not any(row.reached[0][0] for row in rows):
        return ""
    (least, first), (most, last) = steady[0], steady[-1]
    return (
        f"{fastest}. From epoch to epoch {first} changes least in the second half, by {text.percent(least)} points, "
        f"{last} most, by {text.percent(most)}."
    )


def _joined(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


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


def _epochs_cell(spread: Spread | None) -> Cell:
    return mean_cell(spread, f"{spread.mean:.1f}" if spread else text.MISSING)


def stopping_section(run: RunData) -> Section | None:
    """Return the section on epochs saved against accuracy lost."""
    rows = stopping(run)
    if not rows:
        return None
    words = "Validation accuracy against epochs run; hollow marks put the best weights back"
    return part(
        "early-stopping",
        "Early stopping",
        _stopping_title(rows),
        "A mark is an arm's mean over seeds, its bar their range. Saved: the share of the planned epochs that were not run. Lost: accuracy below the base's, "
        "mean of the pairs. Best epoch: the highest validation accuracy on the way, which is chosen on the images that it is measured on and so is optimistic.",
        figures=[Figure(stopping_figure(rows, looks(arms_of(run)), words), words)],
        tables=[_stopping_table(rows)],
        notes=[
            "Stopping and best weights are chosen on the validation images that the score is of: part of a gain may be that choice, "
            "and may not appear on other images."
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


def epochs_section(run: RunData) -> Section | None:
    """Return the section on the gain of longer training."""
    steps = length_steps(run)
    if not steps:
        return None
    arms = sorted((arm for arm in arms_of(run) if arm.records), key=lambda arm: arm.plan.epochs)
    styles = looks(arms_of(run))
    words = "Validation accuracy against epochs of training"
    arm_scores = [
        (arm, Spread(len(arm.scores), math.fsum(arm.scores) / len(arm.scores), None, arm.scores)) for arm in arms
    ]
    drawn = line_figure(
        [arm.plan.epochs for arm, _ in arm_scores],
        [scores for _, scores in arm_scores],
        [styles[arm.place].colour for arm, _ in arm_scores],
        name="lengths",
        axis="epochs of training",
        label=words,
        accuracy=True,
    ) if len(arm_scores) > 1 else None  # fmt: skip
    return part(
        "epochs",
        "More epochs",
        _epochs_title(steps),
        "Each length was trained from scratch with a schedule of its own length. A step is the difference to the next shorter length, seed by seed; "
        "the intervals hold together with 95% (Bonferroni), so that they are wider than those under effects.",
        figures=[Figure(drawn, words)] if drawn else [],
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


OPTIONAL = (convergence_section, stopping_section, epochs_section)
"""The functions of the sections, in the order of the page."""
