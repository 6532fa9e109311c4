"""The variables that SageMaker sets, and the data in its channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.core.errors import UsageError
from tuner.core.text import escape_unprintable

MODEL, OUTPUT, CHANNEL, GPUS = "SM_MODEL_DIR", "SM_OUTPUT_DATA_DIR", "SM_CHANNEL_TRAINING", "SM_NUM_GPUS"

_IDX = ("train-images", "train-labels", "t10k-images", "t10k-labels")
_EXPECTED = "Expected one .npz file, or the four IDX files of MNIST's names"
_MOST_NAMES = 6


@dataclass(frozen=True)
class SageMakerEnvironment:
    """The values of the variables; None where one isn't set."""

    channel: Path | None = None
    model: Path | None = None
    output: Path | None = None
    gpus: int | None = None


def read_environment(variables: Mapping[str, str]) -> SageMakerEnvironment | None:
    """Return the values of the variables; None where none of them is set.

    Raises:
        UsageError: where the number of GPUs is not a whole number.
    """
    values = {name: variables.get(name, "") for name in (CHANNEL, MODEL, OUTPUT, GPUS)}
    if not any(values.values()):
        return None
    gpus = values.pop(GPUS)
    if gpus and not (gpus.isascii() and gpus.isdecimal()):
        raise UsageError(f"{GPUS}: expected a whole number from 0. Received: {escape_unprintable(gpus)}")
    channel, model, output = (Path(words).absolute() if words else None for words in values.values())
    return SageMakerEnvironment(channel, model, output, int(gpus) if gpus else None)


def channel_data(folder: Path) -> Path:
    """Return the `.npz` file in a channel's folder, or the folder itself where it holds IDX files.

    Raises:
        UsageError: where there is no such file, or more than one data set.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise UsageError(
            f"{CHANNEL} can't be read: {error.strerror}. Received: {escape_unprintable(str(folder))}"
        ) from error
    archives = [name for name in names if name.endswith(".npz")]
    idx = any(name.startswith(_IDX) for name in names)
    if len(archives) + idx != 1:
        raise UsageError(f"{CHANNEL}: {_EXPECTED}. Received: {_format_names(names)}, {escape_unprintable(str(folder))}")
    source = folder if idx else folder / archives[0]
    try:
        str(source).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{CHANNEL}: expected names in UTF-8. Received: {escape_unprintable(str(source))}. Rename it."
        ) from error
    return source


def _format_names(names: Sequence[str]) -> str:
    shown = ", ".join(escape_unprintable(name) for name in names[:_MOST_NAMES])
    return f"{shown}{', …' if len(names) > _MOST_NAMES else ''}" if names else "no files"
