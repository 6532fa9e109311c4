"""The text about a search's target, wherever the winner is introduced; "" where the run had none."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.search.target import TargetOutcome, reaches_target, target_outcome
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column
from tuner.storage.schema.result import Finalist


def format_chosen(run: RunData) -> str:
    """Return how the winner was chosen, in a sentence."""
    found = target_outcome(run)
    if found is None or run.result is None:
        return ""
    if not found.reached:
        mean = text.exact_percent(run.result.validation.mean)
        return f"No finalist's mean validation accuracy reaches {_percent(found)}: the winner, the best of them, has {mean}%."
    return f"The smallest finalist whose mean validation accuracy reaches {_percent(found)}{_beyond(found, run.result.trials)}."


def format_title(run: RunData) -> str:
    """The finalists beside the target, as the title over their tables."""
    found = target_outcome(run)
    if found is None or run.result is None or found.finalists < 2:
        return ""
    if not found.reached:
        mean = text.exact_percent(run.result.validation.mean)
        return f"None of {found.finalists} confirmed configurations reaches {_percent(found)} on validation data; the winner has {mean}%"
    if found.reaching == 1:
        return f"One of {found.finalists} confirmed configurations reaches {_percent(found)} on validation data: the winner"
    return (
        f"{found.reaching} of {found.finalists} confirmed configurations reach {_percent(found)} on validation data; "
        f"the winner is the smallest of them, with {text.count(run.result.parameters)} parameters"
    )


def format_caption(run: RunData) -> str:
    """Beside the finalists' table."""
    found = target_outcome(run)
    if found is None:
        return ""
    return f" {'The smallest that reaches' if found.reached else 'None reaches'} the target, {_percent(found)}{', wins' if found.reached else ''}."


def target_columns(run: RunData) -> tuple[Column, ...]:
    """The column of the finalists' table that says who reaches the target."""
    found = target_outcome(run)
    note = "whether the mean over seeds does"
    return (Column(f"Reaches {_percent(found)}", number=False, note=note),) if found is not None else ()


def target_cells(run: RunData, finalist: Finalist) -> tuple[Cell, ...]:
    """A finalist's cell of that column."""
    found = target_outcome(run)
    return (Cell("yes" if reaches_target(finalist, found.accuracy) else "no"),) if found is not None else ()


def _percent(found: TargetOutcome) -> str:
    return f"{text.exact_percent(found.accuracy)}%"


def _beyond(found: TargetOutcome, winner: tuple[str, ...]) -> str:
    """Return what the most accurate finalist has more, where that is another one."""
    best = found.best
    if best.trials == winner:
        return ""
    return f"; the most accurate one has {text.percent(best.validation.mean)}% with {text.count(best.parameters)} parameters"
