"""A search or a training under SageMaker: what the variables add to it, and where its files go."""

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
"""The folder of the SavedModel: servers take a model's versions from folders whose names are numbers."""
RECORDS = ("report.html", "result.json", "trials.csv", "run.json", "trials.jsonl")
"""Files that go to `SM_OUTPUT_DATA_DIR`."""

_MODEL_NAMES = (VERSION, "best.keras")
_LEFT_BEHIND = {".work", ".run.json.partial"}
"""All that is in the folder of a run that was killed before it had begun."""


class Command(Protocol):
    """The module of a command that makes a run."""

    def make_command_parser(self) -> argparse.ArgumentParser:
        """Return the command's parser."""

    def run(self, given: Namespace, words: Sequence[str]) -> None:
        """Make the run. `given.notes` are added to the run's."""


@dataclass
class Request:
    """A command as it was typed, with what the variables add."""

    given: Namespace
    """The options, absent unless they were typed."""
    taken: list[str] = field(default_factory=list)
    """The variables that were used, each with its use, for the user and the reader of the report."""
    words: list[str] = field(default_factory=list)
    """Options that would do the same without the variables."""

    @property
    def note(self) -> str:
        """All of it in a sentence."""
        return f"Managed training: {', '.join(self.taken)}."


def run_managed(environment: SageMakerEnvironment, command: Command, words: Sequence[str]) -> None:
    """Run a search or a training with the words that the service gives, and bring its files where the variables say.

    Args:
        environment: the variables.
        command: the search's or the training's module.
        words: of the command, without its name.

    Raises:
        UsageError: before anything is trained, where there are no data, or a folder can't be written to.
        MnistTuneError: where the files can't be brought there; the run itself is whole.
    """
    parser = command.make_command_parser()
    plain, aside = plain_words(words, parser)
    request = Request(parser.parse_args(plain), aside)
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
        # The machine will be gone: what there is of the run is brought away.
        with contextlib.suppress(OSError, MnistTuneError):
            done = out.run_json.is_file() and out.read_run().status == "completed"
            _deliver(out, environment, model=done)
        raise
    for path in _deliver_all(out, environment):
        sys.stdout.write(f"Wrote {escape_unprintable(str(path))}\n")


def _add_variables(environment: SageMakerEnvironment, request: Request) -> None:
    """Add to the request what the variables say."""
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
        request.taken.append(f"{variable} left aside for --{option}")
        return
    found = value()
    setattr(request.given, option, found)
    request.words += [f"--{option}", found]
    request.taken.append(f"{option} {escape_unprintable(found)} from {variable}")


def _resume_or_begin(request: Request) -> None:
    """Let one command begin a run and resume it: a service starts it again without a word."""
    out = getattr(request.given, "out", None)
    if out is None:
        raise UsageError("--resume needs the folder of the run. Expected --out DIR. Received: none")
    folder = RunFolder(Path(out))
    if folder.run_json.is_file():
        # What was mapped may have come back from a store in pieces: the channel has it whole.
        shutil.rmtree(folder.work / "data", ignore_errors=True)
        return
    request.given.resume = False
    request.taken.append("no run to go on with, so it begins")
    if folder.path.is_dir() and {path.name for path in folder.path.iterdir()} <= _LEFT_BEHIND:
        folder.clean()
        folder.path.joinpath(".run.json.partial").unlink(missing_ok=True)


def _validate_folder(variable: str, folder: Path, names: Sequence[str]) -> None:
    """
    Raises:
        UsageError: where a folder can't be written to, or holds one of these names already.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"{variable}: expected a folder that can be written to ({error.strerror}). Received: {escape_unprintable(str(folder))}"
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
            f"The run is done, but its files can't be brought away: {error.strerror or error}. They are in {out.path}."
        ) from error


def _deliver(out: RunFolder, environment: SageMakerEnvironment, *, model: bool) -> list[Path]:
    return [*(_deliver_model(out, environment) if model else ()), *_deliver_records(out, environment)]


def _deliver_model(out: RunFolder, environment: SageMakerEnvironment) -> Iterator[Path]:
    """The SavedModel in a folder that is named as a version, and the Keras file; each whole or not at all."""
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
