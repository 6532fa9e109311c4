"""The file of `--html`."""

from __future__ import annotations

import os
from pathlib import Path

from mnist_tune.terminal.encoding import printable_path
from mnist_tune.terminal.lines import write_line
from tuner.core.errors import UsageError
from tuner.storage.files import write_text


def check_writable(name: str, *, force: bool) -> Path:
    """Return the path of a page, checked before the work starts.

    Raises:
        UsageError: where it is not writable, or exists and --force is not given.
    """
    path = Path(name)
    parent = path.parent
    if os.path.isdir(path) or not path.name:
        raise UsageError(f"--html: expected a file's name. Received a folder: {path}")
    if not os.path.isdir(parent):
        raise UsageError(f"--html: expected a file in an existing folder. Received: {path}")
    if os.path.lexists(path) and not force:
        raise UsageError(
            f"--html: the file exists already. Write over it (--force), or choose another. Received: {path}"
        )
    if not os.access(parent, os.W_OK):
        raise UsageError(f"--html: expected a folder that can be written to. Received: {path}")
    return path


def write_page(path: Path, page: str, *, quiet: bool) -> None:
    """Write a page atomically.

    Raises:
        UsageError: where it can't be written.
    """
    try:
        write_text(path, page)
    except OSError as error:
        raise UsageError(f"--html: the page can't be written: {error.strerror}. Received: {path}") from error
    if not quiet:
        write_line(f"Wrote {printable_path(path)}")
