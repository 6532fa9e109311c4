"""The compact spaces without Keras: one family of networks under several caps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from search_spaces.families.compact import sampling as compact_sampling
from search_spaces.families.compact.references import REFERENCES
from search_spaces.families.compact.shape import DRAWN, HYPERPARAMETERS, MAX_CONVS, SMALLEST, specs_from_values
from search_spaces.families.compact.witnesses import fitting_values
from search_spaces.families.family import Family
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, with_defaults
from search_spaces.networks.specs import Spec
from search_spaces.sampling.capped import Caps


class CompactFamily(Family):
    """compact8k: small convolutional networks of 8,000 parameters at most.

    The default configuration has 7,912 of them: two convolutions, pooling, four convolutions, the mean of each channel.
    It trains with SGD and Nesterov's momentum under one cycle, batches of 64 and mild augmentation.
    """

    name = "compact8k"
    default_max_params = 8_000
    default_max_macs = 2_500_000
    hyperparameters = HYPERPARAMETERS
    smallest = SMALLEST
    published = REFERENCES

    def network(self, configuration: Mapping[str, Value]) -> tuple[Spec, ...]:
        return specs_from_values(configuration, self.classes)

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """A configuration within the caps, by this generator alone, mostly close to them (`compact_sampling`)."""
        return compact_sampling.sample(rng, self.max_params, self.max_macs, self.classes)

    def sample_near(self, rng: np.random.Generator, configuration: Mapping[str, Value]) -> dict[str, Value]:
        caps = Caps(self.max_params, self.max_macs)
        return compact_sampling.sample_near(rng, self.hyperparameters, configuration, caps, self.classes)

    def scaled(self, configuration: Mapping[str, Value]) -> dict[str, Value] | None:
        if configuration["network"] != DRAWN:
            return None
        return compact_sampling.scaled_to_caps(configuration, Caps(self.max_params, self.max_macs), self.classes)

    def fitting_values(self) -> dict[str, tuple[Value, ...]]:
        return fitting_values(self.max_params, self.max_macs, self.classes)


def _with_filters(*stages: tuple[int, ...]) -> tuple[Hyperparameter, ...]:
    """Other default filters; a stage's last number stands for all that follow it."""
    filters: dict[str, Value] = {
        f"filters_{stage}_{position}": counts[min(position, len(counts)) - 1]
        for stage, counts in enumerate(stages, start=1)
        for position in range(1, MAX_CONVS[stage] + 1)
    }
    return with_defaults(HYPERPARAMETERS, filters)


class Compact2kFamily(CompactFamily):
    """compact2k: compact8k's networks under a cap of 2,000 parameters.

    The default configuration has 1,980: compact8k's own, narrower in every layer.
    """

    name = "compact2k"
    default_max_params = 2_000
    default_max_macs = 1_000_000
    hyperparameters = _with_filters((4, 6), (6, 7), (8,))


class Compact4kFamily(CompactFamily):
    """compact4k: compact8k's networks under a cap of 4,000 parameters.

    The default configuration has 3,947: compact8k's own, narrower in every layer.
    """

    name = "compact4k"
    default_max_params = 4_000
    default_max_macs = 1_500_000
    hyperparameters = _with_filters((5, 8), (8, 10, 12, 9), (10,))


class Compact20kFamily(CompactFamily):
    """compact20k: compact8k's networks under a cap of 20,000 parameters.

    The default configuration has 19,762: compact8k's own, wider in every layer.
    """

    name = "compact20k"
    default_max_params = 20_000
    default_max_macs = 6_000_000
    hyperparameters = _with_filters((12, 18), (20, 22, 26, 21), (24,))
