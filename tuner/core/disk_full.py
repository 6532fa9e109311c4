"""Disks that are full, and errors that say so. What is done about them is their callers' business."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from tuner.core.errors import NoSpace

_CODES = frozenset(code for name in ("ENOSPC", "EDQUOT", "EFBIG") if (code := getattr(errno, name, None)) is not None)
_WORDS = ("No space left on device", "Disk quota exceeded", "errno = 28", "requested and")
"""Libraries lose the code: TensorFlow and HDF5 keep its words, numpy only says how much of an array was written."""
_NO_TEMPORARY = "No usable temporary directory"
"""Python's words."""


def is_no_space(error: BaseException) -> bool:
    """Return whether an error, or what it came from, is a file that could not be written because the disk or a quota is full."""
    return any(isinstance(cause, NoSpace) or _says_so(cause) for cause in _causes(error))


def is_no_temporary_folder(error: BaseException) -> bool:
    """Return whether an error, or what it came from, is that no folder for temporary files can be written to."""
    return any(isinstance(cause, FileNotFoundError) and _NO_TEMPORARY in str(cause) for cause in _causes(error))


def _says_so(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _CODES:
        return True
    text = str(error)
    return any(words in text for words in _WORDS[:3]) or (isinstance(error, OSError) and _WORDS[3] in text)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
