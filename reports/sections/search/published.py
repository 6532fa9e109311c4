"""The published networks beside the winner: a table, and a sentence for the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.model.comparison import (
    ReferenceRow,
    best_reference_trial,
    default_wins,
    likeness_trial,
    nearest_rows,
    reference_rows,
    reference_trial,
    winning_likeness,
    winning_reference,
)
from reports.run.run_data import RunData
from reports.sections.model.refit import format_seeds
from reports.sections.section import Cell, Column, Row, Table, number
from tuner.core.records import TrialRecord
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import Reference

_COLUMNS = (
    Column("Reference", number=False),
    Column("Published test", "%"),
    Column("Winner minus it", "points", note="mean test accuracy of the winner over seeds minus the published figure"),
    Column(
        "Validation here",
        "%",
        note="the trial in this run of the reference, or of its likeness that was scaled to fit the caps: one seed, validation images",
    ),
    Column("Parameters"),
    Column("Winner's share", "of its parameters"),
    Column("Epochs", note="as published"),
    Column("In this run", number=False),
    Column("Network and recipe", number=False),
)

_DRAWN = {
    "random": "The winner's configuration was sampled at random. ",
    "model": "The winner's configuration looked best among many random ones, by the trials before it. ",
}


_MANY_TIMES = 2
"""The ratio of sizes from which it is said as a multiple, not in percent."""
_NEAREST = 3
"""The references that are shown; the others are folded."""


@dataclass(frozen=True)
class ReferenceTables:
    """The references nearest in size to the winner, and the others."""

    nearest: Table
    others: Table | None
    fold: str
    """The label of the others' fold."""


def reference_tables(run: RunData) -> ReferenceTables | None:
    """Return the references by published accuracy, best first; None if the space has none, or the data aren't MNIST."""
    if not run.info.data.is_mnist:
        return None
    result = run.result
    rows = reference_rows(
        run.info.references,
        accuracy=_tested(run),
        parameters=result.parameters if result is not None else None,
    )
    if not rows:
        return None
    usual = _usual_source(run)
    nearest = nearest_rows(rows, _NEAREST)
    others = tuple(row for row in rows if row not in nearest)
    words = text.plural(len(others), "other published network")
    return ReferenceTables(
        nearest=_table(run, nearest, _caption(usual), usual, "references-table"),
        others=_table(run, others, f"{words}.", usual, "other-references-table") if others else None,
        fold=f"{words}",
    )


def _table(run: RunData, rows: Sequence[ReferenceRow], caption: str, usual: str, name: str) -> Table:
    return Table(caption, _COLUMNS, [_row(run, row, usual) for row in rows], sortable=True, id=name)


def format_reference(run: RunData) -> str:
    """Return a sentence that compares the winner with the references; "" if they do not compare."""
    result = run.result
    if result is None:
        return ""
    words = _beside_published(run, result) if run.info.data.is_mnist else _beside_trained(run, result)
    return f"{_origin(run)}{words}".strip()


def _tested(run: RunData) -> float | None:
    """Return the winner's mean test accuracy; None if published ones do not compare with it."""
    test = run.result.test if run.result is not None else None
    return test.accuracy if test is not None and run.info.data.is_mnist else None


def _origin(run: RunData) -> str:
    """Return the origin of the winner's configuration: a reference, the default, or its sampling; "" if unknown."""
    if (reference := winning_reference(run)) is not None:
        return _itself(run, reference)
    if default_wins(run):
        return "The winner's configuration is the space's default one. "
    if (larger := winning_likeness(run)) is not None:
        return f"The winner's configuration is the reference {larger.name} with its filters scaled to fit the caps. "
    return _drawn(run)


def _drawn(run: RunData) -> str:
    record = run.record(run.result.trials[0]) if run.result is not None and run.result.trials else None
    how, _, whence = record.origin.partition(" ") if record is not None else ("", "", "")
    if how == "near" and whence:
        return f"The winner's configuration was sampled near {_format_known(whence)}. "
    return _DRAWN.get(how, "")


def _format_known(origin: str) -> str:
    kind, _, name = origin.partition(" ")
    return {
        "reference": f"the reference {name}",
        "default": "the space's default one",
        "scaled": f"the reference {name}, its filters scaled to fit the caps",
    }.get(kind, origin)


def _itself(run: RunData, reference: Reference) -> str:
    known = reference.published_accuracy is not None and run.info.data.is_mnist
    figure = f", published with {text.percent(reference.published_accuracy)}%" if known else ""
    return f"The winner's configuration is the reference {reference.name} itself{figure}. "


