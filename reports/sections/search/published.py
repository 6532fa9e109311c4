"""The published networks beside the winner: a table, and the sentence of the first screen."""

from __future__ import annotations

from collections import Counter

from reports import formatting as text
from reports.analysis.model.comparison import (
    ReferenceRow,
    best_reference_trial,
    default_wins,
    likeness_trial,
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
    "random": "The winner's configuration was drawn at random. ",
    "model": "The winner's configuration looked best among many random ones, by the trials before it. ",
}


def reference_table(run: RunData) -> Table | None:
    """All references, best first by their published accuracy; None where the space has none."""
    result = run.result
    rows = reference_rows(
        run.info.references,
        accuracy=_tested(run),
        parameters=result.parameters if result is not None else None,
    )
    if not rows:
        return None
    usual = _usual_source(run)
    table = [_row(run, row, usual) for row in rows]
    return Table(_caption(run, usual), _COLUMNS, table, sortable=True, id="references-table")


def format_reference(run: RunData) -> str:
    """Return how the winner stands beside the references, in a sentence; "" where there is nothing to say."""
    result = run.result
    if result is None:
        return ""
    words = _beside_published(run, result) if run.info.data.is_mnist else _beside_trained(run, result)
    return f"{_origin(run)}{words}".strip()


def _tested(run: RunData) -> float | None:
    """The winner's mean test accuracy, where published figures compare with it."""
    test = run.result.test if run.result is not None else None
    return test.accuracy if test is not None and run.info.data.is_mnist else None


def _origin(run: RunData) -> str:
    """Return where the winner's configuration was known from, or how it was drawn; "" where that isn't known."""
    if (own := winning_reference(run)) is not None:
        return _itself(run, own)
    if default_wins(run):
        return "The winner's configuration is the space's default one. "
    if (larger := winning_likeness(run)) is not None:
        return f"The winner's configuration is the reference {larger.name} with its filters scaled to fit the caps. "
    return _drawn(run)


def _drawn(run: RunData) -> str:
    record = run.record(run.result.trials[0]) if run.result is not None and run.result.trials else None
    how, _, whence = record.origin.partition(" ") if record is not None else ("", "", "")
    if how == "near" and whence:
        return f"The winner's configuration was drawn near {_format_known(whence)}. "
    return _DRAWN.get(how, "")


def _format_known(origin: str) -> str:
    kind, _, name = origin.partition(" ")
    return {
        "reference": f"the reference {name}",
        "default": "the space's default one",
        "scaled": f"the reference {name}, its filters scaled to fit the caps",
    }.get(kind, origin)


def _itself(run: RunData, own: Reference) -> str:
    known = own.published_accuracy is not None and run.info.data.is_mnist
    figure = f", published with {text.percent(own.published_accuracy)}%" if known else ""
    return f"The winner's configuration is the reference {own.name} itself{figure}. "


def _beside_published(run: RunData, result: ResultDocument) -> str:
    rows = reference_rows(run.info.references, accuracy=_tested(run), parameters=result.parameters)
    known = [row for row in rows if row.difference is not None]
    top = next((row for row in known if row.reference.fits), known[0] if known else None)
    if top is None or top.difference is None or result.test is None:
        return ""
    where = "under the cap" if top.reference.fits else "of all"
    size = f", with {top.parameter_ratio:.2f} times its parameters" if top.parameter_ratio is not None else ""
    return (
        f"Its mean test accuracy over {format_seeds(result, len(result.test.per_seed))} is {_apart(top.difference)} the best "
        f"published figure {where}, {text.percent(top.reference.published_accuracy)}% of {top.reference.name}{size}."
    )


def _beside_trained(run: RunData, result: ResultDocument) -> str:
    found = best_reference_trial(run)
    if found is None or result.validation.mean is None:
        return ""
    reference, record = found
    difference = result.validation.mean - (record.val_accuracy or 0.0)
    return (
        f"On validation images its mean is {_apart(difference)} the best reference trained here, "
        f"{text.percent(record.val_accuracy)}% of {reference.name} ({text.plural(record.epochs, 'epoch')}, one seed)."
    )


def _apart(difference: float) -> str:
    size = text.percent(abs(difference))
    if size == "0.00":
        return "level with"
    return f"{size} points {'above' if difference > 0 else 'below'}"


def _caption(run: RunData, usual: str) -> str:
    words = (
        "Published networks. Most of their figures are of the best epoch on the test set and of one seed; the winner's is the "
        "last epoch's mean over seeds. Validation here is one seed's."
    )
    if usual:
        words += f" Source, where nothing else is said: {usual}."
    if run.info.data.is_mnist:
        return words
    return f"{words} They were measured on MNIST, this run was not, so no difference is given."


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
    """The source that several references share; "" where none is."""
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
    """Return what became of it in this run: the size that it was scaled to, and whether it won."""
    own = winning_reference(run) or winning_likeness(run)
    won = own is not None and own.name == reference.name
    if record is None or reference.included:
        return "the winner" if won else ""
    return f"to {record.parameters:,}, the winner" if won else f"to {record.parameters:,} parameters"
