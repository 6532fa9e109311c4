"""Standard streams that may fail: a full disk, a reader that has gone, an encoding that lacks characters, one that is closed.

The failures of standard output are told apart from those of files.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from tuner.core.errors import MnistTuneError

_PLAIN = str.maketrans(
    {
        "×": "x", "±": "+/-", "≤": "<=", "≥": ">=", "−": "-", "–": "-", "—": "-", "…": "...", "·": "-", "●": "*", "→": "->",
        "²": "^2", "³": "^3", "µ": "u", "‘": "'", "’": "'", "“": '"', "”": '"',
    }
)  # fmt: skip
"""Characters of ours in ASCII, for terminals whose encoding lacks them."""


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
        except UnicodeEncodeError:
            return self.write(_encodable(text, self._stream.encoding))
        except OSError as error:
            raise OutputError(error) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputError(error) from error

    def __getattr__(self, name: str) -> Any:  # whatever the stream has
        return getattr(self._stream, name)


def _encodable(text: str, encoding: str) -> str:
    """Return a text of characters that an encoding has: those of ours in ASCII, others as escapes."""
    return "".join(_encodable_character(character, encoding) for character in text)


def _encodable_character(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
        return character
    except UnicodeEncodeError:
        return character.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")


def open_standard_streams() -> None:
    """Open the null device in place of standard input and error where they are closed.

    Else the next file that is opened takes their number, and what a library writes to standard error ends in it. Standard
    output stays closed: it has the answer, and that nobody gets it is told.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            _open_null(number, mode)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _open_null(number: int, mode: int) -> None:
    opened = os.open(os.devnull, mode)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)


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
        _discard(stream)
        raise


def _discard(stream: TextIO) -> None:
    """Discard what is left in the stream: the interpreter must not try to write it again at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def write_error(words: str) -> None:
    """A line on standard error; where that can't be written either, there is nobody to tell."""
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.write(f"{words}\n")
        sys.stderr.flush()
