"""Spaces made from their names: built-in ones, and a user's `package.module:Name`. Imports Keras."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

import keras_tuner

from search_spaces.families.registry import load_space
from tuner.processes.tasks import SpaceRef

# Keras Tuner has no types: HyperModels are `Any` here.

_CLASSES = ("classes", "num_classes", "n_classes", "nb_classes", "class_count", "num_labels")
_SHAPES = ("input_shape", "image_shape", "img_shape")
_REQUIRED = inspect.Parameter.empty
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class BuildFunction(keras_tuner.HyperModel):  # type: ignore[misc]
    """A function `build_model(hp)` as a HyperModel."""

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        super().__init__(name=function.__name__)
        self.__doc__ = function.__doc__
        self._function = function
        self._arguments = arguments

    def build(self, hp: Any) -> Any:
        """Call the function."""
        return self._function(hp, **self._arguments)


def make_space(ref: SpaceRef) -> Any:
    """Return the space of a run, a `keras_tuner.HyperModel`, with its caps.

    Raises:
        ValueError: where no space has this name, or it can't be made.
    """
    if ":" in ref.name:
        return _user_space(ref)
    return load_space(ref.name, **ref.arguments)


def _user_space(ref: SpaceRef) -> Any:
    definition = _find(ref.name)
    if isinstance(definition, keras_tuner.HyperModel):
        return definition
    if isinstance(definition, type) and issubclass(definition, keras_tuner.HyperModel):
        return definition(**_arguments(definition, ref))
    if callable(definition) and not isinstance(definition, type):
        return BuildFunction(definition, _arguments(definition, ref, skipped=1))
    raise ValueError(
        "It is neither a keras_tuner.HyperModel nor a function build_model(hp). Received: "
        f"{definition.__name__ if isinstance(definition, type) else type(definition).__name__}"
    )


def _find(name: str) -> Any:
    """Import the object `package.module:Name`.

    The current folder is searched last, so that a file there never replaces an installed module.
    """
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        definition: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ValueError(
            f"There is no module {error.name}. Expected {error.name}.py in the folder in which the program is called, or an installed one."
        ) from error
    for part in attribute.split("."):
        if not hasattr(definition, part):
            raise ValueError(f"{module} has no {attribute}. Expected a HyperModel or a function build_model(hp) in it.")
        definition = getattr(definition, part)
    return definition


def _arguments(function: Callable[..., Any], ref: SpaceRef, skipped: int = 0) -> dict[str, Any]:
    """Return the arguments of a constructor or a function, recognised by their usual names.

    Raises:
        ValueError: where a required one has an unknown name.
    """
    offered = {
        **dict.fromkeys(_CLASSES, ref.classes),
        **dict.fromkeys(_SHAPES, (*ref.image_shape, 1)[:3]),
        "max_params": ref.max_params,
        "max_macs": ref.max_macs,
    }
    taken = [
        parameter
        for parameter in list(inspect.signature(function).parameters.values())[skipped:]
        if parameter.kind in _NAMED
    ]
    missing = [
        parameter.name for parameter in taken if parameter.default is _REQUIRED and offered.get(parameter.name) is None
    ]
    if missing:
        raise ValueError(
            f"It needs arguments that are not known here. Expected only {', '.join([*_CLASSES, *_SHAPES])}, and others with "
            f"defaults. Received: {', '.join(missing)}. Give them defaults, or name a function without them."
        )
    return {parameter.name: offered[parameter.name] for parameter in taken if offered.get(parameter.name) is not None}
