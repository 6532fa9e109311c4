"""The prediction for an image: a class with its probabilities, or why there is none. No Keras."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.images.digits.preparation import Prepared, prepare
from tuner.images.doubt import FEWEST_PARTS, digit_turn_note, page_turn_note, turned, unsure_note
from tuner.images.input_form import DIGITS, InputForm
from tuner.images.limits import DAMAGES, Unreadable, short
from tuner.images.picture_files import without_warnings
from tuner.images.reading import Picture, Refused

Probabilities: TypeAlias = NDArray[np.float32]
Classify: TypeAlias = Callable[[NDArray[np.uint8]], Probabilities]
"""Images (n, h, w) or (n, h, w, 3) uint8 to probabilities (n, classes)."""


@dataclass(frozen=True)
class Sample:
    """An image that is ready to be classified, or the reason why it can't be."""

    name: str
    image: NDArray[np.uint8] | None
    """(h, w) or (h, w, 3), or None: `warning` says why."""
    warning: str | None = None
    readable: bool = True
    original: Image.Image | None = None
    parts: tuple[NDArray[np.uint8], ...] = ()
    """Digits of a page, each (28, 28)."""
    digit: bool = True
    """False where it is no picture of a digit, so that its turns and its ink mean nothing."""


@dataclass(frozen=True)
class Prediction:
    """The model's answer for a sample."""

    sample: Sample
    class_names: tuple[str, ...]
    probabilities: tuple[float, ...] | None
    """One a class; None where the model was not called."""
    doubt: str | None = None
    """A note about a doubtful prediction."""
    unlikely: bool = False
    """True if the highest probability is low (`tuner.images.doubt`)."""

    @property
    def warning(self) -> str | None:
        """Return the notes about the image and the prediction."""
        return "; ".join(words for words in (self.sample.warning, self.doubt) if words) or None

    def ranked(self) -> list[tuple[str, float]]:
        """Return classes with their probabilities, the most probable first; of equals, the first."""
        pairs = list(zip(self.class_names, self.probabilities or (), strict=False))
        return sorted(pairs, key=lambda pair: -pair[1])

    def to_json(self) -> dict[str, object]:
        """Return the object that `mnist-tune predict --json` writes."""
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


def make_sample(read: Picture | Refused, *, raw: bool, form: InputForm = DIGITS) -> Sample:
    """Prepare a picture for a model that takes images of a form; with `raw` it is taken as it is."""
    if isinstance(read, Refused):
        return Sample(read.name, None, read.reason, readable=False, digit=form.digits)
    prepared = _as_it_is(read, form) if raw else _prepared(read, form)
    if isinstance(prepared, Refused):
        return Sample(read.name, None, prepared.reason, readable=False, digit=form.digits)
    notes = "; ".join(words for words in (read.note, prepared.warning) if words)
    readable = prepared.image is not None or not raw
    return Sample(read.name, prepared.image, notes or None, readable, read.original, prepared.parts, form.digits)


def _prepared(picture: Picture, form: InputForm) -> Prepared | Refused:
    """Return a picture for the network: of a file that the loaders of training images read, what they would make of it."""
    if form.digits:
        return prepare(picture.grey)
    if picture.content is None:
        return Prepared(form.of_picture(picture.image))
    try:
        with without_warnings():
            return Prepared(form.of_file(io.BytesIO(picture.content)))
    except (Unreadable, *DAMAGES) as error:
        return Refused(picture.name, f"can't be prepared ({short(error)})")


def _as_it_is(picture: Picture, form: InputForm) -> Prepared:
    if picture.grey.shape != form.image_shape[:2]:
        expected, received = (f"{width}×{height}" for height, width in (form.image_shape[:2], picture.grey.shape))
        return Prepared(None, f"not prepared (--raw): expected {expected} pixels. Received: {received}")
    if not form.digits:
        return Prepared(form.of_picture(picture.image))  # of its size already: only transparent pixels change
    return Prepared(np.rint(255 * picture.grey).astype(np.uint8))


def predict(samples: Sequence[Sample], classify: Classify, class_names: Sequence[str]) -> list[Prediction]:
    """Classify every sample that has an image; classify the digits of pages turned, too."""
    images = [sample.image for sample in samples if sample.image is not None]
    answers = iter(classify(np.stack(images)) if images else ())
    return [_prediction(sample, classify, tuple(class_names), answers) for sample in samples]


def _prediction(
    sample: Sample, classify: Classify, class_names: tuple[str, ...], answers: Iterator[NDArray[np.float32]]
) -> Prediction:
    if sample.image is None:
        return Prediction(sample, class_names, None, _page_doubt(sample, classify))
    probabilities = next(answers)
    doubt = unsure_note(probabilities, digit=sample.digit)
    unlikely = doubt is not None
    if unlikely and sample.digit:
        three = classify(np.concatenate([turned(sample.image[None], quarters) for quarters in (1, 2, 3)]))
        hint = digit_turn_note(np.concatenate([probabilities[None], three]), class_names)
        doubt = f"{doubt}; {hint}" if hint else doubt
    return Prediction(sample, class_names, tuple(probabilities.tolist()), doubt, unlikely)


def _page_doubt(sample: Sample, classify: Classify) -> str | None:
    if not has_page(sample):
        return None
    parts = np.stack(sample.parts)
    return page_turn_note(np.stack([classify(turned(parts, quarters)) for quarters in range(4)]))


def has_page(sample: Sample) -> bool:
    """Return whether a picture has enough digits for a model to find out whether it is turned."""
    return len(sample.parts) >= FEWEST_PARTS


def unasked(samples: Iterable[Sample]) -> list[Prediction]:
    """Return the predictions of samples without images, which need no model."""
    return [Prediction(sample, (), None) for sample in samples]
