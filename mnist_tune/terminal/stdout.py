"""Standard streams and their failures: a full disk, a closed pipe or stream, an encoding that lacks characters.

Errors of standard output are distinct from errors of files.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from mnist_tune.terminal.colour import red
from mnist_tune.terminal.encoding import encodable
from tuner.core.errors import MnistTuneError


class OutputError(MnistTuneError):
    """Standard output can't be written. Exit code 1."""

    def __init__(self, error: OSError | ValueError) -> None:
        super().__init__(f"Standard output can't be written: {getattr(error, 'strerror', None) or error}.")
        self.reader_gone = isinstance(error, BrokenPipeError)
        """The reader has closed the pipe (`| head`): no message is needed."""


class _Output:
    """A proxy of a stream that raises OutputError."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            return self.write(encodable(text, self._stream.encoding))
        except OSError as error:
            raise OutputError(error) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputError(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def open_standard_streams() -> None:
    """Open the null device in place of standard input and error where they are closed.

    Otherwise the next opened file would take their number, and receive what a library writes to standard error.
    Standard output stays closed: that is an error, since the result goes there.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            _open_null(number, mode)
    _write_ascii_in_the_c_locale()
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _write_ascii_in_the_c_locale() -> None:
    """Write ASCII where LC_ALL=C says so: Python itself would write UTF-8 (PEP 540).

    Without LC_ALL the locale is C because nobody has set one, as in many containers, whose terminals read UTF-8.
    """
    if os.environ.get("LC_ALL") not in ("C", "POSIX") or {"PYTHONUTF8", "PYTHONIOENCODING"} & set(os.environ):
        return
    for stream, standard in ((sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__)):
        if stream is standard and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="ascii", errors="strict" if stream is sys.stdout else "backslashreplace")


def _open_null(number: int, mode: int) -> None:
    opened = os.open(os.devnull, mode)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)


@contextlib.contextmanager
def watched_output() -> Iterator[None]:
    """Raise OutputError for failures of standard output, which is flushed at the end.

    Raises:
        OutputError: where it can't be written, or is closed.
    """
    if sys.stdout is None:
        raise OutputError(ValueError("it is closed"))
    stream = sys.stdout
    try:
        with contextlib.redirect_stdout(_Output(stream)):
            try:
                yield
            except SystemExit:  # argparse has printed its help
                sys.stdout.flush()
                raise
            sys.stdout.flush()
    except OutputError:
        _discard(stream)
        raise


def _discard(stream: TextIO) -> None:
    """Discard the stream's buffer, which the interpreter would write again at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def write_error(words: str) -> None:
    """Write a line to standard error, if possible; the program's name in it is red on a terminal."""
    with contextlib.suppress(OSError, AttributeError):
        name, colon, message = words.partition(":")
        shown = red(f"{name}{colon}", sys.stderr) + message if name == "mnist-tune" else words
        sys.stderr.write(encodable(f"{shown}\n", sys.stderr.encoding))
        sys.stderr.flush()
