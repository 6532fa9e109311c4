"""A search or a training under SageMaker: options from the variables, and the copies of its files."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mnist_tune.sagemaker.environment import CHANNEL, GPUS, MODEL, OUTPUT, SageMakerEnvironment, channel_data
from mnist_tune.sagemaker.words import plain_words
from tuner.core.errors import MnistTuneError, UsageError
from tuner.core.text import escape_unprintable
from tuner.storage.run_folder import RunFolder

VERSION = "1"
"""The SavedModel's folder: model servers expect a version number as its name."""
RECORDS = ("report.html", "result.json", "trials.csv", "run.json", "trials.jsonl")
"""Files that go to `SM_OUTPUT_DATA_DIR`."""

_MODEL_NAMES = (VERSION, "best.keras")
_LEFT_BEHIND = {".work", ".run.json.partial"}
"""The files of a run that was killed before run.json was written."""


class Command(Protocol):
    """The module of a command that starts a run."""

    def make_command_parser(self) -> argparse.ArgumentParser:
        """Return the command's parser."""

    def run(self, given: Namespace, words: Sequence[str]) -> None:
        """Start the run. `given.notes` are added to the run's notes."""


@dataclass
class Request:
    """The options of a command, with those from the variables."""

    given: Namespace
    """The options; absent unless given."""
    taken: list[str] = field(default_factory=list)
    """The variables and their use, for the user and the report."""
    words: list[str] = field(default_factory=list)
    """Equivalent options, for the recorded command line."""

    @property
    def note(self) -> str:
        """The uses of the variables in a sentence."""
        return f"Managed training: {', '.join(self.taken)}."


def run_managed(environment: SageMakerEnvironment, command: Command, words: Sequence[str]) -> None:
    """Run a search or a training with the service's options, and copy its files to the folders of the variables.

    Args:
        environment: the variables.
        command: the search's or the training's module.
        words: the arguments after the command's name.

    Raises:
        UsageError: before the first training, where there are no data, or a folder is not writable.
        MnistTuneError: where the files can't be copied; the run itself is complete.
    """
    parser = command.make_command_parser()
    plain, ignored = plain_words(words, parser)
    request = Request(parser.parse_args(plain), ignored)
    if "version" in request.given:
        command.run(request.given, plain)
        return
    may_replace = bool(getattr(request.given, "force", False) or getattr(request.given, "resume", False))
    _add_variables(environment, request)
    out = RunFolder(Path(request.given.out))
    for variable, folder, names in ((MODEL, environment.model, _MODEL_NAMES), (OUTPUT, environment.output, RECORDS)):
        if folder is not None and folder != out.path.absolute():
            _validate_folder(variable, folder, () if may_replace else names)
    request.given.notes = [request.note]
    try:
        command.run(request.given, [*plain, *request.words])
    except BaseException:
        # The machine will be released: copy the files that exist.
        with contextlib.suppress(OSError, MnistTuneError):
            done = out.run_json.is_file() and out.read_run().status == "completed"
            _deliver(out, environment, model=done)
        raise
    for path in _deliver_all(out, environment):
        sys.stdout.write(f"Wrote {escape_unprintable(str(path))}\n")


def _add_variables(environment: SageMakerEnvironment, request: Request) -> None:
    """Add the options of the variables to the request."""
    if environment.channel is not None:
        channel = environment.channel
        _add_option(request, "data", CHANNEL, lambda: str(channel_data(channel)))
    if environment.gpus is not None:
        _add_option(request, "device", GPUS, lambda: "gpu" if environment.gpus else "cpu")
    if environment.model is not None:
        request.taken.append(f"model to {MODEL} ({escape_unprintable(str(environment.model))})")
    if environment.output is not None:
        request.taken.append(f"report to {OUTPUT} ({escape_unprintable(str(environment.output))})")
    if getattr(request.given, "resume", False):
        _resume_or_begin(request)
    elif "out" not in request.given:
        request.given.out = str(Path("runs") / f"managed-{datetime.now():%Y%m%d-%H%M%S}")


def _add_option(request: Request, option: str, variable: str, value: Callable[[], str]) -> None:
    if option in request.given:
        request.taken.append(f"{variable} ignored in favour of --{option}")
        return
    argument = value()
    setattr(request.given, option, argument)
    request.words += [f"--{option}", argument]
    request.taken.append(f"{option} {escape_unprintable(argument)} from {variable}")


def _resume_or_begin(request: Request) -> None:
    """Resume the run, or start it where there is none: the service restarts the same command."""
    out = getattr(request.given, "out", None)
    if out is None:
        raise UsageError("--resume needs the folder of the run. Expected --out DIR. Received: none")
    folder = RunFolder(Path(out))
    if folder.run_json.is_file():
        # Cached arrays may have been restored incompletely: the channel has the data.
        shutil.rmtree(folder.work / "data", ignore_errors=True)
        return
    request.given.resume = False
    request.taken.append("no run to resume, so a new one starts")
    if folder.path.is_dir() and {path.name for path in folder.path.iterdir()} <= _LEFT_BEHIND:
        folder.clean()
        folder.path.joinpath(".run.json.partial").unlink(missing_ok=True)


def _validate_folder(variable: str, folder: Path, names: Sequence[str]) -> None:
    """Raise UsageError where a folder is not writable, or already holds one of the names."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"{variable}: expected a folder that can be written to ({error.strerror}). "
            f"Received: {escape_unprintable(str(folder))}"
        ) from error
    there = [name for name in names if os.path.lexists(folder / name)]
    if there:
        raise UsageError(
            f"{variable} holds {there[0]} already. Write over it (--force), or name another folder. "
            f"Received: {escape_unprintable(str(folder))}"
        )


def _deliver_all(out: RunFolder, environment: SageMakerEnvironment) -> list[Path]:
    try:
        return _deliver(out, environment, model=True)
    except OSError as error:
        raise MnistTuneError(
            f"The run is complete, but its files can't be copied: {error.strerror or error}. "
            f"Copy them yourself from {out.path}."
        ) from error


def _deliver(out: RunFolder, environment: SageMakerEnvironment, *, model: bool) -> list[Path]:
    return [*(_deliver_model(out, environment) if model else ()), *_deliver_records(out, environment)]


def _deliver_model(out: RunFolder, environment: SageMakerEnvironment) -> Iterator[Path]:
    """Copy the SavedModel and the Keras file, each atomically; yield their paths."""
    if environment.model is None:
        return
    if out.saved_model.is_dir():
        version, partial = environment.model / VERSION, environment.model / f".{VERSION}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            shutil.copytree(out.saved_model, partial)
            shutil.rmtree(version, ignore_errors=True)
            partial.rename(version)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        yield version
    if out.keras_model.is_file():
        yield _copied(out.keras_model, environment.model)


def _deliver_records(out: RunFolder, environment: SageMakerEnvironment) -> Iterator[Path]:
    if environment.output is None or environment.output == out.path.absolute():
        return
    for name in RECORDS:
        if (out.path / name).is_file():
            yield _copied(out.path / name, environment.output)


def _copied(file: Path, folder: Path) -> Path:
    partial = folder / f".{file.name}.partial"
    try:
        shutil.copyfile(file, partial)
        partial.replace(folder / file.name)
    finally:
        partial.unlink(missing_ok=True)
    return folder / file.name
