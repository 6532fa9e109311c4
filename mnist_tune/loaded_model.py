"""The model that a path names: finding it, and loading it when it is needed."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference.models import ModelFile, find_model
from tuner.errors import UsageError
from tuner.quiet import quiet_imports
from tuner.run_folder import RunFolder

if TYPE_CHECKING:
    from inference.prediction import Classify


@dataclass(frozen=True)
class Loaded:
    """A model that answers, and the names of its classes."""

    classify: Classify
    class_names: tuple[str, ...]


def model_of(path: Path) -> ModelFile:
    """The model that a run or a model's path names.

    Raises:
        UsageError: where there is none.
    """
    if not os.path.lexists(path / "run.json"):
        return find_model(path)
    folder = RunFolder(path)
    names = folder.class_names()
    if folder.keras_model.exists():
        return find_model(folder.keras_model, names)
    if folder.saved_model.exists():
        raise UsageError(
            f"This run has no best.keras, only a SavedModel, which is a program that TensorFlow runs. Where you trust it, name it: {folder.saved_model}"
        )
    if folder.is_study():
        raise UsageError(f"A study has no model: it compares. Train what it found (mnist-tune train). Received: {path}")
    raise UsageError(f"This run has no model yet. Go on with it: mnist-tune --out {shlex.quote(str(path))} --resume")


def load(model: ModelFile) -> Loaded:
    """Imports Keras and loads a model, without their chatter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_imports():
        from inference.classifier import class_count, load_classifier

        classify = load_classifier(model)
        names = model.class_names or tuple(str(place) for place in range(class_count(classify)))
    return Loaded(classify, names)
