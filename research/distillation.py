"""Learning from a teacher: the ensemble of a base's own models, as a change of a training (`training_changes`)."""

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
"""In the data folder: a teacher's probabilities (n, classes) of the training images, float32."""


def distil(share: float, temperature: float) -> Callable[[Path], None]:
    """Learns a share of the loss from the teacher's probabilities in the data folder (Hinton, Vinyals and Dean 2015).

    A label then is its class and the row of its image, so that the loss finds the teacher's word on the image that was
    augmented: row × classes + class.
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

        own = training.EpochBatches

        def batches(x: Images, y: NDArray[Any], *rest: Any) -> Any:
            return own(x, np.arange(len(y)) * classes + np.asarray(y), *rest)

        setattr(training, "compile_model", compile_model)  # noqa: B010 - mypy wants no module's function replaced
        setattr(training, "EpochBatches", batches)  # noqa: B010

    return apply


def softened(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities (n, classes) as they are with logits divided by a temperature."""
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
        # Its gradients shrink with the temperature's square.
        return (1.0 - share) * labelled + share * temperature**2 * taught

    return loss


class _OfCodes:
    """Of a metric of integer labels that finds them in codes of row and class."""

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
    """Keep the mean probabilities of a folder's `.keras` models so named beside the data; returns how many there were."""
    images = np.load(data_folder / "x_train.npy", mmap_mode="r")
    files = sorted(models.glob(f"{prefix}*.keras"))
    each = [keras.saving.load_model(file).predict(images, batch_size=500, verbose=0) for file in files]
    np.save(data_folder / TEACHER, np.mean(each, axis=0, dtype=np.float64).astype(np.float32))
    return len(files)
