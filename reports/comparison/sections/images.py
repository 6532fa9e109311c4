"""`compare-images`: the exported models on the same test images, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.comparison.differences import ImagePair, image_pairs
from reports.comparison.runs import NamedRun
from reports.comparison.sections.winners import LEVEL
from reports.comparison.sections.words import have, letters, pair_name
from reports.sections.section import Cell, Column, Row, Section, Table, number


def build(runs: Sequence[NamedRun]) -> Section:
    """Return the section: a table of the pairs that compare, a sentence for each other pair."""
    pairs = image_pairs(runs)
    tested = [pair for pair in pairs if pair.counts is not None]
    return Section(
        id="compare-images",
        name="Same test images",
        title=_title(tested),
        how="Each pair of exported models is compared image by image; only images that one of them alone got right tell them apart. p is of the exact "
        "two-sided test of McNemar (1947): how often chance alone would share these images out as unevenly. The interval of the difference is Newcombe's "
        "(1998, method 10), 95% for each pair by itself. With several pairs p is also corrected for their number (Holm 1979). Both are about these two "
        "models, each one seed: how far seeds scatter is in the next section.",
        body={
            "table": _table(runs, tested) if tested else None,
            "obstacles": [_why_not(runs, pair) for pair in pairs if pair.counts is None],
        },
    )


def _title(tested: Sequence[ImagePair]) -> str:
    if not tested:
        return "No two runs were measured on the same test images"
    apart = sum((pair.p_corrected or 0.0) < LEVEL for pair in tested)
    if len(tested) == 1:
        return "The two models differ by more than chance" if apart else "Chance alone could make this difference"
    return f"{apart} of {len(tested)} pairs of models differ by more than chance"


def _table(runs: Sequence[NamedRun], tested: Sequence[ImagePair]) -> Table:
    corrected = (Column("p corrected", note="Holm 1979"),) if len(tested) > 1 else ()
    return Table(
        caption="Accuracy of the first minus that of the second on the same images, and on how many of them which model was right.",
        columns=(
            Column("Pair", number=False),
            Column("Difference", "points [95%]"),
            Column("Images"),
            Column("Both right"),
            Column("First alone"),
            Column("Second alone"),
            Column("Neither"),
            Column("p", note="exact McNemar test, two-sided"),
            *corrected,
        ),
        rows=[_row(runs, pair, corrected=bool(corrected)) for pair in tested],
        sortable=True,
    )


def _row(runs: Sequence[NamedRun], pair: ImagePair, *, corrected: bool) -> Row:
    counts = pair.counts
    if counts is None:
        return Row((Cell(pair_name(runs, pair.first, pair.second)),))
    cells = (
        Cell(pair_name(runs, pair.first, pair.second)),
        number(counts.difference, text.points_interval(counts.difference, pair.interval)),
        number(counts.n),
        number(counts.both),
        number(counts.first_only),
        number(counts.second_only),
        number(counts.neither),
        number(pair.p, text.probability(pair.p)),
    )
    return Row((*cells, number(pair.p_corrected, text.probability(pair.p_corrected))) if corrected else cells)


def _why_not(runs: Sequence[NamedRun], pair: ImagePair) -> str:
    name = pair_name(runs, pair.first, pair.second)
    if pair.obstacle == "missing":
        return f"{name}: {letters(runs, pair.missing)} {have(pair.missing)} no test predictions."
    if pair.obstacle == "data":
        return f"{name}: these runs are of other data."
    return f"{name}: the test images are not the same, or not in the same order."
