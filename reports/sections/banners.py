"""The banners at the top of the page: warnings and notes about the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reports import formatting as text
from reports.analysis.search.search import RungOutcome, rung_outcomes, seconds_left
from reports.analysis.search.trials import explored
from reports.run.run_data import RunData
from reports.sections.data_name import format_data

DIGITS = "These are scikit-learn's 8×8 digits, not MNIST"
_WORTH_SAYING_S = 60


@dataclass(frozen=True)
class Banner:
    """A warning or a note above the page."""

    kind: Literal["alarm", "status", "note"]
    """An alarm and the status precede the answer; notes follow it."""
    head: str
    words: str = ""


def banners(run: RunData) -> tuple[Banner, ...]:
    """Return the run's banners, the most serious first."""
    return (*_data(run), *_status(run), *_cut(run), *_failed(run), *_notes(run))


def _data(run: RunData) -> Iterator[Banner]:
    data = run.info.data
    if data.is_digits:
        yield Banner("alarm", f"{DIGITS}.", f"{_why_digits(run)} Their figures say nothing about MNIST.")
    elif not data.is_mnist and run.info.references:
        words = (
            "The space has references whose published figures were measured on MNIST, so this page doesn't show these."
        )
        yield Banner("note", f"The data are {format_data(data)}, not MNIST.", words)


def _why_digits(run: RunData) -> str:
    if run.info.data.fallback:
        return "MNIST was not available, so the run used a small data set that comes with scikit-learn."
    return "The run was started with them, to try the program."


def _status(run: RunData) -> Iterator[Banner]:
    status = run.info.status
    if status == "running":
        running = text.plural(len(run.running), "trial") if run.running else "No trial was"
        words = f"{running} in training when this was written{_left(run)}. The page reloads itself every 20 seconds."
        yield Banner("status", "This run is still going.", words)
    if status == "interrupted":
        words = "What had finished is shown; mnist-tune --out with --resume continues it."
        yield Banner("alarm", "This run was interrupted.", words)
    if status == "failed":
        yield Banner("alarm", "This run failed.", run.info.error or "No reason was recorded.")


def _left(run: RunData) -> str:
    left = seconds_left(run)
    return f", about {text.rough_duration(left)} before the end" if left is not None and left >= _WORTH_SAYING_S else ""


def _cut(run: RunData) -> Iterator[Banner]:
    """Yield a note for a completed search with fewer trials than planned, unless it says itself why it ended."""
    plan = run.info.plan
    if run.info.status != "completed" or run.info.kind != "search" or plan.exhausted or plan.flat_after is not None:
        return
    cut = [rung for rung in rung_outcomes(run.records, plan.rungs) if _is_cut(rung)]
    if cut:
        yield Banner("note", _cut_head(cut), _why_cut(run))
        return
    planned, ended = plan.trials, len(explored(run.records))
    if planned is not None and not plan.rungs and ended < planned:
        yield Banner(
            "note", f"The search was cut: {ended:,} of {text.plural(planned, 'planned trial')} ran.", _why_cut(run)
        )


def _is_cut(rung: RungOutcome) -> bool:
    return rung.planned is not None and rung.finished < rung.planned


def _cut_head(cut: list[RungOutcome]) -> str:
    if len(cut) == 1:
        (one,) = cut
        return f"Rung {one.rung} of bracket {one.bracket} was cut: {one.finished:,} of {one.planned or 0:,} planned trials ran."
    ran, planned = sum(one.finished for one in cut), sum(one.planned or 0 for one in cut)
    return f"{len(cut)} rungs were cut: {ran:,} of their {planned:,} planned trials ran."


def _why_cut(run: RunData) -> str:
    reasons = []
    if run.info.options.get("time_budget") is not None:
        reasons.append("the run had a time budget")
    if any(not record.completed for record in explored(run.records)):
        reasons.append("a failed trial is not replaced")
    because = ", and ".join(reasons)
    return f"{because[:1].upper()}{because[1:]}." if reasons else "The search saw less than it meant to."


def _failed(run: RunData) -> Iterator[Banner]:
    failed = sum(not record.completed for record in run.every)
    if failed:
        yield Banner("note", f"{text.plural(failed, 'trial')} of {len(run.every):,} failed.", "See failures.")


def _notes(run: RunData) -> Iterator[Banner]:
    for note in run.info.notes:
        yield Banner("note", "Note.", note)
