"""The first section of a training's page: its accuracy beside the published one."""

from __future__ import annotations

from dataclasses import replace

from reports import formatting as text
from reports.analysis.model.training import PublishedComparison, published_comparison
from reports.figures.model.training import published_figure
from reports.run.run_data import RunData
from reports.sections.folds import images_words
from reports.sections.scores import format_scores, score_columns, trial_cells
from reports.sections.search import leaderboard, summary
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number
from reports.sections.testing import format_test_use, was_retested, was_tested


def build(run: RunData) -> Section:
    """Return the summary section with the published comparison and a table of the seeds."""
    section = summary.build(run)
    return replace(
        section,
        how=_how(run),
        body={**section.body, "front": _comparison(run), "best": _seeds_table(run)},
    )


def _how(run: RunData) -> str:
    spread = "± is the standard deviation over seeds of the same recipe."
    if not was_tested(run):
        return f"{spread} Nothing is chosen. {format_test_use(run)}{format_scores(run)}"
    again = f" {format_test_use(run)}" if was_retested(run) else ""
    return (
        f"The interval is Wilson's, 95%, of one model, the seed with the median validation score, on the test images; {spread} Nothing was chosen: "
        f"all seeds were evaluated on the test set in one pass.{again} A published figure is most often the best epoch on the test set and one seed."
        f"{format_scores(run)}"
    )


def trials_section(run: RunData) -> Section:
    """Return the leaderboard section with the seeds of the one configuration."""
    section = leaderboard.build(run)
    return replace(
        section,
        name="Seeds",
        title=f"One configuration, {text.plural(len(run.records), 'training')}",
        how="Each row is the configuration trained from scratch with another seed; ± is the standard deviation over seeds.",
        body={**section.body, "confirmed": None, "why_none": ""},
    )


def _comparison(run: RunData) -> Figure | None:
    comparison = published_comparison(run)
    if comparison is None:
        return None
    words = format_comparison(comparison)
    return Figure(published_figure(comparison, words), words, _caveat(comparison))


def format_comparison(comparison: PublishedComparison) -> str:
    """Return a sentence: published accuracy, ours, and the published one's position relative to our interval."""
    interval = comparison.interval
    ends = f" [{text.percent(interval[0])}, {text.percent(interval[1])}]" if interval else ""
    if interval is None:
        place = "no interval of ours is known"
    elif comparison.inside:
        place = "the published figure lies inside our 95% interval"
    else:
        place = (
            f"the published figure lies {'above' if comparison.published > interval[1] else 'below'} our 95% interval"
        )
    return f"{comparison.name} was published with {text.percent(comparison.published)}%; ours has {text.percent(comparison.exported)}%{ends} on {text.count(comparison.test)} test images: {place}"


def _caveat(comparison: PublishedComparison) -> str:
    seeds = text.plural(len(comparison.per_seed), "seed")
    return (
        f"Mean of our {seeds}: {text.spread(comparison.mean, comparison.sd)}%, {text.points(comparison.difference)} points from the published figure, which is of "
        "another training and has an error of its own. Small marks are seeds, the bar is the interval of the exported model."
    )


def _seeds_table(run: RunData) -> Table | None:
    result = run.result
    records = run.of(result.trials) if result is not None else tuple(r for r in run.records if r.completed)
    if not records:
        return None
    tests = result.test.per_seed if result is not None and result.test is not None else ()
    return Table(
        caption=f"Each seed: {images_words(run)}"
        + (f", {text.count(run.info.data.test)} test images." if tests else "; the test set was not used."),
        columns=(
            Column("Trial", number=False),
            Column("Validation", "%"),
            *score_columns(run),
            Column("Loss"),
            *((Column("Test", "%"),) if tests else ()),
            Column("Epochs"),
        ),
        rows=[
            Row(
                (
                    Cell(
                        record.trial, detail="exported" if result is not None and record.trial == result.trial else ""
                    ),
                    number(record.val_accuracy, text.percent(record.val_accuracy)),
                    *trial_cells(run, record),
                    number(record.val_loss, text.loss(record.val_loss)),
                    *((_test_cell(tests, place),) if tests else ()),
                    number(record.epochs_spent, text.epochs(record.epochs_spent)),
                ),
                trial=record.trial,
            )
            for place, record in enumerate(records)
        ],
    )


def _test_cell(tests: tuple[float, ...], place: int) -> Cell:
    value = tests[place] if place < len(tests) else None
    return number(value, text.percent(value))
