"""`leaderboard`: confirmed configurations, then all trials."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.leaderboard import TrialRow, setting_names, trial_rows, varied_names
from reports.analysis.trials import explored, groups_by_epochs
from reports.run_data import Finalist, RunData
from reports.sections.section import Cell, Column, Row, Section, Table, number
from tuner.records import Configuration, TrialRecord, configuration_key, rank_key

_SHORT_LENGTH = 5


def build(run: RunData) -> Section:
    """Both tables."""
    confirmed = confirmed_table(run)
    return Section(
        id="leaderboard",
        name="Best configurations",
        title=_title(run),
        how="Confirmed configurations were trained again with several seeds and are ranked by mean validation accuracy; "
        "± is the standard deviation over seeds. A trial of the search is one seed: differences of 0.1 points are noise.",
        body={
            "confirmed": confirmed,
            "why_none": "" if confirmed else _why_none(run),
            "trials": trials_table(run),
            "no_trials": "" if run.records else "No trial has finished.",
        },
    )


def short_table(run: RunData) -> Table | None:
    """The best few, for the first screen: confirmed ones, then other configurations of the search's longest trials."""
    finalists = run.result.finalists[:_SHORT_LENGTH] if run.result is not None else ()
    others = _unconfirmed(run, finalists)[: _SHORT_LENGTH - len(finalists)]
    if not finalists and not others:
        return None
    rows = [_finalist_row(place, finalist, (), short=True) for place, finalist in enumerate(finalists)]
    words = (
        f"{_confirmed_words(run, finalists)} Others: one seed."
        if finalists
        else "The best trials so far, the longest first; one seed each."
    )
    return Table(
        caption=words,
        columns=(
            Column("Configuration", number=False),
            Column("Validation", "%"),
            Column("Loss"),
            Column("Parameters"),
        ),
        rows=[*rows, *(_short_row(record) for record in others)],
    )


def _unconfirmed(run: RunData, finalists: Sequence[Finalist]) -> list[TrialRecord]:
    """The best trial of each other configuration: of the longest trials, and while nothing is confirmed of shorter ones."""
    groups = groups_by_epochs(explored(run.records) or run.records)
    ranked = [record for group in groups[: 1 if finalists else None] for record in sorted(group.records, key=rank_key)]
    seen = {configuration_key(finalist.configuration) for finalist in finalists}
    found = []
    for record in ranked:
        if (key := configuration_key(record.configuration)) not in seen:
            seen.add(key)
            found.append(record)
    return found


def _short_row(record: TrialRecord) -> Row:
    return Row(
        (
            Cell(
                f"trial {record.trial}",
                detail=", ".join(filter(None, (_epochs(record), _digest(record.configuration)))),
            ),
            number(record.val_accuracy, text.percent(record.val_accuracy)),
            number(record.val_loss, text.loss(record.val_loss)),
            number(record.parameters),
        ),
        trial=record.trial,
    )


def _epochs(record: TrialRecord) -> str:
    return text.plural(record.epochs, "epoch")


def _confirmed_words(run: RunData, finalists: Sequence[Finalist]) -> str:
    seeds = max(len(finalist.trials) for finalist in finalists)
    images = text.count(run.info.data.validation)
    return f"Confirmed: mean ± standard deviation over {text.plural(seeds, 'seed')}, {images} validation images."


def confirmed_table(run: RunData) -> Table | None:
    """Every confirmed configuration with all of its settings that differ between them."""
    if run.result is None or not run.result.finalists:
        return None
    return _finalists(run, run.result.finalists)


def trials_table(run: RunData) -> Table | None:
    """All trials with all their hyperparameters."""
    if not run.records:
        return None
    names = setting_names(run.records, [item.name for item in run.info.hyperparameters])
    varied = varied_names(run.records, names)
    winners = set(run.result.trials) if run.result else set()
    rows = trial_rows(run.records)
    return Table(
        caption=f"All {text.plural(len(rows), 'trial')}, best validation accuracy first.",
        columns=(*_trial_columns(), *(Column(name, extra=True, number=_numeric(rows, name)) for name in varied)),
        rows=[_trial_row(row, varied, winner=row.trial in winners) for row in rows],
        sortable=True,
        id="trials-table",
    )


