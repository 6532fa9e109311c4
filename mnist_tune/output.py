"""Standard output that may fail: a full disk, a reader that has gone. Told apart from the failures of files."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from tuner.errors import MnistTuneError


class OutputError(MnistTuneError):
    """Standard output can't be written. Exit code 1."""

    def __init__(self, error: OSError | ValueError) -> None:
        super().__init__(f"Standard output can't be written: {getattr(error, 'strerror', None) or error}.")
        self.reader_gone = isinstance(error, BrokenPipeError)
        """Whoever read it has had enough (`| head`): nobody need be told."""


class _Output:
    """A stream whose failures are `OutputError`s; for the rest it is the stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise OutputError(error) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputError(error) from error

    def __getattr__(self, name: str) -> Any:  # whatever the stream has
        return getattr(self._stream, name)


@contextlib.contextmanager
def watched_output() -> Iterator[None]:
    """Standard output, flushed at the end, so that a failure is known while it can still be told.

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
        _let_go(stream)
        raise


def _let_go(stream: TextIO) -> None:
    """What is left in the stream goes nowhere: the interpreter must not try to write it again at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def tell(words: str) -> None:
    """A line on standard error; where that can't be written either, there is nobody to tell."""
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.write(f"{words}\n")
        sys.stderr.flush()
