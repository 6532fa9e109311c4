"""`mnist-tune predict --synthetic`: a model's scores on synthetic digits."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from inference.models import ModelFile
from mnist_tune.prediction.loaded_model import load
from mnist_tune.terminal.lines import aligned, write_line
from mnist_tune.terminal.page_file import write_page
from reports import formatting as text
from tuner.core.errors import UsageError
from tuner.core.records import Json
from tuner.images.digits.preparation import prepare
from tuner.images.digits.strokes import synthetic_digits, synthetic_styles
from tuner.images.prediction import Prediction, Sample, predict
from tuner.stats.intervals import wilson_interval
from tuner.stats.metrics import CALIBRATION_BINS, calibration_error, log_loss
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.data_set import DIGIT_NAMES


@dataclass(frozen=True)
class Generalisation:
    """The scores of a model on synthetic digits. A digit that could not be prepared counts as an error."""

    n: int
    seed: int
    errors: int
    refused: int
    """Digits rejected as blank or as several digits; included in `errors`."""
    accuracy: float
    accuracy_ci95: tuple[float, float]
    """Wilson 1927."""
    log_loss: float | None
    """The mean in nats over the classified digits, like `calibration_error`."""
    calibration_error: float | None
    """Expected calibration error, 15 bins."""
    per_class: tuple[tuple[str, int, int], ...]
    """Class, right, n."""
    styles: tuple[tuple[str, int, int], ...] = ()
    """Each style of writing: name, right, n."""

    def to_json(self) -> Json:
        """Return the document that `--json` prints."""
        classes = [{"class": name, "right": right, "n": n} for name, right, n in self.per_class]
        styles = [{"style": name, "right": right, "n": n} for name, right, n in self.styles]
        return {**asdict(self), "accuracy_ci95": list(self.accuracy_ci95), "per_class": classes, "styles": styles}


def run_synthetic(given: Namespace, model: ModelFile, page: Path | None, run: RunFolder | None = None) -> None:
    """Draw digits, classify them and print the scores.

    Raises:
        UsageError: where the model's classes are not the ten digits.
    """
    check_digits(model.class_names or DIGIT_NAMES)
    images, labels = synthetic_digits(given.synthetic, given.seed)
    samples = [_sample(f"drawn {index}", image) for index, image in enumerate(images)]
    loaded = load(model, run)
    check_digits(loaded.class_names)
    predictions = predict(samples, loaded.classify, loaded.class_names)
    result = generalisation(predictions, labels.tolist(), given.seed, synthetic_styles(given.synthetic, given.seed))
    write_line(json.dumps(result.to_json(), indent=1) if given.json else summary(result))
    if page is not None:
        from mnist_tune.prediction.page import page_of

        write_page(page, page_of(predictions, given.model, [str(label) for label in labels]), quiet=given.json)


def check_digits(names: Sequence[str]) -> None:
    """Raise UsageError where the classes are not the ten digits."""
    if tuple(names) != DIGIT_NAMES:
        received = ", ".join(names[:12])
        raise UsageError(
            f"--synthetic needs a model of digits. Expected ten classes named 0 to 9. Received: {received}"
        )


def _sample(name: str, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Sample:
    prepared = prepare(image.astype(np.float32) / np.float32(255))
    return Sample(name, prepared.image, prepared.warning, original=Image.fromarray(image))


def generalisation(
    predictions: Sequence[Prediction], labels: Sequence[int], seed: int, styles: Sequence[str] = ()
) -> Generalisation:
    """Return the scores of one or more predictions, given the labels and perhaps the styles."""
    right = [
        one.probabilities is not None and one.ranked()[0][0] == str(label)
        for one, label in zip(predictions, labels, strict=True)
    ]
    asked = [(one.probabilities, label) for one, label in zip(predictions, labels, strict=True) if one.probabilities]
    shares, truth = np.array([share for share, _ in asked]), np.array([label for _, label in asked])
    return Generalisation(
        n=len(labels),
        seed=seed,
        errors=len(labels) - sum(right),
        refused=len(labels) - len(asked),
        accuracy=sum(right) / len(labels),
        accuracy_ci95=wilson_interval(sum(right), len(labels)),
        log_loss=log_loss(shares, truth) if asked else None,
        calibration_error=calibration_error(shares, truth) if asked else None,
        per_class=tuple(_of_class(digit, right, labels) for digit in range(10)),
        styles=tuple(_of_style(style, right, styles) for style in sorted(set(styles) - {""})),
    )


def _of_style(style: str, right: Sequence[bool], styles: Sequence[str]) -> tuple[str, int, int]:
    members = [hit for hit, name in zip(right, styles, strict=True) if name == style]
    return style, sum(members), len(members)


def _of_class(digit: int, right: Sequence[bool], labels: Sequence[int]) -> tuple[str, int, int]:
    members = [hit for hit, label in zip(right, labels, strict=True) if label == digit]
    return str(digit), sum(members), len(members)


def summary(result: Generalisation) -> str:
    """Return the scores as lines."""
    classified = text.plural(result.n - result.refused, "digit")
    rows = [("digit", *(name for name, _, _ in result.per_class))]
    rows.append(("right", *(str(right) for _, right, _ in result.per_class)))
    rows.append(("drawn", *(str(n) for _, _, n in result.per_class)))
    return "\n".join(
        (
            f"Accuracy on {text.plural(result.n, 'drawn digit')} (seed {result.seed}): "
            f"{text.interval(result.accuracy, result.accuracy_ci95)} %",
            f"{text.plural(result.errors, 'error')}, {result.refused} of them not classified",
            f"Log loss {text.loss(result.log_loss)}, expected calibration error {text.percent(result.calibration_error)} % "
            f"({CALIBRATION_BINS} bins), over the {classified} that were classified",
            aligned(rows),
            *(f"Drawn with a {style}: {right} of {n} right" for style, right, n in result.styles),
        )
    )
