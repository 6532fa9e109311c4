"""The figures of a run's page as files in a folder: SVG and PNG, for slides and papers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reports.figures.standalone_files import PROGRAM, make_files
from reports.pages.page import page_figures
from reports.run.reading import read_run
from tuner.core.errors import UsageError
from tuner.storage.files import write_bytes

_HEAD_BYTES = 4096
"""The bytes at the start of a file that hold the program's name."""


def write_figures(run_dir: Path, folder: Path, *, force: bool = False) -> int:
    """Write `<name>.svg` and `<name>.png` for each figure, and return the number of figures.

    Files that an earlier call wrote are replaced; others only with `force`. Nothing is deleted.

    Raises:
        UsageError: where the folder is a file or can't be written, or holds a file of the same name that is not ours.
        JournalError: where a file of the run is damaged.
    """
    run = read_run(run_dir)
    _make(folder)
    texts: dict[Path, bytes] = {}
    figures = page_figures(run)
    for figure in figures:
        files = make_files(figure.drawing)
        texts[folder / f"{figure.name}.svg"] = files.svg.encode()
        texts[folder / f"{figure.name}.png"] = files.png
    if not force:
        _reject_other_files(texts)
    _write(folder, texts)
    return len(figures)


def _reject_other_files(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.exists() and not _is_ours(path):
            raise UsageError(
                f"{path} is there already and was not written by {PROGRAM}. "
                "Give another folder with --figures DIR, or write over it with --force."
            )


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return PROGRAM.encode() in stream.read(_HEAD_BYTES)


def _make(folder: Path) -> None:
    """Create the folder before the figures are drawn, which takes seconds."""
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file. Expected a folder for the figures: give another with --figures DIR.")
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _not_written(folder, error) from error


def _write(folder: Path, texts: dict[Path, bytes]) -> None:
    for path, content in texts.items():
        try:
            write_bytes(path, content)
        except OSError as error:
            raise _not_written(folder, error) from error


def _not_written(folder: Path, error: OSError | ValueError) -> UsageError:
    reason = getattr(error, "strerror", None) or error
    return UsageError(f"{folder} can't be written: {reason}. Give another folder with --figures DIR.")
