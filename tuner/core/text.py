"""Names of files as people may read them."""

from __future__ import annotations


def escape_unprintable(name: str) -> str:
    """A file's name as one line of a terminal or a page: what can't be shown, or would be obeyed, is written as an escape."""
    clean = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in clean)
