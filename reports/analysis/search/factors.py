"""The hyperparameters of a group of trials as factors of their score: the choice of trials and the encoding of values.

The decomposition itself is in `reports.analysis.search.importance`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median_low

import numpy as np

from reports.analysis.search.importance import Factor
from reports.analysis.search.leaderboard import setting_names
from tuner.core.records import TrialRecord, Value
from tuner.storage.schema.run import Hyperparameter

LEAST_TRIALS = 30
"""The fewest trials that a forest learns from."""
TRIALS_A_FACTOR = 2
EPOCHS = "epochs of training"
"""The name of the factor that is no hyperparameter: how long a trial was trained."""


def sampled_trials(records: Iterable[TrialRecord], space: Sequence[Hyperparameter]) -> tuple[TrialRecord, ...]:
    """Return the trials whose configuration the space can sample; some references have a fixed shape."""
    fixed = {item.name: item.values for item in space if item.kind == "fixed" and item.values}
    return tuple(
        record
        for record in records
        if all(record.configuration.get(name, values[0]) in values for name, values in fixed.items())
    )


def factors(records: Sequence[TrialRecord], space: Sequence[Hyperparameter]) -> tuple[Factor, ...]:
    """Return a factor for each hyperparameter that takes two values or more among these trials.

    An inactive hyperparameter counts as its median, or as its most frequent category. So an effect of a condition is
    attributed to the hyperparameter that the condition tests.
    """
    names = setting_names(records, [item.name for item in space])
    candidates = (_factor(name, [record.configuration.get(name) for record in records]) for name in names)
    return tuple(factor for factor in candidates if factor is not None)


def with_epochs(settings: Sequence[Factor], records: Sequence[TrialRecord]) -> tuple[Factor, ...]:
    """Return the factors with the trials' epochs as one more, where these differ."""
    epochs = np.array([float(record.epochs) for record in records])
    if len(set(epochs.tolist())) < 2:
        return tuple(settings)
    return (Factor(EPOCHS, epochs), *settings)


def min_trials(factors: Sequence[Factor]) -> int:
    """Return the fewest trials from which importances are meaningful; a rule of thumb."""
    return max(LEAST_TRIALS, TRIALS_A_FACTOR * len(factors))


def is_number(value: object) -> bool:
    """Return True if a value belongs on a numeric axis; True and False do not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _factor(name: str, values: Sequence[Value | None]) -> Factor | None:
    active = [value for value in values if value is not None]
    # Count the values' text: True is not 1, and 1 is not 1.0.
    counts = Counter(repr(value) for value in active)
    if len(counts) < 2:
        return None
    if all(is_number(value) for value in active):
        numbers = [float(value) for value in active]
        usual = median_low(numbers)
        return Factor(name, np.array([usual if value is None else float(value) for value in values]))
    codes = {key: code for code, key in enumerate(sorted(counts))}
    usual_key = min(counts, key=lambda key: (-counts[key], key))
    keys = (usual_key if value is None else repr(value) for value in values)
    return Factor(name, np.array([float(codes[key]) for key in keys]), categories=len(codes))
