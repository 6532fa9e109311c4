"""Configurations near a known one: a few of its values changed, numbers by little.

Searches sample some of their configurations like this (`tuner.oracle.sampling`). A sample is a pure function of its random generator.
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
    """A configuration with at least one active value changed; what becomes active by that has its default."""
    tuned = [own for own in hyperparameters if own.name in configuration and own.kind != "fixed"]
    share = min(0.5, CHANGES / len(tuned))
    chosen = [own for own in tuned if rng.random() < share] or [tuned[int(rng.integers(len(tuned)))]]
    changes = {own.name: sample_beside(rng, own, configuration[own.name]) for own in chosen}
    return active(hyperparameters, {**configuration, **changes})
