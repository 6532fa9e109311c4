"""The space `compact8k` as Keras Tuner knows it: hyperparameters to a compiled model, and how that is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras_tuner
import numpy as np

from search_spaces.augmentation import augment
from search_spaces.compact_family import DEFAULT_MAX_MACS, DEFAULT_MAX_PARAMS, CompactFamily
from search_spaces.hyperparameters import Value
from search_spaces.model import build_model
from search_spaces.training import Images, Labels, Recipe, affine_from_values, compile_model, fit_model

# Keras and Keras Tuner have no types: models, histories and `HyperParameters` are `Any` here.


class Compact8k(CompactFamily, keras_tuner.HyperModel):  # type: ignore[misc]
    """Small convolutional networks for images of 28×28 under a cap of parameters.

    The caps hold for `draw`, not for what a stock Keras Tuner draws: that is built whatever it is (Keras Tuner's
    `max_model_size` is there for it).

    Args:
        max_params: trainable parameters at most, of what `draw` draws.
        max_macs: multiply-adds of one image at most.
        classes: 2 to 100.

    Raises:
        CapError: where no network fits; names the smallest one.
        ValueError: where an argument is out of its range.
    """

    def __init__(
        self, max_params: int = DEFAULT_MAX_PARAMS, max_macs: int = DEFAULT_MAX_MACS, classes: int = 10
    ) -> None:
        CompactFamily.__init__(self, max_params, max_macs, classes)
        # Keras Tuner's own constructor would set the name that the family has.
        keras_tuner.HyperModel.__init__(self, name=self.name)

    def build(self, hp: Any) -> Any:
        """A compiled model from uint8 images (n, 28, 28) to probabilities (n, classes).

        Declares every hyperparameter, those of `fit` too: Keras Tuner would learn of them too late.
        """
        self.declare(hp)
        return self.build_values(self.values(hp))

    def build_values(self, values: Mapping[str, Value]) -> Any:
        """The compiled model of a configuration."""
        configuration = self.active(values)
        model = build_model(self.specs(configuration), l2=float(configuration["l2"]), name=self.name)
        compile_model(model, Recipe.from_values(configuration))
        return model

    def fit(self, hp: Any, model: Any, x: Images, y: Labels, epochs: int = 1, **kwargs: Any) -> Any:
        """Trains a model that `build` gave, by the configuration's recipe; arguments as of `training.fit_model`."""
        return self.fit_values(self.values(hp), model, x, y, epochs, **kwargs)

    def fit_values(
        self, values: Mapping[str, Value], model: Any, x: Images, y: Labels, epochs: int = 1, **kwargs: Any
    ) -> Any:
        """`fit` for a configuration: the schedule fitted to the epochs, shuffling and augmentation by `seed`."""
        return fit_model(model, Recipe.from_values(self.active(values)), x, y, epochs, **kwargs)

    def augment(self, values: Mapping[str, Value], images: Images, rng: np.random.Generator) -> Images:
        """Images (n, 28, 28) as a configuration's training would see them; the same ones where it augments nothing."""
        return augment(images, affine_from_values(self.active(values)), rng)
