"""A run's answer in a sentence, as the terminal says it last."""

from __future__ import annotations

from reports.formatting import MISSING, exact_percent, plural
from tuner.records import Json


def answer(result: Json, run: Json) -> str:
    """The answer of a run in a sentence."""
    if result.get("kind") == "study":
        return str((result.get("study") or {}).get("conclusion") or "This study has no conclusion.")
    cap = run["space"].get("max_params")
    size = f"{result['parameters']:,}{'' if cap is None else f' of at most {cap:,}'} parameters"
    test, validation = result.get("test"), result["validation"]
    seeds = plural(validation.get("n") or 0, "seed")
    after = f"{_refitted(result)}{_aimed(result)}"
    if test is None:
        scored = f"{_share(validation.get('mean'))}{_spread(validation.get('sd'))}"
        return f"Validation accuracy {scored} over {seeds} with {size}; the test set was left alone.{after}"
    data = "scikit-learn's 8×8 digits" if run["data"]["name"] == "digits" else run["data"]["name"]
    scored = f"{_share(test['accuracy'])}{_spread(test.get('sd'))}"
    if result.get("refit") is not None:
        seeds = plural(len(test.get("per_seed") or ()), "seed")
    return f"Test accuracy on {data}: {scored} over {seeds} with {size}.{_exported(test)}{after}"


def _exported(test: Json) -> str:
    share, ends, errors = test.get("exported_accuracy"), test.get("accuracy_ci95"), test.get("errors")
    if share is None or ends is None or errors is None:
        return ""
    return f" The exported model: {share:.2%} [{ends[0]:.2%}, {ends[1]:.2%}], {errors} errors of {test['n']:,}."


def _refitted(result: Json) -> str:
    """What the exported model and the test figures belong to, where a refit was asked for."""
    if "refit" not in result:
        return ""
    refit = result["refit"]
    if refit is None:
        return " Nothing was refitted: these are the confirmed models."
    which = "The exported model is" if result.get("test") is None else "These are models"
    return f" {which} refitted on all {refit['images']:,} training images, the validation images included."


def _aimed(result: Json) -> str:
    target = result.get("target")
    if target is None:
        return ""
    which = "It is the smallest finalist whose" if target["reached"] else "No finalist's"
    return f" {which} mean validation accuracy reaches {exact_percent(target['accuracy'])}%."


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2%}"


def _spread(sd: float | None) -> str:
    return "" if sd is None else f" ± {100 * sd:.2f}"
