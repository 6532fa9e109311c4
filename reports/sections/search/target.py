"""The text about a search's target; "" if the run has none."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.search.target import TargetOutcome, reaches_target, target_outcome
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column
from tuner.storage.schema.result import Finalist, Validation


def format_chosen(run: RunData) -> str:
    """Return a sentence about the choice of the winner."""
    outcome = target_outcome(run)
    if outcome is None or run.result is None:
        return ""
    if not outcome.reached:
        return (
            f"No finalist's {_measure(run, outcome)} reaches {_percent(outcome)}: "
            f"the winner, the best of them, has {_value(run, outcome)}."
        )
    return f"The smallest finalist whose {_measure(run, outcome)} reaches {_percent(outcome)}{_beyond(run, outcome, run.result.trials)}."


def format_title(run: RunData) -> str:
    """Return the title of the finalists' tables: the number that reaches the target."""
    outcome = target_outcome(run)
    if outcome is None or run.result is None or outcome.finalists < 2:
        return ""
    if not outcome.reached:
        return (
            f"None of {outcome.finalists} confirmed configurations reaches {_percent(outcome)}{_confidence(outcome)} on validation data; "
            f"the winner has {_value(run, outcome)}"
        )
    if outcome.reaching == 1:
        return f"One of {outcome.finalists} confirmed configurations reaches {_percent(outcome)}{_confidence(outcome)} on validation data: the winner"
    return (
        f"{outcome.reaching} of {outcome.finalists} confirmed configurations reach {_percent(outcome)}{_confidence(outcome)} on validation data; "
        f"the winner is the smallest of them, with {_size(outcome, run.result.parameters, run.result.flash)}"
    )


def format_caption(run: RunData) -> str:
    """Return the text for the caption of the finalists' table."""
    outcome = target_outcome(run)
    if outcome is None:
        return ""
    return f" {'The smallest that reaches' if outcome.reached else 'None reaches'} the target, {_percent(outcome)}{_confidence(outcome)}{', wins' if outcome.reached else ''}."


def target_columns(run: RunData) -> tuple[Column, ...]:
    """Return the column of the finalists' table for reaching the target."""
    outcome = target_outcome(run)
    note = "whether the mean over seeds does"
    if outcome is not None and outcome.by_bound:
        note = "whether the lower 95% bound of the mean over seeds does"
    return (Column(f"Reaches {_percent(outcome)}", number=False, note=note),) if outcome is not None else ()


def target_cells(run: RunData, finalist: Finalist) -> tuple[Cell, ...]:
    """Return a finalist's cell of that column."""
    outcome = target_outcome(run)
    if outcome is None or run.result is None or run.result.target is None:
        return ()
    reaches = "yes" if reaches_target(finalist, run.result.target, run.objective) else "no"
    return (Cell(reaches if finalist.bound is None else f"{reaches}: {text.exact_percent(finalist.bound)} or more"),)


def _percent(outcome: TargetOutcome) -> str:
    return f"{text.exact_percent(outcome.accuracy)}%"


def _measure(run: RunData, outcome: TargetOutcome) -> str:
    """Return what has to reach the target."""
    return f"{'lower 95% bound of the ' if outcome.by_bound else ''}mean {run.score_name}"


def _confidence(outcome: TargetOutcome) -> str:
    return " with 95% confidence" if outcome.by_bound else ""


def _value(run: RunData, outcome: TargetOutcome) -> str:
    """Return the winner's value of that."""
    if run.result is None or not outcome.by_bound:
        return f"{text.exact_percent(None if run.result is None else _mean(run, run.result.validation))}%"
    bound = run.result.finalists[0].bound
    return "one seed, so none" if bound is None else f"{text.exact_percent(bound)}%"


def _size(outcome: TargetOutcome, parameters: int, flash: int | None) -> str:
    if outcome.unit == "flash" and flash is not None:
        return f"{text.count(flash)} bytes of flash"
    return f"{text.count(parameters)} parameters"


def _mean(run: RunData, validation: Validation) -> float | None:
    scores = validation.scores(run.objective)
    return None if scores is None else scores.mean


def _beyond(run: RunData, outcome: TargetOutcome, winner: tuple[str, ...]) -> str:
    """Return the accuracy and size of the most accurate finalist; "" if it is the winner."""
    best = outcome.best
    if best.trials == winner:
        return ""
    return f"; the most accurate one has {text.percent(_mean(run, best.validation))}% with {_size(outcome, best.parameters, best.flash)}"
