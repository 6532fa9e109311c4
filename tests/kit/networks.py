"""Networks of each family with weights that are not trivial: random kernels, scales, offsets and BatchNorm statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.families.cnn3 import Cnn3Family
from search_spaces.families.compact.family import CompactFamily
from search_spaces.families.dense import DenseFamily
from search_spaces.families.family import Family
from search_spaces.families.micro import MicroFamily
from search_spaces.hyperparameters.hyperparameter import Value, active
from search_spaces.networks.notation import parse
from search_spaces.networks.specs import Activation, Spec

_COLOUR = (24, 20, 3)
_GREY = (28, 28)

FAMILIES: Mapping[str, tuple[type[Family], Mapping[str, Value], tuple[int, ...]]] = {
    "compact": (CompactFamily, {"activation": "gelu", "padding_1": "same"}, _GREY),
    "compact-crop": (CompactFamily, {"image_side": 24, "head": "hidden", "separable_2": True, "activation": "softsign"}, _GREY),
    "compact-flatten": (CompactFamily, {"head": "flatten", "head_batch_norm": True, "activation": "tanh"}, _GREY),
    "compact-colour": (CompactFamily, {"image_pooling": 1, "head": "conv", "head_batch_norm": True}, _COLOUR),
    "compact-shrunk": (CompactFamily, {"image_pooling": 2}, (48, 41, 3)),
    "micro": (MicroFamily, {"padding": "same", "first_pooling": 3}, _GREY),
    "micro-biases": (MicroFamily, {"batch_norm": False, "activation": "leaky_relu"}, _COLOUR),
    "dense": (DenseFamily, {"units_1": 48, "dense_layers": 2, "units_2": 24}, _GREY),
    "dense-norm": (DenseFamily, {"units_1": 16, "batch_norm": True, "activation": "tanh"}, _COLOUR),
    "cnn3": (Cnn3Family, {"filters_3": 24, "units_1": 40, "normalisation": "half"}, _GREY),
    "cnn3-mean": (Cnn3Family, {"last_pooling": "mean", "normalisation": "data"}, _COLOUR),
}  # fmt: skip
"""Name → a family, the values that are not its defaults, and the shape of an image."""


def family_network(name: str, seed: int = 1) -> Any:  # a Keras model
    """Return a network of `FAMILIES` with random weights."""
    kind, values, shape = FAMILIES[name]
    family = kind(10**6, 10**9, 10, shape, len(shape) == 2)
    configuration = active(family.hyperparameters_for(family.problem), values)
    return random_network(tuple(family.network(configuration)), shape, seed)


def notation_network(words: str, activation: Activation = "relu", shape: tuple[int, ...] = _GREY) -> Any:
    """Return a network by its notation, with random weights."""
    return random_network(parse(words, activation, 0.0), shape)


def random_network(specs: tuple[Spec, ...], shape: tuple[int, ...], seed: int = 1) -> Any:
    """Return a Keras model with random weights."""
    from search_spaces.keras.model import build_model

    model = build_model(specs, image_shape=shape)
    randomise(model, seed)
    return model


def randomise(model: Any, seed: int = 1) -> None:
    """Give a model random weights with which its predictions differ between images and are not certain."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(_random_weight(weight.path.split("/")[-1], tuple(weight.shape), random))
    images = (
        blobs(6, tuple(model.input_shape[1:]), 9)
        if len(model.input_shape) > 2
        else random.integers(0, 255, (6, *model.input_shape[1:]))
    )
    for _ in range(4):
        spread = float(np.std(np.log(np.clip(answers(model, images), 1e-30, 1))))
        last = next(layer for layer in reversed(model.layers) if layer.trainable_weights)
        for weight in last.trainable_weights:
            weight.assign(weight * min(1.5 / max(spread, 1e-6), 100))


def answers(model: Any, images: NDArray[Any]) -> NDArray[np.float32]:
    """Return a model's predictions as a NumPy array."""
    answer = model(images, training=False)
    return np.asarray(answer.numpy() if hasattr(answer, "numpy") else answer)


def _random_weight(name: str, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    if "variance" in name:
        return random.uniform(0.2, 2.0, shape)
    if name == "gamma":
        return random.uniform(0.5, 2.0, shape)
    if len(shape) < 2:
        return random.normal(0.0, 0.2, shape)
    inputs = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
    return random.normal(0.0, 1.7 / np.sqrt(inputs), shape)


def blobs(count: int, shape: tuple[int, ...], seed: int = 2) -> NDArray[np.uint8]:
    """Return images of soft blobs and noise, (count, *shape) uint8."""
    random = np.random.default_rng(seed)
    height, width, channels = (*shape, 1)[:3]
    y, x = np.mgrid[:height, :width]
    values = random.normal(0, 12, (count, height, width, channels))
    for _ in range(4):
        centre = random.uniform(0, 1, (2, count, 1, 1)) * np.array([height, width]).reshape(2, 1, 1, 1)
        spread = random.uniform(1, 5, (count, 1, 1))
        near = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * spread**2))
        values += near[..., None] * random.uniform(60, 255, (count, 1, 1, channels))
    return np.clip(values, 0, 255).astype(np.uint8).reshape(count, *shape)
