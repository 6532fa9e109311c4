"""Several formats of one model, written into a folder and measured: what `mnist-tune export` has done. Imports Keras."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from tuner.core.errors import UsageError
from tuner.data.validation import SIDE
from tuner.export.formats import Format, Probabilities
from tuner.export.keras_file import classifier
from tuner.export.run_model import load_named_model
from tuner.export.verification import LATENCY_METHOD, median_latency_s, size_bytes
from tuner.export.writing import Sample, short, write_checked
from tuner.spaces.adapter import own_classes
from tuner.storage.journal import now
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.export import ExportedFile, VerifiedImages


def export_formats(formats: Sequence[Format], model: Any, folder: Path, sample: Sample) -> dict[str, ExportedFile]:
    """Write a Keras model (untyped) into a folder, a file a format, each compared and measured.

    Returns:
        `formats` of export.json.

    Raises:
        ExportError: where one can't be written or disagrees.
    """
    ours = classifier(model)(sample.images)
    # Classes of a user's own are known here, for the model was built from them: its Keras file can be read again.
    with keras.saving.custom_object_scope(own_classes(model)):
        return {one.name: _exported(one, model, folder / one.file, sample, ours) for one in formats}


def _exported(one: Format, model: Any, path: Path, sample: Sample, ours: Probabilities) -> ExportedFile:
    opened, found = write_checked(one, model, path, sample, ours)
    return ExportedFile(
        file=one.file,
        size_bytes=size_bytes(path),
        difference=found.difference,
        equal_classes=found.equal_classes,
        accuracy=found.accuracy,
        keras_accuracy=found.keras_accuracy,
        latency_s=median_latency_s(opened.classify, sample.images),
        signature=opened.signature,
        images=VerifiedImages(split=sample.split, n=len(sample.labels)),
        tolerance=one.tolerance,
        latency_method=LATENCY_METHOD,
        versions={name.replace("_", "-"): metadata.version(name) for name in ("keras", "tensorflow", *one.packages)},
        written=now(),
    )


def load_model(run: RunFolder, classes: int, *, named_code: bool = False) -> Any:
    """Load a run's Keras model (untyped), in safe mode: no code of a file is run.

    Args:
        run: its folder.
        classes: of the run's data.
        named_code: build it from the run's space, which the user named.

    Raises:
        UsageError: where it can't be loaded, or takes or gives something else.
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
    if shapes != ((None, SIDE, SIDE), (None, classes)):
        raise UsageError(
            f"The model doesn't fit its run. Expected (None, {SIDE}, {SIDE}) to (None, {classes}). "
            f"Received: {shapes[0]} to {shapes[1]} ({path})"
        )
    return model
