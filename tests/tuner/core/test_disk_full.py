"""Errors that mean a full disk, and those that do not; memory that is used up, as several libraries say it."""

from __future__ import annotations

import errno

import pytest

from tuner.core.disk_full import is_no_space
from tuner.core.errors import NoSpace
from tuner.core.failures import is_out_of_memory


class ResourceExhaustedError(Exception):
    """As TensorFlow names it."""


def wrapped(error: Exception) -> Exception:
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("could not be saved") from cause
    except RuntimeError as found:
        return found


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError("Can't write data (file write failed: errno = 28, error message = 'No space left on device')"), True),
        (OSError("1000 requested and 96 written"), True),
        (ResourceExhaustedError("/run/.best.partial; No space left on device"), True),
        (wrapped(OSError(errno.ENOSPC, "full")), True),
        (NoSpace("a worker said so"), True),
        (ResourceExhaustedError("OOM when allocating tensor"), False),
        (ValueError("1000 requested and 96 written"), False),
        (OSError(errno.EACCES, "Permission denied"), False),
        (MemoryError(), False),
        (ValueError("28"), False),
    ],
)
def test_which_errors_mean_a_full_disk(error: Exception, full: bool) -> None:
    assert is_no_space(error) is full


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert not is_no_space(first)


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (MemoryError(), True),
        (ResourceExhaustedError("OOM when allocating tensor with shape [10]"), True),
        (type("XlaRuntimeError", (RuntimeError,), {})("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes"), True),
        (type("XlaRuntimeError", (RuntimeError,), {})("INVALID_ARGUMENT: shapes"), False),
        (ResourceExhaustedError("too many open files"), False),
        (ValueError("OOM"), False),
    ],
)
def test_which_errors_mean_too_little_memory(error: Exception, out: bool) -> None:
    assert is_out_of_memory(error) is out
