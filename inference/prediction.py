"""What is said of an image: a class with its probabilities, or why there is none. No files, no Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.images import Picture, Refused
from inference.preparation import SIZE, Prepared, prepare

Probabilities: TypeAlias = NDArray[np.float32]
Classify: TypeAlias = Callable[[NDArray[np.uint8]], Probabilities]
"""Images (n, 28, 28) uint8, ink bright, to probabilities (n, classes)."""


@dataclass(frozen=True)
class Sample:
    """An image that is ready to be classified, or is not to be."""

    name: str
    image: NDArray[np.uint8] | None
    """(28, 28), or None: `warning` says why."""
    warning: str | None = None
    readable: bool = True
    original: Image.Image | None = None


@dataclass(frozen=True)
class Prediction:
    """What the model said of a sample."""

    sample: Sample
    class_names: tuple[str, ...]
    probabilities: tuple[float, ...] | None
    """One a class; None where the model was not asked."""

    def ranked(self) -> list[tuple[str, float]]:
        """Classes with their probabilities, the most probable first; of equals, the first."""
        pairs = list(zip(self.class_names, self.probabilities or (), strict=False))
        return sorted(pairs, key=lambda pair: -pair[1])

    def to_json(self) -> dict[str, object]:
        """As `mnist-tune predict --json` writes it."""
        ranked = self.ranked()
        return {
            "file": self.sample.name,
            "class": ranked[0][0] if ranked else None,
            "probability": ranked[0][1] if ranked else None,
            "probabilities": dict(zip(self.class_names, self.probabilities, strict=True))
            if self.probabilities
            else None,
            "warning": self.sample.warning,
        }


def make_sample(read: Picture | Refused, *, raw: bool) -> Sample:
    """Prepares a picture; with `raw` it is taken as it is."""
    if isinstance(read, Refused):
        return Sample(read.name, None, read.reason, readable=False)
    prepared = _as_it_is(read) if raw else prepare(read.grey)
    notes = "; ".join(words for words in (read.note, prepared.warning) if words)
    readable = prepared.image is not None or not raw
    return Sample(read.name, prepared.image, notes or None, readable, read.original)


def _as_it_is(picture: Picture) -> Prepared:
    if picture.grey.shape != (SIZE, SIZE):
        height, width = picture.grey.shape
        return Prepared(None, f"not prepared (--raw): expected 28×28 pixels. Received: {width}×{height}")
    return Prepared(np.rint(255 * picture.grey).astype(np.uint8))


def predict(samples: Sequence[Sample], classify: Classify, class_names: Sequence[str]) -> list[Prediction]:
    """Asks the model about every sample that has an image."""
    images = [sample.image for sample in samples if sample.image is not None]
    answers = iter(classify(np.stack(images)).tolist() if images else ())
    return [
        Prediction(sample, tuple(class_names), None if sample.image is None else tuple(next(answers)))
        for sample in samples
    ]


def unasked(samples: Iterable[Sample]) -> list[Prediction]:
    """Samples of which none has an image: no model is needed."""
    return [Prediction(sample, (), None) for sample in samples]
