"""The data of the page's script: every value and curve of every trial, in a compact form.

The page shows all but the curves without its script too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.analysis.model.curves import thinned
from reports.analysis.search.leaderboard import TrialRow, setting_names, trial_rows
from reports.analysis.search.trials import best, explored
from reports.run.run_data import RunData
from tuner.core.records import SCORE_KEYS, TrialRecord, Value

FIELDS = (
    "phase", "bracket", "rung", "repetition", "epochs", "epochs_run", "seed", "status", "parameters", "multiply_adds", "ram", "flash",
    "val_accuracy", "val_loss", "train_accuracy", "epoch_98", "epoch_99", "duration_s", "worker", "origin", "error",
)  # fmt: skip
"""The values of a trial, in the order in which they are packed; named as in `trials.csv`."""

CURVES = (("accuracy", 10_000), ("val_accuracy", 10_000), ("loss", 10_000), ("val_loss", 10_000), ("learning_rate", 0))
"""(metric, the factor before rounding to integers; 0: three significant digits)."""

MOST_NUMBERS = 250_000
"""The most numbers in all curves, about 1.5 MB; beyond it curves are thinned, so that the page can be mailed."""

_FEWEST_POINTS = 12


def page_data(run: RunData) -> dict[str, object]:
    """Return each trial as [values of `fields`, values of `settings` (null: inactive), curves (null: no value)].

    A curve with fewer values than the trial has epochs holds evenly spaced ones, the first and the last among them.
    """
    names = setting_names(run.every, [item.name for item in run.info.space.hyperparameters])
    records = {record.trial: record for record in run.every}
    fields = (*FIELDS, *(SCORE_KEYS[score] for score in run.other_scores))
    most = max(_FEWEST_POINTS, MOST_NUMBERS // (len(CURVES) * max(len(records), 1)))
    return {
        "fields": fields,
        "settings": names,
        "curves": CURVES,
        "best": _best(run),
        "trials": {
            row.trial: [
                _values(row, fields),
                [row.configuration.get(name) for name in names],
                _curves(records[row.trial], most),
            ]
            for row in trial_rows(run.every)
        },
    }


def _best(run: RunData) -> dict[str, str] | None:
    """Return the trial that others are compared with: the exported one of a result, else the best so far."""
    if run.result is not None:
        return {"trial": run.result.exported.trial, "role": "winner"}
    top = best(explored(run.records))
    return {"trial": top.trial, "role": "best so far"} if top is not None else None


def _values(row: TrialRow, fields: Sequence[str]) -> list[Value | None]:
    milestones = dict(zip(("epoch_98", "epoch_99"), row.milestones, strict=True))
    values = (milestones[name] if name in milestones else getattr(row, name) for name in fields)
    # An empty text is a missing value.
    return [None if value == "" else _short(value) for value in values]


def _short(value: Value | None) -> Value | None:
    """Return a number with six decimals; None if it is not finite."""
    if not isinstance(value, float):
        return value
    return round(value, 6) if math.isfinite(value) else None


def _curves(record: TrialRecord, most: int) -> list[list[float | None]]:
    return [_packed(thinned(record.history.get(metric, ()), most), scale) for metric, scale in CURVES]


def _packed(series: Sequence[float], scale: int) -> list[float | None]:
    return [_rounded(value, scale) if math.isfinite(value) else None for value in series]


def _rounded(value: float, scale: int) -> float:
    return round(value * scale) if scale else float(f"{value:.2e}")
