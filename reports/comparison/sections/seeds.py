"""`compare-seeds`: the winners' recipes over the same seeds, on validation images."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.comparison.differences import SeedPair, seed_pairs
from reports.comparison.runs import NamedRun
from reports.comparison.sections.words import have, letters, pair_name
from reports.sections.section import Cell, Column, Row, Section, Table, number

_WORDS = {
    "data": "these runs are of other data.",
    "labels": "the validation images are not the same: the runs had other seeds or shares.",
    "seeds": "no repetition was trained with the same seed.",
}


def build(runs: Sequence[NamedRun]) -> Section:
    """Return the section: a table of the pairs that compare, a sentence for each other pair."""
    pairs = seed_pairs(runs)
    paired = [pair for pair in pairs if pair.differences is not None]
    return Section(
        id="compare-seeds",
        name="Same seeds",
        title=_title(runs, paired),
        how="Runs with the same seed train repetition 1 with the same seed, and so on, and validate on the same images: their scores are compared in pairs. "
        "The interval is of the mean difference (95%, Student 1908); with three seeds it is wide, as it should be. The winner of a search was chosen on these images.",
        body={
            "table": _table(runs, paired) if paired else None,
            "obstacles": [_why_not(runs, pair) for pair in pairs if pair.differences is None],
        },
    )


def _title(runs: Sequence[NamedRun], paired: Sequence[SeedPair]) -> str:
    if not paired or paired[0].differences is None:
        return "No two winners were trained with the same seeds and validated on the same images"
    if len(runs) > 2:
        return f"Validation accuracy over the same seeds: {text.plural(len(paired), 'pair')}"
    differences = paired[0].differences
    name = pair_name(runs, paired[0].first, paired[0].second)
    return f"Over {text.plural(len(differences.values), 'seed')} {name} is {text.points(differences.mean)} points on validation images"


def _table(runs: Sequence[NamedRun], paired: Sequence[SeedPair]) -> Table:
    return Table(
        caption="Validation accuracy of the first minus that of the second, seed by seed.",
        columns=(
            Column("Pair", number=False),
            Column("Mean difference", "points [95%]"),
            Column("Standard deviation", "points"),
            Column("Seeds"),
            Column("Each seed", "points", number=False),
        ),
        rows=[_row(runs, pair) for pair in paired],
        sortable=True,
    )


def _row(runs: Sequence[NamedRun], pair: SeedPair) -> Row:
    differences = pair.differences
    if differences is None:
        return Row((Cell(pair_name(runs, pair.first, pair.second)),))
    return Row(
        (
            Cell(pair_name(runs, pair.first, pair.second)),
            number(differences.mean, text.points_interval(differences.mean, differences.interval)),
            number(differences.sd, text.percent(differences.sd)),
            number(len(differences.values)),
            Cell(", ".join(text.points(value) for value in differences.values)),
        )
    )


def _why_not(runs: Sequence[NamedRun], pair: SeedPair) -> str:
    name = pair_name(runs, pair.first, pair.second)
    if pair.obstacle == "missing":
        return f"{name}: {letters(runs, pair.missing)} {have(pair.missing)} no confirmed winner."
    return f"{name}: {_WORDS[pair.obstacle or 'seeds']}"
