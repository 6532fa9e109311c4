"""Writing a model in a format, and checking what was written: the one path that every export takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from msgspec.structs import replace as replace_part
from numpy.typing import NDArray

from tuner.data.dataset import Dataset
from tuner.data.splits import stratified_indices
from tuner.export.formats import Classify, ExportError, Format, Images, Int8Exporter, Opened, Probabilities
from tuner.export.verification import Agreement, agreement, compared_indices
from tuner.storage.run_folder import remove
from tuner.storage.schema.export import Split
from tuner.storage.schema.result import ResultDocument

CALIBRATION = 500
"""Training images from which a quantising format takes the ranges of activations."""
_CALIBRATION_SEED = 1


@dataclass(frozen=True, eq=False)
class Sample:
    """Images to compare on, and to calibrate with."""

    split: Split
    images: Images
    labels: NDArray[np.int64]
    calibration: Images

    @classmethod
    def of(cls, data: Dataset, *, test: bool, trained_on: Dataset | None = None) -> Sample:
        """Return the images of a data set that exports use: always the same ones.

        Args:
            data: the images to compare on: test images, or else validation images.
            test: whether test images are used.
            trained_on: has the exported model's training images (`exported_data`), which calibrate; None: `data`.
        """
        x, y = (data.x_test, data.y_test) if test else (data.x_validation, data.y_validation)
        labels = np.asarray(y)
        chosen = compared_indices(labels)
        calibration = calibration_images(data if trained_on is None else trained_on)
        return cls("test" if test else "validation", np.asarray(x[chosen]), labels[chosen], calibration)


def exported_data(data: Dataset, result: ResultDocument) -> Dataset:
    """Return the data with the training images of a run's exported model: all images of a refit, else those of its fold.

    Args:
        data: the run's data set.
        result: its result.json.
    """
    return data.joined() if result.exported.refitted else data.fold(result.fold)


def calibration_images(data: Dataset) -> Images:
    """Return training images, of each class in proportion, sampled with a fixed seed."""
    labels = np.asarray(data.y_train)
    generator = np.random.default_rng([_CALIBRATION_SEED, 4])
    return np.asarray(data.x_train[stratified_indices(labels, min(CALIBRATION, len(labels)), generator)])


def write_checked(
    wanted: Format, model: Any, path: Path, sample: Sample, ours: Probabilities, *, int8: bytes | None = None
) -> tuple[Opened, Agreement]:
    """Write a Keras model (untyped) in a format, open the file and compare it.

    Args:
        wanted: the format.
        model: from images (n, h, w) or (n, h, w, 3) to probabilities (n, classes).
        path: a new path.
        sample: the images to compare on.
        ours: the Keras model's probabilities for the sample's images.
        int8: the run's own int8 file, which a format of an int8 network is made from; None: the model is quantised.

    Raises:
        ExportError: where it can't be written or its predictions differ; then nothing is left at `path`.
    """
    try:
        reference = _write(wanted, model, path, sample.calibration, int8)
        return check_file(wanted, path, sample, ours, reference)
    except BaseException:
        remove(path)
        raise


def _write(wanted: Format, model: Any, path: Path, calibration: Images, int8: bytes | None) -> Classify | None:
    try:
        if int8 is not None and wanted.quantised:
            return cast(Int8Exporter, wanted.load()).write_int8(int8, path, tuple(model.input_shape[1:]))
        return wanted.load().write(model, path, calibration)
    except (OSError, ExportError):
        raise
    except Exception as error:
        raise ExportError(f"The model can't be written as {wanted.name}: {short(error)}") from error


def check_file(
    wanted: Format, path: Path, sample: Sample, ours: Probabilities, reference: Classify | None = None
) -> tuple[Opened, Agreement]:
    """Open a file with its format's client and compare it with the Keras model's probabilities.

    Args:
        wanted: the format.
        path: the file.
        sample: the images to compare on.
        ours: the Keras model's probabilities for them.
        reference: the file that this one is made from, which it must equal bit for bit. It is compared with the Keras model in
            its place where nothing here can run this one.

    Raises:
        ExportError: where it can't be opened, disagrees by more than the format's tolerance, or differs from the reference.
    """
    try:
        opened = wanted.load().open(path)
        if not opened.runs and reference is not None:
            opened = replace(opened, classify=reference)
        theirs = opened.classify(sample.images)
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"The {wanted.name} file can't be read again: {short(error)}") from error
    comparison = agreement(ours, theirs, sample.labels)
    faults = comparison.faults(wanted.tolerance)
    if faults:
        raise ExportError(
            f"The {wanted.name} file disagrees with the Keras model on {comparison.n} {sample.split} images, so it was "
            f"removed: {'; '.join(faults)}"
        )
    if opened.runs and opened.c is not None and reference is not None:
        _check_equal(wanted, theirs, reference(sample.images), sample)
        opened = replace(opened, c=replace_part(opened.c, equal_reference=1.0))
    return opened, comparison


def _check_equal(wanted: Format, theirs: Probabilities, expected: Probabilities, sample: Sample) -> None:
    """Raise `ExportError` where the probabilities of any image differ from those of the file that this one is made from."""
    differ = int((expected != theirs).any(axis=1).sum()) if expected.shape == theirs.shape else len(theirs)
    if differ:
        raise ExportError(
            f"The {wanted.name} file differs from the int8 file that it is made from on {differ} of {len(theirs)} {sample.split} "
            "images. Expected the same bits on all, so it was removed. Report this with the version of ai-edge-litert."
        )


def short(error: BaseException) -> str:
    """Return an exception's first sentence."""
    first = " ".join(str(error).split()).split(". ")[0]
    return (first or type(error).__name__)[:240].rstrip(".")
