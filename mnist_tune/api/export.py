"""Export a run's model in the formats that people deploy, with its card. How a format is written is in `tuner.export`."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference.models import find_model
from mnist_tune.api.export_folder import ExportFolder
from tuner.core.errors import DataError, UsageError
from tuner.core.machine import keras_backend, validate_environment
from tuner.core.quiet_imports import quiet_imports
from tuner.export.formats import Format, check_installed, chosen_formats, savedmodel_fits
from tuner.options.resume import read_options
from tuner.spaces.named_code import uses_named_code
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.export import ExportDocument, ExportedFile
from tuner.storage.schema.run import RunDocument

if TYPE_CHECKING:
    from tuner.data.dataset import Dataset

DEFAULT_FOLDER = "export"
"""In the run's own folder."""


@dataclass(frozen=True)
class Request:
    """A request for exports, checked as far as that goes without Keras."""

    run: RunFolder
    document: RunDocument
    """run.json."""
    formats: tuple[Format, ...]
    folder: ExportFolder
    command: tuple[str, ...]
    data: str | None = None
    """The source of the run's data now; None: where they were."""
    named_code: bool = False
    """Whether the model is built from the run's space, which the user named."""


def make_request(
    run: Path,
    formats: Sequence[str],
    *,
    out: str | os.PathLike[str] | None = None,
    force: bool = False,
    data: str | None = None,
    space: str | None = None,
    command: Sequence[str] = (),
) -> Request:
    """Check what was asked for. No format: a SavedModel.

    Raises:
        UsageError: where something of it can't be used.
    """
    wanted = chosen_formats(list(formats) or ["savedmodel"])
    folder = RunFolder(run)
    document = folder.read_run()
    if document.kind == "study":
        raise UsageError(
            f"A study exports no model: it compares. Train what it found (mnist-tune train). Received: {run}"
        )
    named_code = uses_named_code(folder, space)
    model = folder.weights if named_code and not os.path.isfile(folder.keras_model) else folder.keras_model
    if not os.path.isfile(model) or folder.read_result() is None:
        raise UsageError(f"This run has no model yet. Go on with it: mnist-tune --out {shlex.quote(str(run))} --resume")
    if not named_code:
        find_model(folder.keras_model)
    check_installed(wanted)
    _check_backend(wanted)
    validate_environment()
    target = ExportFolder(Path(out) if out is not None else run / DEFAULT_FOLDER, model=model)
    _check_place(wanted, target.path)
    target.check([one.file for one in wanted], force=force)
    return Request(folder, document, tuple(wanted), target, tuple(command), data, named_code)


def _check_backend(formats: Sequence[Format]) -> None:
    backend = keras_backend()
    for one in formats:
        if one.needs_tensorflow and backend != "tensorflow":
            raise UsageError(
                f"--format {one.name} needs TensorFlow as Keras's backend. Set KERAS_BACKEND=tensorflow. Received: {backend}"
            )


def _check_place(formats: Sequence[Format], folder: Path) -> None:
    if any(one.name == "savedmodel" for one in formats) and not savedmodel_fits(folder):
        raise UsageError(
            f"TensorFlow can't read a SavedModel from a path with [, ], * or ?. Choose another folder (-o). Received: {folder}"
        )


def export(request: Request) -> ExportDocument:
    """Write, check and measure each format, then its card; return export.json.

    Raises:
        UsageError: where the data are unavailable, or the folder can't be written.
        ExportError: where a file can't be written or disagrees; then nothing is left.
    """
    from reports.run.reading import read_run

    run = read_run(request.run.path)
    data = _data_of(request)
    with _telling_os_errors(request.folder.path), request.folder.staged() as stage:
        formats = _export_formats(request, data, stage)
        document = request.folder.document(_about(request, formats))
        from reports.sections.model.card import card_text

        card = card_text(run, document, shlex.join(request.command))
        document = request.folder.place(stage, document, card)
    _renew_report(request)
    return document


def _about(request: Request, formats: Mapping[str, ExportedFile]) -> ExportDocument:
    result = request.run.read_result()
    return ExportDocument(
        run=_storable(request.run.path.resolve().name),
        trial=None if result is None else result.exported,
        program=request.document.program,
        command=tuple(_storable(word) for word in request.command),
        model_sha256=request.folder.model_sha256,
        formats=dict(formats),
    )


def _storable(name: str) -> str:
    """A file's name may hold bytes that are no text."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _export_formats(request: Request, data: Dataset, stage: Path) -> dict[str, ExportedFile]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_imports():
        from tuner.export.job import export_formats, load_model
        from tuner.export.writing import Sample

        model = load_model(request.run, data.classes, named_code=request.named_code)
        test = _may_meet_test(request.document)
        sample = Sample.of(data if test else data.fold(_fold(request)), test=test)
        return export_formats(request.formats, model, stage, sample)


def _may_meet_test(run: RunDocument) -> bool:
    return bool(run.options.get("test", True))


def _fold(request: Request) -> int:
    """Return which images the exported model was not trained on, unless it is a refit."""
    result = request.run.read_result()
    return 0 if result is None else result.fold


def _data_of(request: Request) -> Dataset:
    """The run's own data, loaded again and held against its hash."""
    from tuner.data.dataset import load_dataset
    from tuner.run.launch import check_same_data

    options = read_options(request.document)
    do = "Say where the run's data are (--data); without them nothing can be verified."
    try:
        data = load_dataset(
            request.data or options.data,
            validation=options.validation,
            seed=options.seed,
            train_samples=options.train_samples,
        )
    except DataError as error:
        raise UsageError(f"{error} {do}") from error
    check_same_data(data, request.document, do)
    return data


@contextlib.contextmanager
def _telling_os_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"The exports can't be written: {error.strerror or error}. Received: {folder}") from error


def _renew_report(request: Request) -> None:
    """The run's page shows what was exported into the run's folder, where there is a page."""
    from reports.pages.page import PAGE_NAME, write_report

    run = request.run.path
    inside = run.resolve() in (request.folder.path.resolve(), request.folder.path.resolve().parent)
    if inside and (run / PAGE_NAME).is_file() and os.access(run, os.W_OK):
        write_report(run)
