"""Scores beside accuracy, where a run shows them (`RunData.other_scores`): balanced accuracy, the int8 network's; nothing in other runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reports import formatting as text
from reports.analysis.search.leaderboard import TrialRow
from reports.run.run_data import RunData
from reports.sections.model.refit import format_seeds
from reports.sections.section import Cell, Column, number
from tuner.core.records import SCORE_KEYS, Objective, TrialRecord
from tuner.storage.schema.result import ResultDocument, Validation


class Wording(NamedTuple):
    """The words about a score."""

    label: str
    """The head of its column."""
    note: str
    meaning: str
    """A sentence without its full stop."""


_WORDING: Mapping[Objective, Wording] = {
    "balanced_accuracy": Wording(
        "Balanced",
        "validation accuracy, each class counting alike",
        "Balanced accuracy is the mean over classes of recall, so that each class counts alike, however many images it has; "
        "its interval combines Wilson's of the classes' recalls",
    ),
    "int8": Wording(
        "int8",
        "validation accuracy of the network in 8 bits; shorter trials are not quantised",
        "The int8 accuracy is that of the network in 8 bits, as a microcontroller runs it. The longest trials and the confirmed seeds are "
        "quantised; shorter trials are drawn and ranked by accuracy",
    ),
}


def score_columns(run: RunData, *, keys: bool = False) -> tuple[Column, ...]:
    """Return a column of validation values for each other score; `keys`: with the name of its values in `page_data`."""
    return tuple(
        Column(words.label, "%", note=words.note, key=SCORE_KEYS[objective] if keys else "")
        for objective in run.other_scores
        for words in (_WORDING[objective],)
    )


def score_cells(run: RunData, validation: Validation) -> tuple[Cell, ...]:
    """Return the cells of a confirmed configuration in those columns."""
    scores = [validation.scores(objective) for objective in run.other_scores]
    return tuple(number(None) if one is None else number(one.mean, text.spread(one.mean, one.sd)) for one in scores)


def trial_cells(run: RunData, trial: TrialRecord | TrialRow) -> tuple[Cell, ...]:
    """Return the cells of a trial in those columns."""
    values = [getattr(trial, SCORE_KEYS[objective]) for objective in run.other_scores]
    return tuple(number(value, text.percent(value)) for value in values)


def format_scores(run: RunData) -> str:
    """Return sentences that say what the other scores are, and by which score the run ranks; "" in other runs."""
    if not run.other_scores:
        return ""
    meanings = "".join(f" {_WORDING[objective].meaning}." for objective in run.other_scores)
    if run.info.kind != "search":
        return meanings
    ranked = "accuracy" if run.objective == "val_accuracy" else "it"
    if run.objective != "val_accuracy" and len(run.other_scores) > 1:
        ranked = f"{_WORDING[run.objective].label} accuracy"
    return f"{meanings} Trials were ranked by {ranked}."


def score_metrics(run: RunData, result: ResultDocument) -> list[tuple[str, str]]:
    """Return the rows of the model card: names and values."""
    balanced = _balanced_metrics(run, result) if "balanced_accuracy" in run.other_scores else []
    return balanced + (_int8_metrics(result) if "int8" in run.other_scores else [])


def _balanced_metrics(run: RunData, result: ResultDocument) -> list[tuple[str, str]]:
    test = result.test
    if test is None or test.balanced_accuracy is None:
        return []
    of_this_model = (
        "Balanced test accuracy (%) of this model [95% interval]: the mean over classes of recall",
        text.interval(test.exported_balanced_accuracy, test.balanced_interval),
    )
    if len(test.per_seed) == 1:
        return [of_this_model]
    words = f"Balanced test accuracy (%), mean of {format_seeds(result, len(test.per_seed))} of the recipe"
    return [of_this_model, (words, text.spread(test.balanced_accuracy, test.balanced_accuracy_sd))]


def _int8_metrics(result: ResultDocument) -> list[tuple[str, str]]:
    rows = []
    if result.test is not None and (int8 := result.test.int8) is not None:
        words = "Test accuracy (%) of this model's int8 file [95% interval, Wilson]"
        rows.append((words, text.interval(int8.accuracy, int8.interval)))
    scores = result.validation.int8_accuracy
    if scores is not None:
        seeds = "one seed" if len(scores.per_seed) == 1 else f"mean of {len(scores.per_seed)} seeds"
        rows.append((f"Validation accuracy (%) of the int8 networks, {seeds}", text.spread(scores.mean, scores.sd)))
    return rows
