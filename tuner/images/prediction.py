"""The prediction for an image: a class with its probabilities, or why there is none. No files, no Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.images.doubt import FEWEST_PARTS, digit_turn_note, page_turn_note, turned, unsure_note
from tuner.images.preparation import SIZE, Prepared, prepare
from tuner.images.reading import Picture, Refused

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
    parts: tuple[NDArray[np.uint8], ...] = ()
    """Some digits of a page, each (28, 28)."""


@dataclass(frozen=True)
class Prediction:
    """The model's answer for a sample."""

    sample: Sample
    class_names: tuple[str, ...]
    probabilities: tuple[float, ...] | None
    """One a class; None where the model was not asked."""
    doubt: str | None = None
    """The doubts that the answers raise."""

    @property
    def warning(self) -> str | None:
        """Return what the user should know: of the image, and of the answer."""
        return "; ".join(words for words in (self.sample.warning, self.doubt) if words) or None

    def ranked(self) -> list[tuple[str, float]]:
        """Classes with their probabilities, the most probable first; of equals, the first."""
        pairs = list(zip(self.class_names, self.probabilities or (), strict=False))
        return sorted(pairs, key=lambda pair: -pair[1])

    def to_json(self) -> dict[str, object]:
        """Return it as `mnist-tune predict --json` writes it."""
        ranked = self.ranked()
        return {
            "file": self.sample.name,
            "class": ranked[0][0] if ranked else None,
            "probability": ranked[0][1] if ranked else None,
            "probabilities": dict(zip(self.class_names, self.probabilities, strict=True))
            if self.probabilities
            else None,
            "warning": self.warning,
        }


def make_sample(read: Picture | Refused, *, raw: bool) -> Sample:
    """Prepare a picture; with `raw` it is taken as it is."""
    if isinstance(read, Refused):
        return Sample(read.name, None, read.reason, readable=False)
    prepared = _as_it_is(read) if raw else prepare(read.grey)
    notes = "; ".join(words for words in (read.note, prepared.warning) if words)
    readable = prepared.image is not None or not raw
    return Sample(read.name, prepared.image, notes or None, readable, read.original, prepared.parts)


def _as_it_is(picture: Picture) -> Prepared:
    if picture.grey.shape != (SIZE, SIZE):
        height, width = picture.grey.shape
        return Prepared(None, f"not prepared (--raw): expected 28×28 pixels. Received: {width}×{height}")
    return Prepared(np.rint(255 * picture.grey).astype(np.uint8))


def predict(samples: Sequence[Sample], classify: Classify, class_names: Sequence[str]) -> list[Prediction]:
    """Ask the model about every sample that has an image, and about the digits of pages: whether they are turned."""
    images = [sample.image for sample in samples if sample.image is not None]
    answers = iter(classify(np.stack(images)) if images else ())
    return [_prediction(sample, classify, tuple(class_names), answers) for sample in samples]


def _prediction(
    sample: Sample, classify: Classify, class_names: tuple[str, ...], answers: Iterator[NDArray[np.float32]]
) -> Prediction:
    if sample.image is None:
        return Prediction(sample, class_names, None, _page_doubt(sample, classify))
    probabilities = next(answers)
    unsure = unsure_note(probabilities)
    if unsure is not None:
        three = classify(np.concatenate([turned(sample.image[None], quarters) for quarters in (1, 2, 3)]))
        hint = digit_turn_note(np.concatenate([probabilities[None], three]), class_names)
        unsure = f"{unsure}; {hint}" if hint else unsure
    return Prediction(sample, class_names, tuple(probabilities.tolist()), unsure)


def _page_doubt(sample: Sample, classify: Classify) -> str | None:
    if not has_page(sample):
        return None
    parts = np.stack(sample.parts)
    return page_turn_note(np.stack([classify(turned(parts, quarters)) for quarters in range(4)]))


def has_page(sample: Sample) -> bool:
    """Return whether there are so many digits in a picture that a model can tell which way up it is."""
    return len(sample.parts) >= FEWEST_PARTS


def unasked(samples: Iterable[Sample]) -> list[Prediction]:
    """Sample of which none has an image: no model is needed."""
    return [Prediction(sample, (), None) for sample in samples]
