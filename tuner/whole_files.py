"""Files that appear whole or not at all: written under a temporary name, flushed to the disk, renamed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path, temporary_name: str) -> Iterator[Path]:
    """Gives a path in the same folder to write to; what is there afterwards takes the place of `path`.

    Where writing fails, nothing of it stays.
    """
    temporary = path.with_name(temporary_name)
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _flush(path: Path) -> None:
    """What is renamed before it is on the disk may be an empty file after a power failure."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
