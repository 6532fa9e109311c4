"""The comparison of a file with its Keras model, its latency and its size. Numbers only: it knows no format."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.splits import stratified_indices
from tuner.export.formats import Classify, Images, Probabilities
from tuner.storage.schema.export import Tolerance

COMPARED = 1000
"""Images on which a file is compared with the Keras model; all of them where there are fewer."""
_SEED = 1
"""The seed of the images that are compared; fixed, so that every format is compared on the same ones."""
_WARM_UP, _TIMED = 20, 200
LATENCY_METHOD = f"median of {_TIMED} calls with one image each from Python, after {_WARM_UP} that were not counted; threads as each library sets them"


@dataclass(frozen=True)
class Agreement:
    """The agreement of a file with the Keras model on the same images."""

    n: int
    difference: float
    """Largest of all probabilities."""
    equal_classes: float
    """Fraction of images."""
    accuracy: float
    """Accuracy of the file."""
    keras_accuracy: float
    decided_equal: float | None = None
    """Fraction of the images of which the Keras model is not undecided (see `UNDECIDED`); None: `equal_classes`."""
    flips: int = 0
    """Images that one of the two has right and the other one wrong."""

    def faults(self, tolerance: Tolerance) -> list[str]:
        """Return a message for each figure outside its limits; NaN is outside."""
        violations = []
        if tolerance.difference is not None and not self.difference <= tolerance.difference:
            violations.append(
                f"probabilities differ by up to {self.difference:.2g}, {tolerance.difference:.0e} is the most allowed"
            )
        equal = self.equal_classes if self.decided_equal is None else self.decided_equal
        if not equal >= tolerance.equal_classes:
            violations.append(
                f"{equal:.1%} of the classes are equal, {100 * tolerance.equal_classes:g}% is the least allowed"
            )
        loss = self.keras_accuracy - self.accuracy
        if tolerance.accuracy_loss is not None and not loss <= self._allowed_loss(tolerance.accuracy_loss) + 1e-12:
            violations.append(
                f"the accuracy drops by {loss:.1%}, {self._allowed_loss(tolerance.accuracy_loss):.1%} is the most allowed"
            )
        return violations

    def _allowed_loss(self, least: float) -> float:
        """Return the loss that is allowed: `least`, or on few images three standard errors of a difference by chance."""
        return max(least, _ERRORS * math.sqrt(self.flips) / self.n) if self.n else least


UNDECIDED = 0.1
"""The Keras model is undecided between two classes whose probabilities differ by less: rounding may well change its answer."""
_ERRORS = 3


def compared_indices(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of the compared images: 1,000 (or all), of each class in proportion, always the same."""
    return stratified_indices(labels, min(COMPARED, len(labels)), np.random.default_rng([_SEED, 3]))


def agreement(ours: Probabilities, theirs: Probabilities, labels: NDArray[np.int64]) -> Agreement:
    """Compare probabilities (n, classes) of the Keras model and of a file with each other and with labels (n,).

    Shapes that differ, or what is not finite, count as a difference without bound.
    """
    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        return Agreement(len(labels), float("inf"), 0.0, 0.0, _accuracy(ours, labels))
    return Agreement(
        n=len(labels),
        difference=float(np.abs(ours - theirs).max()),
        equal_classes=float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()),
        accuracy=_accuracy(theirs, labels),
        keras_accuracy=_accuracy(ours, labels),
        decided_equal=_decided_equal(ours, theirs),
        flips=int(((ours.argmax(axis=1) == labels) != (theirs.argmax(axis=1) == labels)).sum()),
    )


def _decided_equal(ours: Probabilities, theirs: Probabilities) -> float | None:
    second, first = np.sort(ours, axis=1)[:, -2:].T
    decided = first - second >= UNDECIDED
    return float((ours.argmax(axis=1) == theirs.argmax(axis=1))[decided].mean()) if decided.any() else None


def _accuracy(probabilities: Probabilities, labels: NDArray[np.int64]) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def median_latency_s(classify: Classify, images: Images) -> float:
    """Return the median seconds of a call with one image (see `LATENCY_METHOD`)."""
    times = []
    for number in range(_WARM_UP + _TIMED):
        image = images[number % len(images)][None]
        began = time.perf_counter()
        classify(image)
        times.append(time.perf_counter() - began)
    return statistics.median(times[_WARM_UP:])


def size_bytes(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
