"""A study's answer, its effects and its curves."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.curves import curve
from reports.analysis.study import ArmData, Effect, arm_bands, arms_of, base_of, effects, trend
from reports.figures.study import accuracy_bands, arm_curves, effect_figure, looks, loss_bands
from reports.run_data import RunData
from reports.sections.banners import DIGITS
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, figure, number
from reports.sections.study_part import accuracy_cell, arm_cell, part, points_cell, unsigned

_SENTENCE_END = re.compile(r"(?<=[a-z)]\.) ")
"""Between the first sentence of a conclusion and the rest."""
_HIDDEN_SHARE = 0.1
"""Of the values of all curves: the lowest lie below the axis, else the first epochs would squeeze the rest."""


def summary(run: RunData) -> Section:
    """The conclusion and what it stands on."""
    first, rest = conclusion_of(run)
    return Section(
        id="summary",
        name="Answer",
        title=first,
        how="Each arm was trained with the same seeds as the base, so they are compared pair by pair: Student's t test of the differences, "
        "two-sided, Holm's correction over all comparisons, a difference is called shown where p is below 0.05. ± here is half a 95% "
        "interval of the mean difference. A study never meets the test set: all figures are of validation images.",
        body={
            "kicker": _kicker(run),
            "headline": first,
            "rest": rest,
            "caveat": f"{DIGITS}." if run.info.data.is_digits else "",
            "facts": _facts(run),
        },
        template="study-summary.html.j2",
    )


def conclusion_of(run: RunData) -> tuple[str, str]:
    """The first sentence of the conclusion, and the others; what is known so far where there is none."""
    words = run.result.study.conclusion if run.result is not None and run.result.study is not None else ""
    if words:
        first, *rest = _SENTENCE_END.split(words, maxsplit=1)
        return first, "".join(rest)
    return _so_far(run)


def _so_far(run: RunData) -> tuple[str, str]:
    plan = run.info.study
    planned = len(plan.arms) * plan.seeds if plan is not None else 0
    if not run.records:
        return "No answer yet: no trial has finished.", ""
    if not any(record.completed for record in run.records):
        return (
            f"No answer: none of {text.plural(len(run.records), 'trial')} completed.",
            "The reasons are under failures.",
        )
    done = (
        f"{len(run.records)} of {text.plural(planned, 'trial')} {'has' if len(run.records) == 1 else 'have'} finished."
    )
    return (
        f"No conclusion yet: {done}",
        "What follows is what they show so far; nothing is tested before the study is done.",
    )


def _kicker(run: RunData) -> str:
    plan = run.info.study
    if plan is None:
        return ""
    return f"Study of {plan.hyperparameter}. {plan.question}"


def _facts(run: RunData) -> tuple[tuple[str, str], ...]:
    plan, info = run.info.study, run.info
    if plan is None:
        return ()
    epochs = sorted({arm.epochs for arm in plan.arms})
    lengths = text.count(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
    facts = [
        ("Base", plan.base),
        ("Arms", text.count(len(plan.arms))),
        ("Seeds", f"{plan.seeds} each"),
        ("Epochs", lengths),
        ("Validation images", text.count(info.data.validation)),
        ("Test images", "not used"),
        ("Data", "scikit-learn's digits" if info.data.is_digits else info.data.name),
        ("Space", info.space),
    ]
    return (*facts, ("Time", text.duration(info.elapsed_s))) if info.elapsed_s else tuple(facts)


# --- effects --------------------------------------------------------------------------------------------------------


def effects_section(run: RunData) -> Section:
    """The effect plot and its table."""
    rows = effects(run)
    arms = [row.arm for row in rows]
    base = base_of(arms)
    drawn = any(row.pairs for row in rows)
    interval = ", 95% interval" if any(row.comparison is not None for row in rows) else ""
    words = f"Each arm's difference to {base.name}: seeds, mean{interval}" if base else "Differences"
    return part(
        "effects",
        "Effects",
        _effects_title(rows, base),
        "A small mark is one seed: the arm's validation accuracy minus the base's with the same seed. The diamond is their mean, the bar its "
        "95% interval (Student), for this arm alone: where several arms are compared, Holm's correction asks for more, so that a bar may leave out "
        "zero and the verdict be that no difference is shown. ± in the table is the standard deviation over seeds.",
        why="" if drawn else _why_no_effects(rows, base),
        lead=[_trend_words(arms)],
        figures=[figure(effect_figure(rows, base.label, looks(arms), words), words)] if drawn and base else [],
        tables=[_effects_table(run, rows)] if rows else [],
        notes=_effect_notes(run, rows),
    )


def _effects_title(rows: Sequence[Effect], base: ArmData | None) -> str:
    tested = [row.comparison for row in rows if row.comparison is not None and row.comparison.p_holm is not None]
    name = base.name if base is not None else "the base"
    if tested:
        better, worse = (sum(c.verdict == verdict for c in tested) for verdict in ("better", "worse"))
        hidden = len(tested) - better - worse
        return f"Of {len(tested)} tested against {name}: {better} better, {worse} worse, {hidden} without a difference that shows"
    known = [row for row in rows if row.difference is not None]
    if not known:
        return "No arm can be compared yet"
    largest = max(known, key=lambda row: abs(row.difference or 0.0))
    return (
        f"{largest.arm.name} is {text.points(largest.difference)} points from {name} so far; no difference was tested"
    )


def _why_no_effects(rows: Sequence[Effect], base: ArmData | None) -> str:
    if base is None or not base.records:
        return "There is nothing to draw: the base has no score yet."
    if len(rows) < 2:
        return "There is nothing to draw: the base is the only arm."
    return "There is nothing to draw: no other arm has a score with a seed that the base has one with."


def _trend_words(arms: Sequence[ArmData]) -> str:
    found = trend(arms)
    if found is None:
        return ""
    way = "rises" if found.rho > 0 else "falls"
    return (
        f"Over the {found.arms} values the score {way} with the value in {found.same_sign} of {text.plural(found.seeds, 'seed')}: Spearman's rank "
        f"correlation is {text.signed(found.rho, 2)} on average. It says nothing of a best value in between."
    )


def _effects_table(run: RunData, rows: Sequence[Effect]) -> Table:
    return Table(
        caption=f"Validation accuracy of the last epoch, {text.count(run.info.data.validation)} images; mean ± standard deviation over seeds.",
        columns=(
            Column("Arm", number=False),
            Column("Seeds", note="with a score, of those planned"),
            Column("Validation", "%"),
            Column("Difference", "points", note="mean of the pairs, arm minus base"),
            Column("95% interval", "points"),
            Column("p"),
            Column("p, Holm", note="corrected for all comparisons of the study"),
            Column("Verdict", number=False),
            Column("Loss"),
            Column("Gap", "points", note="training minus validation accuracy at the last epoch"),
            Column("Parameters"),
            Column("Time", "a trial"),
        ),
        rows=[_effect_row(run, row) for row in rows],
        sortable=True,
    )


def _effect_row(run: RunData, row: Effect) -> Row:
    found, arm = row.comparison, row.arm
    ends = found.interval if found is not None else None
    seeds = run.info.study.seeds if run.info.study is not None else 0
    cells = (
        arm_cell(arm),
        number(len(arm.records), f"{len(arm.records)} of {seeds}"),
        accuracy_cell(row.score),
        points_cell(row.difference),
        Cell(f"{text.points(ends[0])} to {text.points(ends[1])}" if ends else text.MISSING),
        _p_cell(found.p if found is not None else None),
        _p_cell(found.p_holm if found is not None else None),
        Cell(_verdict(row)),
        number(row.loss.mean if row.loss else None, text.loss(row.loss.mean if row.loss else None)),
        points_cell(row.gap.mean if row.gap else None),
        number(arm.plan.parameters),
        number(row.duration.mean if row.duration else None, text.duration(row.duration.mean if row.duration else None)),
    )
    return Row(cells, failed=not arm.records)


def _p_cell(value: float | None) -> Cell:
    shown = text.MISSING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
    return number(value, shown)


def _verdict(row: Effect) -> str:
    if row.arm.base:
        return "base"
    if row.comparison is None:
        return "not tested yet"
    if row.comparison.p is None:
        return "no test"
    return str(row.comparison.verdict)


def _effect_notes(run: RunData, rows: Sequence[Effect]) -> list[str]:
    failed = sum(row.arm.failed for row in rows)
    missing = sum(row.arm.missing for row in rows)
    notes = []
    if run.info.study is not None and run.info.study.seeds == 1:
        notes.append("One seed each: differences may be chance, and nothing was tested.")
    if failed:
        notes.append(f"{text.plural(failed, 'trial')} failed; their pairs are left out.")
    if missing:
        notes.append(f"{text.plural(missing, 'planned trial has', 'planned trials have')} not ended.")
    if run.result is None and any(row.pairs for row in rows):
        notes.append("Intervals and verdicts are made when the study is done.")
    return notes


# --- curves ---------------------------------------------------------------------------------------------------------


def curves_section(run: RunData) -> Section:
    """Curves of each arm with bands over the seeds, together and side by side."""
    arms = arms_of(run)
    figures, multiples = _together(arms), _side_by_side(arms)
    return part(
        "study-curves",
        "Curves by arm",
        _curves_title(arms),
        "A band spans the smallest and the largest of an arm's seeds, its line is their mean; it ends where the first of its seeds ended. The axis of "
        "accuracies is spaced by error rate; what lies below it stands on its lower edge. Losses are cross-entropies without L2 and label smoothing, so "
        "that they compare. Training accuracy is taken while the weights move, with dropout and augmentation on. Side by side: training dashed, "
        "validation solid, each seed thin, one scale for all.",
        why="" if figures else "No trial has a curve with a finite value, so there is nothing to draw.",
        pairs=figures,
        multiples=multiples,
    )


def _curves_title(arms: Sequence[ArmData]) -> str:
    gaps = [(arm, gap) for arm in arms if (gap := _gap(arm)) is not None]
    if len(gaps) < 2:
        return "Learning curves of each arm"
    (low, small), (high, large) = min(gaps, key=lambda pair: pair[1]), max(gaps, key=lambda pair: pair[1])
    return f"Training minus validation accuracy at the end goes from {text.points(small)} points ({low.name}) to {text.points(large)} ({high.name})"


def _gap(arm: ArmData) -> float | None:
    pairs = [(curve(record, "accuracy").values, curve(record, "val_accuracy").values) for record in arm.records]
    gaps = [training[-1] - validation[-1] for training, validation in pairs if training and validation]
    return sum(gaps) / len(gaps) if gaps else None


def _together(arms: Sequence[ArmData]) -> list[Figure]:
    styles, shown = looks(arms), _shown(arms)
    found = []
    for metric, name, axis, words in (
        ("val_accuracy", "study-validation", "validation accuracy, %", "Validation accuracy of each epoch"),
        ("accuracy", "study-training", "training accuracy, %", "Training accuracy of each epoch, same scale"),
    ):
        if bands := arm_bands(arms, metric):
            found.append(figure(accuracy_bands(bands, styles, shown, name=name, axis=axis, label=words), words))
    for metric, name, axis, words in (
        ("val_loss", "study-validation-loss", "validation cross-entropy", "Validation loss of each epoch"),
        ("loss", "study-training-loss", "training cross-entropy", "Training loss of each epoch"),
    ):
        if bands := arm_bands(arms, metric):
            found.append(figure(loss_bands(bands, styles, name=name, axis=axis, label=words), words))
    return found


def _shown(arms: Sequence[ArmData]) -> list[float]:
    """The accuracies that the axis of all figures of this section is made for."""
    ends: list[float] = []
    values: list[float] = []
    for arm in arms:
        for metric in ("val_accuracy", "accuracy"):
            for record in arm.records:
                series = curve(record, metric).values
                values += series
                ends += series[-1:]
    values = sorted(value for value in values if math.isfinite(value))
    floor = values[int(_HIDDEN_SHARE * len(values))] if values else 0.0
    return [value for value in values if value >= min([floor, *ends])]


def _side_by_side(arms: Sequence[ArmData]) -> list[Figure]:
    styles, shown = looks(arms), _shown(arms)
    training = {item.arm.place: item.band for item in arm_bands(arms, "accuracy")}
    validation = {item.arm.place: item.band for item in arm_bands(arms, "val_accuracy")}
    last = max((record.epochs_run for arm in arms for record in arm.records), default=1)
    found = []
    for arm in arms:
        if arm.place in training or arm.place in validation:
            seeds = [c for record in arm.records if (c := curve(record, "val_accuracy")).epochs]
            words = f"{arm.name}: {_gap_words(arm)}"
            svg = arm_curves(
                training.get(arm.place), validation.get(arm.place), seeds, styles[arm.place], shown,
                place=arm.place, last=last, label=words,
            )  # fmt: skip
            found.append(figure(svg, words))
    return found


def _gap_words(arm: ArmData) -> str:
    gap = _gap(arm)
    if gap is None:
        return "validation accuracy"
    return f"training {unsigned(gap)} points {'above' if gap >= 0 else 'below'} validation"
