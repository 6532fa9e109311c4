"""A family of networks as a `keras_tuner.HyperModel`."""

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
    """A mixin that makes a family a `keras_tuner.HyperModel`: `class Dense(KerasSpace, DenseFamily)`.

    The caps apply to `sample`, not to samples of Keras Tuner's oracles, which has `max_model_size` for that. Arguments
    and errors as in the family.
    """

    def __init__(
        self,
        max_params: int | None = None,
        max_macs: int | None = None,
        classes: int = 10,
        image_shape: tuple[int, ...] = (28, 28),
        digits: bool = True,
        *,
        max_ram: int | None = None,
        max_flash: int | None = None,
    ) -> None:
        Family.__init__(self, max_params, max_macs, classes, image_shape, digits, max_ram=max_ram, max_flash=max_flash)
        # Keras Tuner's constructor would overwrite the family's name.
        keras_tuner.HyperModel.__init__(self, name=self.name)

    def build(self, hp: Any) -> Any:
        """Return a compiled model from uint8 images of `problem.image_shape` to probabilities (n, classes).

        Declares every hyperparameter, those of `fit` too, which Keras Tuner would otherwise see too late.
        """
        self.declare(hp)
        return self.build_values(self.values(hp))

    def build_values(self, values: Mapping[str, Value]) -> Any:
        """Return the compiled model of a configuration."""
        recipe = self.recipe(values)
        model = build_model(self.specs(values), l2=recipe.l2, name=self.name, image_shape=self.problem.image_shape)
        compile_model(model, recipe)
        return model

    def fit(self, hp: Any, model: Any, x: Images, y: Labels, epochs: int = 1, **kwargs: Any) -> Any:
        """Train a model of `build` by the configuration's recipe; arguments as in `training.fit_model`."""
        return self.fit_values(self.values(hp), model, x, y, epochs, **kwargs)

    def fit_values(
        self, values: Mapping[str, Value], model: Any, x: Images, y: Labels, epochs: int = 1, **kwargs: Any
    ) -> Any:
        """Train the model of a configuration; `seed` determines shuffling and augmentation."""
        return fit_model(model, self.recipe(values), x, y, epochs, **kwargs)

    def augment(self, values: Mapping[str, Value], images: Images, rng: np.random.Generator) -> Images:
        """Return images augmented as in a configuration's training."""
        return augment(images, self.recipe(values).augmentation, rng)
