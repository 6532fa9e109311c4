"""`leaderboard`: confirmed configurations, then all trials."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.search.leaderboard import seed_summary
from reports.analysis.search.trials import explored, groups_by_epochs
from reports.run.run_data import RunData
from reports.sections.folds import images_words
from reports.sections.scores import score_cells, score_columns, trial_cells
from reports.sections.search.target import format_caption, format_title, target_cells, target_columns
from reports.sections.search.trials_table import trials_table
from reports.sections.section import Cell, Column, Row, Section, Table, number
from tuner.core.records import Configuration, TrialRecord, configuration_key, rank_key
from tuner.storage.schema.result import Finalist

_SHORT_LENGTH = 5


def build(run: RunData) -> Section:
    """Return the section: the tables of confirmed configurations and of all trials."""
    confirmed = confirmed_table(run)
    return Section(
        id="leaderboard",
        name="Best configurations",
        part="Search",
        title=_title(run),
        how=f"Confirmed configurations were trained again with other seeds and are ranked {_ranked_by(run)}; "
        "± is the standard deviation over seeds. A trial of the search is one seed: differences of 0.1 points are noise. "
        "Choose a trial here or in a figure (click; or arrow keys and Enter) to see it everywhere, with its curves; what is filtered here is filtered in every figure.",
        body={
            "confirmed": confirmed,
            "why_none": "" if confirmed else _why_none(run),
            "settings": settings_table(run),
            "trials": trials_table(run),
            "no_trials": "" if run.every else "No trial has finished.",
        },
    )


def short_table(run: RunData) -> Table | None:
    """Return the best few for the summary: confirmed ones, then other configurations of the longest trials."""
    finalists = run.result.finalists[:_SHORT_LENGTH] if run.result is not None else ()
    others = _unconfirmed(run, finalists)[: _SHORT_LENGTH - len(finalists)]
    if not finalists and not others:
        return None
    rows = [_short_finalist_row(run, place, finalist) for place, finalist in enumerate(finalists)]
    words = (
        f"{_format_confirmed(run, finalists)} Others: one seed."
        if finalists
        else "The best trials so far, the longest first; one seed each."
    )
    return Table(
        caption=words,
        columns=(
            Column("Configuration", number=False),
            Column("Validation", "%"),
            *score_columns(run),
            Column("Loss"),
            Column("Parameters"),
        ),
        rows=[*rows, *(_short_row(run, record) for record in others)],
    )


def _unconfirmed(run: RunData, finalists: Sequence[Finalist]) -> list[TrialRecord]:
    """Return the best trial of each other configuration: of the longest trials, or of all if none is confirmed."""
    groups = groups_by_epochs(explored(run.records) or run.records)
    ranked = [record for group in groups[: 1 if finalists else None] for record in sorted(group.records, key=rank_key)]
    seen = {configuration_key(finalist.configuration) for finalist in finalists}
    unconfirmed = []
    for record in ranked:
        if (key := configuration_key(record.configuration)) not in seen:
            seen.add(key)
            unconfirmed.append(record)
    return unconfirmed


def _short_row(run: RunData, record: TrialRecord) -> Row:
    return Row(
        (
            Cell(
                f"trial {record.trial}",
                detail=", ".join(filter(None, (_epochs(record), _digest(record.configuration)))),
            ),
            number(record.val_accuracy, text.percent(record.val_accuracy)),
            *trial_cells(run, record),
            number(record.val_loss, text.loss(record.val_loss)),
            number(record.parameters),
        ),
        trial=record.trial,
    )


def _epochs(record: TrialRecord) -> str:
    return text.plural(record.epochs, "epoch")


def _format_confirmed(run: RunData, finalists: Sequence[Finalist]) -> str:
    seeds = max(len(finalist.trials) for finalist in finalists)
    spread = f"{f'mean ± standard deviation over {seeds} seeds' if seeds > 1 else 'one seed'}, {images_words(run)}"
    return f"Confirmed: {spread}.{format_caption(run)}"


def confirmed_table(run: RunData) -> Table | None:
    """Return every confirmed configuration with its seeds' results."""
    if run.result is None or not run.result.finalists:
        return None
    return _finalists(run, run.result.finalists)


