"""What a terminal is told on standard output."""

from __future__ import annotations

import sys


def write_line(words: str) -> None:
    """Writes words to standard output; what its encoding lacks is written as an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(words.encode(encoding, "backslashreplace").decode(encoding) + "\n")
