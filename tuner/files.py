"""How files are written: whole or not at all, and never through a link that somebody else has laid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_bytes(path: Path, content: bytes) -> None:
    """Writes bytes under a temporary name, flushes them to the disk, and renames. A link at `path` is replaced, not followed."""
    with _replacing(path, path.with_name(f".{path.name}.partial")) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """The same of a text as UTF-8, whose lone surrogates are written as escapes. Several processes may do it at the same time."""
    with _replacing(path, path.with_name(f".{path.name}.{os.getpid()}")) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


@contextmanager
def _replacing(path: Path, temporary: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` where all went well, and is gone where it did not."""
    try:
        with open_new(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def open_new(path: Path) -> BinaryIO:
    """A file that was not there before, open for writing; what is there is removed first, and a link is not followed."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "wb")
