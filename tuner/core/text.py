"""Names as text for terminals and pages, their natural order, and the hint at the name that was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_CLOSE = 0.6
"""The least similarity of a name that a hint gives: difflib's ratio, from 0 to 1."""


def escape_unprintable(name: str) -> str:
    """Return a file's name as one printable line; unprintable and control characters are written as escapes."""
    clean = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in clean)


def natural_key(name: str) -> tuple[tuple[tuple[int, int | str], ...], str]:
    """Return a key that sorts names as people do: numbers by their value, "a2" before "a10", and letters whatever their case."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(part)) if at % 2 else (1, part) for at, part in enumerate(parts)), name


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean report?" for the known name that is nearest to a word; empty where none is near."""
    names = {name.lower(): name for name in reversed(list(known))}
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=_CLOSE)
    return f" Did you mean {names[near[0]]}?" if near else ""
