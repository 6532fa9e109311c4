"""Distillation from an ensemble of the base's models, as a change of a training (`training_changes`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from search_spaces.keras import training
from search_spaces.keras.augmentation import Images

# Keras has no types: its models, optimizers and tensors are `Any` here.

TEACHER = "teacher.npy"
"""A file of the data folder: a teacher's probabilities (n, classes) of the training images, float32."""


def distil(share: float, temperature: float) -> Callable[[Path], None]:
    """Return a change that takes a fraction of the loss from the teacher's probabilities (Hinton et al. 2015).

    A label encodes its class and the row of its image, row × classes + class, so that the loss finds the teacher's
    probabilities of an augmented image.
    """

    def apply(folder: Path) -> None:
        soft = softened(np.load(folder / TEACHER), temperature)
        classes = soft.shape[1]

        def compile_model(
            model: Any, recipe: Any, total_steps: int | None = None, steps_per_execution: int = 1
        ) -> None:
            model.compile(
                optimizer=training.make_optimizer(recipe, total_steps),
                loss=_distilled_loss(soft, share, temperature),
                metrics=[_Accuracy(classes, name="accuracy"), _CrossEntropy(classes, name="cross_entropy")],
                steps_per_execution=steps_per_execution,
            )

        original = training.EpochBatches

        def batches(x: Images, y: NDArray[Any], *rest: Any) -> Any:
            return original(x, np.arange(len(y)) * classes + np.asarray(y), *rest)

        setattr(training, "compile_model", compile_model)  # noqa: B010 - mypy wants no module's function replaced
        setattr(training, "EpochBatches", batches)  # noqa: B010

    return apply


def softened(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities (n, classes) with their logits divided by a temperature."""
    logits = np.log(np.maximum(probabilities, 1e-12)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def _distilled_loss(soft: NDArray[np.float32], share: float, temperature: float) -> Callable[[Any, Any], Any]:
    ops, classes = keras.ops, soft.shape[1]
    table = ops.convert_to_tensor(soft)

    def loss(y_true: Any, y_pred: Any) -> Any:
        codes = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        labelled = keras.losses.sparse_categorical_crossentropy(codes % classes, y_pred)
        logits = ops.log(ops.maximum(y_pred, keras.config.epsilon())) / temperature
        taught = ops.categorical_crossentropy(ops.take(table, codes // classes, axis=0), logits, from_logits=True)
        # The gradients shrink with the square of the temperature.
        return (1.0 - share) * labelled + share * temperature**2 * taught

    return loss


class _OfCodes:
    """A mixin of a metric, which decodes labels from row × classes + class."""

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(**options)
        self._classes = classes

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        base: Any = super()
        base.update_state(keras.ops.cast(y_true, "int32") % self._classes, y_pred, sample_weight)


class _Accuracy(_OfCodes, keras.metrics.SparseCategoricalAccuracy):  # type: ignore[misc]
    pass


class _CrossEntropy(_OfCodes, keras.metrics.SparseCategoricalCrossentropy):  # type: ignore[misc]
    pass


def write_teacher(data_folder: Path, models: Path, prefix: str) -> int:
    """Write the mean probabilities of a folder's models with these names to the data folder; return their number."""
    images = np.load(data_folder / "x_train.npy", mmap_mode="r")
    files = sorted(models.glob(f"{prefix}*.keras"))
    each = [keras.saving.load_model(file).predict(images, batch_size=500, verbose=0) for file in files]
    np.save(data_folder / TEACHER, np.mean(each, axis=0, dtype=np.float64).astype(np.float32))
    return len(files)
