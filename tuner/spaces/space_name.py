"""The names of spaces as people type them. Imports nothing of Keras, and no user's code."""

from __future__ import annotations

import re

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_code(name: str) -> bool:
    """Return whether a name stands for a user's own code, `package.module:Name`."""
    return ":" in name


def check_space_name(name: str) -> None:
    """
    Raises:
        ValueError: where a name is a file, a path or a class without its module; says what to type.
    """
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