def _ranked_by(run: RunData) -> str:
    if run.result is None or run.result.target is None:
        return f"by mean {run.score_name}"
    bound = "the lower 95% bound of " if run.result.target.by == "bound" else ""
    return (
        f"by size where {bound}their mean {run.score_name} reaches the target, the others after them by that accuracy"
    )


def _title(run: RunData) -> str:
    result = run.result
    if words := format_title(run):
        return words
    if result is not None and len(result.finalists) > 1:
        first, second = (finalist.validation.scores(run.objective) for finalist in result.finalists[:2])
        if first is not None and second is not None:
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
    columns = (
        Column("Configuration", number=False),
        Column("Validation", "%"),
        *score_columns(run),
        *target_columns(run),
        Column("Each seed", "%", number=False),
        Column("Loss"),
        Column("Training", "%", note="mean over seeds"),
        Column("Parameters"),
        Column("Multiply-adds"),
        Column("Epochs"),
        Column("98% at", "epoch", note="earliest and latest seed"),
        Column("99% at", "epoch", note="earliest and latest seed"),
        Column("Time", "s", note="mean over seeds"),
    )
    return Table(
        caption=_format_confirmed(run, finalists),
        columns=columns,
        rows=[_confirmed_row(run, place, finalist) for place, finalist in enumerate(finalists)],
        sortable=True,
    )


def settings_table(run: RunData) -> Table | None:
    """Return the hyperparameters of confirmed configurations, a column for each configuration."""
    if run.result is None or not run.result.finalists:
        return None
    finalists = run.result.finalists
    declared = [item.name for item in run.info.space.hyperparameters]
    used = {name for finalist in finalists for name in finalist.configuration}
    names = (*(name for name in declared if name in used), *sorted(used.difference(declared)))
    heads = [Column(_finalist_name(place), number=False) for place in range(len(finalists))]
    return Table(
        caption="Their hyperparameters.",
        columns=(Column("Hyperparameter", number=False), *heads),
        rows=[Row((Cell(name), *(_setting(f.configuration, name) for f in finalists))) for name in names],
    )


def _finalist_name(place: int) -> str:
    return "winner" if place == 0 else f"finalist {place + 1}"


def _finalist_row(run: RunData, place: int, finalist: Finalist, detail: str, more: Sequence[Cell] = ()) -> Row:
    scores = finalist.validation
    head = Cell(_finalist_name(place), sort=place, detail=detail)
    cells = (head, number(scores.mean, text.spread(scores.mean, scores.sd)), *score_cells(run, scores), *more)
    return Row(cells, trial=finalist.search_trial or finalist.trials[0], winner=place == 0)


def _short_finalist_row(run: RunData, place: int, finalist: Finalist) -> Row:
    loss = number(finalist.validation.loss_mean, text.loss(finalist.validation.loss_mean))
    return _finalist_row(run, place, finalist, _digest(finalist.configuration), (loss, number(finalist.parameters)))


def _confirmed_row(run: RunData, place: int, finalist: Finalist) -> Row:
    records, scores = run.of(finalist.trials), finalist.validation
    seeds = seed_summary(records)
    cells = (
        *target_cells(run, finalist),
        Cell(" ".join(text.percent(value) for value in scores.per_seed)),
        number(scores.loss_mean, text.loss(scores.loss_mean)),
        number(seeds.train_accuracy, text.percent(seeds.train_accuracy)),
        number(finalist.parameters),
        number(finalist.multiply_adds),
        _epochs_cell(records[0].epochs if records else None),
        *(_span(epochs) for epochs in seeds.milestones),
        number(seeds.duration_s),
    )
    return _finalist_row(run, place, finalist, f"trials {', '.join(finalist.trials)}", cells)


def _span(epochs: tuple[int, int] | None) -> Cell:
    if epochs is None:
        return number(None)
    first, last = epochs
    return number((first + last) / 2, str(first) if first == last else f"{first}–{last}")


def _epochs_cell(epochs: float | None) -> Cell:
    return number(epochs, text.epochs(epochs))


def _digest(configuration: Configuration) -> str:
    """Return the most important settings that the configuration has, as text."""
    wanted = ("optimizer", "schedule", "batch_size", "activation")
    return ", ".join(text.setting(configuration[name]) for name in wanted if name in configuration)


def _setting(configuration: Configuration, name: str) -> Cell:
    value = configuration.get(name)
    sort = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    return Cell(text.setting(value), sort=sort)
