"""The table of all trials, with all their hyperparameters."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.search.leaderboard import TrialRow, setting_names, trial_rows
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Row, Table

_TRIAL_COLUMNS = (
    Column("Trial", number=False, key="trial"),
    Column("Validation", "%", key="val_accuracy"),
    Column("Loss", key="val_loss"),
    Column("Training", "%", key="train_accuracy"),
    Column("Parameters", key="parameters"),
    Column("Multiply-adds", key="multiply_adds"),
    Column("Epochs", note="planned; how many were run where that differs", key="epochs"),
    Column("98% at", "epoch", key="epoch_98"),
    Column("99% at", "epoch", key="epoch_99"),
    Column("Time", "s", key="duration_s"),
    Column("Phase", number=False, key="phase"),
    Column("Bracket", key="bracket"),
    Column("Rung", key="rung"),
    Column("Status", number=False, key="status"),
)
_ORIGIN = Column("Drawn", number=False, key="origin", note="how the search came by the configuration")


def trials_table(run: RunData) -> Table | None:
    """All trials with all their hyperparameters."""
    if not run.every:
        return None
    names = setting_names(run.every, [item.name for item in run.info.space.hyperparameters])
    rows = trial_rows(run.every)
    origin = (_ORIGIN,) if any(row.origin for row in rows) else ()
    settings = (Column(name, extra=True, number=_numeric(rows, name), key=f"hp.{name}") for name in names)
    return Table(
        caption=f"All {text.plural(len(rows), 'trial')}, best validation accuracy first{'; a refit has none' if run.refits else ''}.",
        columns=(*_TRIAL_COLUMNS, *origin, *settings),
        rows=[_trial_row(row, bool(origin), names, _standing(run, row.trial)) for row in rows],
        sortable=True,
        id="trials-table",
    )


def _trial_row(row: TrialRow, origin: bool, names: Sequence[str], standing: str) -> Row:
    """Without sort keys: the page has the values of trials already."""
    cells = (
        row.trial,
        text.percent(row.val_accuracy),
        text.loss(row.val_loss),
        text.percent(row.train_accuracy),
        text.count(row.parameters),
        text.count(row.multiply_adds),
        _format_epochs(row),
        *(text.count(epoch) for epoch in row.milestones),
        f"{row.duration_s:,.0f}",
        row.phase if row.repetition == 0 else f"{row.phase} {row.repetition}",
        text.count(row.bracket),
        text.count(row.rung),
        (row.error or "failed") if row.status == "failed" else (standing or "completed"),
        *([row.origin or text.count(None)] if origin else []),
        *(text.setting(row.configuration.get(name)) for name in names),
    )
    return Row([Cell(cell) for cell in cells], trial=row.trial, winner=bool(standing), failed=row.status == "failed")


def _standing(run: RunData, trial: str) -> str:
    """Return what a completed trial was for the result, if anything."""
    result = run.result
    if result is not None and trial in result.trials:
        return "winner"
    return "exported" if result is not None and result.refit is not None and trial == result.refit.trial else ""


def _format_epochs(row: TrialRow) -> str:
    return text.epochs(row.epochs) if row.epochs == row.epochs_spent else f"{row.epochs_spent} of {row.epochs}"


def _numeric(rows: Sequence[TrialRow], name: str) -> bool:
    values = [row.configuration[name] for row in rows if name in row.configuration]
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
