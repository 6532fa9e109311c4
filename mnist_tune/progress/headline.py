"""A run's result in a sentence, the last line on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET

from reports.formatting import MISSING, exact_percent, plural
from reports.run.run_data import objective_of, other_scores
from tuner.core.records import SHORT_WORDS, VALIDATION_WORDS, Objective
from tuner.storage.schema.result import ResultDocument, SeedScores, TestScores
from tuner.storage.schema.run import RunDocument


def format_headline(result: ResultDocument, run: RunDocument) -> str:
    """Return the result of a run in a sentence."""
    if result.kind == "study":
        return (result.study.conclusion if result.study else "") or "This study has no conclusion."
    cap = run.space.max_params
    size = f"{result.parameters:,}{'' if cap is None else f' of at most {cap:,}'} parameters"
    test, validation = result.test, result.validation
    seeds = plural(validation.n, "seed")
    after = f"{_refitted(result)}{_aimed(result, run)}"
    if test is None:
        scored = f"{_share(validation.mean)}{_spread(validation.sd)}"
        others = _others({score: validation.scores(score) for score in other_scores(run)})
        return f"Validation accuracy {scored}{others} over {seeds} with {size}; the test set was left alone.{after}"
    data = "scikit-learn's 8×8 digits" if run.data.name == "digits" else run.data.name
    scored = f"{_share(test.accuracy)}{_spread(test.sd)}"
    if result.exported.refitted:
        seeds = plural(len(test.per_seed), "seed")
    tested: SeedScores | None = None
    if test.balanced_accuracy is not None and "balanced_accuracy" in other_scores(run):
        tested = SeedScores(mean=test.balanced_accuracy, sd=test.balanced_accuracy_sd, per_seed=())
    others = _others({"balanced_accuracy": tested})
    return f"Test accuracy on {data}: {scored}{others} over {seeds} with {size}.{_exported(test)}{_int8(test)}{after}"


def _others(scores: Mapping[Objective, SeedScores | None]) -> str:
    """Return the other scores that the page shows, too: " (balanced 81.23% ± 0.40)"."""
    shown = [
        f"{SHORT_WORDS[score]} {_share(one.mean)}{_spread(one.sd)}" for score, one in scores.items() if one is not None
    ]
    return f" ({', '.join(shown)})" if shown else ""


def _int8(test: TestScores) -> str:
    if test.int8 is None:
        return ""
    low, high = test.int8.interval
    return f" Its int8 file: {test.int8.accuracy:.2%} [{low:.2%}, {high:.2%}], {test.int8.errors} errors."


def _exported(test: TestScores) -> str:
    share, ends, errors = test.exported_accuracy, test.interval, test.errors
    if share is None or ends is None or errors is None:
        return ""
    return f" The exported model: {share:.2%} [{ends[0]:.2%}, {ends[1]:.2%}], {errors} errors of {test.n:,}."


def _refitted(result: ResultDocument) -> str:
    """Return which models the export and the test figures describe, where a refit was requested."""
    if result.refitted is UNSET:
        return ""
    if not result.exported.refitted:
        return " Nothing was refitted: these are the confirmed models."
    which = "The exported model is" if result.test is None else "These are models"
    return f" {which} refitted on all {result.exported.images:,} training images, the validation images included."


def _aimed(result: ResultDocument, run: RunDocument) -> str:
    target = result.target
    if target is None:
        return ""
    which = "It is the smallest finalist whose" if target.reached else "No finalist's"
    bound = "lower 95% bound of the " if target.by == "bound" else ""
    return f" {which} {bound}mean {VALIDATION_WORDS[objective_of(run)]} reaches {exact_percent(target.accuracy)}%."


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2%}"


def _spread(sd: float | None) -> str:
    return "" if sd is None else f" ± {100 * sd:.2f}"
