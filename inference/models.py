"""The model that a path names, and the check that its file may be loaded. Looks at files only: nothing of Keras is imported."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tuner.core.errors import UsageError

_EXPECTED = "Expected a run's folder, a .keras file or a SavedModel's folder"
_CONFIG = "config.json"
_SUFFIX = ".keras"
"""Keras reads a file of another name as HDF5, whatever else it may be: its content was not what was checked."""
_MOST_BYTES = 2**30
"""Bytes of a Keras file once unpacked, at most; a model of ours has some hundred KiB."""


@dataclass(frozen=True)
class ModelFile:
    """A model that can be loaded."""

    path: Path
    kind: Literal["keras", "savedmodel"]
    class_names: tuple[str, ...] | None = None
    """The class names of the run that it belongs to; None where that is not known."""


def find_model(path: Path, class_names: tuple[str, ...] | None = None) -> ModelFile:
    """Return a model file, or a SavedModel's folder, checked. A folder with a `best.keras` in it stands for that file.

    Raises:
        UsageError: where there is none, or it has code inside or is damaged.
    """
    if os.path.isdir(path):  # never raises, whatever the name
        return _find_in_folder(path, class_names)
    if not os.path.exists(path):
        raise UsageError(f"There is no such model. {_EXPECTED}. Received: {path}")
    _check_keras_file(path)
    return ModelFile(path, "keras", class_names)


def _find_in_folder(folder: Path, class_names: tuple[str, ...] | None) -> ModelFile:
    """Return the model of a folder. A SavedModel is a program: it is one only where nothing says that it is something else."""
    if folder.suffix.lower() == _SUFFIX:
        raise UsageError(f"A {_SUFFIX} file is a file. Received a folder of that name: {folder}")
    inside = folder / f"best{_SUFFIX}"
    if os.path.lexists(inside):
        if os.path.islink(inside) or not os.path.isfile(inside):
            raise UsageError(
                f"{inside.name} is of another kind. Expected a file. Received a folder or a link: {inside}"
            )
        return find_model(inside, class_names)
    if os.path.isfile(folder / "saved_model.pb"):
        return ModelFile(folder, "savedmodel", class_names)
    raise UsageError(f"This folder holds no model. {_EXPECTED}. Received: {folder}")


def _check_keras_file(path: Path) -> None:
    if not (path.suffix == _SUFFIX and os.path.isfile(path)):
        raise UsageError(f"This is no {_SUFFIX} file. {_EXPECTED}. Received: {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise UsageError(f"The model is too large. Expected at most 1 GiB once unpacked. Received: {path}")
            config = json.loads(archive.read(_CONFIG))
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        RecursionError,
    ) as error:
        raise UsageError(f"This is no .keras file, or a damaged one. {_EXPECTED}. Received: {path}") from error
    if _has_code(config):
        raise UsageError(
            "The model has code of its own inside (a Lambda layer), which is not run. "
            f"Expected layers of Keras only. Received: {path}"
        )


def _has_code(root: Any) -> bool:  # whatever JSON holds
    """Return whether a configuration has Python code to be unpickled, anywhere in it."""
    left = [root]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            if part.get("class_name") in ("Lambda", "__lambda__"):
                return True
            left += part.values()
        elif isinstance(part, list):
            left += part
    return False
