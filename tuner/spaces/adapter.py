"""Networks of a user's HyperModel, and the classifiers that wrap them. Imports Keras.

A classifier takes the data set's uint8 images and gives probabilities (n, classes), as the networks of the built-in spaces
do. Where the network already does, it is its own classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import keras_tuner
import numpy as np
import numpy.typing as npt

from tuner.core.records import Value
from tuner.spaces.tracing import leaf_layers
from tuner.storage.schema.model_interface import ImageFormat, ModelInterface

# Keras has no types: models, layers and tensors are `Any` here, and so are hyperparameters.

_SMALLEST = 1e-7
_PREPROCESSING = "keras.src.layers.preprocessing."


def hyperparameters(values: Mapping[str, Value]) -> Any:
    """Return a `keras_tuner.HyperParameters` with these values."""
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return hp


def build_network(space: Any, hp: Any, interface: ModelInterface) -> Any:
    """Build a HyperModel's network; call it once if that is what builds it."""
    network = build(space, hp)
    if not is_built(network):
        build_by_call(network, interface.network)
    return network


def build(space: Any, hp: Any) -> Any:
    """Call a HyperModel's `build`, and restore Keras's global settings, such as mixed precision, that it may change."""
    policy, floats = keras.config.dtype_policy(), keras.config.floatx()
    try:
        return space.build(hp)
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_floatx(floats)


def build_by_call(network: Any, images: ImageFormat) -> Any:
    """Build a network by calling it on a placeholder, as `fit` would on the first batch; return its output."""
    return network(keras.Input(images.shape, dtype=images.dtype), training=False)


def is_built(network: Any) -> bool:
    """Return whether a model has its weights and knows its input."""
    return bool(network.built) and all(layer.built for layer in network.layers)


def declared_inputs(network: Any) -> list[Any]:
    """Return the inputs that a model declares; none where it is built when it is first called."""
    # A subclassed model has no such attribute, and a Sequential one that isn't built raises an error.
    try:
        return list(network.inputs)
    except (AttributeError, ValueError):
        return []


def format_images(images: npt.NDArray[np.uint8], wanted: ImageFormat) -> npt.NDArray[Any]:
    """Return images (n, h, w) or (n, h, w, 3) in another form; a view where possible, since they may be a memory map."""
    count = len(images)
    if _repeats_channel(images.shape[1:], wanted.shape):
        shaped: npt.NDArray[Any] = np.repeat(images[..., None], 3, axis=-1)
    else:
        shaped = images.reshape(count, *wanted.shape)
    return shaped if wanted.dtype == shaped.dtype else shaped.astype(wanted.dtype)


def _repeats_channel(images: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether grey images are wanted in colour."""
    return len(images) == 2 and wanted[2:] == (3,)


def as_classifier(network: Any, interface: ModelInterface) -> Any:
    """Return a network as a classifier, which shares its weights.

    Keras's random preprocessing layers are fixed to inference mode: exported models would keep them random (Keras
    3.15).
    """
    if _is_classifier(network, interface):
        return network
    image = keras.Input(interface.images, dtype="uint8", name="images")
    answer = network(_prepared(image, network, interface), training=False)
    return keras.Model(image, _probabilities(answer, interface), name="classifier")


def network_of(classifier: Any, interface: ModelInterface | None, images: npt.NDArray[np.uint8]) -> tuple[Any, Any]:
    """Return the network inside a classifier, and images as the network takes them.

    Args:
        classifier: the result of `as_classifier`, or a model of a built-in space.
        interface: None for a built-in space.
        images: uint8.
    """
    if interface is None or _is_classifier(classifier, interface):
        return classifier, images
    network = next(layer for layer in classifier.layers if isinstance(layer, keras.Model))
    pixels = format_images(images, interface.network)
    if interface.scale != 1.0 or interface.offset:
        pixels = pixels.astype(np.float32) * np.float32(interface.scale) + np.float32(interface.offset)
    return network, pixels


def own_classes(model: Any) -> dict[str, Any]:
    """Return name → class of the layers of a model that are not Keras's own."""
    classes = [type(layer) for layer in model._flatten_layers()]
    return {one.__name__: one for one in classes if not one.__module__.startswith("keras.")}


def _is_classifier(network: Any, interface: ModelInterface) -> bool:
    inputs = declared_inputs(network)
    plain = (interface.scale, interface.offset, interface.output) == (1.0, 0.0, "probabilities")
    return (
        plain
        and len(inputs) == 1
        and tuple(inputs[0].shape[1:]) == interface.images
        and keras.backend.standardize_dtype(network.outputs[0].dtype) == "float32"
        and not any(
            type(layer).__module__.startswith(_PREPROCESSING) and _is_random(layer) for layer in leaf_layers(network)
        )
    )


def _is_random(layer: Any) -> bool:
    return hasattr(layer, "seed") or hasattr(layer, "generator")


def _prepared(image: Any, network: Any, interface: ModelInterface) -> Any:
    wanted = interface.network
    x = image
    if wanted.dtype != "uint8" or (interface.scale, interface.offset) != (1.0, 0.0):
        x = keras.layers.Rescaling(interface.scale, interface.offset, dtype="float32", name="pixels")(x)
    if _repeats_channel(interface.images, wanted.shape):
        x = keras.layers.Reshape((*interface.images, 1), name="channel")(x)
        x = keras.layers.Concatenate(name="channels")([x, x, x])
    elif wanted.shape != interface.images:
        x = keras.layers.Reshape(wanted.shape, name="reshape")(x)
    return x


def _probabilities(answer: Any, interface: ModelInterface) -> Any:
    ops = keras.ops
    answer = ops.cast(answer, "float32")
    if interface.output == "logits":
        return keras.layers.Softmax(dtype="float32", name="probabilities")(answer)
    if interface.output == "binary":
        return ops.concatenate([1.0 - answer, answer], axis=-1)
    if interface.output == "scores":
        answer = answer + _SMALLEST
        return answer / ops.sum(answer, axis=-1, keepdims=True)
    return answer
