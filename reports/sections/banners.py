"""The banners on top of the page: facts that a reader must know before believing a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reports import formatting as text
from reports.analysis.search.search import RungOutcome, rung_outcomes, seconds_left
from reports.analysis.search.trials import explored
from reports.run.run_data import RunData

DIGITS = "These are scikit-learn's 8×8 digits, not MNIST"
_LONGEST_NAME = 40
_WORTH_SAYING_S = 60


@dataclass(frozen=True)
class Banner:
    """Something that a reader must know first."""

    kind: Literal["alarm", "note"]
    head: str
    words: str = ""


def banners(run: RunData) -> tuple[Banner, ...]:
    """Return what a reader must know first, most serious first."""
    return (*_data(run), *_status(run), *_cut(run), *_failed(run), *_notes(run))


def caveat(run: RunData) -> str:
    """Return what the headline itself says of data that are not MNIST; "" on MNIST."""
    data = run.info.data
    if data.is_mnist:
        return ""
    return f"{DIGITS}." if data.is_digits else f"This is {_short(data.name)}, not MNIST."


def _data(run: RunData) -> Iterator[Banner]:
    data = run.info.data
    if data.is_digits:
        yield Banner("alarm", f"{DIGITS}.", f"{_why_digits(run)} Their figures say nothing about MNIST.")
    elif not data.is_mnist:
        words = "Published figures don't compare with its own: they were measured on MNIST."
        yield Banner("alarm", caveat(run), words)


def _why_digits(run: RunData) -> str:
    if run.info.data.fallback:
        return "No MNIST was to be had, so the run took a small set that comes with a library."
    return "They were asked for, to try the program."


def _status(run: RunData) -> Iterator[Banner]:
    status = run.info.status
    if status == "running":
        running = text.plural(len(run.running), "trial") if run.running else "No trial was"
        words = f"{running} in training when this was written{_left(run)}. The page reloads itself every 20 seconds."
        yield Banner("note", "This run is still going.", words)
    if status == "interrupted":
        words = "What had finished is shown; mnist-tune --out with --resume continues it."
        yield Banner("alarm", "This run was interrupted.", words)
    if status == "failed":
        yield Banner("alarm", "This run failed.", run.info.error or "No reason was recorded.")


def _left(run: RunData) -> str:
    left = seconds_left(run)
    return f", about {text.rough_duration(left)} before the end" if left is not None and left >= _WORTH_SAYING_S else ""


def _cut(run: RunData) -> Iterator[Banner]:
    """A search that ended with fewer trials than it planned; one that still goes, broke off or had no other configuration says so already."""
    if run.info.status != "completed" or run.info.kind != "search" or run.info.plan.exhausted:
        return
    cut = [found for found in rung_outcomes(run.records, run.info.plan.rungs) if _is_cut(found)]
    if cut:
        yield Banner("note", _cut_head(cut), _why_cut(run))
        return
    planned, ended = run.info.plan.trials, len(explored(run.records))
    if planned is not None and not run.info.plan.rungs and ended < planned:
        yield Banner(
            "note", f"The search was cut: {ended:,} of {text.plural(planned, 'planned trial')} ran.", _why_cut(run)
        )


def _is_cut(found: RungOutcome) -> bool:
    return found.planned is not None and found.finished < found.planned


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


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
