"""Training where a service runs the command: SageMaker's script mode. What its variables and its way of writing options mean here.

`SM_CHANNEL_TRAINING` names the folder of the data, `SM_NUM_GPUS` the device; the model goes to `SM_MODEL_DIR`, the report and the
run's records to `SM_OUTPUT_DATA_DIR`. A given option beats a variable; without the variables nothing of this happens.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from inference.names import printable
from tuner.errors import MnistTuneError, UsageError
from tuner.run_folder import RunFolder

MODEL, OUTPUT, CHANNEL, GPUS = "SM_MODEL_DIR", "SM_OUTPUT_DATA_DIR", "SM_CHANNEL_TRAINING", "SM_NUM_GPUS"
VERSION = "1"
"""The folder of the SavedModel: servers take a model's versions from folders whose names are numbers."""
_MODEL_NAMES = (VERSION, "best.keras")
RECORDS = ("report.html", "result.json", "trials.csv", "run.json", "trials.jsonl")
"""What goes to `SM_OUTPUT_DATA_DIR`."""

_IDX = ("train-images", "train-labels", "t10k-images", "t10k-labels")
_EXPECTED = "Expected one .npz file, or the four IDX files of MNIST's names"
_TRUE, _FALSE = ("", "true", "1", "yes"), ("false", "0", "no")
_LEFT_BEHIND = {".work", ".run.json.partial"}
"""All that is in the folder of a run that was killed before it had begun."""
_NAMES_TOLD = 6


@dataclass(frozen=True)
class Surroundings:
    """What the variables say; None where one isn't set."""

    channel: Path | None = None
    model: Path | None = None
    output: Path | None = None
    gpus: int | None = None


@dataclass
class Asked:
    """What a command was asked for, with what the variables add."""

    options: dict[str, Any]
    how: dict[str, Any]
    taken: list[str] = field(default_factory=list)
    """What was taken from where, for the user and the reader of the report."""
    words: list[str] = field(default_factory=list)
    """Options that would do the same without the variables."""

    @property
    def note(self) -> str:
        """All of it in a sentence."""
        return f"Managed training: {', '.join(self.taken)}."


def surroundings(environment: Mapping[str, str]) -> Surroundings | None:
    """What the variables say; None where none of them is set.

    Raises:
        UsageError: where the number of GPUs is none.
    """
    found = {name: environment.get(name, "") for name in (CHANNEL, MODEL, OUTPUT, GPUS)}
    if not any(found.values()):
        return None
    gpus = found.pop(GPUS)
    if gpus and not (gpus.isascii() and gpus.isdecimal()):
        raise UsageError(f"{GPUS}: expected a whole number from 0. Received: {printable(gpus)}")
    channel, model, output = (Path(words).absolute() if words else None for words in found.values())
    return Surroundings(channel, model, output, int(gpus) if gpus else None)


def plain_words(words: Sequence[str], parser: argparse.ArgumentParser) -> tuple[list[str], list[str]]:
    """Options as a service writes them, as the parser takes them, and what was left aside.

    A service gives every option a value, and its name perhaps underscores: `--max_epochs 5 --no_test True`. A switch's value says
    whether it is set ("" is yes); any other option with an empty value was given none. `--model_dir`, which SageMaker's TensorFlow
    estimator adds by itself, is left aside: the model goes to `SM_MODEL_DIR`.
    """
    kept: list[str] = []
    aside: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            kept.append(word)
            continue
        name, equals, value = word.partition("=")
        name = name.replace("_", "-")
        if not equals and left and not left[0].startswith("--"):
            equals, value = " ", left.pop(0)
        if name == "--model-dir":
            aside.append(f"--model_dir {printable(value)} left aside")
        else:
            kept += _plain(name, value if equals else None, parser)
    return kept, aside


def _plain(name: str, value: str | None, parser: argparse.ArgumentParser) -> list[str]:
    """The words of one option; none where its value says that it isn't given."""
    action = parser._option_string_actions.get(name)  # argparse has no public way to ask
    if value is None or action is None:
        return [name] if value is None else [name, value]
    if action.nargs != 0:
        return [name, value] if value else []
    if value.lower() in _FALSE:
        return []
    # What is no yes or no belongs to the command: `--no-test dense128`.
    return [name] if value.lower() in _TRUE else [name, value]


def run_managed(around: Surroundings, run: Callable[..., Any], asked: Asked, command: Sequence[str]) -> None:
    """Runs a search or a training with what the variables say, and brings its files where they say.

    Args:
        around: what the variables say.
        run: `run_search` or `run_training`.
        asked: what was typed.
        command: the command line, for run.json.

    Raises:
        UsageError: before anything is trained, where there are no data, or a folder can't be written to.
        MnistTuneError: where the files can't be brought there; the run itself is whole.
    """
    may_replace = bool(asked.how["force"] or asked.how["resume"])
    _add(around, asked)
    out = RunFolder(Path(asked.how["out"]))
    for variable, folder, names in ((MODEL, around.model, _MODEL_NAMES), (OUTPUT, around.output, RECORDS)):
        if folder is not None and folder != out.path.absolute():
            _check_place(variable, folder, () if may_replace else names)
    try:
        run(asked.options, **asked.how, command=[*command, *asked.words], notes=[asked.note])
    except BaseException:
        # The machine will be gone: what there is of the run is brought away.
        with contextlib.suppress(OSError, MnistTuneError):
            done = out.run_json.is_file() and out.read_run().status == "completed"
            _bring(out, around, model=done)
        raise
    for path in _bring_all(out, around):
        sys.stdout.write(f"Wrote {printable(str(path))}\n")


