"""`hyperparameters`: all settings at once, their importances, and each against the score, by length of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.search.factors import sampled_trials
from reports.analysis.search.leaderboard import setting_names
from reports.analysis.search.parallel import (
    DistinguishingSetting,
    Parallel,
    common_among_best,
    parallel,
    varying,
)
from reports.analysis.search.slices import FEW_TRIALS, Slice, slices, thinned
from reports.analysis.search.trials import EpochGroup, best, explored, groups_by_epochs
from reports.figures.axes import error_limits
from reports.figures.search.parallel import parallel_figure, parallel_name
from reports.run.run_data import RunData
from reports.sections.section import Figure, Section
from reports.sections.settings.importances import figure_of, table_of, verdict_of
from reports.sections.settings.one_at_a_time import format_folded, shown_scores, slice_figures
from tuner.core.records import SCORE_KEYS, VALIDATION_WORDS, Configuration
from tuner.storage.schema.run import Hyperparameter

_MOST_AXES = 12
_MOST_MARKS = 20_000
"""The most marks in all slices, so that a page of some thousand trials stays small."""


@dataclass(frozen=True)
class Length:
    """A number of epochs that the reader can choose."""

    place: int
    """The index among all lengths, the longest first; marks of this length have the class `length-<place>`."""
    label: str
    chosen: bool
    warning: str


def build(run: RunData) -> Section:
    """Return the section: parallel coordinates, importances and a slice of every setting that varied."""
    space = run.info.space.hyperparameters
    searched = explored(run.records)
    records = sampled_trials(searched, space)
    groups = groups_by_epochs(records)
    names = setting_names(records, [item.name for item in space])
    every = slices(groups, names, space)
    drawn_slices = thinned(every, groups, _MOST_MARKS)
    verdict = verdict_of(groups, space)
    strongest = [share.names[0] for share in verdict.settings]
    lines = [parallel(group.epochs, group.records, space, _MOST_AXES, strongest) for group in groups]
    figures = slice_figures(drawn_slices, groups, strongest, _winner(run), run.score_name)
    return Section(
        id="hyperparameters",
        name="Hyperparameters",
        part="Search",
        title=_title(drawn_slices, groups),
        how=_HOW,
        body={
            "lengths": _lengths(groups),
            "note": _left_out(len(searched) - len(records), run),
            "parallel": [
                _parallel_figure(item, group, run, ranked=bool(strongest))
                for item, group in zip(lines, groups, strict=True)
            ],
            "importance": figure_of(verdict),
            "importance_why": verdict.why,
            "importance_table": table_of(verdict, space),
            "figures": figures.shown,
            "folded": figures.folded,
            "folded_words": format_folded(figures),
            "marked": ("the winner's value" if run.result is not None else "the best trial's value")
            if _winner(run)
            else "",
            "score": run.score_name,
            "thinned": _format_thinned(every, drawn_slices),
            "why_none": "" if drawn_slices else _why_none(run, groups),
        },
        data={"parallel": _axes_data(run, lines, groups)},
    )


def _winner(run: RunData) -> Configuration:
    """Return the configuration that the slices mark: the winner's, or that of the best trial so far."""
    if run.result is not None:
        return run.result.configuration
    top = best(explored(run.records))
    return top.configuration if top is not None else {}


def _axes_data(run: RunData, lines: Sequence[Parallel | None], groups: Sequence[EpochGroup]) -> dict[str, object]:
    """Return the axes of each figure, by which the page's script turns a place along one into a filter."""
    return {
        parallel_name(item.epochs): {
            "epochs": item.epochs,
            "score": SCORE_KEYS[group.records[0].objective],
            "limits": error_limits(shown_scores([group])),
            "axes": [
                {"name": axis.name, "numeric": axis.numeric, "log": axis.log, "ticks": axis.ticks} for axis in item.axes
            ],
        }
        for item, group in zip(lines, groups, strict=True)
        if item is not None
    }


