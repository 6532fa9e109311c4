"""Detecting the form of a network: the shape of its input, the meaning of its output. Imports Keras."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tuner.core.failures import reason
from tuner.core.records import Value
from tuner.spaces.adapter import as_classifier, build, build_by_call, declared_inputs, hyperparameters, is_built
from tuner.spaces.network_training import predict
from tuner.spaces.tracing import leaf_layers
from tuner.storage.schema.model_interface import Dtype, ImageFormat, ModelInterface, Output

# Keras has no types: models, layers and tensors are `Any` here.

_BUILT_BY_CALL = 3
"""The forms of images that are tried with a network which declares no input."""
_SCALING = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.BatchNormalization, keras.layers.Lambda)
_CASTS = frozenset({"Cast", "Reshape", "ExpandDims", "NotImplementedOperation"})
"""Operations that don't scale numbers."""


class SpaceError(ValueError):
    """A HyperModel that can't be used; the message is for its author."""


def image_forms(image_shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the shapes in which a network may take an image of a data set, the likeliest first."""
    height, width = image_shape[:2]
    if len(image_shape) == 3:
        return image_shape, (math.prod(image_shape),)
    pixels = height * width
    return image_shape, (height, width, 1), (pixels,), (height, width, 3), (1, height, width), (pixels, 1)


def interface_of(space: Any, values: Mapping[str, Value], classes: int, image_shape: tuple[int, ...]) -> ModelInterface:
    """Return the interface of the network of some values, as far as it is known before training.

    Raises:
        SpaceError: where its input is not one image, or its output is not a number for each class.
    """
    network = built(space, hyperparameters(values))
    inputs = declared_inputs(network)
    if len(inputs) > 1:
        raise SpaceError(f"The model has {len(inputs)} inputs. Expected one, of images {_size(image_shape)}.")
    if not inputs and not is_built(network):
        return _built_by_call(space, values, classes, image_shape)
    images = _declared_format(inputs[0], image_shape) if inputs else ImageFormat(shape=image_shape, dtype="float32")
    interface = _interface(images, image_shape)
    check_width(network, interface, classes)
    return interface


def built(space: Any, hp: Any) -> Any:
    """Call `build`.

    Raises:
        SpaceError: where it fails, or returns no Keras model.
    """
    try:
        network = build(space, hp)
    except Exception as error:
        raise SpaceError(f"`build` failed. {reason(error)}") from error
    if not isinstance(network, keras.Model):
        raise SpaceError(f"`build` must return a keras.Model. Received: {type(network).__name__}")
    return network


def check_width(network: Any, interface: ModelInterface, classes: int) -> None:
    """Raise `SpaceError` where a network's output is not a number for each class."""
    outputs = network.outputs if declared_inputs(network) else build_by_call(network, interface.network)
    _check_outputs(outputs, classes, getattr(network, "output_names", ()))


def with_output(
    network: Any, interface: ModelInterface, images: npt.NDArray[np.uint8]
) -> tuple[ModelInterface, list[str]]:
    """Return the interface with the kind of the network's outputs for some images, and notes about it."""
    answers = predict(as_classifier(network, replace(interface, output="probabilities")), images)
    output = output_of(answers, loss=getattr(network, "loss", None))
    notes = {
        "logits": "The networks give logits: a softmax makes probabilities of them in evaluation and export.",
        "scores": "The networks give a number in [0, 1] for each class, not probabilities: each row is divided by its sum.",
        "binary": "The networks give one number, which is used as the probability of the second class.",
    }
    return replace(interface, output=output), [notes[output]] if output in notes else []


def output_of(answers: npt.NDArray[np.floating[Any]], loss: Any = None) -> Output:
    """Return the kind of outputs (n, classes); `loss` is the model's own."""
    within = np.isfinite(answers).all() and (answers >= 0).all() and (answers <= 1 + 1e-6).all()
    if answers.shape[1] == 1:
        if not within:
            raise SpaceError("The model gives one number an image, which is no probability. Expected a sigmoid.")
        return "binary"
    if within and np.allclose(answers.sum(axis=1), 1, atol=1e-2):
        return "probabilities"
    if not np.isfinite(answers).all():
        return "logits" if getattr(loss, "from_logits", False) else "probabilities"
    return "scores" if within and not getattr(loss, "from_logits", False) else "logits"


def scales_pixels(network: Any) -> bool:
    """Return whether something in a network may scale pixels: a scaling layer, a user's own layer, or an operation."""
    layers = list(leaf_layers(network))
    if any(isinstance(layer, _SCALING) or not type(layer).__module__.startswith("keras.") for layer in layers):
        return True
    if not declared_inputs(network):
        return type(network) is not keras.Sequential
    operations = [one for one in getattr(network, "operations", ()) if not isinstance(one, keras.layers.Layer)]
    return any(type(one).__name__ not in _CASTS for one in operations)


def foreign_classes(root: Any) -> Iterator[str]:
    """Yield the classes and functions in a saved model's configuration that are not Keras's own."""
    left = [root]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            name, module = part.get("class_name"), part.get("module")
            if name in ("Lambda", "__lambda__"):
                yield "Lambda"
            elif isinstance(name, str) and "config" in part and not _is_keras_s(module, part.get("registered_name")):
                yield name if name != "function" else str(part["config"])
            left += part.values()
        elif isinstance(part, list):
            left += part


def _is_keras_s(module: Any, registered: Any) -> bool:
    if registered and module is None:
        return False
    return module is None or str(module).split(".")[0] in ("keras", "builtins")


def _size(image_shape: tuple[int, ...]) -> str:
    return "×".join(map(str, image_shape))


def _interface(images: ImageFormat, image_shape: tuple[int, ...]) -> ModelInterface:
    return ModelInterface(network=images, fit=ImageFormat(shape=image_shape), images=image_shape)


def _built_by_call(
    space: Any, values: Mapping[str, Value], classes: int, image_shape: tuple[int, ...]
) -> ModelInterface:
    """Return the first form of images that builds a network which gives a number for each class."""
    error: Exception | None = None
    for shape in image_forms(image_shape)[:_BUILT_BY_CALL]:
        images = ImageFormat(shape=shape, dtype="float32")
        network = built(space, hyperparameters(values))
        try:
            _check_outputs(build_by_call(network, images), classes)
        except Exception as call_error:  # another form may do
            error = error or call_error
            continue
        return _interface(images, image_shape)
    if isinstance(error, SpaceError):
        raise error
    raise SpaceError(
        f"The model can't be called on images of {_size(image_shape)}. {'' if error is None else reason(error)}"
    ) from error


def _declared_format(tensor: Any, image_shape: tuple[int, ...]) -> ImageFormat:
    shape = tuple(tensor.shape[1:])
    dtype: Dtype = "uint8" if keras.backend.standardize_dtype(tensor.dtype) == "uint8" else "float32"
    for known in image_forms(image_shape):
        if len(known) == len(shape) and all(
            declared_side in (None, side) for declared_side, side in zip(shape, known, strict=True)
        ):
            return ImageFormat(shape=known, dtype=dtype)
    raise SpaceError(
        f"The model's input doesn't fit the images. Expected keras.Input({image_shape}), {_other_forms(image_shape)}. "
        f"Received: {shape}"
    )


def _other_forms(image_shape: tuple[int, ...]) -> str:
    with_channels = "" if len(image_shape) == 3 else "or with one or three channels, "
    return f"{with_channels}or ({math.prod(image_shape)},)"


def _check_outputs(given: Any, classes: int, names: Sequence[str] = ()) -> None:
    outputs = keras.tree.flatten(given)
    if len(outputs) != 1:
        listed = f" ({', '.join(names)})" if names else ""
        raise SpaceError(f"The model has {len(outputs)} outputs{listed}. Expected one: a number for each class.")
    shape = tuple(outputs[0].shape[1:])
    if shape == (classes,) or (shape == (1,) and classes == 2):
        return
    raise SpaceError(
        f"The model gives {shape[0] if len(shape) == 1 else shape} numbers an image. Expected {classes}, one for each class of the data. "
        "An argument `classes` of __init__ is given their number."
    )
