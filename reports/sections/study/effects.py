"""A study's effects: each arm's difference from the base."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.study.effects import ArmData, Effect, base_of, effects, trend
from reports.figures.study.effects import effect_figure, looks
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number
from reports.sections.study.part import accuracy_cell, arm_cell, part, points_cell


def effects_section(run: RunData) -> Section:
    """Return the section: the effect plot and its table."""
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
        "95% interval (Student), corrected like its p value for the number of comparisons (Holm): it leaves out zero where a difference is shown, "
        "and only there. ± in the table is the standard deviation over seeds.",
        why="" if drawn else _why_no_effects(rows, base),
        lead=[_format_trend(arms)],
        figures=[Figure(effect_figure(rows, base.label, looks(arms), words), words)] if drawn and base else [],
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


def _format_trend(arms: Sequence[ArmData]) -> str:
    correlation = trend(arms)
    if correlation is None:
        return ""
    way = "rises" if correlation.rho > 0 else "falls"
    return (
        f"Over the {correlation.arms} values the score {way} with the value in {correlation.same_sign} of {text.plural(correlation.seeds, 'seed')}: Spearman's rank "
        f"correlation is {text.signed(correlation.rho, 2)} on average. It says nothing of a best value in between."
    )


def _effects_table(run: RunData, rows: Sequence[Effect]) -> Table:
    return Table(
        caption=f"Validation accuracy of the last epoch, {text.count(run.info.data.validation)} images; mean ± standard deviation over seeds.",
        columns=(
            Column("Arm", number=False),
            Column("Seeds", note="with a score, of those planned"),
            Column("Validation", "%"),
            Column("Difference", "points", note="mean of the pairs, arm minus base"),
            Column("95% interval", "points", note="corrected for all comparisons of the study"),
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
    comparison, arm = row.comparison, row.arm
    ends = row.interval
    seeds = run.info.study.seeds if run.info.study is not None else 0
    cells = (
        arm_cell(arm),
        number(len(arm.records), f"{len(arm.records)} of {seeds}"),
        accuracy_cell(row.score),
        points_cell(row.difference),
        Cell(f"{text.points(ends[0])} to {text.points(ends[1])}" if ends else text.MISSING),
        _p_cell(comparison.p if comparison is not None else None),
        _p_cell(comparison.p_holm if comparison is not None else None),
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