_HOW = (
    "First, all settings of a trial as one line, from its first setting down to its score: categories have room so that lines can be told "
    "apart, and a trial that does not use a setting passes through the lane at the right. Lines and marks are of one number of epochs: choose it. Trials of more than the fewest epochs were promoted, so they are "
    "not a fair sample. Then importances, of all trials together, with the epochs as one factor more: a random forest learns the score "
    "(minus the logarithm of the error rate) from the settings, and functional ANOVA (Hutter, Hoos and Leyton-Brown 2014) takes its variance apart, "
    "exactly, from the boxes of its trees. A setting's share is what it explains alone, a pair's what the two explain together beyond that; ± is the standard deviation over the trees. "
    "A value weighs by how often it was sampled; a setting that is not used counts as its usual value. What the forest does not predict belongs to no setting; part of what the epochs explain is that only good settings were promoted. Last, one plot "
    "a setting: each mark is a trial, a bar the median of a value with two trials or more, the triangle the winner's value, or that of the best trial so far. Marks on the lower edge are worse than the scale."
)


def _title(drawn_slices: Sequence[Slice], groups: Sequence[EpochGroup]) -> str:
    if not drawn_slices:
        return "Settings against score"
    trials = sum(len(group.records) for group in groups)
    return f"{text.plural(len(drawn_slices), 'setting')} varied over {text.plural(trials, 'scored trial')}"


def _why_none(run: RunData, groups: Sequence[EpochGroup]) -> str:
    if not groups:
        return "No trial of a search has a score, so there is nothing to compare."
    trials = sum(len(group.records) for group in groups)
    return f"No setting took two values among {text.plural(trials, 'scored trial')}, so there is nothing to compare."


def _left_out(given: int, run: RunData) -> str:
    confirmed = sum(record.phase == "confirm" for record in run.records)
    parts = []
    if given:
        noun = "trial of a published network is" if given == 1 else "trials of published networks are"
        parts.append(f"{given} {noun} left out: the shape was given rather than sampled.")
    if confirmed:
        noun = "trial of the confirmation is" if confirmed == 1 else "trials of the confirmation are"
        parts.append(f"{confirmed} {noun} left out: they repeat the best, and would count them several times.")
    return " ".join(parts)


def _lengths(groups: Sequence[EpochGroup]) -> list[Length]:
    # The largest group has most information, and no promotion selected its trials.
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
    return (
        f"Only {text.plural(trials, 'trial')} of this length: too few to tell a setting's effect from chance. "
        f"{FEW_TRIALS} are wanted."
    )


# --- all settings at once -------------------------------------------------------------------------------------------


def _parallel_figure(coordinates: Parallel | None, group: EpochGroup, run: RunData, *, ranked: bool) -> Figure | None:
    if coordinates is None:
        return None
    title = _format_common(group, run.info.space.hyperparameters)
    caption = f"{_format_axes(coordinates, ranked=ranked)}A line is a trial. That a value is common among the best is no proof that it makes them so."
    # Trials that are shorter than the longest are not quantised: their score is another than the run's.
    score_name = VALIDATION_WORDS[group.records[0].objective]
    return Figure(parallel_figure(coordinates, shown_scores([group]), title, score_name), title, caption)


def _format_axes(coordinates: Parallel, *, ranked: bool) -> str:
    if not coordinates.left_out:
        return ""
    kept = "matter most" if ranked else "most trials use, in the space's order"
    return f"The {len(coordinates.axes)} settings that {kept}; {coordinates.left_out} more varied. "


def _format_common(group: EpochGroup, space: Sequence[Hyperparameter]) -> str:
    trials = text.plural(len(group.records), "trial")
    if len(group.records) < FEW_TRIALS:
        return f"{trials}: too few to tell what the best have in common"
    setting = common_among_best(group.records, varying(group.records, space))
    if setting is None:
        return f"No setting differs among the best of {trials} beyond chance"
    share = f"{text.percent(setting.all / setting.of_all, 0)}% of all {setting.of_all:,}"
    return f"{setting.best} of the best {setting.of_best} trials have {_format_claim(setting)}, {share} do"


def _format_claim(setting: DistinguishingSetting) -> str:
    if setting.above is None:
        return f"{setting.name} {text.setting(setting.value)}"
    return f"{setting.name} {'above' if setting.above else 'of at most'} {text.setting(setting.median)}"


# --- one setting at a time ------------------------------------------------------------------------------------------


def _format_thinned(every: Sequence[Slice], drawn_slices: Sequence[Slice]) -> str:
    drawn_marks, marks = (
        sum(len(group.points) for item in items for group in item.groups) for items in (drawn_slices, every)
    )
    if drawn_marks == marks:
        return ""
    return (
        f"{text.percent(drawn_marks / marks, 0)}% of the marks are drawn: of each length half are the best trials, half an even sample of the rest. "
        "Medians are of all."
    )
