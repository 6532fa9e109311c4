"""`hyperparameters`: each setting against the score, one length of training at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.leaderboard import setting_names
from reports.analysis.slices import FEW_TRIALS, Slice, slices
from reports.analysis.trials import EpochGroup, accuracy_of, explored, groups_by_epochs
from reports.figures.slices import slice_figure
from reports.run_data import RunData
from reports.sections.section import Figure, Section, figure


@dataclass(frozen=True)
class Length:
    """A number of epochs that the reader can choose."""

    place: int
    """Among all lengths, the longest first; the marks of this length have the class `length-<place>`."""
    label: str
    chosen: bool
    warning: str


def build(run: RunData) -> Section:
    """Slice plots of every setting that varied."""
    records = explored(run.records)
    groups = groups_by_epochs(records)
    names = setting_names(records, [item.name for item in run.info.hyperparameters])
    found = slices(groups, names, run.info.hyperparameters)
    return Section(
        id="hyperparameters",
        name="Hyperparameters",
        title=_title(found, groups),
        how="One plot a setting: each mark is a trial, a bar the median of a value with two trials or more. Marks on the lower edge are worse than the scale. Scores of different numbers "
        "of epochs are never mixed: choose one. Trials of more than the fewest epochs were promoted, so they are not a fair sample.",
        body={
            "lengths": _lengths(groups),
            "figures": _figures(found, groups),
            "why_none": "" if found else _why_none(run, groups),
        },
    )


def _title(found: Sequence[Slice], groups: Sequence[EpochGroup]) -> str:
    if not found:
        return "Settings against score"
    trials = sum(len(group.records) for group in groups)
    return f"{text.plural(len(found), 'setting')} varied over {text.plural(trials, 'scored trial')}"


def _why_none(run: RunData, groups: Sequence[EpochGroup]) -> str:
    if not groups:
        return "No trial of a search has a score, so there is nothing to compare."
    trials = sum(len(group.records) for group in groups)
    return f"No setting took two values among {text.plural(trials, 'scored trial')}, so there is nothing to compare."


def _lengths(groups: Sequence[EpochGroup]) -> list[Length]:
    # The largest group tells most, and is the one that no promotion chose.
    largest = max(groups, key=lambda group: (len(group.records), -group.epochs), default=None)
    return [
        Length(
            place=place,
            label=f"{text.plural(group.epochs, 'epoch')} ({text.plural(len(group.records), 'trial')})",
            chosen=group is largest,
            warning=_warning(len(group.records)),
        )
        for place, group in reversed(list(enumerate(groups)))
    ]


def _warning(trials: int) -> str:
    if trials >= FEW_TRIALS:
        return ""
    return f"Only {text.plural(trials, 'trial')} of this length: too few to tell a setting's effect from chance."


def _figures(found: Sequence[Slice], groups: Sequence[EpochGroup]) -> list[Figure]:
    scores = sorted(accuracy_of(record) for group in groups for record in group.records)
    shown = scores[len(scores) // 10 if len(scores) >= 10 else 0 :]
    return [
        figure(slice_figure(item, shown, place, f"Validation accuracy against {item.name}"), item.name)
        for place, item in enumerate(found)
    ]
