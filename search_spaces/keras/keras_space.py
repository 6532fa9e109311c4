"""A family of networks as Keras Tuner knows it: hyperparameters to a compiled model, and how that is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras_tuner
import numpy as np

from search_spaces.families.family import Family
from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.keras.augmentation import augment
from search_spaces.keras.model import build_model
from search_spaces.keras.training import Images, Labels, compile_model, fit_model

# Keras and Keras Tuner have no types: models, histories and `HyperParameters` are `Any` here.


class KerasSpace(Family, keras_tuner.HyperModel):  # type: ignore[misc]
    """A `keras_tuner.HyperModel` of a family, to be mixed with it: `class Dense(KerasSpace, DenseFamily)`.

    The caps hold for `sample`, not for what a stock Keras Tuner samples: that is built whatever it is (Keras Tuner's
    `max_model_size` is there for it). Arguments and errors as of the family.
    """

    def __init__(self, max_params: int | None = None, max_macs: int | None = None, classes: int = 10) -> None:
        Family.__init__(self, max_params, max_macs, classes)
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
        recipe = self.recipe(values)
        model = build_model(self.specs(values), l2=recipe.l2, name=self.name)
        compile_model(model, recipe)
        return model

    def fit(self, hp: Any, model: Any, x: Images, y: Labels, epochs: int = 1, **kwargs: Any) -> Any:
        """Train a model that `build` gave, by the configuration's recipe; arguments as of `training.fit_model`."""
        return self.fit_values(self.values(hp), model, x, y, epochs, **kwargs)

    def fit_values(
        self, values: Mapping[str, Value], model: Any, x: Images, y: Labels, epochs: int = 1, **kwargs: Any
    ) -> Any:
        """`fit` for a configuration: the schedule fitted to the epochs, shuffling and augmentation by `seed`."""
        return fit_model(model, self.recipe(values), x, y, epochs, **kwargs)

    def augment(self, values: Mapping[str, Value], images: Images, rng: np.random.Generator) -> Images:
        """Images (n, 28, 28) as a configuration's training would see them; the same ones where it augments nothing."""
        return augment(images, self.recipe(values).augmentation, rng)
