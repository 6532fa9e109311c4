"""The hyperparameters of a group of trials as factors of their score: which trials to ask, and how a value is encoded.

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
"""With fewer a forest learns little of anything."""
TRIALS_A_FACTOR = 2


def drawn(records: Iterable[TrialRecord], space: Sequence[Hyperparameter]) -> tuple[TrialRecord, ...]:
    """The trials whose configuration the space can draw: a published network in a notation of its own has a fixed shape."""
    fixed = {item.name: item.values for item in space if item.kind == "fixed" and item.values}
    return tuple(
        record
        for record in records
        if all(record.configuration.get(name, values[0]) in values for name, values in fixed.items())
    )


def factors(records: Sequence[TrialRecord], space: Sequence[Hyperparameter]) -> tuple[Factor, ...]:
    """A factor for each hyperparameter that takes two values or more among these trials.

    Where it is inactive it counts as its median, or its most frequent category: what changes with a condition is then
    explained by the hyperparameter that the condition asks for.
    """
    names = setting_names(records, [item.name for item in space])
    found = (_factor(name, [record.configuration.get(name) for record in records]) for name in names)
    return tuple(factor for factor in found if factor is not None)


def wanted_trials(found: Sequence[Factor]) -> int:
    """How many trials it takes before importances are worth a look; a rule of thumb."""
    return max(LEAST_TRIALS, TRIALS_A_FACTOR * len(found))


def is_number(value: object) -> bool:
    """Whether a value stands on a numeric axis: True and False do not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _factor(name: str, values: Sequence[Value | None]) -> Factor | None:
    active = [value for value in values if value is not None]
    # By their text: True is not 1, and 1 is not 1.0.
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
