"""Find the model of a path, and check that its file is safe to load; without Keras."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tuner.core.errors import UsageError
from tuner.core.pictures import LARGEST_SIDE, LEAST_SIDE

_EXPECTED = "Expected a run's folder, a .keras file or a SavedModel's folder"
_CONFIG = "config.json"
_SUFFIX = ".keras"
"""Keras reads a file with another suffix as HDF5, whose content is not checked here."""
_MOST_BYTES = 2**30
"""The largest unpacked size of a Keras file in bytes; a model of these spaces has some hundred KiB."""


@dataclass(frozen=True)
class ModelFile:
    """A model that can be loaded."""

    path: Path
    kind: Literal["keras", "savedmodel"]
    class_names: tuple[str, ...] | None = None
    """The class names of its run; None where the run is unknown."""
    image_shape: tuple[int, ...] | None = None
    """The shape of one image of its run, (h, w) or (h, w, 3); None where the run is unknown."""


def takes_images(shape: tuple[object, ...]) -> bool:
    """Return whether a model's input, without the axis of the batch, is grey or colour images of 4 to 128 pixels a side."""
    sides = all(isinstance(side, int) and LEAST_SIDE <= side <= LARGEST_SIDE for side in shape[:2])
    return sides and len(shape) in (2, 3) and shape[2:] in ((), (3,))


def find_model(
    path: Path, class_names: tuple[str, ...] | None = None, image_shape: tuple[int, ...] | None = None
) -> ModelFile:
    """Return a checked model file or SavedModel folder. A folder with a `best.keras` means that file.

    Raises:
        UsageError: where there is none, or it contains code or is damaged.
    """
    if os.path.isdir(path):  # never raises, whatever the name
        return _find_in_folder(path, class_names, image_shape)
    if not os.path.exists(path):
        raise UsageError(f"The model does not exist. {_EXPECTED}. Received: {path}")
    _check_keras_file(path)
    return ModelFile(path, "keras", class_names, image_shape)


def _find_in_folder(
    folder: Path, class_names: tuple[str, ...] | None, image_shape: tuple[int, ...] | None
) -> ModelFile:
    """Return the model of a folder. A SavedModel is a program, so a `best.keras` takes precedence."""
    if folder.suffix.lower() == _SUFFIX:
        raise UsageError(f"Expected a {_SUFFIX} file. Received a folder of that name: {folder}")
    inside = folder / f"best{_SUFFIX}"
    if os.path.lexists(inside):
        if os.path.islink(inside) or not os.path.isfile(inside):
            raise UsageError(f"{inside.name}: expected a regular file. Received a folder or a link: {inside}")
        return find_model(inside, class_names, image_shape)
    if os.path.isfile(folder / "saved_model.pb"):
        return ModelFile(folder, "savedmodel", class_names, image_shape)
    raise UsageError(f"This folder holds no model. {_EXPECTED}. Received: {folder}")


def declared_shape(model: ModelFile) -> tuple[int, ...] | None:
    """Return the shape of one image as a Keras file declares it, without loading the model; None where it doesn't.

    The first input layer of the model itself counts; where it has none, such as a sequence that begins with a model, that of its first part.
    """
    if model.kind != "keras" or not os.path.isfile(model.path):
        return None
    inputs = (part for part in _dicts(_read_config(model.path)) if part.get("class_name") == "InputLayer")
    shapes = (shape for layer in inputs for part in _dicts(layer) if isinstance(shape := part.get("batch_shape"), list))
    shape = tuple(next(shapes, [])[1:])
    return shape if takes_images(shape) else None


def _check_keras_file(path: Path) -> None:
    if not (path.suffix == _SUFFIX and os.path.isfile(path)):
        raise UsageError(f"This is not a {_SUFFIX} file. {_EXPECTED}. Received: {path}")
    if _has_code(_read_config(path)):
        raise UsageError(
            "The model contains code (a Lambda layer), which is not executed. "
            f"Expected layers of Keras only. Received: {path}"
        )


def _read_config(path: Path) -> Any:
    """Return the configuration in a Keras file: whatever JSON holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise UsageError(f"The model is too large. Expected at most 1 GiB once unpacked. Received: {path}")
            return json.loads(archive.read(_CONFIG))
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
        raise UsageError(f"This is not a .keras file, or it is damaged. {_EXPECTED}. Received: {path}") from error


def _has_code(root: Any) -> bool:  # whatever JSON holds
    """Return whether a configuration contains pickled Python code, at any depth."""
    return any(part.get("class_name") in ("Lambda", "__lambda__") for part in _dicts(root))


def _dicts(root: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects in what JSON holds, at any depth: the outermost first, of one depth in their order."""
    left = deque([root])
    while left:
        part = left.popleft()
        if isinstance(part, dict):
            yield part
            left += part.values()
        elif isinstance(part, list):
            left += part