def _add(around: Surroundings, asked: Asked) -> None:
    """What the variables add to what was asked for."""
    if around.channel is not None:
        channel = around.channel
        _take(asked, "data", CHANNEL, lambda: str(channel_data(channel)))
    if around.gpus is not None:
        _take(asked, "device", GPUS, lambda: "gpu" if around.gpus else "cpu")
    if around.model is not None:
        asked.taken.append(f"model to {MODEL} ({printable(str(around.model))})")
    if around.output is not None:
        asked.taken.append(f"report to {OUTPUT} ({printable(str(around.output))})")
    if asked.how["resume"]:
        _resume_or_begin(asked)
    elif asked.how["out"] is None:
        asked.how["out"] = str(Path("runs") / f"managed-{datetime.now():%Y%m%d-%H%M%S}")


def _take(asked: Asked, option: str, variable: str, value: Callable[[], str]) -> None:
    if option in asked.options:
        asked.taken.append(f"{variable} left aside for --{option}")
        return
    asked.options[option] = value()
    asked.words += [f"--{option}", asked.options[option]]
    asked.taken.append(f"{option} {printable(asked.options[option])} from {variable}")


def _resume_or_begin(asked: Asked) -> None:
    """The same command begins a run and goes on with it: a service starts it again without a word."""
    out = asked.how["out"]
    if out is None:
        raise UsageError("--resume needs the folder of the run. Expected --out DIR. Received: none")
    folder = RunFolder(Path(out))
    if folder.run_json.is_file():
        # What was mapped may have come back from a store in pieces: the channel has it whole.
        shutil.rmtree(folder.work / "data", ignore_errors=True)
        return
    asked.how["resume"] = False
    asked.taken.append("no run to go on with, so it begins")
    if folder.path.is_dir() and {path.name for path in folder.path.iterdir()} <= _LEFT_BEHIND:
        folder.clean()
        folder.path.joinpath(".run.json.partial").unlink(missing_ok=True)


def channel_data(folder: Path) -> Path:
    """The `.npz` file in a channel's folder, or the folder itself where it holds IDX files.

    Raises:
        UsageError: where there is no such thing, or several.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise UsageError(f"{CHANNEL} can't be read: {error.strerror}. Received: {printable(str(folder))}") from error
    archives = [name for name in names if name.endswith(".npz")]
    idx = any(name.startswith(_IDX) for name in names)
    if len(archives) + idx != 1:
        raise UsageError(f"{CHANNEL}: {_EXPECTED}. Received: {_told(names)}, {printable(str(folder))}")
    found = folder if idx else folder / archives[0]
    try:
        str(found).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{CHANNEL}: expected names in UTF-8. Received: {printable(str(found))}. Rename it."
        ) from error
    return found


def _told(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_NAMES_TOLD])
    return f"{shown}{', …' if len(names) > _NAMES_TOLD else ''}" if names else "no files"


def _check_place(variable: str, folder: Path, names: Sequence[str]) -> None:
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
            f"{variable}: expected a folder that can be written to ({error.strerror}). Received: {printable(str(folder))}"
        ) from error
    there = [name for name in names if os.path.lexists(folder / name)]
    if there:
        raise UsageError(
            f"{variable} holds {there[0]} already. Write over it (--force), or name another folder. "
            f"Received: {printable(str(folder))}"
        )


def _bring_all(out: RunFolder, around: Surroundings) -> list[Path]:
    try:
        return _bring(out, around, model=True)
    except OSError as error:
        raise MnistTuneError(
            f"The run is done, but its files can't be brought away: {error.strerror or error}. They are in {out.path}."
        ) from error


def _bring(out: RunFolder, around: Surroundings, *, model: bool) -> list[Path]:
    return [*(_bring_model(out, around) if model else ()), *_bring_records(out, around)]


def _bring_model(out: RunFolder, around: Surroundings) -> Iterator[Path]:
    """The SavedModel in a folder that is named as a version, and the Keras file; each whole or not at all."""
    if around.model is None:
        return
    if out.saved_model.is_dir():
        version, partial = around.model / VERSION, around.model / f".{VERSION}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            shutil.copytree(out.saved_model, partial)
            shutil.rmtree(version, ignore_errors=True)
            partial.rename(version)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        yield version
    if out.keras_model.is_file():
        yield _copied(out.keras_model, around.model)


def _bring_records(out: RunFolder, around: Surroundings) -> Iterator[Path]:
    if around.output is None or around.output == out.path.absolute():
        return
    for name in RECORDS:
        if (out.path / name).is_file():
            yield _copied(out.path / name, around.output)


def _copied(file: Path, folder: Path) -> Path:
    partial = folder / f".{file.name}.partial"
    try:
        shutil.copyfile(file, partial)
        partial.replace(folder / file.name)
    finally:
        partial.unlink(missing_ok=True)
    return folder / file.name
