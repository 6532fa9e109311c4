"""A page scrubbed of what changes with versions of libraries: its structure, text and tables stay, one thing a line."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_ATTRIBUTES_OF_DRAWINGS = ("class", "data-figure", "role", "aria-label")
"""All others of a drawing are its geometry and its look."""

_KEPT_IN_DRAWINGS = ("svg", "text", "title", "desc")
"""Of a drawing its frame and its words; marks are counted by trial."""

_VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
_LONG_WORDS = re.compile(r"[A-Za-z0-9+/=_-]{80,}")
_HASH = re.compile(r"sha256-[A-Za-z0-9+/=]+")
_LONG_DECIMAL = re.compile(r"\d+\.\d{7,}(?:e-?\d+)?")


def scrubbed(page: str) -> str:
    """The page as lines. Scripts and styles are left out; pictures and hashes are replaced by a word."""
    reader = _Scrubber()
    reader.feed(page)
    reader.close()
    return "\n".join(reader.lines) + "\n"


def _without_noise(text: str) -> str:
    text = _HASH.sub("sha256-…", _LONG_WORDS.sub("…", text))
    return _LONG_DECIMAL.sub(lambda match: f"{float(match.group()):.6g}", text)


class _Scrubber(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._open: list[str] = []
        self._marks: list[str] = []

    @property
    def _drawn(self) -> bool:
        return "svg" in self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if self._drawn and "data-trial" in values:
            self._marks.append(values["data-trial"])
        if not self._drawn or tag in _KEPT_IN_DRAWINGS:
            self._line(f"<{tag}{self._attributes(values, within=self._drawn or tag == 'svg')}>")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        if tag == "svg":
            self._tell_marks()

    def handle_data(self, data: str) -> None:
        here = self._open[-1] if self._open else ""
        words = " ".join(data.split())
        if words and here not in ("script", "style"):
            self._line(_without_noise(words))

    def _line(self, text: str) -> None:
        # How a drawing nests its groups is its library's business.
        inside = self._open.index("svg") if self._drawn else len(self._open)
        depth = inside + sum(tag in _KEPT_IN_DRAWINGS for tag in self._open[inside:])
        self.lines.append("  " * depth + text)

    def _attributes(self, values: dict[str, str], *, within: bool) -> str:
        kept = {name: value for name, value in values.items() if not within or name in _ATTRIBUTES_OF_DRAWINGS}
        return "".join(f' {name}="{_without_noise(value)}"' for name, value in kept.items())

    def _tell_marks(self) -> None:
        if self._marks:
            self._line(f"marks of {len(set(self._marks))} trials: {len(self._marks)}")
        self._marks = []
