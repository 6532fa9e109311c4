"""The name of a space, and the check that the user named code before it runs. Imports no Keras, and runs nothing."""

from __future__ import annotations

import re

from tuner.core.errors import UsageError
from tuner.storage.run_folder import RunFolder


def uses_named_code(folder: RunFolder, given: str | None) -> bool:
    """Return whether to build the model from the run's own space, because the user named it.

    Args:
        folder: the run's folder.
        given: the space that the user named, if any.

    Raises:
        UsageError: where another space was named, or none although the model can't be loaded without it.
    """
    space = folder.read_head().space
    name, model = ("", None) if space is None else (space.name, space.model)
    if given is not None and given != name:
        raise UsageError(f"--space names another space than the run's. Expected {name}. Received: {given}")
    if given is not None:
        return is_code(name) and model is not None
    if model is not None and not model.portable:
        raise UsageError(
            f"The model has code of its own, which is run only where you name it. Expected --space {name}, if you trust that module. "
            f"Without it: {folder.saved_model}, a SavedModel, which is a program that TensorFlow runs. Received: no --space"
        )
    return False


_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_code(name: str) -> bool:
    """Return whether a name is that of a user's own code, `package.module:Name`."""
    return ":" in name


def check_space_name(name: str) -> None:
    """Raise `ValueError` where a name is a file, a path or a class without its module; the message says the fix."""
    module, separator, attribute = name.partition(":")
    path = module.removesuffix(".py")
    plain = re.sub(r"[/\\]+", ".", path).strip(".")
    if separator and (path != module or plain != module):
        raise ValueError(
            f"A space of your own is named by its module, not by its file. Expected {plain.rsplit('.', 1)[-1]}:{attribute or 'Class'}, in the "
            f"folder that holds the file. Received: {name!r}"
        )
    if separator and not (_MODULE.fullmatch(module) and _MODULE.fullmatch(attribute)):
        raise ValueError(f"A space of your own is package.module:Class. Received: {name!r}")
    if not separator and ("." in name or "/" in name or "\\" in name):
        front, _, last = plain.rpartition(".")
        shown = f"{front}:{last}" if front and path == module else f"{plain.rsplit('.', 1)[-1]}:Class"
        raise ValueError(f"A space of your own is named with a colon. Expected {shown}. Received: {name!r}")
