"""`compare-settings`: the settings that differ between the runs, and (collapsed) those that are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.comparison import settings
from reports.comparison.runs import NamedRun
from reports.comparison.sections.words import letters
from reports.comparison.settings import ABSENT, Setting, Settings
from reports.sections.section import Cell, Column, Row, Section, Table


@dataclass(frozen=True)
class Group:
    """One kind of settings as the page shows it."""

    name: str
    table: Table | None
    none: str
    """The text where nothing differs."""
    same: tuple[tuple[str, str], ...]
    same_words: str


def build(runs: Sequence[NamedRun]) -> Section:
    """Return the section: the winners' hyperparameters, the options, the data, versions and machines."""
    winners = settings.with_winner(runs)
    hyperparameters = settings.winners_configurations(runs)
    groups = [
        _group("Hyperparameters of the winners", "hyperparameter", winners, hyperparameters),
        _group("Options", "option", runs, settings.options(runs)),
        _group("Data", "figure of the data", runs, settings.data(runs), several="figures of the data"),
        _group("Versions and machines", "item", runs, settings.environments(runs)),
    ]
    without = [run.place for run in runs if run not in winners]
    return Section(
        id="compare-settings",
        name="What differs",
        title=_title(winners, hyperparameters),
        how="Only what is not the same in all runs stands in the tables; – stands where a run has no such setting. What is the same is folded below each.",
        body={
            "groups": groups,
            "without": f"No winner yet, so no hyperparameters: {letters(runs, without)}." if without else "",
        },
    )


def _title(winners: Sequence[NamedRun], hyperparameters: Settings) -> str:
    if len(winners) < 2:
        return "What the runs were set to"
    total = len(hyperparameters.differing) + len(hyperparameters.same)
    return f"The winners differ in {len(hyperparameters.differing)} of {text.plural(total, 'hyperparameter')}"


def _group(name: str, noun: str, runs: Sequence[NamedRun], compared: Settings, *, several: str | None = None) -> Group:
    enough = len(runs) > 1
    return Group(
        name=name,
        table=_table(name, runs, compared.differing) if enough and compared.differing else None,
        none="" if compared.differing and enough else "Nothing differs." if enough else "There are no two to compare.",
        same=tuple((setting.name, _values(setting)[0]) for setting in compared.same) if enough else (),
        same_words=f"The same in all: {text.plural(len(compared.same), noun, several)}",
    )


def _table(name: str, runs: Sequence[NamedRun], differing: Sequence[Setting]) -> Table:
    return Table(
        caption=f"{name}: what differs.",
        columns=(Column("Setting", number=False), *(Column(run.title, number=False) for run in runs)),
        rows=[Row((Cell(setting.name), *(Cell(value) for value in _values(setting)))) for setting in differing],
    )


def _values(setting: Setting) -> list[str]:
    """Return the values as text; in full if rounding would make different ones equal."""
    # Three digits are too few for a target.
    shown = [_value(value, whole=setting.name in ("target", "at_least")) for value in setting.values]
    alike = len(set(shown)) < len({repr(value) for value in setting.values})
    return [_value(value, whole=True) for value in setting.values] if alike else shown


def _value(value: object, *, whole: bool = False) -> str:
    if value is ABSENT:
        return text.MISSING
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value) or "none"
    if value is None:
        return "not set"
    return str(value) if whole and not isinstance(value, bool) else text.setting(value)
