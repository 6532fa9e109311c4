"""Neighbours of a configuration: a few of its values changed, numbers slightly.

Searches sample some of their configurations like this (`tuner.oracle.sampling`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, active
from search_spaces.sampling.values import sample_beside

CHANGES = 3.0
"""The mean number of values that change."""


def sample_changed(
    rng: np.random.Generator, hyperparameters: Sequence[Hyperparameter], configuration: Mapping[str, Value]
) -> dict[str, Value]:
    """Sample a configuration with one or more changed values; newly active hyperparameters have defaults."""
    tuned = [
        hyperparameter
        for hyperparameter in hyperparameters
        if hyperparameter.name in configuration and hyperparameter.kind != "fixed"
    ]
    share = min(0.5, CHANGES / len(tuned))
    chosen = [hyperparameter for hyperparameter in tuned if rng.random() < share] or [
        tuned[int(rng.integers(len(tuned)))]
    ]
    changes = {
        hyperparameter.name: sample_beside(rng, hyperparameter, configuration[hyperparameter.name])
        for hyperparameter in chosen
    }
    return active(hyperparameters, {**configuration, **changes})
