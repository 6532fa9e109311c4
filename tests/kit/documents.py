"""Code blocks of the documents. For tests."""

from __future__ import annotations

import re

from tests.kit.paths import ROOT

DOCS = ROOT / "docs"


def code_blocks(name: str, language: str) -> list[str]:
    """Return the fenced blocks of a language in a document, in order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
