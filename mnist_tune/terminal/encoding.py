"""Text within the encoding of a terminal: the program's special characters in ASCII where it lacks them."""

from __future__ import annotations

import os
import sys

from tuner.core.text import escape_unprintable

ASCII = str.maketrans(
    {
        "×": "x", "±": "+/-", "≤": "<=", "≥": ">=", "−": "-", "–": "-", "—": "-", "…": "...", "·": "-", "●": "*", "•": "*",
        "→": "->", "²": "^2", "³": "^3", "µ": "u", "Σ": "sum", "°": " deg", "✓": "ok", "✗": "x", "‘": "'", "’": "'", "“": '"',
        "”": '"', "─": "-", "━": "-", "│": "|", "█": "#",
    }
)  # fmt: skip
"""ASCII for the special characters of the program's texts."""


def encodable(text: str, encoding: str | None) -> str:
    """Return a text within an encoding: special characters in ASCII, others that it lacks as escapes.

    Args:
        text: may hold anything, surrogates of undecodable file names too.
        encoding: as Python names it; None is UTF-8.
    """
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        return "".join(_encodable_character(character, encoding) for character in text)


def printable_path(path: str | os.PathLike[str]) -> str:
    """Return a path as standard output can show it: what its encoding lacks is an escape, since "x" is another name than "×"."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return escape_unprintable(os.fspath(path)).encode(encoding, "backslashreplace").decode(encoding)


def _encodable_character(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
        return character
    except UnicodeEncodeError:
        return character.translate(ASCII).encode("ascii", "backslashreplace").decode("ascii")
