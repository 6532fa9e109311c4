"""The compact spaces without Keras: one family of networks under several caps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from search_spaces.families.compact import sampling as compact_sampling
from search_spaces.families.compact.image_input import hyperparameters_for, is_larger, pooled_area
from search_spaces.families.compact.layers import specs_from_values
from search_spaces.families.compact.references import REFERENCES
from search_spaces.families.compact.shape import DRAWN, HYPERPARAMETERS, MAX_CONVS, is_width
from search_spaces.families.compact.structures import smallest_structure
from search_spaces.families.compact.witnesses import fitting_values
from search_spaces.families.family import Family
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, with_defaults
from search_spaces.networks.problem import Problem
from search_spaces.networks.specs import Spec


class CompactFamily(Family):
    """compact8k: small convolutional networks of 8,000 parameters at most.

    The default configuration has 7,912: two convolutions, pooling, four convolutions, the mean of each channel.
    It trains with SGD and Nesterov's momentum under one cycle, batches of 64 and mild augmentation.
    """

    name = "compact8k"
    default_max_params = 8_000
    default_max_macs = 2_500_000
    hyperparameters = HYPERPARAMETERS
    published = REFERENCES

    @property
    def smallest(self) -> Mapping[str, Value]:  # type: ignore[override]
        return smallest_structure(self._caps, self.problem)

    def hyperparameters_for(self, problem: Problem) -> tuple[Hyperparameter, ...]:
        return hyperparameters_for(self.hyperparameters, problem)

    def macs_for(self, problem: Problem) -> int:
        return round(self.default_max_macs * max(1.0, pooled_area(problem)))

    def fitting_defaults(self) -> Mapping[str, Value]:
        if is_larger(self.problem) and (filled := self.scaled(self.active({}))) is not None:
            return {name: value for name, value in filled.items() if is_width(name)}
        return super().fitting_defaults()

    def network(self, configuration: Mapping[str, Value]) -> tuple[Spec, ...]:
        return specs_from_values(configuration, self.problem)

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """Sample a configuration within the caps, mostly close to them (`compact.sampling`)."""
        return compact_sampling.sample(rng, self.hyperparameters, self._caps, self.problem)

    def sample_near(self, rng: np.random.Generator, configuration: Mapping[str, Value]) -> dict[str, Value]:
        return compact_sampling.sample_near(rng, self.hyperparameters, configuration, self._caps, self.problem)

    def scaled(self, configuration: Mapping[str, Value]) -> dict[str, Value] | None:
        if configuration["network"] != DRAWN:
            return None
        return compact_sampling.scaled_to_caps(self.active(configuration), self._caps, self.problem)

    def fitting_values(self) -> dict[str, tuple[Value, ...]]:
        return fitting_values(self._caps, self.problem)


def _with_filters(*stages: tuple[int, ...]) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters with other default filters; a stage's last number applies to its further layers."""
    filters: dict[str, Value] = {
        f"filters_{stage}_{position}": counts[min(position, len(counts)) - 1]
        for stage, counts in enumerate(stages, start=1)
        for position in range(1, MAX_CONVS[stage] + 1)
    }
    return with_defaults(HYPERPARAMETERS, filters)


class Compact2kFamily(CompactFamily):
    """compact2k: compact8k's networks under a cap of 2,000 parameters.

    The default configuration has 1,980: that of compact8k, narrower in every layer.
    """

    name = "compact2k"
    default_max_params = 2_000
    default_max_macs = 1_000_000
    hyperparameters = _with_filters((4, 6), (6, 7), (8,))


class Compact4kFamily(CompactFamily):
    """compact4k: compact8k's networks under a cap of 4,000 parameters.

    The default configuration has 3,947: that of compact8k, narrower in every layer.
    """

    name = "compact4k"
    default_max_params = 4_000
    default_max_macs = 1_500_000
    hyperparameters = _with_filters((5, 8), (8, 10, 12, 9), (10,))


class Compact20kFamily(CompactFamily):
    """compact20k: compact8k's networks under a cap of 20,000 parameters.

    The default configuration has 19,762: that of compact8k, wider in every layer.
    """

    name = "compact20k"
    default_max_params = 20_000
    default_max_macs = 6_000_000
    hyperparameters = _with_filters((12, 18), (20, 22, 26, 21), (24,))
