"""`hyperparameters`: all settings at once, which of them matter, and each against the score, one length of training at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.search.factors import TRIALS_A_FACTOR, factors, min_trials, sampled_trials
from reports.analysis.search.importance import TREES, Importance, Share, importance
from reports.analysis.search.leaderboard import setting_names
from reports.analysis.search.parallel import (
    DistinguishingSetting,
    Parallel,
    common_among_best,
    parallel,
    varying,
)
from reports.analysis.search.slices import FEW_TRIALS, Slice, slices, thinned
from reports.analysis.search.trials import EpochGroup, accuracy_of, explored, groups_by_epochs
from reports.figures.axes import error_scale
from reports.figures.search.importance import importance_figure
from reports.figures.search.parallel import parallel_figure
from reports.figures.search.slices import slice_figure
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number
from tuner.storage.schema.run import Hyperparameter

_MOST_AXES = 12
_MOST_MARKS = 20_000
"""In all slices together: a page of some thousand trials stays small enough to open and to send."""
_MOST_MAIN, _MOST_PAIRS = 8, 4
_LEAST_SHARE = 0.01
"""What explains less is not drawn."""
_LEAST_EXPLAINED = 0.1
"""A forest that foretells less of the trials that it did not see has nothing to take apart."""


@dataclass(frozen=True)
class Length:
    """A number of epochs that the reader can choose."""

    place: int
    """Among all lengths, the longest first; the marks of this length have the class `length-<place>`."""
    label: str
    chosen: bool
    warning: str


@dataclass(frozen=True)
class _Verdict:
    """The importances at one length, or the reason why there are none."""

    found: Importance | None
    why: str


def build(run: RunData) -> Section:
    """Parallel coordinates, importances and a slice of every setting that varied."""
    searched = explored(run.records)
    records = sampled_trials(searched, run.info.space.hyperparameters)
    groups = groups_by_epochs(records)
    names = setting_names(records, [item.name for item in run.info.space.hyperparameters])
    every = slices(groups, names, run.info.space.hyperparameters)
    found = thinned(every, groups, _MOST_MARKS)
    verdicts = [_verdict(group, run.info.space.hyperparameters) for group in groups]
    lines = [_parallel(group, verdict, run) for group, verdict in zip(groups, verdicts, strict=True)]
    return Section(
        id="hyperparameters",
        name="Hyperparameters",
        title=_title(found, groups),
        how=_HOW,
        body={
            "lengths": _lengths(groups),
            "note": _left_out(len(searched) - len(records), run),
            "parallel": [
                _parallel_figure(item, group, run, ranked=verdict.found is not None)
                for item, group, verdict in zip(lines, groups, verdicts, strict=True)
            ],
            "importance": [_importance_figure(v, g) for v, g in zip(verdicts, groups, strict=True)],
            "importance_why": [verdict.why for verdict in verdicts],
            "importance_tables": [_importance_table(verdict, run.info.space.hyperparameters) for verdict in verdicts],
            "figures": _figures(found, groups),
            "thinned": _format_thinned(every, found),
            "why_none": "" if found else _why_none(run, groups),
        },
    )


_HOW = (
    "Scores of different numbers of epochs are never mixed: choose one. Trials of more than the fewest epochs were promoted, so they are "
    "not a fair sample. First, all settings of a trial as one line, from its first setting down to its score: categories have room so that lines can be told "
    "apart, and a trial that does not use a setting passes through the lane at the right. Then importances: a random forest learns the score "
    "(minus the logarithm of the error rate) from the settings, and functional ANOVA (Hutter, Hoos and Leyton-Brown 2014) takes its variance apart, "
    "exactly, from the boxes of its trees. A setting's share is what it explains alone, a pair's what the two explain together beyond that; ± is the standard deviation over the trees. "
    "A value weighs as often as it was drawn; a setting that is not used counts as its usual value. What the forest does not foretell is nobody's share. Last, one plot "
    "a setting: each mark is a trial, a bar the median of a value with two trials or more. Marks on the lower edge are worse than the scale."
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


def _left_out(given: int, run: RunData) -> str:
    confirmed = sum(record.phase == "confirm" for record in run.records)
    parts = []
    if given:
        noun = "trial of a published network is" if given == 1 else "trials of published networks are"
        parts.append(f"{given} {noun} left out: the shape was given rather than drawn.")
    if confirmed:
        noun = "trial of the confirmation is" if confirmed == 1 else "trials of the confirmation are"
        parts.append(f"{confirmed} {noun} left out: they repeat the best, and would count them several times.")
    return " ".join(parts)


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
    return (
        f"Only {text.plural(trials, 'trial')} of this length: too few to tell a setting's effect from chance. "
        f"{FEW_TRIALS} are wanted."
    )


def _shown(groups: Sequence[EpochGroup]) -> list[float]:
    """The accuracies that a scale is made for: the worst tenth would squeeze the rest."""
    scores = sorted(accuracy_of(record) for group in groups for record in group.records)
    return scores[len(scores) // 10 if len(scores) >= 10 else 0 :]


# --- all settings at once -------------------------------------------------------------------------------------------


def _parallel(group: EpochGroup, verdict: _Verdict, run: RunData) -> Parallel | None:
    strongest = [share.names[0] for share in verdict.found.main] if verdict.found else []
    return parallel(group.epochs, group.records, run.info.space.hyperparameters, _MOST_AXES, strongest)


def _parallel_figure(found: Parallel | None, group: EpochGroup, run: RunData, *, ranked: bool) -> Figure | None:
    if found is None:
        return None
    title = _format_common(group, run.info.space.hyperparameters)
    caption = f"{_format_axes(found, ranked=ranked)}A line is a trial. That a value is common among the best is no proof that it makes them so."
    return Figure(parallel_figure(found, _shown([group]), title), title, caption)


def _format_axes(found: Parallel, *, ranked: bool) -> str:
    if not found.left_out:
        return ""
    kept = "matter most" if ranked else "most trials use, in the space's order"
    return f"The {len(found.axes)} settings that {kept}; {found.left_out} more varied. "


def _format_common(group: EpochGroup, space: Sequence[Hyperparameter]) -> str:
    trials = text.plural(len(group.records), "trial")
    if len(group.records) < FEW_TRIALS:
        return f"{trials}: too few to tell what the best have in common"
    found = common_among_best(group.records, varying(group.records, space))
    if found is None:
        return f"No setting stands out among the best of {trials} beyond chance"
    share = f"{text.percent(found.all / found.of_all, 0)}% of all {found.of_all:,}"
    return f"{found.best} of the best {found.of_best} trials have {_format_claim(found)}, {share} do"


def _format_claim(found: DistinguishingSetting) -> str:
    if found.above is None:
        return f"{found.name} {text.setting(found.value)}"
    return f"{found.name} {'above' if found.above else 'of at most'} {text.setting(found.median)}"


# --- importances ----------------------------------------------------------------------------------------------------


def _verdict(group: EpochGroup, space: Sequence[Hyperparameter]) -> _Verdict:
    given = factors(group.records, space)
    if len(given) < 2:
        return _Verdict(
            None, "Importances compare settings, and fewer than two varied among the trials of this length."
        )
    trials, wanted = len(group.records), min_trials(given)
    if trials < wanted:
        return _Verdict(
            None,
            f"{text.plural(trials, 'trial')} of this length, {len(given)} settings that varied: too few to say which of them matter. "
            f"{wanted} trials are wanted ({TRIALS_A_FACTOR} a setting, 30 at least).",
        )
    found = importance(given, [error_scale(accuracy_of(record)) for record in group.records])
    if found is None:
        return _Verdict(None, "All trials of this length have the same score, so there is nothing to explain.")
    if found.explained < _LEAST_EXPLAINED:
        return _Verdict(
            None,
            f"From their settings a forest foretells next to nothing of the scores of trials that it has not seen (R² {text.signed(found.explained, 2)} "
            f"over {text.plural(trials, 'trial')}): importances would be noise.",
        )
    return _Verdict(found, "")


def _strongest(found: Importance) -> list[Share]:
    """The main parts, then the pairs, that are worth a bar; the first main part always."""
    main = [share for share in found.main[:_MOST_MAIN] if share.share >= _LEAST_SHARE] or [found.main[0]]
    return [*main, *(share for share in found.pairs[:_MOST_PAIRS] if share.share >= _LEAST_SHARE)]


def _importance_figure(verdict: _Verdict, group: EpochGroup) -> Figure | None:
    found = verdict.found
    if found is None:
        return None
    title = (
        f"{found.main[0].names[0]} explains {text.percent(found.main[0].share, 0)}% of the spread that a forest foretells "
        f"over {text.plural(found.trials, 'trial')}"
    )
    drawn_shares = _strongest(found)
    rest = max(0.0, 1 - sum(share.share for share in drawn_shares))
    caption = (
        f"The forest ({TREES} trees) foretells {text.percent(found.explained, 0)}% of the variance of trials that it has not seen (R², out of bag); "
        f"{text.percent(rest, 0)}% of what it foretells is spread over all that is not drawn. Light bars are pairs, beyond what each of the two explains."
    )
    return Figure(importance_figure(drawn_shares, group.epochs, title), title, caption)


def _importance_table(verdict: _Verdict, space: Sequence[Hyperparameter]) -> Table | None:
    if verdict.found is None:
        return None
    described = {item.name: item.description for item in space}
    return Table(
        caption="What each setting explains alone, and what it is.",
        columns=(Column("Setting", number=False), Column("Share", "%"), Column("Over trees", "±"), Column("What it is", number=False)),
        rows=[
            Row(
                (
                    Cell(share.names[0]),
                    number(share.share, text.percent(share.share, 1)),
                    number(share.spread, text.percent(share.spread, 1)),
                    Cell(described.get(share.names[0]) or text.MISSING),
                )
            )
            for share in verdict.found.main[:_MOST_AXES]
        ],
    )  # fmt: skip


# --- one setting at a time ------------------------------------------------------------------------------------------


def _figures(found: Sequence[Slice], groups: Sequence[EpochGroup]) -> list[Figure]:
    shown = _shown(groups)
    return [
        Figure(
            slice_figure(item, shown, place, f"Validation accuracy against {item.name}"), item.name, item.description
        )
        for place, item in enumerate(found)
    ]


def _format_thinned(every: Sequence[Slice], found: Sequence[Slice]) -> str:
    drawn_marks, marks = (sum(len(group.points) for item in items for group in item.groups) for items in (found, every))
    if drawn_marks == marks:
        return ""
    return (
        f"{text.percent(drawn_marks / marks, 0)}% of the marks are drawn: of each length half are the best trials, half an even sample of the rest. "
        "Medians are of all."
    )
