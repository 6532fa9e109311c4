"""A parsed page for tests, a hostile text, and a run that is rendered fast."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

HOSTILE = "<script>alert(1)</script>$\\frac{}&\"'{{ 7*7 }}"


SMALL: dict[str, Any] = {
    "brackets": ((0, ((5, 2), (2, 5))),),
    "failed": 1,
    "finalists": 1,
    "seeds": 2,
    "validation": 300,
    "test": 400,
}
"""A run that is rendered fast."""


class Page(HTMLParser):
    """A parsed page: the elements, texts and links that tests look at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.tags: Counter[str] = Counter()
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.append(values["id"])
        if "href" in values:
            self.links.append(values["href"])
        if "src" in values:
            self.sources.append(values["src"])
        for name, value in values.items():
            assert not name.startswith("on"), (tag, name)
            self.links += [f"#{target}" for target in re.findall(r"url\(#([^)]+)\)", value)]
        if tag not in ("img", "input", "link", "meta"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        here = self._open[-1] if self._open else ""
        if here == "script":
            self.scripts.append(data)
        elif here != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
