"""Evaluation of the winner's models on the test set, once, and the arrays of a report's figures. Runs in a worker."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from search_spaces.families.family import Family
from tuner.core.disk_full import is_no_space
from tuner.core.failures import is_out_of_memory, reason
from tuner.core.records import Json
from tuner.data.dataset import Dataset
from tuner.export.int8 import predict_int8
from tuner.images.ood_images import DRAWN, can_be_drawn, drawn_arrays, own_arrays
from tuner.images.user_images import load_own_images
from tuner.processes.tasks import EvaluateTask
from tuner.spaces.adapter import network_of
from tuner.spaces.kept_models import load_kept_model
from tuner.spaces.loading import make_space
from tuner.spaces.network_training import predict
from tuner.spaces.tracing import TracedLayer, layer_maps, output_shape
from tuner.stats.metrics import Labels, score_int8, score_seeds, score_test_set
from tuner.storage.npz_io import Arrays, write_npz
from tuner.storage.schema.model_interface import ModelInterface
from tuner.training.corruptions import corrupted, corruptions_of
from tuner.training.int8 import layer_arrays
from tuner.training.network_copy.arrays import network_arrays
from tuner.training.network_copy.chain import NotAChain
from tuner.training.weight_statistics import kernels_of

_ERRORS_SHOWN = 80
_PAIRS_SHOWN, _OF_A_PAIR = 10, 3
_RIGHT_SHOWN = 60
_SAMPLES_SHOWN = 60
_KERNELS_SHOWN = 64


def evaluate(task: EvaluateTask, data: Dataset) -> Json:
    """Evaluate the winner's models on the test set, if it may be used, and write the arrays of the figures.

    A figure whose arrays can't be made is left out and reported, so that the trained models are not lost.

    Returns:
        {"test": as in result.json, or None; "faults": messages; "notes": what the page lacks without a fault}. The arrays are written
        to `task.arrays`.
    """
    models = {index: path for index, path in enumerate(task.models) if task.test or index == task.exported}
    loaded = {index: load_kept_model(Path(path), task.space, task.configuration) for index, path in models.items()}
    exported = loaded[task.exported]
    arrays: Arrays = {}
    test: Json | None = None
    example = data.x_validation[0]
    if task.test:
        test, arrays = _evaluate_test_set(task, data, loaded)
        example = data.x_test[0]
    if task.int8 is not None and test is not None:
        arrays["test/int8_predictions"] = predict_int8(Path(task.int8).read_bytes(), np.asarray(data.x_test))
        test["int8"] = score_int8(arrays["test/int8_predictions"], np.asarray(data.y_test))
    parts: dict[str, Callable[[], Arrays]] = {
        "the first layer's kernels": lambda: _kernels(exported),
        "samples of the training images": lambda: _samples(task, data),
        "feature maps": lambda: feature_maps(exported, np.asarray(example), task.space.interface),
        "robustness": lambda: _robustness(exported, data, task.seed) if task.test else {},
        "the memory of its layers": lambda: _memory(task),
        "the errors of the int8 network's layers": lambda: _int8_layers(task, data, exported),
        "the network to try": lambda: network_arrays(exported, task.space.interface, data.x_validation),
        "images of other sources": lambda: custom_arrays(task, data, exported) if task.custom else {},
    }
    faults, notes = [], []
    for name, part in parts.items():
        try:
            arrays |= part()
        except Exception as error:
            if is_no_space(error) or is_out_of_memory(error):
                raise
            if isinstance(error, NotAChain) and task.space.interface is not None:
                notes.append(f"The page lacks {name}: {error}.")  # a user's own network may be anything
            else:
                faults.append(f"The page lacks {name}: {reason(error)}")
    write_npz(Path(task.arrays), arrays)
    keras.backend.clear_session()
    return {"test": test, "faults": faults, "notes": notes}


def _memory(task: EvaluateTask) -> Arrays:
    """Return what is where in TFLM's arena while the int8 network runs; nothing of a user's own network."""
    space = make_space(task.space)
    if not isinstance(space, Family):
        return {}
    operations, tensors = space.placed_tensors(task.configuration)
    return {
        "memory/operations": np.array(operations),
        "memory/names": np.array([tensor.name for tensor in tensors]),
        "memory/tensors": np.array([tensor[1:] for tensor in tensors], np.int64),
    }


def _int8_layers(task: EvaluateTask, data: Dataset, model: Any) -> Arrays:
    return {} if task.int8 is None else layer_arrays(model, Path(task.int8).read_bytes(), data)


def custom_arrays(task: EvaluateTask, data: Dataset, model: Any) -> Arrays:
    """Return the exported model's (untyped) arrays for drawn digits, if its classes are digits, and for user images."""

    def ask(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return predict(model, images)

    drawn = DRAWN if can_be_drawn(data.name, data.class_names, data.input_shape) else 0
    arrays = drawn_arrays(ask, drawn, task.seed)
    if task.own_images is not None:
        user_images = load_own_images(Path(task.own_images))
        arrays |= own_arrays(ask, user_images, len(data.class_names), digits=data.shows_digits)
    return arrays


def _evaluate_test_set(task: EvaluateTask, data: Dataset, models: Mapping[int, Any]) -> tuple[Json, Arrays]:
    labels = np.asarray(data.y_test)
    per_model = [predict(models[index], data.x_test) for index in range(len(task.models))]
    probabilities = per_model[task.exported]
    per_seed = np.array([p.argmax(axis=1) for p in per_model])
    test = {**score_test_set(probabilities, labels, data.class_names), **score_seeds(per_seed, labels)}
    shown = shown_images(probabilities, labels)
    arrays: Arrays = {
        "test/labels": labels,
        "test/probabilities": probabilities,
        "test/predictions_per_seed": per_seed,
        "images/test_indices": shown,
        "images/test": np.asarray(data.x_test)[shown],
    }
    return test, arrays


def shown_images(probabilities: NDArray[np.floating[Any]], labels: Labels) -> NDArray[np.int64]:
    """Return the indices of the test images to show: errors, worst first; then right ones, surest and least sure.

    An error is worse the lower the probability of its label. Where there are too many errors to show, some of the most
    frequent mistakes follow the worst ones. The right ones have equally many of each class, of many classes the surest one each, and
    then the least sure of some that are spread over all.
    """
    of_label = probabilities[np.arange(len(labels)), labels]
    predictions = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predictions != labels)
    wrong = wrong[np.argsort(of_label[wrong], kind="stable")]
    worst = wrong[:_ERRORS_SHOWN]
    frequent = _of_frequent_pairs(wrong[_ERRORS_SHOWN:], wrong, predictions, labels)
    classes = probabilities.shape[1]
    each = max(1, _RIGHT_SHOWN // (2 * classes))
    surest: list[list[int]] = []
    least_sure: list[list[int]] = []
    for c in range(classes):
        members = np.setdiff1d(np.flatnonzero(labels == c), wrong)
        ranked = members[np.argsort(-of_label[members], kind="stable")].tolist()
        surest.append(ranked[:each])
        least_sure.append(ranked[max(each, len(ranked) - each) :])
    kept = _spread(list(chain.from_iterable(surest)), _RIGHT_SHOWN)
    kept |= _spread(list(chain.from_iterable(least_sure)), _RIGHT_SHOWN - len(kept))
    by_class = [index for c in range(classes) for index in (*surest[c], *least_sure[c]) if index in kept]
    return np.concatenate([worst, frequent, np.array(by_class, dtype=np.int64)]).astype(np.int64)


def _spread(indices: Sequence[int], most: int) -> set[int]:
    """Return all of these where they are few enough, else so many at equal distances."""
    if len(indices) <= most:
        return set(indices)
    return {indices[place * len(indices) // most] for place in range(most)}


def _of_frequent_pairs(
    left: NDArray[np.int64], wrong: NDArray[np.int64], predictions: NDArray[np.int64], labels: Labels
) -> NDArray[np.int64]:
    """Return errors among those that are left, a few of each of the most frequent pairs of true and predicted class."""
    pairs = list(zip(labels[wrong].tolist(), predictions[wrong].tolist(), strict=True))
    chosen: list[int] = []
    for (label, prediction), _ in Counter(pairs).most_common(_PAIRS_SHOWN):
        members = left[(labels[left] == label) & (predictions[left] == prediction)]
        chosen += members[:_OF_A_PAIR].tolist()
    return np.array(chosen, dtype=np.int64)


def _robustness(model: Any, data: Dataset, seed: int) -> Arrays:
    images, labels = np.asarray(data.x_test), np.asarray(data.y_test)
    kinds = corruptions_of(images.shape[1:])

    def score(images: NDArray[np.uint8]) -> float:
        return float((predict(model, images).argmax(axis=1) == labels).mean())

    # Every kind's first level leaves the images as they are.
    clean = score(images)
    accuracy = [
        [
            clean,
            *(
                score(corrupted(kind, images, level, _rng(seed, row, step)))
                for step, level in enumerate(kind.levels[1:], start=1)
            ),
        ]
        for row, kind in enumerate(kinds)
    ]
    return {
        "robustness/kinds": np.array([kind.name for kind in kinds]),
        "robustness/units": np.array([kind.unit for kind in kinds]),
        "robustness/levels": np.array([kind.levels for kind in kinds]),
        "robustness/accuracy": np.array(accuracy),
    }


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _samples(task: EvaluateTask, data: Dataset) -> Arrays:
    """Return training images of each class, and their augmented versions where the space augments."""
    classes = len(data.class_names)
    each = max(1, min(6, _SAMPLES_SHOWN // classes))
    labels = np.asarray(data.y_train)
    chosen = np.concatenate([np.flatnonzero(labels == c)[:each] for c in range(classes)])
    images = np.asarray(data.x_train)[chosen]
    space = make_space(task.space)
    arrays: Arrays = {"images/samples": images, "images/sample_labels": labels[chosen]}
    if hasattr(space, "augment"):
        arrays["images/augmented"] = space.augment(task.configuration, images, _rng(task.seed))
    return arrays


def _kernels(model: Any) -> Arrays:
    """Return the first layer's kernels; a dense layer's as templates of the image's size.

    Returns:
        `kernels` (height, width, filters); (height, width, 3, filters) where the images are in colour and the layer sees
        the colours.
    """
    kernel = next((kernel for _, kernel in kernels_of(model)), None)
    shape = tuple(model.input_shape[1:])
    if kernel is not None and kernel.ndim == 2 and kernel.shape[0] == math.prod(shape):
        kernel = kernel.reshape(*shape, -1) if len(shape) == 3 else kernel.reshape(*shape, 1, -1)
    if kernel is None or kernel.ndim != 4:
        return {}
    in_colour = len(shape) == 3 and kernel.shape[2] == 3
    shown = kernel[..., :_KERNELS_SHOWN] if in_colour else kernel[:, :, 0, :_KERNELS_SHOWN]
    return {"kernels": shown.astype(np.float32)}


def feature_maps(model: Any, example: NDArray[np.uint8], interface: ModelInterface | None = None) -> Arrays:
    """Return the output of each convolutional layer for one image (h, w) or (h, w, 3) uint8; `interface` as in `network_of`."""
    network, pixels = network_of(model, interface, example[None])
    maps = layer_maps(network, pixels, _with_maps)
    if not maps:
        return {}
    arrays: Arrays = {"features/example": example, "features/names": np.array(list(maps))}
    return arrays | {f"features/{index}": output.astype(np.float32) for index, output in enumerate(maps.values())}


def _with_maps(layers: Sequence[TracedLayer]) -> Sequence[TracedLayer]:
    """Return the layers whose output is worth a picture: activations of maps, or convolutions where there are none."""
    maps = [traced for traced in layers if len(shape := output_shape(traced)) == 3 and shape[0] > 1]
    activations = [traced for traced in maps if isinstance(traced.layer, (keras.layers.Activation, keras.layers.ReLU))]
    convolutions = [traced for traced in maps if "conv" in type(traced.layer).__name__.lower()]
    return activations or convolutions
