"""Suppressing what native libraries write to the terminal while they are imported."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """Suppress what native libraries write to standard error during an import; show it where the import fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with _file_for_chatter() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except ImportError:
            chatter.seek(0)
            os.write(saved, chatter.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


def _file_for_chatter() -> IO[bytes]:
    """Return a file without a name; the null device where no temporary file can be made."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "w+b")