def _title(run: RunData) -> str:
    result = run.result
    if result is not None and len(result.finalists) > 1:
        first, second = result.finalists[0].validation, result.finalists[1].validation
        if first.mean is not None and second.mean is not None:
            gap = text.points(first.mean - second.mean).lstrip("+")
            return f"The winner leads the next of {len(result.finalists)} confirmed configurations by {gap} points on validation data"
    if result is not None and result.finalists:
        return f"One configuration was confirmed, with {text.plural(len(result.finalists[0].trials), 'seed')}"
    return f"Best configurations of {text.plural(len(run.records), 'trial')}"


def _why_none(run: RunData) -> str:
    if run.info.status == "running":
        return "No configuration is confirmed yet: the finalists are trained again when the search is over."
    return "No configuration was confirmed, so what follows is one seed each."


def _finalists(run: RunData, finalists: Sequence[Finalist]) -> Table:
    declared = [item.name for item in run.info.hyperparameters]
    used = {name for finalist in finalists for name in finalist.configuration}
    names = (*(name for name in declared if name in used), *sorted(used.difference(declared)))
    columns = (
        Column("Configuration", number=False),
        Column("Validation", "%"),
        Column("Each seed", "%", number=False),
        Column("Loss"),
        Column("Parameters"),
        Column("Multiply-adds"),
        *(Column(name, number=False, extra=True) for name in names),
    )
    return Table(
        caption=_confirmed_words(run, finalists),
        columns=columns,
        rows=[_finalist_row(place, finalist, names, short=False) for place, finalist in enumerate(finalists)],
        sortable=True,
    )


def _finalist_row(place: int, finalist: Finalist, names: Sequence[str], *, short: bool) -> Row:
    scores = finalist.validation
    name = "winner" if place == 0 else f"finalist {place + 1}"
    cells = [
        Cell(name, sort=place, detail=_digest(finalist.configuration) if short else ", ".join(finalist.trials)),
        number(scores.mean, text.spread(scores.mean, scores.sd)),
        number(scores.loss_mean, text.loss(scores.loss_mean)),
        number(finalist.parameters),
    ]
    if not short:
        cells.insert(2, Cell(" ".join(text.percent(value) for value in scores.per_seed)))
        cells += [number(finalist.multiply_adds), *(_setting(finalist.configuration, name) for name in names)]
    return Row(cells, trial=finalist.search_trial or finalist.trials[0], winner=place == 0)


def _digest(configuration: Configuration) -> str:
    """The few settings that a reader asks for first, where the space has them."""
    wanted = ("optimizer", "schedule", "batch_size", "activation")
    return ", ".join(text.setting(configuration[name]) for name in wanted if name in configuration)


def _setting(configuration: Configuration, name: str) -> Cell:
    value = configuration.get(name)
    sort = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    return Cell(text.setting(value), sort=sort)


def _trial_columns() -> tuple[Column, ...]:
    return (
        Column("Trial", number=False),
        Column("Validation", "%"),
        Column("Loss"),
        Column("Training", "%"),
        Column("Parameters"),
        Column("Multiply-adds"),
        Column("Epochs", note="planned; how many were run where that differs"),
        Column("98% at", "epoch"),
        Column("99% at", "epoch"),
        Column("Time", "s"),
        Column("Phase", number=False),
        Column("Bracket"),
        Column("Rung"),
        Column("Status", number=False),
    )


def _trial_row(row: TrialRow, names: Sequence[str], *, winner: bool) -> Row:
    epochs = text.count(row.epochs) if row.epochs == row.epochs_run else f"{row.epochs_run} of {row.epochs}"
    cells = (
        Cell(row.trial),
        number(row.val_accuracy, text.percent(row.val_accuracy)),
        number(row.val_loss, text.loss(row.val_loss)),
        number(row.train_accuracy, text.percent(row.train_accuracy)),
        number(row.parameters),
        number(row.multiply_adds),
        number(row.epochs, epochs),
        *(number(epoch) for epoch in row.milestones),
        number(row.duration_s, f"{row.duration_s:,.0f}"),
        Cell(row.phase if row.repetition == 0 else f"{row.phase} {row.repetition}"),
        number(row.bracket),
        number(row.rung),
        Cell(row.error or "failed") if row.status == "failed" else Cell("winner" if winner else "completed"),
    )
    settings = tuple(_setting(row.configuration, name) for name in names)
    return Row((*cells, *settings), trial=row.trial, winner=winner, failed=row.status == "failed")


def _numeric(rows: Sequence[TrialRow], name: str) -> bool:
    values = [row.configuration[name] for row in rows if name in row.configuration]
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
