"""The base class of the families, without Keras: counting, sampling within caps, validation, references.

A subclass provides hyperparameters, the smallest network, the specs of a configuration, and references. `keras_space`
builds and trains models.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from search_spaces.families.references import Reference, best_first
from search_spaces.hyperparameters import hyperparameter as tuned
from search_spaces.hyperparameters import parsing
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value
from search_spaces.hyperparameters.recipe import Recipe
from search_spaces.hyperparameters.training import picture_training
from search_spaces.networks.costs import (
    LayerSummary,
    chain,
    check_output,
    check_specs,
    costs,
    largest_activation_bytes,
    summarise,
)
from search_spaces.networks.int8_graph import MISSING_ACTIVATIONS, int8_graph, runs_in_tflm
from search_spaces.networks.memory import Memory, MemoryModel, PlacedTensor, network_memory
from search_spaces.networks.notation import format_specs
from search_spaces.networks.problem import Problem
from search_spaces.networks.specs import INPUT_SHAPE, Spec, activation_of
from search_spaces.sampling.capped import CapError, Caps, Sampler, Smallest, shrunk_defaults


class Family(ABC):
    """A family of networks under a cap of parameters and one of multiply-adds.

    The default configuration always fits: under smaller caps or with more classes, defaults of the shape are smaller.

    Args:
        max_params: the largest number of trainable parameters of a sample; None: the space's cap.
        max_macs: the largest number of multiply-adds of one image; None: the space's cap.
        max_ram: the largest arena of TFLM's interpreter in bytes; None: no cap.
        max_flash: the largest int8 file in bytes; None: no cap.
        classes: 2 to 100.
        image_shape: (h, w) of grey images or (h, w, 3) of colour ones, 4 to 128 pixels a side. Larger images than
            MNIST's have a larger default `max_macs`.
        digits: whether the images show digits; others may be mirrored and change their brightness and colours.

    Raises:
        CapError: where no network fits; names the smallest one.
        ValueError: where an argument is out of its range.
    """

    name: ClassVar[str]
    default_max_params: ClassVar[int]
    default_max_macs: ClassVar[int]
    smallest: Mapping[str, Value]
    """The shape of the smallest network, as in `Sampler`."""
    least_memory: ClassVar[Mapping[str, Value]] = MappingProxyType({"activation": "relu"})
    """Values, besides those of the shape, with which the smallest network needs the least memory."""
    published: ClassVar[tuple[Reference, ...]] = ()
    notes: ClassVar[tuple[str, ...]] = ()
    """Notes for the user about the space."""
    interface: ClassVar[None] = None
    """The form of a user's own model: none."""
    hyperparameters: tuple[Hyperparameter, ...]
    """All, each after its parents; a subclass defines them for its default caps and ten classes."""

    def __init__(
        self,
        max_params: int | None = None,
        max_macs: int | None = None,
        classes: int = 10,
        image_shape: tuple[int, ...] = INPUT_SHAPE[:2],
        digits: bool = True,
        *,
        max_ram: int | None = None,
        max_flash: int | None = None,
    ) -> None:
        self.problem = Problem(image_shape, classes, digits)
        self.max_ram, self.max_flash = max_ram, max_flash
        self.hyperparameters = self.hyperparameters_for(self.problem)
        if self._caps_memory:
            self.hyperparameters = tuned.without_values(self.hyperparameters, "activation", MISSING_ACTIVATIONS)
        self.max_params = self.default_max_params if max_params is None else max_params
        self.max_macs = self.macs_for(self.problem) if max_macs is None else max_macs
        self.check_caps()
        self.hyperparameters = tuned.with_defaults(self.hyperparameters, self.fitting_defaults())
        self._sampler = Sampler(self.hyperparameters, self._smallest, self.fits)

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return self.problem.classes

    @property
    def _caps(self) -> Caps:
        return Caps(self.max_params, self.max_macs, self.max_ram, self.max_flash)

    @property
    def _caps_memory(self) -> bool:
        return self.max_ram is not None or self.max_flash is not None

    @property
    def _smallest(self) -> Mapping[str, Value]:
        """Return the shape of the smallest network; memory depends on other values, too."""
        return {**self.smallest, **self.least_memory} if self._caps_memory else self.smallest

    def hyperparameters_for(self, problem: Problem) -> tuple[Hyperparameter, ...]:
        """Return the hyperparameters, with those of the augmentation of pictures where the images are no digits."""
        return self.hyperparameters if problem.digits else picture_training(self.hyperparameters, problem.is_colour)

    def macs_for(self, problem: Problem) -> int:
        """Return the default cap of multiply-adds, which grows with the image's area."""
        return round(self.default_max_macs * max(1.0, problem.area))

    def fitting_defaults(self) -> Mapping[str, Value]:
        """Return defaults of the shape that fit, where the family's own don't."""
        return shrunk_defaults(self.hyperparameters, self._smallest, self.fits)

    @abstractmethod
    def network(self, configuration: Mapping[str, Value]) -> tuple[Spec, ...]:
        """Return the network of a complete configuration as data."""

    def declare(self, hp: Any) -> None:
        """Declare every hyperparameter on a `keras_tuner.HyperParameters` (`Any`: its type would import Keras)."""
        tuned.declare(self.hyperparameters, hp)

    def values(self, hp: Any) -> dict[str, Value]:
        """Return the configuration of a `keras_tuner.HyperParameters`."""
        return self.active(hp.values)

    def active(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return the active ones of these values, with defaults for missing ones."""
        return tuned.active(self.hyperparameters, values)

    def complete(
        self, values: Mapping[str, Value], *, base: Mapping[str, Value] | None = None, strict: bool = True
    ) -> dict[str, Value]:
        """Return the configuration of a person's values, which may exceed the caps.

        Args:
            values: validated one by one.
            base: a configuration, such as a reference's, for missing values; without those that `values` make inactive.
                The defaults complete it.
            strict: False allows numbers outside their range, except for parents of other hyperparameters.

        Raises:
            ValueError: where a value is unknown, inactive or not allowed.
        """
        configuration = parsing.complete(self.hyperparameters, values, base=base, strict=strict)
        check_specs(self.network(configuration))
        self.recipe(configuration)
        return configuration

    def check(self, values: Mapping[str, Value]) -> None:
        """Raise ValueError where a person's configuration is invalid, as in `complete`."""
        self.complete(values)

    def check_output(self, configuration: Mapping[str, Value]) -> None:
        """Raise ValueError where a configuration's network doesn't end in one number for each class."""
        check_output(self.specs(configuration), self.problem.input_shape)

    def check_caps(self, seed: int = 0) -> None:
        """Raise CapError where no network fits; a user's space has to sample to know, by a seed."""
        del seed
        if not self.fits(self._smallest):
            raise CapError(self._caps, self.smallest_network())

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """Sample a configuration within the caps."""
        return self._sampler.sample(rng)

    def sample_near(self, rng: np.random.Generator, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """Sample a configuration within the caps that differs from this one in a few values.

        Args:
            rng: the only source of chance.
            configuration: complete and within the caps.
        """
        return self._sampler.sample_near(rng, configuration)

    def default_configuration(self) -> dict[str, Value]:
        """Return the default of every active hyperparameter, which fits."""
        return self.active({})

    def scaled(self, configuration: Mapping[str, Value]) -> dict[str, Value] | None:
        """Return the configuration with the numbers of its shape reduced until it fits; None where it can't fit."""
        shape = tuned.with_defaults(
            self.hyperparameters, {name: configuration[name] for name in self._smallest if name in configuration}
        )
        reduced = {**configuration, **shrunk_defaults(shape, self._smallest, self.fits)}
        return self.active(reduced) if self.fits(reduced) else None

    def scaled_references(self) -> tuple[tuple[Reference, dict[str, Value]], ...]:
        """Return the published networks that are no references here, each scaled to fit; best first by published accuracy."""
        fitting = self.references_that_fit()
        larger = best_first([reference for reference in self.published if reference not in fitting])
        pairs = ((reference, self.scaled(reference.values)) for reference in larger)
        return tuple((reference, values) for reference, values in pairs if values is not None)

    def fitting_values(self) -> dict[str, tuple[Value, ...]]:
        """Return, for each shape hyperparameter, its values that occur in a network within the caps."""
        return self._sampler.fitting_values()

    def specs(self, values: Mapping[str, Value]) -> tuple[Spec, ...]:
        """Return the network as data."""
        return self.network(self.active(values))

    def recipe(self, values: Mapping[str, Value]) -> Recipe:
        """Return the recipe of a configuration."""
        return Recipe.from_values(self.active(values))

    def notation(self, values: Mapping[str, Value]) -> str:
        """Return the network as text, without its activation."""
        return format_specs(self.specs(values), activation_of(self.active(values)))

    def layers(self, values: Mapping[str, Value]) -> tuple[LayerSummary, ...]:
        """Return each layer with its costs."""
        return summarise(self.specs(values), self.problem.input_shape)

    def costs(self, values: Mapping[str, Value]) -> tuple[int, int]:
        """Return the trainable parameters, and the multiply-adds of one image's forward pass."""
        return costs(self.specs(values), self.problem.input_shape)

    def count_parameters(self, values: Mapping[str, Value]) -> int:
        """Return the number of trainable parameters."""
        return self.costs(values)[0]

    def count_multiply_adds(self, values: Mapping[str, Value]) -> int:
        """Return the multiply-adds of one image's forward pass."""
        return self.costs(values)[1]

    def largest_activation_bytes(self, values: Mapping[str, Value]) -> int:
        """Return the bytes of one image's largest activation, in float32."""
        return largest_activation_bytes(self.specs(values), self.problem.input_shape)

    def fits(self, values: Mapping[str, Value]) -> bool:
        """Return whether a configuration is within the caps; of RAM or flash: also whether TFLM can run it."""
        specs = self.specs(values)
        if not self._caps.hold(costs(specs, self.problem.input_shape)):
            return False
        return not self._caps_memory or (runs_in_tflm(specs) and self._caps.hold_memory(*self._memory_model(specs)))

    def memory(self, values: Mapping[str, Value]) -> Memory:
        """Return the bytes of RAM and flash that the int8 network needs in TFLM's interpreter (`networks.memory`)."""
        return network_memory(self.specs(values), self.problem.input_shape)

    def known_memory(self, values: Mapping[str, Value]) -> tuple[int | None, int | None]:
        """Return the bytes of RAM and flash of the int8 network; no RAM where TFLM can't run it."""
        ram, flash = self.memory(values)
        return (ram if self.runs_in_tflm(values) else None), flash

    def placed_tensors(self, values: Mapping[str, Value]) -> tuple[list[str], list[PlacedTensor]]:
        """Return the operations of the int8 network, and its activations in TFLM's arena (`networks.memory`)."""
        model, widths = self._memory_model(self.specs(values))
        return model.operation_names, model.placed_tensors(widths)

    def runs_in_tflm(self, values: Mapping[str, Value]) -> bool:
        """Return whether TFLM's interpreter has every operation of a configuration's network."""
        return runs_in_tflm(self.specs(values))

    def _memory_model(self, specs: tuple[Spec, ...]) -> tuple[MemoryModel, list[int]]:
        return MemoryModel.of(int8_graph(specs, self.problem.input_shape)), chain(specs, self.problem.input_shape)[1]

    def smallest_network(self) -> Smallest:
        """Return the smallest network, in parameters and in multiply-adds, or the one that is nearest to caps of memory."""
        values = self._smallest
        memory = self.memory(values) if self._caps_memory else None
        return Smallest(self.notation(values), *self.costs(values), memory)

    def references(self) -> tuple[Reference, ...]:
        """Return all published networks of this family; none where the problem is another than theirs."""
        return self.published if self.problem.is_mnist_like else ()

    def references_that_fit(self) -> tuple[Reference, ...]:
        """Return the references within the caps, best first by published accuracy; those without one are last."""
        return best_first([reference for reference in self.references() if self.fits(reference.values)])

    def hyperparameters_json(self) -> list[dict[str, Any]]:
        """Return the hyperparameters as in `run.json`."""
        return [hyperparameter.to_json() for hyperparameter in self.hyperparameters]