def _beside_published(run: RunData, result: ResultDocument) -> str:
    rows = reference_rows(run.info.references, accuracy=_tested(run), parameters=result.parameters)
    winner = winning_reference(run)
    known = [row for row in rows if row.difference is not None and row.reference != winner]
    top = next((row for row in known if row.reference.fits), known[0] if known else None)
    if top is None or top.difference is None or result.test is None:
        return ""
    where = "under the cap" if top.reference.fits else "of all"
    other = "other " if winner is not None else ""
    count = len(result.test.per_seed)
    accuracy = f"mean test accuracy over {format_seeds(result, count)}" if count > 1 else "test accuracy (one seed)"
    return (
        f"Its {accuracy} is {_apart(top.difference)} the best "
        f"{other}published figure {where}, {text.percent(top.reference.published_accuracy)}% of {top.reference.name}"
        f"{format_ratio(top.parameter_ratio)}."
    )


def format_ratio(ratio: float | None) -> str:
    """Return the winner's size beside a reference's, after a comma: ", with 1% fewer parameters"; "" if unknown."""
    if ratio is None:
        return ""
    change = round(100 * (ratio - 1))
    if change == 0:
        return ", with as many parameters"
    if ratio >= _MANY_TIMES:
        return f", with {ratio:.1f} times as many parameters"
    return f", with {abs(change)}% {'more' if change > 0 else 'fewer'} parameters"


def _beside_trained(run: RunData, result: ResultDocument) -> str:
    best_reference = best_reference_trial(run)
    if best_reference is None or result.validation.mean is None:
        return ""
    reference, record = best_reference
    difference = result.validation.mean - (record.val_accuracy or 0.0)
    other = "other " if winning_reference(run) is not None else ""
    return (
        f"On validation images its mean is {_apart(difference)} the best {other}reference trained here, "
        f"{text.percent(record.val_accuracy)}% of {reference.name} ({text.plural(record.epochs, 'epoch')}, one seed)."
    )


def _apart(difference: float) -> str:
    size = text.percent(abs(difference))
    if size == "0.00":
        return "level with"
    return f"{size} points {'above' if difference > 0 else 'below'}"


def _caption(usual: str) -> str:
    words = (
        "The published networks nearest in size. Most of their figures are of the best epoch on the test set and of one seed; "
        "the winner's is the last epoch's mean over seeds. Validation here is one seed's."
    )
    return f"{words} Source, where nothing else is said: {usual}." if usual else words


def _row(run: RunData, row: ReferenceRow, usual: str) -> Row:
    reference = row.reference
    record = reference_trial(run, reference) or likeness_trial(run, reference)
    ratio = f"{row.parameter_ratio:.2f}" if row.parameter_ratio is not None else text.MISSING
    here = Cell(text.MISSING)
    if record is not None:
        here = Cell(
            text.percent(record.val_accuracy), sort=record.val_accuracy, detail=text.plural(record.epochs, "epoch")
        )
    return Row(
        cells=(
            Cell(reference.name),
            number(reference.published_accuracy, text.percent(reference.published_accuracy)),
            number(row.difference, text.points(row.difference)),
            here,
            number(reference.parameters),
            number(row.parameter_ratio, ratio),
            number(reference.published_epochs),
            Cell(_taken(reference), detail=_fate(run, reference, record)),
            Cell(reference.network, detail=_recipe(reference, usual)),
        ),
        trial=record.trial if record is not None else "",
    )


def _usual_source(run: RunData) -> str:
    """Return the most common source of several references; "" without one."""
    counted = Counter(reference.source for reference in run.info.references if reference.source)
    return next((source for source, number in counted.most_common(1) if number > 1), "")


def _recipe(reference: Reference, usual: str) -> str:
    source = "" if reference.source == usual else reference.source
    assumed = f"assumed: {reference.assumed}" if reference.assumed else ""
    scores = ", ".join(f"{name.replace('_', ' ')} {score:.4f}" for name, score in reference.published_scores.items())
    return "; ".join(part for part in (f"published: {scores}" if scores else "", source, assumed) if part)


def _taken(reference: Reference) -> str:
    if reference.included:
        return f"yes, trial {reference.trial}" if reference.trial is not None else "yes"
    if reference.scaled is not None:
        return f"scaled, trial {reference.scaled}"
    return "no, fits" if reference.fits else "no, over the cap"


def _fate(run: RunData, reference: Reference, record: TrialRecord | None) -> str:
    """Return a reference's result in this run: the size that it was scaled to, and whether it won."""
    winner = winning_reference(run) or winning_likeness(run)
    won = winner is not None and winner.name == reference.name
    if record is None or reference.included:
        return "the winner" if won else ""
    return f"to {record.parameters:,}, the winner" if won else f"to {record.parameters:,} parameters"
