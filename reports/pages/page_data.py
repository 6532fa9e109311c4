"""The trials as the page's script reads them: every value and every curve, packed, since a run may have thousands.

The page says all of it but the curves without its script too. Nothing here is drawn or worded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.analysis.model.curves import thinned
from reports.analysis.search.leaderboard import TrialRow, setting_names, trial_rows
from reports.run.run_data import RunData
from tuner.core.records import TrialRecord, Value

FIELDS = (
    "phase", "bracket", "rung", "repetition", "epochs", "epochs_run", "seed", "status", "parameters", "multiply_adds",
    "val_accuracy", "val_loss", "train_accuracy", "epoch_98", "epoch_99", "duration_s", "worker", "origin", "error",
)  # fmt: skip
"""The values of a trial, in the order in which they are packed; named as in `trials.csv`."""

CURVES = (("accuracy", 10_000), ("val_accuracy", 10_000), ("loss", 10_000), ("val_loss", 10_000), ("learning_rate", 0))
"""(metric, what its values are multiplied by before they are rounded; 0: three significant digits)."""

MOST_NUMBERS = 250_000
"""Numbers of all curves together, at most: about 1.5 MB. Longer ones are thinned, so that the page stays one that can be mailed."""

_FEWEST_POINTS = 12


def page_data(run: RunData) -> dict[str, object]:
    """Each trial is [values of `fields`, values of `settings` (null: not active), curves (null: an epoch without a value)].

    A curve with fewer values than the trial has epochs holds evenly spaced ones, the first and the last among them.
    """
    names = setting_names(run.every, [item.name for item in run.info.space.hyperparameters])
    records = {record.trial: record for record in run.every}
    most = max(_FEWEST_POINTS, MOST_NUMBERS // (len(CURVES) * max(len(records), 1)))
    return {
        "fields": FIELDS,
        "settings": names,
        "curves": CURVES,
        "trials": {
            row.trial: [
                _values(row),
                [row.configuration.get(name) for name in names],
                _curves(records[row.trial], most),
            ]
            for row in trial_rows(run.every)
        },
    }


def _values(row: TrialRow) -> list[Value | None]:
    milestones = dict(zip(("epoch_98", "epoch_99"), row.milestones, strict=True))
    values = (milestones[name] if name in milestones else getattr(row, name) for name in FIELDS)
    # A text that says nothing is a value that isn't there.
    return [None if value == "" else _short(value) for value in values]


def _short(value: Value | None) -> Value | None:
    """Six decimals are more than any figure here has; what is not finite is None."""
    if not isinstance(value, float):
        return value
    return round(value, 6) if math.isfinite(value) else None


def _curves(record: TrialRecord, most: int) -> list[list[float | None]]:
    return [_packed(thinned(record.history.get(metric, ()), most), scale) for metric, scale in CURVES]


def _packed(series: Sequence[float], scale: int) -> list[float | None]:
    return [_rounded(value, scale) if math.isfinite(value) else None for value in series]


def _rounded(value: float, scale: int) -> float:
    return round(value * scale) if scale else float(f"{value:.2e}")
