"""Files and folders that the system refuses to read, as one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.core.errors import fault


@contextmanager
def os_errors_as_faults(path: Path) -> Iterator[None]:
    """Raise `DataError` for an error of the system, such as a missing permission, while a source is looked at and read.

    Args:
        path: the source.
    """
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        raise fault(
            f"{path} can't be read",
            expected="files and folders that this user may read",
            received=f"{error.strerror or error}: {where}",
            do="correct the permissions, or give a copy",
        ) from error
