"""The table of all trials, with all their hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reports import formatting as text
from reports.analysis.search.leaderboard import TrialRow, most_varied, setting_names, trial_rows
from reports.run.run_data import RunData
from reports.sections.scores import score_columns, trial_cells
from reports.sections.section import Cell, Column, Row, Table

_FIRST_SETTINGS = 5
"""The number of hyperparameters that the page shows before the reader adds others."""


@dataclass(frozen=True)
class _Field:
    """A column with the text of each row."""

    column: Column
    text: Callable[[TrialRow], str]


def trials_table(run: RunData) -> Table | None:
    """Return the table of all trials: what most readers compare first, then the rest, without columns that are empty."""
    if not run.every:
        return None
    rows = trial_rows(run.every)
    declared = [item.name for item in run.info.space.hyperparameters]
    names = setting_names(run.every, declared)
    first = most_varied(run.every, names)[:_FIRST_SETTINGS]
    fields = [*_first_measures(run), *_settings(rows, first)]
    others = [*_other_measures(run), *_settings(rows, [name for name in names if name not in first])]
    # The first measures stay where they are all missing: a reader looks for them.
    fields += [
        replace(field, column=replace(field.column, more=True))
        for field in others
        if any(field.text(row) != text.MISSING for row in rows)
    ]
    return Table(
        caption=f"All {text.plural(len(rows), 'trial')}, best {run.score_name} first{'; a refit has none' if run.refits else ''}.",
        columns=[field.column for field in fields],
        rows=[_trial_row(run, row, fields) for row in rows],
        sortable=True,
        id="trials-table",
    )


def _first_measures(run: RunData) -> list[_Field]:
    scores = [
        _Field(column, lambda row, place=place: trial_cells(run, row)[place].text)  # type: ignore[misc]
        for place, column in enumerate(score_columns(run, keys=True))
    ]
    return [
        _Field(Column("Trial", number=False, key="trial"), lambda row: row.trial),
        _Field(Column("Validation", "%", key="val_accuracy"), lambda row: text.percent(row.val_accuracy)),
        *scores,
        _Field(Column("Loss", key="val_loss"), lambda row: text.loss(row.val_loss)),
        _Field(Column("Parameters", key="parameters"), lambda row: text.count(row.parameters)),
        _Field(
            Column("Epochs", note="planned; how many were run where that differs", key="epochs"),
            lambda row: text.epochs(row.epochs) if row.epochs == row.epochs_spent else f"{row.epochs_spent} of {row.epochs}",
        ),
        _Field(Column("Status", number=False, key="status"), lambda row: _format_status(run, row)),
    ]  # fmt: skip


def _other_measures(run: RunData) -> list[_Field]:
    milestones = [
        _Field(Column(name, "epoch", key=key), lambda row, place=place: text.count(row.milestones[place]))  # type: ignore[misc]
        for place, (name, key) in enumerate((("98% at", "epoch_98"), ("99% at", "epoch_99")))
    ]
    return [
        _Field(Column("Training", "%", key="train_accuracy"), lambda row: text.percent(row.train_accuracy)),
        _Field(Column("Multiply-adds", key="multiply_adds"), lambda row: text.count(row.multiply_adds)),
        *milestones,
        _Field(Column("Time", "s", key="duration_s"), lambda row: f"{row.duration_s:,.0f}"),
        _Field(
            Column("Phase", number=False, key="phase"),
            lambda row: row.phase if row.repetition == 0 else f"{row.phase} {row.repetition}",
        ),
        _Field(Column("Bracket", key="bracket"), lambda row: text.count(row.bracket)),
        _Field(Column("Rung", key="rung"), lambda row: text.count(row.rung)),
        _Field(
            Column("Drawn", number=False, key="origin", note="how the search came by the configuration"),
            lambda row: row.origin or text.MISSING,
        ),
        _Field(
            Column("RAM", "bytes", extra=True, key="ram", note="the int8 network's arena in TFLM's interpreter, computed"),
            lambda row: text.count(row.ram),
        ),
        _Field(Column("Flash", "bytes", extra=True, key="flash", note="the int8 file, computed"), lambda row: text.count(row.flash)),
    ]  # fmt: skip


def _settings(rows: Sequence[TrialRow], names: Sequence[str]) -> list[_Field]:
    return [
        _Field(
            Column(name, extra=True, number=_numeric(rows, name), key=f"hp.{name}"),
            lambda row, name=name: text.setting(row.configuration.get(name)),  # type: ignore[misc]
        )
        for name in names
    ]


def _trial_row(run: RunData, row: TrialRow, fields: Sequence[_Field]) -> Row:
    """Return a row without sort keys: `page_data` has the values."""
    return Row(
        [Cell(field.text(row)) for field in fields],
        trial=row.trial,
        winner=bool(_standing(run, row.trial)),
        failed=row.status == "failed",
    )


def _format_status(run: RunData, row: TrialRow) -> str:
    return (row.error or "failed") if row.status == "failed" else (_standing(run, row.trial) or "completed")


def _standing(run: RunData, trial: str) -> str:
    """Return the trial's role in the result, or ""."""
    result = run.result
    if result is not None and trial in result.trials:
        return "winner"
    return "exported" if result is not None and trial == result.exported.trial else ""


def _numeric(rows: Sequence[TrialRow], name: str) -> bool:
    values = [row.configuration[name] for row in rows if name in row.configuration]
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
