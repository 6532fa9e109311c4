"""Recognising the errors of a full disk. Callers decide what to do about them."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from tuner.core.errors import NoSpace

_CODES = frozenset(code for name in ("ENOSPC", "EDQUOT", "EFBIG") if (code := getattr(errno, name, None)) is not None)
_WORDS = ("No space left on device", "Disk quota exceeded", "errno = 28", "requested and")
"""Libraries lose the error code: TensorFlow and HDF5 keep its text, numpy says how much of an array was written."""
_NO_TEMPORARY = "No usable temporary directory"
"""The beginning of Python's message."""


def is_no_space(error: BaseException) -> bool:
    """Return whether an error or one of its causes says that the disk or a quota is full."""
    return any(isinstance(cause, NoSpace) or _mentions_full_disk(cause) for cause in _causes(error))


def is_no_temporary_folder(error: BaseException) -> bool:
    """Return whether an error or one of its causes says that no folder for temporary files is writable."""
    return any(isinstance(cause, FileNotFoundError) and _NO_TEMPORARY in str(cause) for cause in _causes(error))


def _mentions_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _CODES:
        return True
    text = str(error)
    return any(words in text for words in _WORDS[:3]) or (isinstance(error, OSError) and _WORDS[3] in text)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
