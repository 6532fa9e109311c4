"""The model that a path names: finding it, and loading it when it is needed."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference.models import ModelFile, find_model
from tuner.core.errors import UsageError
from tuner.core.quiet_imports import quiet_imports
from tuner.spaces.named_code import uses_named_code
from tuner.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from tuner.images.prediction import Classify


@dataclass(frozen=True)
class Loaded:
    """A model that answers, and the names of its classes."""

    classify: Classify
    class_names: tuple[str, ...]


def named_run(path: Path, space: str | None) -> RunFolder | None:
    """Return the run whose model is to be built from its space, which the user named; None where its file is to be loaded.

    Raises:
        UsageError: where another space was named than the run's, or none though its model can't be loaded without.
    """
    if not os.path.isfile(path / "run.json"):
        if space is not None:
            raise UsageError(f"--space goes with a run's folder. Received: --space {space} with {path}")
        return None
    folder = RunFolder(path)
    return folder if uses_named_code(folder, space) else None


def model_of(path: Path, run: RunFolder | None = None) -> ModelFile:
    """Return the model that a run or a model's path names.

    Args:
        path: what the user named.
        run: that run, where its model is built from named code: no file has to be safe to load.

    Raises:
        UsageError: where there is none.
    """
    if not os.path.lexists(path / "run.json"):
        return find_model(path)
    folder = RunFolder(path)
    names = folder.read_head().data.class_names
    if run is not None:
        return ModelFile(folder.keras_model, "keras", names)
    if folder.keras_model.exists():
        return find_model(folder.keras_model, names)
    if folder.saved_model.exists():
        raise UsageError(
            f"This run has no best.keras, only a SavedModel, which is a program that TensorFlow runs. Where you trust it, name it: {folder.saved_model}"
        )
    if folder.read_head().kind == "study":
        raise UsageError(f"A study has no model: it compares. Train what it found (mnist-tune train). Received: {path}")
    raise UsageError(f"This run has no model yet. Go on with it: mnist-tune --out {shlex.quote(str(path))} --resume")


def load(model: ModelFile, run: RunFolder | None = None) -> Loaded:
    """Import Keras and load a model, without their chatter; where a run is given, from the code that its user named."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_imports():
        from inference.classifier import as_classify, class_count, load_classifier

        if run is None:
            classify = load_classifier(model)
        else:
            from tuner.export.run_model import load_named_model

            classify = as_classify(model, load_named_model(run))
        names = model.class_names or tuple(str(place) for place in range(class_count(classify)))
    return Loaded(classify, names)
