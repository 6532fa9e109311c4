"""`search`: the best score so far, the workers' utilisation, and the promotions."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.search.search import History, RungOutcome, history, paths, rung_outcomes
from reports.analysis.search.timeline import Timeline, best_over_time, last_improvement_s, timeline
from reports.analysis.search.trials import accuracy_of, best, explored
from reports.figures.search.history import bracket_figure, busy_figure, history_figure, timeline_figure
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number

_MOST_BRACKETS = 12
_MOST_BARS = 400
"""The most trials with a bar each; bars of more would be a pixel or two wide."""
_STEPS = 160
_SHORTER = "; trials that are shorter than the longest are not quantised and have their float accuracy"
_BRACKET = " In a bracket, those that are promoted to the next rung are dark and joined."


def build(run: RunData) -> Section:
    """Return the section: history, brackets and the table of rungs."""
    progress = history(run.records)
    times = timeline(run.every)
    outcomes = rung_outcomes(run.records, run.info.plan.rungs)
    return Section(
        id="search",
        name="Search",
        part="Search",
        title=_title(run, progress),
        how=f"Each mark is a trial; the line is the best {run.score_name} so far, of whatever number of epochs{_SHORTER if run.objective == 'int8' else ''}. A trial's time is that of the journal: it ended when its event "
        "was written, and began its duration before. Accuracies are spaced "
        f"by error rate, so that equal steps are equal ratios of errors; marks on the lower edge are worse than the scale.{_BRACKET if run.info.plan.rungs else ''}",
        body={
            "history": _history(run, progress, times),
            "timeline": _timeline(times),
            "no_times": _no_times(run, times),
            "why_none": "" if progress.points else _why_none(run, progress),
            "brackets": _brackets(run, outcomes),
            "left_out": _left_out(outcomes),
            "rungs": _rung_table(outcomes),
        },
    )


def _title(run: RunData, progress: History) -> str:
    if not progress.trials:
        return "This run did not search" if run.records else "The search has not finished a trial"
    if not progress.points:
        return f"None of {text.plural(progress.trials, 'trial')} of the search has a score"
    if progress.late_gain is not None and run.info.status == "completed":
        return f"The last 40% of the search's epochs gained {text.points(progress.late_gain).lstrip('+')} points"
    highest = text.percent(progress.points[-1].best)
    return (
        f"{highest}% is the best of {text.plural(progress.trials, 'trial')} of the search{_any_length(run, progress)}"
    )


def _any_length(run: RunData, progress: History) -> str:
    """Return the words that tell the best of all trials from the best of the longest ones, where these differ."""
    top = best(explored(run.records))
    return ", of any length" if top is None or accuracy_of(top) < progress.points[-1].best else ""


def _why_none(run: RunData, progress: History) -> str:
    if progress.trials:
        return "Every trial of the search failed, so there is no history to draw."
    return "No trial of a search has finished, so there is no history to draw." if not run.records else (
        "This run trained a given configuration and searched nothing."
    )  # fmt: skip


def _history(run: RunData, progress: History, times: Timeline) -> Figure | None:
    if not progress.points:
        return None
    highest = progress.points[-1].best
    first = next(point for point in progress.points if point.best == highest)
    title = (
        f"Best so far{_any_length(run, progress)}: {text.percent(highest)}%, "
        f"reached by trial {first.number:,} of {progress.trials:,} that ended"
    )
    return Figure(history_figure(progress, title, run.score_name), title, _format_time(run, times))


def _format_time(run: RunData, times: Timeline) -> str:
    """Return when the best was reached; "" where a run has fewer than two moments."""
    moments = best_over_time(run.records, times)
    improved_s = last_improvement_s(moments)
    if improved_s is None or len(moments) < 2 or moments[-1].time_s <= 0:
        return ""
    reached = (
        f"The best was reached after {text.duration(improved_s)} of {text.duration(moments[-1].time_s)} of search."
    )
    return f"{reached} {_pauses(times)}".strip()


def _timeline(times: Timeline) -> Figure | None:
    if times.utilisation is None:
        return None
    workers = text.plural(len(times.workers), "worker")
    were = "was" if len(times.workers) == 1 else "were"
    title = f"{workers} {were} training {text.percent(times.utilisation, 0)}% of {text.duration(times.span_s)}"
    if len(times.bars) <= _MOST_BARS:
        return Figure(
            timeline_figure(times, title), title, f"Trials of all phases, the confirmation's too. {_pauses(times)}"
        )
    words = (
        f"{len(times.bars):,} trials of all phases are too many for a bar each: a lane is as high as the share of each "
        f"{text.duration(times.span_s / _STEPS)} in which its worker trained. {_pauses(times)}"
    )
    return Figure(busy_figure(times, _STEPS, title), title, words)


def _pauses(times: Timeline) -> str:
    if not times.pauses_s:
        return ""
    count = len(times.pauses_s)
    them = "1 pause" if count == 1 else f"{count} pauses"
    are = "is" if count == 1 else "are"
    return f"{them} of {text.duration(sum(times.pauses_s))} in all, in which no trial that ended was running, {are} left out."


def _no_times(run: RunData, times: Timeline) -> str:
    if times.bars or not run.records:
        return ""
    return "The journal has no times for these trials, so the search over time and its workers can't be drawn."


def _brackets(run: RunData, outcomes: tuple[RungOutcome, ...]) -> list[Figure]:
    every = paths(run.records)
    scores = sorted(value for path in every for value in path.accuracy)
    # Without the worst tenth, so that the rest has room.
    floor = scores[len(scores) // 10] if len(scores) >= 10 else 0.0
    figures = []
    for bracket in sorted({path.bracket for path in every})[:_MOST_BRACKETS]:
        rungs = [rung for rung in outcomes if rung.bracket == bracket]
        members = [path for path in every if path.bracket == bracket]
        shown = [value for value in scores if value >= floor]
        words = f"Bracket {bracket}: {_format_rung(rungs)}"
        figures.append(Figure(bracket_figure(bracket, members, rungs, shown, words), words))
    return figures


def _format_rung(rungs: list[RungOutcome]) -> str:
    parts = [f"{rung.finished} × {rung.epochs}" for rung in rungs]
    return f"{', '.join(parts)} {'epoch' if [rung.epochs for rung in rungs] == [1] else 'epochs'}"


def _left_out(outcomes: tuple[RungOutcome, ...]) -> str:
    brackets = len({rung.bracket for rung in outcomes})
    return (
        f"The first {_MOST_BRACKETS} of {brackets} brackets are drawn; the table has all."
        if brackets > _MOST_BRACKETS
        else ""
    )


def _format_share(outcomes: tuple[RungOutcome, ...]) -> str:
    if all(rung.epochs >= 1 for rung in outcomes):
        return ""
    return (
        " Less than 1 epoch is one pass over that share of the training images, the same ones for every configuration."
    )


def _rung_table(outcomes: tuple[RungOutcome, ...]) -> Table | None:
    if not outcomes:
        return None
    return Table(
        caption=f"Rungs. A failed trial is never promoted and not replaced, so that a rung may shrink.{_format_share(outcomes)}",
        columns=(
            Column("Bracket"),
            Column("Rung"),
            Column("Epochs"),
            Column("Planned", "trials"),
            Column("Ended", "trials"),
            Column("Failed", "trials"),
            Column("Promoted", "trials"),
            Column("Best", "%"),
            Column("Which", number=False),
        ),
        rows=[
            Row(
                (
                    number(rung.bracket),
                    number(rung.rung),
                    number(rung.epochs, text.epochs(rung.epochs)),
                    number(rung.planned),
                    number(rung.finished),
                    number(rung.failed),
                    number(len(rung.promoted)),
                    number(rung.best, text.percent(rung.best)),
                    Cell(rung.best_trial or text.MISSING),
                )
            )
            for rung in outcomes
        ],
    )
