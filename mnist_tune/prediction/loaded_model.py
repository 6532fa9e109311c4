"""Find the model of a path, load it, and say how pictures are prepared for it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference.models import ModelFile, find_model
from tuner.core.errors import UsageError
from tuner.core.pictures import Resize
from tuner.core.quiet_imports import quiet_imports
from tuner.images.input_form import DIGITS, InputForm
from tuner.spaces.named_code import uses_named_code
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.data_set import DIGIT_NAMES, MNIST_SHAPE

if TYPE_CHECKING:
    from tuner.images.prediction import Classify
    from tuner.storage.schema.run import RunHead


@dataclass(frozen=True)
class Loaded:
    """A loaded model, and the names of its classes."""

    classify: Classify
    class_names: tuple[str, ...]
    image_shape: tuple[int, ...] = MNIST_SHAPE
    """(h, w) or (h, w, 3): of the images that it takes."""


def named_run(path: Path, space: str | None) -> RunFolder | None:
    """Return the run whose model is built from the space that the user named; None where the model's file is loaded.

    Raises:
        UsageError: where the run has another space, or its model needs one and none is named.
    """
    if not os.path.isfile(path / "run.json"):
        if space is not None:
            raise UsageError(f"--space: expected a run's folder with it. Received: --space {space} with {path}")
        return None
    folder = RunFolder(path)
    return folder if uses_named_code(folder, space) else None


def model_of(path: Path, run: RunFolder | None = None) -> ModelFile:
    """Return the model of a run or a model's path.

    Args:
        path: a run's folder, a .keras file or a SavedModel's folder.
        run: the run, where its model is built from code: then no file is loaded.

    Raises:
        UsageError: where there is none.
    """
    if not os.path.lexists(path / "run.json"):
        return find_model(path)
    folder = RunFolder(path)
    data = folder.read_head().data
    if run is not None:
        return ModelFile(folder.keras_model, "keras", data.class_names, data.image_shape)
    if folder.keras_model.exists():
        return find_model(folder.keras_model, data.class_names, data.image_shape)
    if folder.saved_model.exists():
        raise UsageError(
            "This run has no best.keras, only a SavedModel, which is a program that TensorFlow runs. "
            f"If you trust it, name it: {folder.saved_model}"
        )
    if folder.read_head().kind == "study":
        raise UsageError(
            "A study has no model. Expected a search or a training. Train its best value first (mnist-tune train). "
            f"Received: {path}"
        )
    raise UsageError(f"This run has no model yet. Resume it: mnist-tune --out {shlex.quote(str(path))} --resume")


def load(model: ModelFile, run: RunFolder | None = None) -> Loaded:
    """Load a model without log output; where a run is given, build it from the code that the user named."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_imports():
        from inference.classifier import as_classifier, load_classifier

        if run is None:
            classifier = load_classifier(model)
        else:
            from tuner.export.run_model import load_named_model

            classifier = as_classifier(model, load_named_model(run))
        names = model.class_names or tuple(map(str, range(classifier.classes)))
    return Loaded(classifier, names, classifier.image_shape)


def form_of(path: Path, *, digits: bool) -> InputForm | None:
    """Return how pictures are prepared for the model of a run; None where the path is no run's.

    Args:
        path: a run's folder, a .keras file or a SavedModel's folder.
        digits: True to prepare them as MNIST's digits, whatever the run's data are called.

    Raises:
        UsageError: where they can't be: the run's images are not of 28×28 grey pixels.
    """
    if not os.path.lexists(path / "run.json"):
        return None
    head = RunFolder(path).read_head()
    shape = head.data.image_shape or MNIST_SHAPE
    return form_of_images(shape, digits=digits or _has_digits(head), how=head.options.resize, named=digits)


def form_of_images(shape: tuple[int, ...], *, digits: bool, how: Resize = "crop", named: bool = False) -> InputForm:
    """Return how pictures are prepared for a model that takes images of a shape.

    Raises:
        UsageError: where the user named digits, and the images are not of 28×28 grey pixels.
    """
    if named and shape != MNIST_SHAPE:
        raise UsageError(
            f"--digits: the preparation of digits makes 28×28 grey pixels. Expected a model that takes them. "
            f"Received: one of {shape}. Leave --digits out"
        )
    return InputForm.of(shape, digits=digits, how=how)


def _has_digits(head: RunHead) -> bool:
    """Return whether a run's data are digits; an older run does not name them."""
    from tuner.storage.schema.data_set import are_digits

    data = head.data
    return data.name is None or are_digits(data.name, data.class_names or DIGIT_NAMES)


def may_be_digits(form: InputForm, class_names: tuple[str, ...] | None) -> bool:
    """Return whether pictures are resized for a model whose ten classes are named as the digits."""
    return not form.digits and form.image_shape == DIGITS.image_shape and class_names == DIGIT_NAMES
