"""The base of every family, without Keras: counting, sampling within caps, checking, references.

A space's own family gives its hyperparameters, its smallest network, how values become specs, and its references; here is
all the rest. How a model is built and trained is in `keras_space`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from search_spaces.families.references import Reference, best_first
from search_spaces.hyperparameters import hyperparameter as tuned
from search_spaces.hyperparameters import parsing
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value
from search_spaces.hyperparameters.recipe import Recipe
from search_spaces.networks.costs import LayerSummary, check_specs, costs, largest_activation_bytes, summarise
from search_spaces.networks.notation import format_specs
from search_spaces.networks.specs import Spec, activation_of
from search_spaces.sampling.capped import CapError, Caps, Sampler, Smallest, shrunk_defaults

LEAST_CLASSES, MOST_CLASSES = 2, 100


class Family(ABC):
    """A family of networks under a cap of parameters and one of multiply-adds.

    The default of every hyperparameter makes a configuration that fits: where caps or classes leave less room than the
    space's own, defaults of the shape are smaller.

    Args:
        max_params: trainable parameters at most, of what `sample` returns; None: the space's own cap.
        max_macs: multiply-adds of one image at most; None: the space's own.
        classes: 2 to 100.

    Raises:
        CapError: where no network fits; names the smallest one.
        ValueError: where an argument is out of its range.
    """

    name: ClassVar[str]
    default_max_params: ClassVar[int]
    default_max_macs: ClassVar[int]
    smallest: ClassVar[Mapping[str, Value]]
    """The shape of the smallest network, as of `sampling.Sampler`."""
    published: ClassVar[tuple[Reference, ...]] = ()
    hyperparameters: tuple[Hyperparameter, ...]
    """All, each after those that it depends on; a subclass gives them for its own caps and ten classes."""

    def __init__(self, max_params: int | None = None, max_macs: int | None = None, classes: int = 10) -> None:
        if not LEAST_CLASSES <= classes <= MOST_CLASSES:
            raise ValueError(f"Expected {LEAST_CLASSES} to {MOST_CLASSES} classes. Received: classes={classes}")
        self.max_params = self.default_max_params if max_params is None else max_params
        self.max_macs = self.default_max_macs if max_macs is None else max_macs
        self.classes = classes
        if not self.fits(self.smallest):
            raise CapError(Caps(self.max_params, self.max_macs), self.smallest_network())
        smaller = shrunk_defaults(self.hyperparameters, self.smallest, self.fits)
        self.hyperparameters = tuned.with_defaults(self.hyperparameters, smaller)
        self._sampler = Sampler(self.hyperparameters, self.smallest, self.fits)

    @abstractmethod
    def network(self, configuration: Mapping[str, Value]) -> tuple[Spec, ...]:
        """The network of a complete configuration as data."""

    def declare(self, hp: Any) -> None:
        """Declare every hyperparameter on a `keras_tuner.HyperParameters` (`Any`: its type would import Keras)."""
        tuned.declare(self.hyperparameters, hp)

    def values(self, hp: Any) -> dict[str, Value]:
        """The configuration that a `keras_tuner.HyperParameters` holds."""
        return self.active(hp.values)

    def active(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The configuration among these values; what is missing has its default."""
        return tuned.active(self.hyperparameters, values)

    def complete(
        self, values: Mapping[str, Value], *, base: Mapping[str, Value] | None = None, strict: bool = True
    ) -> dict[str, Value]:
        """The configuration that a person means by some values; whether it fits the caps is another question.

        Args:
            values: checked one by one.
            base: a configuration to take what is missing from, a reference's say: what `values` make inactive is
                dropped. Without it, and for what it lacks, the defaults hold.
            strict: False lets a number leave its range, though not its kind, and not where others depend on it.

        Raises:
            ValueError: names the hyperparameter, what was expected and what was received, in one line.
        """
        configuration = parsing.complete(self.hyperparameters, values, base=base, strict=strict)
        check_specs(self.network(configuration))
        self.recipe(configuration)
        return configuration

    def check(self, values: Mapping[str, Value]) -> None:
        """Check a configuration that somebody wrote.

        Raises:
            ValueError: names the hyperparameter, what was expected and what was received.
        """
        self.complete(values)

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """A configuration within the caps, by this generator alone."""
        return self._sampler.sample(rng)

    def sample_near(self, rng: np.random.Generator, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """A configuration within the caps with a few values other than in this one, by this generator alone.

        Args:
            rng: the only source of chance.
            configuration: complete and within the caps.
        """
        return self._sampler.sample_near(rng, configuration)

    def default_configuration(self) -> dict[str, Value]:
        """Every active hyperparameter's default; it fits."""
        return self.active({})

    def scaled(self, configuration: Mapping[str, Value]) -> dict[str, Value] | None:
        """Return the same with the numbers of its shape drawn in until it fits; None where it can't be."""
        found = tuned.with_defaults(
            self.hyperparameters, {name: configuration[name] for name in self.smallest if name in configuration}
        )
        drawn_in = {**configuration, **shrunk_defaults(found, self.smallest, self.fits)}
        return self.active(drawn_in) if self.fits(drawn_in) else None

    def scaled_references(self) -> tuple[tuple[Reference, dict[str, Value]], ...]:
        """Published networks above the caps, and each scaled to fit: best first by the accuracy that they had at their own size."""
        larger = best_first([reference for reference in self.published if not self.fits(reference.values)])
        found = ((reference, self.scaled(reference.values)) for reference in larger)
        return tuple((reference, values) for reference, values in found if values is not None)

    def fitting_values(self) -> dict[str, tuple[Value, ...]]:
        """Return, for each hyperparameter that the count depends on, the values that some network within the caps has."""
        return self._sampler.fitting_values()

    def specs(self, values: Mapping[str, Value]) -> tuple[Spec, ...]:
        """The network as data."""
        return self.network(self.active(values))

    def recipe(self, values: Mapping[str, Value]) -> Recipe:
        """Return how a configuration is trained."""
        return Recipe.from_values(self.active(values))

    def notation(self, values: Mapping[str, Value]) -> str:
        """The network as text; its activation is understood."""
        return format_specs(self.specs(values), activation_of(self.active(values)))

    def layers(self, values: Mapping[str, Value]) -> tuple[LayerSummary, ...]:
        """Return what each layer is and costs."""
        return summarise(self.specs(values))

    def costs(self, values: Mapping[str, Value]) -> tuple[int, int]:
        """Trainable parameters, and multiply-adds of one image in one forward pass."""
        return costs(self.specs(values))

    def count_parameters(self, values: Mapping[str, Value]) -> int:
        """Trainable parameters."""
        return self.costs(values)[0]

    def count_multiply_adds(self, values: Mapping[str, Value]) -> int:
        """Return the multiply-adds of one image, in one forward pass."""
        return self.costs(values)[1]

    def largest_activation_bytes(self, values: Mapping[str, Value]) -> int:
        """Return the bytes of one image's largest activation, in float32."""
        return largest_activation_bytes(self.specs(values))

    def fits(self, values: Mapping[str, Value]) -> bool:
        """Return whether a configuration is within the caps."""
        return Caps(self.max_params, self.max_macs).hold(self.costs(values))

    def smallest_network(self) -> Smallest:
        """The smallest network, in parameters and in multiply-adds."""
        return Smallest(self.notation(self.smallest), *self.costs(self.smallest))

    def references(self) -> tuple[Reference, ...]:
        """All published networks of this kind."""
        return self.published

    def references_that_fit(self) -> tuple[Reference, ...]:
        """Those within the caps, best first by published accuracy; those without one come last."""
        return best_first([reference for reference in self.published if self.fits(reference.values)])

    def hyperparameters_json(self) -> list[dict[str, Any]]:
        """The hyperparameters as in `run.json`."""
        return [hyperparameter.to_json() for hyperparameter in self.hyperparameters]
