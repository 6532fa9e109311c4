"""`mnist-tune predict`: which model, which images, and what is written of them. How images are prepared is in `inference`."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from inference.models import ModelFile
from mnist_tune.cli.parser import Parser
from mnist_tune.prediction.loaded_model import load, model_of, named_run
from mnist_tune.terminal.lines import aligned, write_line
from mnist_tune.terminal.page_file import check_writable, write_page
from reports import formatting as text
from tuner.core.errors import MnistTuneError, UsageError
from tuner.core.machine import validate_environment
from tuner.core.text import escape_unprintable

if TYPE_CHECKING:
    from tuner.images.prediction import Prediction, Sample
    from tuner.storage.run_folder import RunFolder


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = Parser(
        prog="mnist-tune predict",
        description="Classify images: photographs, scans, screenshots, arrays. Each is prepared as MNIST's digits were.",
        epilog="exit codes: 0 done, 1 some images could not be used, 2 wrong usage or no image could be used, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="RUN|MODEL", help="a run's folder, a .keras file or a SavedModel's folder")
    parser.add_argument(
        "images", metavar="IMAGE", nargs="*", help="an image, a .npy or .npz file, a folder, or - (stdin)"
    )
    parser.add_argument(
        "--space",
        metavar="MODULE:CLASS",
        help="the run's own space, where its model has code of yours: naming it runs that module",
    )
    parser.add_argument("--raw", action="store_true", help="no preparation: 28×28 pixels, ink bright on black")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", metavar="FILE", help="write a page: each image beside what the network saw")
    parser.add_argument("--force", action="store_true", help="write over the page in --html")
    parser.add_argument("--synthetic", type=int, metavar="N", help="classify N digits of random strokes instead")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the random strokes (default: 1)")
    parser.intermixed = True
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Classify images, or synthetic digits.

    Raises:
        UsageError: where the model, every image, or the page's place can't be used; before Keras is imported where it can be.
        MnistTuneError: where some images could not be read; the others have been classified.
    """
    _check(given)
    run = named_run(Path(given.model), given.space)
    model = model_of(Path(given.model), run)
    validate_environment()
    page = check_writable(given.html, force=given.force) if given.html else None
    if given.synthetic is not None:
        from mnist_tune.prediction.generalisation import run_synthetic

        run_synthetic(given, model, page, run)
        return
    samples = _samples(given)
    predictions = _ask(model, samples, run)
    _name_passed_over(given.images)
    write_line(json.dumps([one.to_json() for one in predictions], indent=1) if given.json else table(predictions))
    if page is not None:
        from mnist_tune.prediction.page import page_of

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


def _samples(given: Namespace) -> list[Sample]:
    from tuner.images.prediction import make_sample
    from tuner.images.reading import NoImages, read_images

    try:
        samples = [make_sample(one, raw=given.raw) for one in read_images(given.images, _standard_input)]
    except NoImages as error:
        raise UsageError(str(error)) from error
    if not any(sample.readable for sample in samples):
        first = samples[0]
        more = f" (and {len(samples) - 1} more, none of which can be used)" if len(samples) > 1 else ""
        raise UsageError(f"{first.name}: {first.warning}{more}")
    return samples


def _standard_input() -> BinaryIO:
    """
    Raises:
        UsageError: where it is closed.
    """
    if sys.stdin is None:
        raise UsageError(
            "-: standard input is closed. Expected an image from a pipe or a file (< FILE). Received: nothing"
        )
    return sys.stdin.buffer


def _name_passed_over(words: Sequence[str]) -> None:
    """Write to standard error what of folders was no image, each by its name."""
    from tuner.images.reading import passed_over

    for word in words:
        left = passed_over(Path(word)) if os.path.isdir(word) else []
        if left:
            names = ", ".join(escape_unprintable(path.name) + "/" * path.is_dir() for path in left)
            sys.stderr.write(f"mnist-tune: passed over in {escape_unprintable(word)}: {names}\n")


def _ask(model: ModelFile, samples: Sequence[Sample], run: RunFolder | None) -> list[Prediction]:
    from tuner.images.prediction import has_page, predict, unasked

    if all(sample.image is None and not has_page(sample) for sample in samples):
        return unasked(samples)
    loaded = load(model, run)
    return predict(samples, loaded.classify, loaded.class_names)


def _tell_unreadable(samples: Sequence[Sample]) -> None:
    bad = sum(not sample.readable for sample in samples)
    if bad:
        raise MnistTuneError(f"{bad} of {text.plural(len(samples), 'image')} can't be used; their warnings say why.")


def table(predictions: Iterable[Prediction]) -> str:
    """A line an image: class, probability, runner-up, warning."""
    rows = [("file", "class", "probability (%)", "runner-up (%)", "")]
    for prediction in predictions:
        ranked = [(escape_unprintable(name), text.percent(share)) for name, share in prediction.ranked()]
        best, runner_up = (ranked[0], " ".join(ranked[1])) if ranked else ((text.MISSING, text.MISSING), text.MISSING)
        rows.append(
            (escape_unprintable(prediction.sample.name), *best, runner_up, escape_unprintable(prediction.warning or ""))
        )
    return aligned(rows)
