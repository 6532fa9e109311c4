"""Writing a model in a format, and checking what was written: the one path that every export takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import Dataset
from tuner.data.splits import stratified_indices
from tuner.export.formats import ExportError, Format, Images, Opened, Probabilities
from tuner.export.verification import Agreement, agreement, compared_indices
from tuner.storage.run_folder import remove
from tuner.storage.schema.export import Split

CALIBRATION = 500
"""Training images from which the ranges of activations are told, where a format quantises."""
_CALIBRATION_SEED = 1


@dataclass(frozen=True, eq=False)
class Sample:
    """Images to compare on, and to calibrate with."""

    split: Split
    images: Images
    labels: NDArray[np.int64]
    calibration: Images

    @classmethod
    def of(cls, data: Dataset, *, test: bool) -> Sample:
        """The images of a data set that exports use: always the same ones."""
        x, y = (data.x_test, data.y_test) if test else (data.x_validation, data.y_validation)
        labels = np.asarray(y)
        chosen = compared_indices(labels)
        return cls("test" if test else "validation", np.asarray(x[chosen]), labels[chosen], calibration_images(data))


def calibration_images(data: Dataset) -> Images:
    """Training images, of each class in proportion; a fixed seed draws them."""
    labels = np.asarray(data.y_train)
    generator = np.random.default_rng([_CALIBRATION_SEED, 4])
    return np.asarray(data.x_train[stratified_indices(labels, min(CALIBRATION, len(labels)), generator)])


def write_checked(
    wanted: Format, model: Any, path: Path, sample: Sample, ours: Probabilities
) -> tuple[Opened, Agreement]:
    """Write a Keras model (untyped) in a format, opens the file and compares it.

    Args:
        wanted: the format.
        model: from images (n, 28, 28) to probabilities (n, classes).
        path: where; it is free.
        sample: what is compared on.
        ours: what the Keras model says of the sample's images.

    Raises:
        ExportError: where it can't be written or answers differently; then nothing is left at `path`.
    """
    try:
        _write(wanted, model, path, sample.calibration)
        return check_file(wanted, path, sample, ours)
    except BaseException:
        remove(path)
        raise


def _write(wanted: Format, model: Any, path: Path, calibration: Images) -> None:
    try:
        wanted.load().write(model, path, calibration)
    except (OSError, ExportError):
        raise
    except Exception as error:
        raise ExportError(f"The model can't be written as {wanted.name}: {short(error)}") from error


def check_file(wanted: Format, path: Path, sample: Sample, ours: Probabilities) -> tuple[Opened, Agreement]:
    """Open a file with its format's client and compares it with what the Keras model says.

    Raises:
        ExportError: where it can't be opened, or disagrees by more than the format's tolerance.
    """
    try:
        opened = wanted.load().open(path)
        theirs = opened.classify(sample.images)
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"The {wanted.name} file can't be read again: {short(error)}") from error
    found = agreement(ours, theirs, sample.labels)
    faults = found.faults(wanted.tolerance)
    if faults:
        raise ExportError(
            f"The {wanted.name} file disagrees with the Keras model on {found.n} {sample.split} images, so it was "
            f"removed: {'; '.join(faults)}"
        )
    return opened, found


def short(error: BaseException) -> str:
    """An exception's first sentence."""
    first = " ".join(str(error).split()).split(". ")[0]
    return (first or type(error).__name__)[:240].rstrip(".")
