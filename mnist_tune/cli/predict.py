"""`mnist-tune predict`: classify images. `tuner.images` prepares them, `inference` classifies them."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from inference.models import ModelFile, declared_shape
from mnist_tune.cli.parser import Parser
from mnist_tune.prediction.loaded_model import Loaded, form_of, form_of_images, load, may_be_digits, model_of, named_run
from mnist_tune.terminal.encoding import printable_path
from mnist_tune.terminal.lines import aligned, write_line
from mnist_tune.terminal.page_file import check_writable, write_page
from mnist_tune.terminal.stdout import write_error
from reports import formatting as text
from tuner.core.errors import MnistTuneError, UsageError
from tuner.core.machine import validate_environment
from tuner.core.text import escape_unprintable
from tuner.storage.schema.data_set import MNIST_SHAPE

if TYPE_CHECKING:
    from tuner.images.input_form import InputForm
    from tuner.images.prediction import Prediction, Sample
    from tuner.storage.run_folder import RunFolder


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = Parser(
        prog="mnist-tune predict",
        description="Classify images: photographs, scans, screenshots, arrays. Each is prepared as the run's training images "
        "were: digits as MNIST's, others by resizing.",
        epilog="exit codes: 0 done, 1 some images can't be used, 2 wrong usage or no usable image, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="RUN|MODEL", help="a run's folder, a .keras file or a SavedModel's folder")
    parser.add_argument(
        "images", metavar="IMAGE", nargs="*", help="an image, a .npy or .npz file, a folder, or - (stdin)"
    )
    parser.add_argument(
        "--space",
        metavar="MODULE:CLASS",
        help="the run's space, if its model has custom code: that module is executed",
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="no preparation: pixels as the model takes them (MNIST: 28×28, ink bright on black)",
    )
    parser.add_argument(
        "--digits",
        action="store_true",
        help="prepare each like MNIST's digits, where the run's data are digits under another name",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", metavar="FILE", help="write a page: each image beside what the network saw")
    parser.add_argument("--force", action="store_true", help="write over the page in --html")
    parser.add_argument("--synthetic", type=int, metavar="N", help="classify N digits of random strokes instead")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the seed of the random strokes (default: 1)")
    parser.intermixed = True
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Classify images, or synthetic digits.

    Raises:
        UsageError: where the model, every image or the page's file can't be used.
        MnistTuneError: where some images can't be used; the others are classified.
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
    loaded = None
    form = form_of(Path(given.model), digits=given.digits)
    if form is None:
        shape = declared_shape(model)
        if model.kind == "savedmodel":  # it says nothing of its images before it is loaded
            loaded = load(model, run)
            shape = loaded.image_shape
        form = form_of_images(shape or MNIST_SHAPE, digits=True, named=given.digits)
    samples = _samples(given, form)
    predictions = _predict(model, samples, run, loaded)
    if not given.raw and may_be_digits(form, model.class_names):
        write_error(_RESIZED)
    _report_skipped(given.images)
    write_line(json.dumps([one.to_json() for one in predictions], indent=1) if given.json else table(predictions))
    if page is not None:
        from mnist_tune.prediction.page import page_of

        write_page(page, page_of(predictions, given.model, size=form.words), quiet=given.json)
    _raise_for_unusable(samples)


def _check(given: Namespace) -> None:
    if given.synthetic is None and not given.images:
        raise UsageError("No images. Expected images, folders, - or --synthetic N. Received: none")
    if given.raw and given.digits:
        raise UsageError("--raw and --digits: expected one of them. Received: both")
    if given.synthetic is not None and (given.images or given.raw):
        raise UsageError("--synthetic generates its images. Expected neither images nor --raw. Received: both")
    if given.synthetic is not None and not 1 <= given.synthetic <= 100_000:
        raise UsageError(f"--synthetic: expected 1 to 100000. Received: {given.synthetic}")
    if given.seed < 0:
        raise UsageError(f"--seed: expected a whole number from 0. Received: {given.seed}")


_RESIZED = (
    "mnist-tune: the pictures were resized, as the data of this run have not the name of MNIST. If they are digits: --digits "
    "prepares pictures as MNIST's."
)


def _samples(given: Namespace, form: InputForm) -> list[Sample]:
    from tuner.images.prediction import make_sample
    from tuner.images.reading import NoImages, read_images

    try:
        samples = [make_sample(one, raw=given.raw, form=form) for one in read_images(given.images, _standard_input)]
    except NoImages as error:
        raise UsageError(str(error)) from error
    if not any(sample.readable for sample in samples):
        first = samples[0]
        more = f" (and {len(samples) - 1} more, none of which can be used)" if len(samples) > 1 else ""
        raise UsageError(f"{first.name}: {first.warning}{more}")
    return samples


def _standard_input() -> BinaryIO:
    """Return standard input; raise UsageError where it is closed."""
    if sys.stdin is None:
        raise UsageError(
            "-: standard input is closed. Expected an image from a pipe or a file (< FILE). Received: nothing"
        )
    return sys.stdin.buffer


def _report_skipped(words: Sequence[str]) -> None:
    """Write the skipped files of folders to standard error."""
    from tuner.images.reading import passed_over

    for word in words:
        left = passed_over(Path(word)) if os.path.isdir(word) else []
        if left:
            names = ", ".join(escape_unprintable(path.name) + "/" * path.is_dir() for path in left)
            write_error(f"mnist-tune: skipped in {escape_unprintable(word)}: {names}")


def _predict(
    model: ModelFile, samples: Sequence[Sample], run: RunFolder | None, loaded: Loaded | None
) -> list[Prediction]:
    from tuner.images.prediction import has_page, predict, unasked

    if all(sample.image is None and not has_page(sample) for sample in samples):
        return unasked(samples)
    loaded = loaded or load(model, run)
    return predict(samples, loaded.classify, loaded.class_names)


def _raise_for_unusable(samples: Sequence[Sample]) -> None:
    bad = sum(not sample.readable for sample in samples)
    if bad:
        raise MnistTuneError(f"{bad} of {text.plural(len(samples), 'image')} can't be used. See their warnings.")


def table(predictions: Iterable[Prediction]) -> str:
    """Return a table of the images: class, probability, runner-up, warning."""
    rows = [("file", "class", "probability (%)", "runner-up (%)", "")]
    for prediction in predictions:
        ranked = [(escape_unprintable(name), text.percent(share)) for name, share in prediction.ranked()]
        best, runner_up = (ranked[0], " ".join(ranked[1])) if ranked else ((text.MISSING, text.MISSING), text.MISSING)
        rows.append(
            (printable_path(prediction.sample.name), *best, runner_up, escape_unprintable(prediction.warning or ""))
        )
    return aligned(rows)
