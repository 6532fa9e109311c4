"""Configurations that a user names: a reference, a network in the notation, a JSON file, a run's trial or its winner.

Nothing is trained here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from search_spaces.families.registry import find_reference
from search_spaces.networks.notation import is_notation
from tuner.core.errors import UsageError
from tuner.core.records import Value
from tuner.processes.tasks import SpaceRef
from tuner.spaces.user_space import make_family
from tuner.storage.journal import check_journal, read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import parse, validate
from tuner.storage.schema.fields import Values
from tuner.storage.schema.run import RunDocument

NETWORK_SPACES = ("compact8k", "compact2k", "compact4k", "compact20k")
"""The spaces that take a network in the notation, which is trained by the space's default recipe; the first is the default."""
_MOST_BYTES = 16 * 2**20
"""The most bytes of a file of hyperparameters."""


@dataclass(frozen=True)
class NamedConfiguration:
    """A configuration with its space."""

    space: str
    configuration: Mapping[str, Value]
    epochs: int | None = None
    """The epochs of the trial that it comes from, rounded up."""


def named_configuration(name: str, space: str | None = None) -> NamedConfiguration:
    """Return the configuration of a name.

    Args:
        name: a reference's name, a network in the notation, a JSON file, a run's folder (its winner), or RUN:TRIAL.
        space: the space of a network in the notation, or of a JSON file that doesn't name its own.

    Raises:
        UsageError: where there is no such configuration.
    """
    path = Path(name)
    if os.path.isdir(path):  # never raises, whatever the name
        return _winner(path, space)
    if os.path.isfile(path) or path.suffix == ".json":
        return _from_file(path, space)
    run, _, trial = name.rpartition(":")
    if run and os.path.isdir(run):
        return _trial(Path(run), trial, space)
    if is_notation(name):
        return _from_notation(name, space)
    return _reference(name)


def refuse_unnamed_code(space: str, given: str | None, where: Path) -> None:
    """Reject code that only a file names: a space package.module:Class is run, so the user must name it, too.

    Args:
        space: the space in a file.
        given: the space that the user named, if any.
        where: the file or folder, for the message.

    Raises:
        UsageError: where the space is code that only the file names.
    """
    if ":" in space and given != space:
        raise UsageError(
            f"The space of {where} is code, which is run only where you name it yourself. Expected --space {space}, "
            f"if you trust that module. Received: {'no --space' if given is None else f'--space {given}'}"
        )


def _from_notation(text: str, space: str | None) -> NamedConfiguration:
    """Return a network in the notation with a space's default recipe."""
    name = NETWORK_SPACES[0] if space is None else space
    if name not in NETWORK_SPACES:
        raise UsageError(
            f"The space takes no network in the notation. Expected one of {', '.join(NETWORK_SPACES)}. Received: --space {space}"
        )
    return NamedConfiguration(name, complete(name, {"network": " ".join(text.split())}))


def _reference(name: str) -> NamedConfiguration:
    try:
        space, reference = find_reference(name)
    except ValueError as error:
        raise UsageError(
            f"{error} A network such as 'C8s S16 P GAP 1x1:10', a JSON file, a run's folder or RUN:TRIAL will do too."
        ) from error
    return NamedConfiguration(space, dict(reference.values))


def _winner(folder: Path, space: str | None) -> NamedConfiguration:
    run, result = RunFolder(folder).read_run(), RunFolder(folder).read_result()
    if result is None:
        raise UsageError(f"This run has no winner yet. Expected a finished run, or RUN:TRIAL. Received: {folder}")
    return _of_run(run, result.configuration, result.epochs, folder, space)


def _trial(folder: Path, trial: str, space: str | None) -> NamedConfiguration:
    run = RunFolder(folder).read_run()
    check_journal(folder, run)
    state = read_state(RunFolder(folder).journal)
    wanted = trial.zfill(4)
    matching_trial = state.finished.get(wanted) or state.started.get(wanted)
    if matching_trial is None:
        raise UsageError(
            f"The run has no such trial. Expected one of {len(state.finished)}, such as {next(iter(state.finished), 'none')}. "
            f"Received: {folder}:{trial}"
        )
    return _of_run(run, matching_trial.configuration, matching_trial.epochs, folder, space)


def _of_run(
    run: RunDocument, configuration: Mapping[str, Value], epochs: float, folder: Path, given: str | None
) -> NamedConfiguration:
    space = run.space.name
    refuse_unnamed_code(space, given, folder)
    return NamedConfiguration(space, dict(configuration), math.ceil(epochs))


def _from_file(path: Path, space: str | None) -> NamedConfiguration:
    """Read a file of hyperparameters, or of `{"space", "configuration"}` as in result.json or a study's arm."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"The file is too large. Expected at most {_MOST_BYTES // 2**20} MiB. Received: {path}")
        document = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The file can't be read: {error.strerror}. Received: {path}") from error
    except ValueError as error:
        raise UsageError(f"The file is no JSON: {error}. Received: {path}") from error
    if not isinstance(document, dict):
        raise UsageError(f"A configuration is an object of names and values. Received: {path}")
    values = document.get("configuration", document)
    name = document.get("space", space) if "configuration" in document else space
    try:
        configuration = validate(values, Values)
    except ValueError as error:
        raise UsageError(
            f"A configuration holds numbers, texts and booleans only: {error}. Received: {path}"
        ) from error
    if not isinstance(name, str):
        raise UsageError(f"The file names no space. Expected --space NAME beside it. Received: {path}")
    refuse_unnamed_code(name, space, path)
    return NamedConfiguration(name, complete(name, configuration))


def complete(space: str, values: Mapping[str, Value], *, strict: bool = True) -> dict[str, Value]:
    """Return a complete configuration of a space from some of its values; the others have their defaults.

    Raises:
        UsageError: where the space or a name is unknown, or a value is out of its range.
    """
    try:
        configuration: dict[str, Value] = make_family(
            SpaceRef(name=space, max_params=None, max_macs=None, classes=10)
        ).complete(values, strict=strict)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return configuration
