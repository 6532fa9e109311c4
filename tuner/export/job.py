"""Exporting one model in several formats for `mnist-tune export`: written into a folder and measured. Imports Keras."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from tuner.core.errors import UsageError
from tuner.export.formats import Format, Probabilities
from tuner.export.keras_file import classifier
from tuner.export.run_model import load_named_model
from tuner.export.verification import LATENCY_METHOD, median_latency_s, size_bytes
from tuner.export.writing import Sample, short, write_checked
from tuner.spaces.adapter import own_classes
from tuner.storage.journal import now
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.export import ExportedFile, VerifiedImages

NOT_RUN = "of LiteRT's reference kernels, since no C compiler was found"
"""The end of `latency_method` for a C program that can't be run."""


def export_formats(
    formats: Sequence[Format], model: Any, folder: Path, sample: Sample, int8: bytes | None = None
) -> dict[str, ExportedFile]:
    """Write a Keras model (untyped) into a folder, a file a format, each compared and measured.

    Args:
        formats: the formats.
        model: the model.
        folder: a new folder.
        sample: the images to compare on.
        int8: the run's own int8 file; None: the model is quantised where a format needs that.

    Returns:
        `formats` of export.json.

    Raises:
        ExportError: where a file can't be written or disagrees with the model.
    """
    ours = classifier(model)(sample.images)
    # A user's own classes are registered here, so that Keras can read its file again.
    with keras.saving.custom_object_scope(own_classes(model)):
        return {one.name: _exported(one, model, folder / one.file, sample, ours, int8=int8) for one in formats}


def _exported(
    one: Format, model: Any, path: Path, sample: Sample, ours: Probabilities, *, int8: bytes | None
) -> ExportedFile:
    opened, agreement = write_checked(one, model, path, sample, ours, int8=int8)
    return ExportedFile(
        file=one.file,
        size_bytes=size_bytes(path),
        difference=agreement.difference,
        equal_classes=agreement.equal_classes,
        accuracy=agreement.accuracy,
        keras_accuracy=agreement.keras_accuracy,
        latency_s=median_latency_s(opened.classify, sample.images),
        signature=opened.signature,
        images=VerifiedImages(split=sample.split, n=len(sample.labels)),
        tolerance=one.tolerance,
        c=opened.c,
        latency_method=LATENCY_METHOD if opened.runs else f"{LATENCY_METHOD}; {NOT_RUN}",
        versions={name.replace("_", "-"): metadata.version(name) for name in ("keras", "tensorflow", *one.packages)},
        written=now(),
    )


def load_model(run: RunFolder, classes: int, image_shape: tuple[int, ...], *, named_code: bool = False) -> Any:
    """Load a run's Keras model (untyped), in safe mode: no code of a file is run.

    Args:
        run: the run's folder.
        classes: the number of classes of the run's data.
        image_shape: the shape of one of their images, (h, w) or (h, w, 3).
        named_code: build it from the run's space, which the user named.

    Raises:
        UsageError: where it can't be loaded, or has another input or output shape.
    """
    path = run.keras_model
    if named_code:
        model = load_named_model(run)
    else:
        try:
            model = keras.models.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            raise UsageError(f"The model can't be loaded safely: {short(error)}. Received: {path}") from error
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    expected = (None, *image_shape)
    if shapes != (expected, (None, classes)):
        raise UsageError(
            f"The model doesn't fit its run. Expected {expected} to (None, {classes}). "
            f"Received: {shapes[0]} to {shapes[1]} ({path})"
        )
    return model
