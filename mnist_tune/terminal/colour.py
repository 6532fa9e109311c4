"""Bold and coloured words on terminals that want them: https://no-color.org, and `TERM=dumb`."""

from __future__ import annotations

import os
from typing import TextIO

_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_RED = "\x1b[1;31m"


def is_colourful(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that takes escape sequences, and NO_COLOR is not set."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def bold(words: str, stream: TextIO | None) -> str:
    """Return words in bold where the stream is colourful, else as they are."""
    return f"{_BOLD}{words}{_RESET}" if is_colourful(stream) else words


def red(words: str, stream: TextIO | None) -> str:
    """Return words in bold red where the stream is colourful, else as they are."""
    return f"{_RED}{words}{_RESET}" if is_colourful(stream) else words
