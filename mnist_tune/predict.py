"""`mnist-tune predict`: which model, which images, and what is written of them. How images are prepared is in `inference`."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from inference.models import ModelFile, find_model
from inference.names import printable
from mnist_tune.terminal import write_line
from reports import formatting as text
from tuner.errors import MnistTuneError, UsageError
from tuner.files import write_text
from tuner.quiet import quiet_imports
from tuner.run_folder import RunFolder

if TYPE_CHECKING:
    from inference.prediction import Classify, Prediction, Sample

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Loaded:
    """A model that answers, and the names of its classes."""

    classify: Classify
    class_names: tuple[str, ...]


def run_predict(given: Namespace) -> None:
    """Classifies images, or digits that are drawn.

    Raises:
        UsageError: where the model, every image, or the page's place can't be used; before Keras is imported where it can be.
        MnistTuneError: where some images could not be read; the others have been classified.
    """
    _check(given)
    model = model_of(Path(given.model))
    page = _free_place(given) if given.html else None
    if given.synthetic is not None:
        from mnist_tune.synthetic import run_synthetic

        run_synthetic(given, model, page)
        return
    samples = _samples(given)
    predictions = _ask(model, samples)
    write_line(json.dumps([one.to_json() for one in predictions], indent=1) if given.json else table(predictions))
    if page is not None:
        from mnist_tune.predict_page import page_of

        write_page(page, page_of(predictions, given.model), quiet=given.json)
    _tell_unreadable(samples)


def _check(given: Namespace) -> None:
    if given.synthetic is None and not given.images:
        raise UsageError("There is nothing to classify. Expected images, folders, - or --synthetic N. Received: none")
    if given.synthetic is not None and (given.images or given.raw):
        raise UsageError("--synthetic draws its own images. Expected neither images nor --raw beside it.")
    if given.synthetic is not None and not 1 <= given.synthetic <= 100_000:
        raise UsageError(f"--synthetic: expected 1 to 100000. Received: {given.synthetic}")
    if given.seed < 0:
        raise UsageError(f"--seed: expected a whole number from 0. Received: {given.seed}")


def model_of(path: Path) -> ModelFile:
    """The model that a run or a model's path names.

    Raises:
        UsageError: where there is none.
    """
    if not os.path.isfile(path / "run.json"):
        return find_model(path)
    folder = RunFolder(path)
    names = folder.class_names()
    if folder.keras_model.exists():
        return find_model(folder.keras_model, names)
    if folder.saved_model.exists():
        raise UsageError(
            f"This run has no best.keras, only a SavedModel, which is a program that TensorFlow runs. Where you trust it, name it: {folder.saved_model}"
        )
    raise UsageError(f"This run has no model yet. Go on with it: mnist-tune --out {path} --resume")


def load(model: ModelFile) -> Loaded:
    """Imports Keras and loads a model, without their chatter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_imports():
        from inference.classifier import class_count, load_classifier

        classify = load_classifier(model)
        names = model.class_names or tuple(str(place) for place in range(class_count(classify)))
    return Loaded(classify, names)


def _samples(given: Namespace) -> list[Sample]:
    from inference.images import NoImages, read_images
    from inference.prediction import make_sample

    try:
        samples = [make_sample(one, raw=given.raw) for one in read_images(given.images, lambda: sys.stdin.buffer)]
    except NoImages as error:
        raise UsageError(str(error)) from error
    if not any(sample.readable for sample in samples):
        first = samples[0]
        more = f" (and {len(samples) - 1} more, none of which can be used)" if len(samples) > 1 else ""
        raise UsageError(f"{first.name}: {first.warning}{more}")
    return samples


def _ask(model: ModelFile, samples: Sequence[Sample]) -> list[Prediction]:
    from inference.prediction import predict, unasked

    if all(sample.image is None for sample in samples):
        return unasked(samples)
    loaded = load(model)
    return predict(samples, loaded.classify, loaded.class_names)


def _tell_unreadable(samples: Sequence[Sample]) -> None:
    bad = sum(not sample.readable for sample in samples)
    if bad:
        raise MnistTuneError(f"{bad} of {text.plural(len(samples), 'image')} can't be used; their warnings say why.")


def table(predictions: Iterable[Prediction]) -> str:
    """A line an image: class, probability, runner-up, warning."""
    rows = [("file", "class", "probability (%)", "runner-up (%)", "")]
    for prediction in predictions:
        ranked = [(printable(name), text.percent(share)) for name, share in prediction.ranked()]
        best, runner_up = (ranked[0], " ".join(ranked[1])) if ranked else ((text.MISSING, text.MISSING), text.MISSING)
        rows.append((printable(prediction.sample.name), *best, runner_up, printable(prediction.sample.warning or "")))
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines, columns below each other."""
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = (
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _free_place(given: Namespace) -> Path:
    """Where the page goes.

    Raises:
        UsageError: where it can't be written, or something is there and --force is not given.
    """
    path = Path(given.html)
    parent = path.parent
    if os.path.isdir(path) or not path.name:
        raise UsageError(f"--html: expected a file's name. Received a folder: {path}")
    if not os.path.isdir(parent):
        raise UsageError(f"--html: expected a folder that is there. Received: {path}")
    if os.path.lexists(path) and not given.force:
        raise UsageError(
            f"--html: there is a file already. Write over it (--force), or choose another. Received: {path}"
        )
    if not os.access(parent, os.W_OK):
        raise UsageError(f"--html: expected a folder that can be written to. Received: {path}")
    return path


def write_page(path: Path, page: str, *, quiet: bool) -> None:
    """Writes a page, whole or not at all.

    Raises:
        UsageError: where that fails.
    """
    try:
        write_text(path, page)
    except OSError as error:
        raise UsageError(f"--html: the page can't be written: {error.strerror}. Received: {path}") from error
    if not quiet:
        write_line(f"Wrote {printable(str(path))}")
