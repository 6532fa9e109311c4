"""A run's answer in a sentence, as the terminal says it last."""

from __future__ import annotations

from msgspec import UNSET

from reports.formatting import MISSING, exact_percent, plural
from tuner.storage.schema.result import ResultDocument, TestScores
from tuner.storage.schema.run import RunDocument


def format_headline(result: ResultDocument, run: RunDocument) -> str:
    """Return the answer of a run in a sentence."""
    if result.kind == "study":
        return (result.study.conclusion if result.study else "") or "This study has no conclusion."
    cap = run.space.max_params
    size = f"{result.parameters:,}{'' if cap is None else f' of at most {cap:,}'} parameters"
    test, validation = result.test, result.validation
    seeds = plural(validation.n, "seed")
    after = f"{_refitted(result)}{_aimed(result)}"
    if test is None:
        scored = f"{_share(validation.mean)}{_spread(validation.sd)}"
        return f"Validation accuracy {scored} over {seeds} with {size}; the test set was left alone.{after}"
    data = "scikit-learn's 8×8 digits" if run.data.name == "digits" else run.data.name
    scored = f"{_share(test.accuracy)}{_spread(test.sd)}"
    if result.refit:
        seeds = plural(len(test.per_seed), "seed")
    return f"Test accuracy on {data}: {scored} over {seeds} with {size}.{_exported(test)}{after}"


def _exported(test: TestScores) -> str:
    share, ends, errors = test.exported_accuracy, test.interval, test.errors
    if share is None or ends is None or errors is None:
        return ""
    return f" The exported model: {share:.2%} [{ends[0]:.2%}, {ends[1]:.2%}], {errors} errors of {test.n:,}."


def _refitted(result: ResultDocument) -> str:
    """Return what the exported model and the test figures belong to, where a refit was asked for."""
    if result.refitted is UNSET:
        return ""
    refit = result.refit
    if refit is None:
        return " Nothing was refitted: these are the confirmed models."
    which = "The exported model is" if result.test is None else "These are models"
    return f" {which} refitted on all {refit.images:,} training images, the validation images included."


def _aimed(result: ResultDocument) -> str:
    target = result.target
    if target is None:
        return ""
    which = "It is the smallest finalist whose" if target.reached else "No finalist's"
    return f" {which} mean validation accuracy reaches {exact_percent(target.accuracy)}%."


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2%}"


def _spread(sd: float | None) -> str:
    return "" if sd is None else f" ± {100 * sd:.2f}"
