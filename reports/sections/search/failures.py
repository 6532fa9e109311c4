"""`failures`: failed trials by reason."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.search.failures import failure_groups
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Row, Section, Table, number

_MOST_NAMES = 20
_LONGEST_REASON = 80


def build(run: RunData) -> Section:
    """Return the section: a row for each reason."""
    groups = failure_groups(run.every)
    failed = sum(len(group.trials) for group in groups)
    rows = [
        Row(
            (
                Cell(group.reason),
                number(len(group.trials)),
                number(group.epochs_lost, text.epochs(group.epochs_lost)),
                number(group.duration_s, text.duration(group.duration_s)),
                Cell(_names(group.trials)),
            ),
            failed=True,
        )
        for group in groups
    ]
    columns = (
        Column("Reason", number=False),
        Column("Trials"),
        Column("Epochs lost"),
        Column("Time lost"),
        Column("Which", number=False),
    )
    return Section(
        id="failures",
        name="Failures",
        part="Record",
        title=_title(run, failed, groups[0].reason if len(groups) == 1 else ""),
        how=f"Trials whose reasons differ only in numbers are in one row. {_fate(run)}",
        body={
            "table": Table("Failed trials by reason.", columns, rows) if rows else None,
            "why_none": "" if rows else _why_none(run),
        },
    )


def _fate(run: RunData) -> str:
    if run.info.kind == "search":
        return "A failed trial keeps its place in the search and is never promoted."
    return "A failed trial is not replaced: means are of the seeds that are left."


def _title(run: RunData, failed: int, only: str) -> str:
    if not failed:
        return "No trial failed"
    reason = f", all alike: {only[:_LONGEST_REASON]}" if only and failed > 1 else ""
    return f"{text.count(failed)} of {text.plural(len(run.every), 'trial')} failed{reason}"


def _why_none(run: RunData) -> str:
    if not run.every:
        return "No trial has ended yet."
    return f"All of {text.plural(len(run.every), 'trial')} that ended completed."


def _names(trials: tuple[str, ...]) -> str:
    more = f" and {len(trials) - _MOST_NAMES} more" if len(trials) > _MOST_NAMES else ""
    return ", ".join(trials[:_MOST_NAMES]) + more
