"""The winner's models meet the test set, once; and the arrays behind a report's figures. Runs in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.core.disk_full import is_no_space
from tuner.core.failures import is_out_of_memory, reason
from tuner.core.records import Json
from tuner.data.dataset import Dataset
from tuner.images.ood_images import DRAWN, are_digits, drawn_arrays, own_arrays
from tuner.images.user_images import load_own_images
from tuner.processes.tasks import EvaluateTask
from tuner.spaces.adapter import network_of
from tuner.spaces.kept_models import load_kept_model
from tuner.spaces.loading import make_space
from tuner.spaces.network_training import predict
from tuner.spaces.tracing import TracedLayer, layer_maps, output_shape
from tuner.stats.intervals import mean_and_sd
from tuner.stats.metrics import Labels, score_test_set
from tuner.storage.npz_io import Arrays, write_npz
from tuner.storage.schema.model_interface import ModelInterface
from tuner.training.corruptions import KINDS, corrupted
from tuner.training.weight_statistics import kernels_of

_ERRORS_SHOWN = 80
_RIGHT_SHOWN = 60
_SAMPLES_SHOWN = 60
_KERNELS_SHOWN = 64


def evaluate(task: EvaluateTask, data: Dataset) -> Json:
    """Evaluate the winner's models on the test set, if it may be used, and collect what figures need.

    A figure whose arrays can't be had is left out and named: what was trained is worth more than it.

    Returns:
        {"test": as in result.json, or None; "faults": what could not be made, in words}. The arrays are left at `task.arrays`.
    """
    models = {index: path for index, path in enumerate(task.models) if task.test or index == task.exported}
    loaded = {index: load_kept_model(Path(path), task.space, task.configuration) for index, path in models.items()}
    exported = loaded[task.exported]
    arrays: Arrays = {}
    test: Json | None = None
    example = data.x_validation[0]
    if task.test:
        test, arrays = _meet_test_set(task, data, loaded)
        example = data.x_test[0]
    parts: dict[str, Callable[[], Arrays]] = {
        "the first layer's kernels": lambda: _kernels(exported),
        "samples of the training images": lambda: _samples(task, data),
        "feature maps": lambda: feature_maps(exported, np.asarray(example), task.space.interface),
        "robustness": lambda: _robustness(exported, data, task.seed) if task.test else {},
        "images of other sources": lambda: custom_arrays(task, data, exported) if task.custom else {},
    }
    faults = []
    for name, part in parts.items():
        try:
            arrays |= part()
        except Exception as error:
            if is_no_space(error) or is_out_of_memory(error):
                raise
            faults.append(f"The page lacks {name}: {reason(error)}")
    write_npz(Path(task.arrays), arrays)
    keras.backend.clear_session()
    return {"test": test, "faults": faults}


def custom_arrays(task: EvaluateTask, data: Dataset, model: Any) -> Arrays:
    """Return what the exported model (untyped) makes of drawn digits, where its classes are digits, and of the user's images."""

    def ask(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return predict(model, images)

    drawn = DRAWN if are_digits(data.name, data.class_names) else 0
    arrays = drawn_arrays(ask, drawn, task.seed)
    if task.own_images is not None:
        arrays |= own_arrays(ask, load_own_images(Path(task.own_images)), len(data.class_names))
    return arrays


def _meet_test_set(task: EvaluateTask, data: Dataset, models: Mapping[int, Any]) -> tuple[Json, Arrays]:
    labels = np.asarray(data.y_test)
    per_model = [predict(models[index], data.x_test) for index in range(len(task.models))]
    probabilities = per_model[task.exported]
    per_seed = [float((p.argmax(axis=1) == labels).mean()) for p in per_model]
    mean, sd = mean_and_sd(per_seed)
    test = {
        **score_test_set(probabilities, labels, data.class_names),
        "accuracy": mean,
        "sd": sd,
        "per_seed": per_seed,
    }
    shown = shown_images(probabilities, labels)
    arrays: Arrays = {
        "test/labels": labels,
        "test/probabilities": probabilities,
        "test/predictions_per_seed": np.array([p.argmax(axis=1) for p in per_model]),
        "images/test_indices": shown,
        "images/test": np.asarray(data.x_test)[shown],
    }
    return test, arrays


def shown_images(probabilities: NDArray[np.floating[Any]], labels: Labels) -> NDArray[np.int64]:
    """Indices of the test images that the page shows: errors, worst first; then right ones, surest and least sure.

    An error is worse the less probable its label seemed. Of the right ones, each class gives as many.
    """
    of_label = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    worst = wrong[np.argsort(of_label[wrong], kind="stable")][:_ERRORS_SHOWN]
    classes = probabilities.shape[1]
    each = max(1, _RIGHT_SHOWN // (2 * classes))
    right: list[int] = []
    for c in range(classes):
        members = np.setdiff1d(np.flatnonzero(labels == c), wrong)
        ranked = members[np.argsort(-of_label[members], kind="stable")]
        right += [*ranked[:each], *ranked[max(each, len(ranked) - each) :]]
    return np.concatenate([worst, np.array(right[:_RIGHT_SHOWN], dtype=np.int64)]).astype(np.int64)


def _robustness(model: Any, data: Dataset, seed: int) -> Arrays:
    images, labels = np.asarray(data.x_test), np.asarray(data.y_test)
    accuracy = [
        [
            float(
                (predict(model, corrupted(kind, images, level, _rng(seed, row, step))).argmax(axis=1) == labels).mean()
            )
            for step, level in enumerate(kind.levels)
        ]
        for row, kind in enumerate(KINDS)
    ]
    return {
        "robustness/kinds": np.array([kind.name for kind in KINDS]),
        "robustness/units": np.array([kind.unit for kind in KINDS]),
        "robustness/levels": np.array([kind.levels for kind in KINDS]),
        "robustness/accuracy": np.array(accuracy),
    }


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _samples(task: EvaluateTask, data: Dataset) -> Arrays:
    """Some training images of each class, and the same as the winner's training saw them."""
    classes = len(data.class_names)
    each = max(1, min(6, _SAMPLES_SHOWN // classes))
    labels = np.asarray(data.y_train)
    chosen = np.concatenate([np.flatnonzero(labels == c)[:each] for c in range(classes)])[:_SAMPLES_SHOWN]
    images = np.asarray(data.x_train)[chosen]
    space = make_space(task.space)
    arrays: Arrays = {"images/samples": images, "images/sample_labels": labels[chosen]}
    if hasattr(space, "augment"):
        arrays["images/augmented"] = space.augment(task.configuration, images, _rng(task.seed))
    return arrays


def _kernels(model: Any) -> Arrays:
    """The first layer's kernels (height, width, filters); a dense layer's as templates of the image's size."""
    kernel = next((kernel for _, kernel in kernels_of(model)), None)
    if kernel is None:
        return {}
    if kernel.ndim == 4:
        return {"kernels": kernel[:, :, 0, :_KERNELS_SHOWN].astype(np.float32)}
    height, width = model.input_shape[1:3]
    if kernel.ndim == 2 and kernel.shape[0] == height * width:
        return {"kernels": kernel.reshape(height, width, -1)[:, :, :_KERNELS_SHOWN].astype(np.float32)}
    return {}


def feature_maps(model: Any, example: NDArray[np.uint8], interface: ModelInterface | None = None) -> Arrays:
    """Return what each convolutional layer makes of one image (28, 28) uint8; `interface` as in `network_of`."""
    network, pixels = network_of(model, interface, example[None])
    maps = layer_maps(network, pixels, _with_maps)
    if not maps:
        return {}
    arrays: Arrays = {"features/example": example, "features/names": np.array(list(maps))}
    return arrays | {f"features/{index}": output.astype(np.float32) for index, output in enumerate(maps.values())}


def _with_maps(layers: Sequence[TracedLayer]) -> Sequence[TracedLayer]:
    """Return the layers whose output is worth a picture: activations of maps, or convolutions where there are none."""
    maps = [traced for traced in layers if len(shape := output_shape(traced)) == 3 and shape[0] > 1]
    activations = [own for own in maps if isinstance(own.layer, (keras.layers.Activation, keras.layers.ReLU))]
    convolutions = [own for own in maps if "conv" in type(own.layer).__name__.lower()]
    return activations or convolutions
