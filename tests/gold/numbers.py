"""The numbers behind the charts as JSON: frozen dataclasses with floats rounded, so that no library's last digits show."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from reports.analysis.model import classification, comparison, consistency, curves, errors, network, robustness, weights
from reports.analysis.model import ood_images as custom_images
from reports.analysis.search import failures, fidelity, leaderboard, pareto, search, slices, timeline, trials
from reports.run.run_data import RunData
from tuner.stats import intervals, metrics

DIGITS = 6
"""Significant ones: more than a reader sees, fewer than summing in another order changes."""

_MOST_ROWS = 6
"""Of long lists of equal things the first few tell."""


def plain(value: Any) -> Any:
    """A value as JSON has it; a number that is not finite is its name.

    Raises:
        TypeError: where it is of a kind that has no form here.
    """
    names = getattr(value, "__struct_fields__", None) or getattr(value, "__dataclass_fields__", None)
    if names is not None and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return rounded(float(value))
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"No gold form for {type(value).__name__}")


def rounded(value: float) -> float | str:
    """To six significant digits; zero has no sign, and what is tiny beside one is zero."""
    if not math.isfinite(value):
        return str(value)
    return 0.0 if abs(value) < 1e-9 else float(f"{value:.{DIGITS}g}")


def text_of(numbers: Mapping[str, object]) -> str:
    """Numbers as the text of a gold file: one value a line, long lists of plain numbers on one."""
    return _lines(plain(numbers)) + "\n"


def numbers_of(run: RunData) -> dict[str, object]:
    """What `reports.analysis` says of a run, by the function that says it."""
    groups = trials.groups_by_epochs(trials.explored(run.records))
    names = leaderboard.setting_names(run.records, [item.name for item in run.info.space.hyperparameters])
    return {
        "best": getattr(trials.best(run.records), "trial", None),
        "custom_drawn": custom_images.drawn_digits(run.arrays),
        "custom_own": custom_images.user_images(run.arrays),
        "best_over_time": timeline.best_over_time(run.records, timeline.timeline(run.records))[:_MOST_ROWS],
        "failure_groups": failures.failure_groups(run.records),
        "fidelities": fidelity.fidelities(trials.explored(run.records)),
        "groups_by_epochs": {str(group.epochs): [record.trial for record in group.records] for group in groups},
        "history": search.history(run.records),
        "paths": search.paths(run.records),
        "rung_outcomes": search.rung_outcomes(run.records, run.info.plan.rungs),
        "size_front": pareto.size_front(run),
        "slices": slices.slices(groups, names, run.info.space.hyperparameters),
        "trial_rows": leaderboard.trial_rows(run.records)[:_MOST_ROWS],
        **_of_winner(run),
        **_of_model(run),
    }


def _of_winner(run: RunData) -> dict[str, object]:
    if run.result is None:
        return {}
    records = run.of(run.result.trials)
    accuracy = run.result.test.accuracy if run.result.test else None
    return {
        "band": curves.band(records, "val_accuracy"),
        "consistency": consistency.consistency(records, consistency.TARGET),
        "early_stops": curves.early_stops(run.records),
        "generalisation_gap": curves.generalisation_gap(records),
        "layer_weights": weights.layer_weights(run, run.result.trial),
        "network": network.network(run.result.network),
        "reference_rows": comparison.reference_rows(
            run.info.references, accuracy=accuracy, parameters=run.result.parameters
        ),
    }


def _of_model(run: RunData) -> dict[str, object]:
    scored = classification.scored_winner(run)
    if scored is None:
        return {}
    counts = scored.confusion
    return {
        "calibration_error": metrics.calibration_error(scored.probabilities, scored.labels),
        "class_scores": metrics.class_scores(counts),
        "confused_pairs": classification.confused_pairs(scored),
        "confusion_counts": counts,
        "degradations": robustness.degradations(run),
        "right_samples": errors.right_samples(run, scored)[:2],
        "log_loss": metrics.log_loss(scored.probabilities, scored.labels),
        "mistakes": errors.mistakes(run, scored)[:_MOST_ROWS],
        "reliability": classification.reliability(scored),
        "wilson_interval": intervals.wilson_interval(int(np.trace(counts)), int(counts.sum())),
    }


def _lines(value: Any, indent: str = "") -> str:
    nested = isinstance(value, (dict, list)) and value
    if not nested or _is_flat(value):
        return json.dumps(value, ensure_ascii=False)
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [
            f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_lines(item, deeper)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _lines(item, deeper) for item in value) + f"\n{indent}]"


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value)
