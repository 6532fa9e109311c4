"""compact8k without Keras: what a process that trains nothing asks of the space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from search_spaces import sampling
from search_spaces.family import HYPERPARAMETERS, specs_from_values
from search_spaces.hyperparameters import Hyperparameter, Value, active, check, declare
from search_spaces.references import REFERENCES, Reference, references_that_fit
from search_spaces.specs import LayerSummary, Spec, costs, largest_activation_bytes, summarise

DEFAULT_MAX_PARAMS = 8_000
DEFAULT_MAX_MACS = 2_500_000


class CompactFamily:
    """Small convolutional networks under a cap of parameters and one of multiply-adds.

    Args:
        max_params: trainable parameters at most, of what `draw` draws.
        max_macs: multiply-adds of one image at most.
        classes: 2 to 100.

    Raises:
        CapError: where no network fits; names the smallest one.
        ValueError: where an argument is out of its range.
    """

    name = "compact8k"
    hyperparameters: tuple[Hyperparameter, ...] = HYPERPARAMETERS

    def __init__(
        self, max_params: int = DEFAULT_MAX_PARAMS, max_macs: int = DEFAULT_MAX_MACS, classes: int = 10
    ) -> None:
        if not 2 <= classes <= 100:
            raise ValueError(f"Expected 2 to 100 classes. Received: classes={classes}")
        self.max_params = max_params
        self.max_macs = max_macs
        self.classes = classes
        sampling.fitting_values(max_params, max_macs, classes)

    def declare(self, hp: Any) -> None:
        """Declares every hyperparameter on a `keras_tuner.HyperParameters` (`Any`: its type would import Keras)."""
        declare(self.hyperparameters, hp)

    def values(self, hp: Any) -> dict[str, Value]:
        """The configuration that a `keras_tuner.HyperParameters` holds."""
        return active(self.hyperparameters, hp.values)

    def active(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The configuration among these values; what is missing has its default."""
        return active(self.hyperparameters, values)

    def check(self, values: Mapping[str, Value]) -> None:
        """Checks a configuration that somebody wrote.

        Raises:
            ValueError: names the hyperparameter, what was expected and what was received.
        """
        check(self.hyperparameters, values)
        self.specs(values)

    def draw(self, rng: np.random.Generator) -> dict[str, Value]:
        """A configuration within the caps, by this generator alone."""
        return sampling.draw(rng, self.max_params, self.max_macs, self.classes)

    def specs(self, values: Mapping[str, Value]) -> tuple[Spec, ...]:
        """The network as data."""
        return specs_from_values(self.active(values), self.classes)

    def layers(self, values: Mapping[str, Value]) -> tuple[LayerSummary, ...]:
        """What each layer is and costs."""
        return summarise(self.specs(values))

    def count_parameters(self, values: Mapping[str, Value]) -> int:
        """Trainable parameters."""
        return costs(self.specs(values))[0]

    def count_multiply_adds(self, values: Mapping[str, Value]) -> int:
        """Of one image, in one forward pass."""
        return costs(self.specs(values))[1]

    def largest_activation_bytes(self, values: Mapping[str, Value]) -> int:
        """Of one image, in float32."""
        return largest_activation_bytes(self.specs(values))

    def fits(self, values: Mapping[str, Value]) -> bool:
        """Whether a configuration is within the caps."""
        parameters, multiply_adds = costs(self.specs(values))
        return parameters <= self.max_params and multiply_adds <= self.max_macs

    def references(self) -> tuple[Reference, ...]:
        """All published networks of this kind."""
        return REFERENCES

    def references_that_fit(self) -> tuple[Reference, ...]:
        """Those within the caps, best first by published accuracy."""
        return references_that_fit(self.max_params, self.max_macs, self.classes)

    def hyperparameters_json(self) -> list[dict[str, Any]]:
        """The hyperparameters as in `run.json`."""
        return [hyperparameter.to_json() for hyperparameter in self.hyperparameters]
