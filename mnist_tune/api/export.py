"""Export a run's model, with its model card. `tuner.export` writes the formats."""

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
from tuner.run.lost_files import is_as_written
from tuner.spaces.named_code import uses_named_code
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.export import ExportDocument, ExportedFile
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument

if TYPE_CHECKING:
    from tuner.data.dataset import Dataset

DEFAULT_FOLDER = "export"
"""Relative to the run's folder."""


@dataclass(frozen=True)
class Request:
    """An export request, validated as far as possible without Keras."""

    run: RunFolder
    document: RunDocument
    """run.json."""
    formats: tuple[Format, ...]
    folder: ExportFolder
    command: tuple[str, ...]
    data: str | None = None
    """The present source of the run's data; None: the source in run.json."""
    named_code: bool = False
    """True if the model is built from the run's space, which the user named."""


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
    """Validate a request. Without a format it is for a SavedModel.

    Raises:
        UsageError: where the run, a format, the folder or the environment can't be used.
    """
    wanted = chosen_formats(list(formats) or ["savedmodel"])
    folder = RunFolder(run)
    document = folder.read_run()
    if document.kind == "study":
        raise UsageError(
            "A study has no model to export. Expected a search or a training. Train its best value first "
            f"(mnist-tune train). Received: {run}"
        )
    named_code = uses_named_code(folder, space)
    model = folder.weights if named_code and not os.path.isfile(folder.keras_model) else folder.keras_model
    if not os.path.isfile(model) or folder.read_result() is None:
        raise UsageError(f"This run has no model yet. Resume it: mnist-tune --out {shlex.quote(str(run))} --resume")
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
                f"--format {one.name} needs TensorFlow as Keras's backend. Set KERAS_BACKEND=tensorflow. "
                f"Received: {backend}"
            )


def _check_place(formats: Sequence[Format], folder: Path) -> None:
    if any(one.name == "savedmodel" for one in formats) and not savedmodel_fits(folder):
        raise UsageError(
            "TensorFlow can't read a SavedModel from a path with [, ], * or ?. Choose another folder (-o). "
            f"Received: {folder}"
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
    with _os_errors_as_usage(request.folder.path), request.folder.staged() as stage:
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
        trial=None if result is None else result.exported.trial,
        program=request.document.program,
        command=tuple(_storable(word) for word in request.command),
        model_sha256=request.folder.model_sha256,
        formats=dict(formats),
    )


def _storable(name: str) -> str:
    """Return a file name as valid UTF-8: invalid bytes become escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _export_formats(request: Request, data: Dataset, stage: Path) -> dict[str, ExportedFile]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_imports():
        from tuner.export.job import export_formats, load_model
        from tuner.export.writing import Sample, exported_data

        model = load_model(request.run, data.classes, tuple(data.x_train.shape[1:]), named_code=request.named_code)
        result, test = _result_of(request), _may_use_test_set(request.document)
        int8 = _scored_int8(request.run, result)
        calibrates = int8 is None and any(one.quantised for one in request.formats)
        trained_on = exported_data(data, result) if calibrates else None
        sample = Sample.of(data if test else data.fold(result.fold), test=test, trained_on=trained_on)
        return export_formats(request.formats, model, stage, sample, int8)


def _scored_int8(run: RunFolder, result: ResultDocument) -> bytes | None:
    """Return the int8 file by which a run chose its model: an export holds that network, not one that is quantised anew.

    Raises:
        UsageError: where it is not the file that the run wrote.
    """
    path = run.int8_model
    if not result.model.int8 or not path.is_file():
        return None
    if not is_as_written(path, result):
        raise UsageError(
            f"{path.name} is not the file that the run wrote. Restore it from a copy, or delete it: then the model is quantised again. "
            f"Received: {path}"
        )
    return path.read_bytes()


def _may_use_test_set(run: RunDocument) -> bool:
    return bool(run.options.get("test", True))


def _result_of(request: Request) -> ResultDocument:
    result = request.run.read_result()
    if result is None:  # removed since the request was validated
        raise UsageError(f"This run has no result. Received: {request.run.path}")
    return result


def _data_of(request: Request) -> Dataset:
    """Load the run's data again and compare them with the recorded hash."""
    from tuner.run.launch import check_same_data
    from tuner.run.run_data import load_run_data

    options = read_options(request.document)
    do = "Name the run's data (--data SOURCE): exports are verified on them."
    try:
        data = load_run_data(options, request.data)
    except DataError as error:
        raise UsageError(f"{error} {do}") from error
    check_same_data(data, request.document, do)
    return data


@contextlib.contextmanager
def _os_errors_as_usage(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"The exports can't be written: {error.strerror or error}. Received: {folder}") from error


def _renew_report(request: Request) -> None:
    """Render the run's page again where it lists the exports."""
    from reports.pages.page import PAGE_NAME, write_report

    run = request.run.path
    inside = run.resolve() in (request.folder.path.resolve(), request.folder.path.resolve().parent)
    if inside and (run / PAGE_NAME).is_file() and os.access(run, os.W_OK):
        write_report(run)
