"""A user's program without mnist-tune: a `keras_tuner.HyperModel` with Keras's layers, `fit` and augmentation.

Networks and recipes are those of our spaces, sampled by Keras Tuner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import keras_tuner

from search_spaces.families.family import Family
from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.hyperparameters.recipe import Augmentation, Recipe
from search_spaces.keras.model import build_model
from search_spaces.keras.training import Images, Labels, make_optimizer

# Keras and Keras Tuner have no types: models, histories and `HyperParameters` are `Any` here, and so are their classes.


class PlainSpace(keras_tuner.HyperModel):  # type: ignore[misc]
    """A family's networks, built and trained as in Keras's guides.

    Args:
        family: the source of hyperparameters, networks and recipes.
        augments: False trains without augmentation.
    """

    def __init__(self, family: Family, augments: bool = True) -> None:
        super().__init__(name="plain")
        self._family = family
        self._augments = augments

    def build(self, hp: Any) -> Any:
        """Return a compiled model with the peak learning rate."""
        self._family.declare(hp)
        values = self._family.values(hp)
        recipe = self._family.recipe(values)
        return compiled(build_model(self._family.specs(values), l2=recipe.l2), recipe, None)

    def fit(self, hp: Any, model: Any, x: Images, y: Labels, **kwargs: Any) -> Any:
        """Train with a schedule of the remaining epochs; arguments of Keras's `fit`."""
        recipe = self._family.recipe(self._family.values(hp))
        return fit_plainly(
            model, recipe if self._augments else replace(recipe, augmentation=Augmentation()), x, y, **kwargs
        )


def compiled(model: Any, recipe: Recipe, total_steps: int | None) -> Any:
    """Return the model, compiled as in a guide: its loss and `accuracy`."""
    model.compile(
        optimizer=make_optimizer(recipe, total_steps),
        loss=_loss(recipe),
        metrics=["accuracy"],
    )
    return model


def _loss(recipe: Recipe) -> Any:
    if not recipe.label_smoothing:
        return keras.losses.SparseCategoricalCrossentropy()

    def smoothed(labels: Any, probabilities: Any) -> Any:
        wanted = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), probabilities.shape[-1])
        return keras.losses.categorical_crossentropy(wanted, probabilities, label_smoothing=recipe.label_smoothing)

    return smoothed


def fit_plainly(model: Any, recipe: Recipe, x: Images, y: Labels, **kwargs: Any) -> Any:
    """Call Keras's `fit` with arrays, or for augmentation with a `tf.data.Dataset` and Keras's image layers."""
    batch_size = min(recipe.batch_size, len(x))
    epochs = kwargs.get("epochs", 1) - kwargs.get("initial_epoch", 0)
    compiled(model, recipe, epochs * -(-len(x) // batch_size))
    if recipe.augmentation.is_identity:
        return model.fit(x, y, batch_size=batch_size, **kwargs)
    return model.fit(augmented(x, y, batch_size, recipe.augmentation), **kwargs)


def augmented(x: Images, y: Labels, batch_size: int, strengths: Augmentation) -> Any:
    """Return shuffled batches, augmented in the input pipeline with `tf.data`'s choice of threads."""
    import tensorflow as tf

    layers = image_layers(strengths)

    def change(images: Any, labels: Any) -> tuple[Any, Any]:
        maps = tf.cast(images, "float32")[..., None]
        for layer in layers:
            maps = layer(maps, training=True)
        return maps[..., 0], labels

    rows = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(batch_size)
    return rows.map(change, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def image_layers(strengths: Augmentation) -> Sequence[Any]:
    """Return Keras's layers for the strengths."""
    outside: Mapping[str, Value] = {"fill_mode": "constant"}
    made: list[Any] = []
    if strengths.rotation:
        made.append(keras.layers.RandomRotation(strengths.rotation / 360.0, **outside))
    if strengths.shift:
        made.append(keras.layers.RandomTranslation(strengths.shift, strengths.shift, **outside))
    if strengths.scale:
        made.append(keras.layers.RandomZoom(strengths.scale, **outside))
    if strengths.brightness:
        made.append(keras.layers.RandomBrightness(strengths.brightness))
    if strengths.contrast:
        made.append(keras.layers.RandomContrast(strengths.contrast))
    return made


class ListOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """An oracle of a list of configurations."""

    def __init__(self, configurations: Sequence[Mapping[str, Value]]) -> None:
        super().__init__(objective=keras_tuner.Objective("val_accuracy", "max"), max_trials=len(configurations))
        self._configurations = configurations

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the configuration of a trial; Keras Tuner numbers trials from 0."""
        return {
            "status": keras_tuner.engine.trial.TrialStatus.RUNNING,
            "values": dict(self._configurations[int(trial_id)]),
        }
