"""What a terminal is told: words that somebody else chose, such as a file's name, are made one harmless line."""

from __future__ import annotations

import sys


def printable(words: str) -> str:
    """Words as one line of a terminal: what it can't show, or would obey, is written as an escape."""
    clean = words.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in clean)


def write_line(words: str) -> None:
    """Writes words to standard output; what its encoding lacks is written as an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(words.encode(encoding, "backslashreplace").decode(encoding) + "\n")
