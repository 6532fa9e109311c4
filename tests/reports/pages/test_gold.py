"""The gold files are what there is, and the mechanism that holds them works."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.gold.files import accept, compare
from tests.gold.numbers import plain, rounded, text_of
from tests.gold.page import scrubbed
from tests.gold.runs import gold_texts


@pytest.mark.draws
def test_numbers_and_pages_are_the_accepted_ones() -> None:
    differing = compare(gold_texts())
    assert not differing, "\n".join([*differing, "To accept all of it: python -m tests.gold --accept"])


def test_what_differs_is_saved_and_accepting_settles_it(tmp_path: Path) -> None:
    gold, actual = tmp_path / "accepted", tmp_path / "actual"
    assert accept({"a.txt": "one\n", "b.txt": "two\n"}, gold=gold, actual=actual) == ["a.txt", "b.txt"]
    assert compare({"a.txt": "one\n", "b.txt": "two\n"}, gold=gold, actual=actual) == []
    changed = {"a.txt": "other\n", "c.txt": "three\n"}
    told = compare(changed, gold=gold, actual=actual)
    assert ["-one" in told[0], "+other" in told[0]] == [True, True]
    assert told[1:] == ["c.txt was never accepted.", "b.txt is accepted, but nothing makes it."]
    assert {path.name for path in actual.iterdir()} == {"a.txt", "c.txt"}
    assert accept(changed, gold=gold, actual=actual) == ["a.txt", "c.txt", "b.txt"]
    assert compare(changed, gold=gold, actual=actual) == []
    assert list(actual.iterdir()) == []
    assert {path.name for path in gold.iterdir()} == {"a.txt", "c.txt"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1 + 0.2, 0.3), (1234567.8, 1234570.0), (-1e-17, 0.0), (math.nan, "nan"), (-math.inf, "-inf"), (0.0, 0.0)],
)
def test_numbers_are_rounded(value: float, expected: float | str) -> None:
    assert rounded(value) == expected


def test_numbers_are_plain_and_a_line_each() -> None:
    text = text_of({"array": np.array([[1, 2]]), "float": np.float32(0.5), "none": None, "deep": {"b": [{"a": 1}]}})
    assert json.loads(text) == {"array": [[1, 2]], "deep": {"b": [{"a": 1}]}, "float": 0.5, "none": None}
    assert "    [1, 2]\n" in text
    with pytest.raises(TypeError, match="object"):
        plain(object())


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        ("<p>a  \n b</p>", True),
        ("<p class='x'>text</p>", True),
        ("<table><tr><td data-sort='1'>1</td></tr></table>", True),
        ("<svg aria-label='x'><text x='1'>99</text></svg>", True),
        ("<svg><use class='mark' data-trial='0002'/></svg>", True),
        ("<svg viewBox='0 0 1 1'><path d='M 0 0'/></svg>", False),
        ("<svg style='--width: 1px'><g id='a'><use x='1' y='2' href='#m'/></g></svg>", False),
        ("<script>changed()</script>", False),
        ("<style>p { color: red }</style>", False),
    ],
)
def test_what_a_reader_sees_is_held_and_geometry_is_not(page: str, seen: bool) -> None:
    blank = {"<svg": "<svg></svg>", "<script": "<script></script>", "<style": "<style></style>"}
    bare = next((empty for start, empty in blank.items() if page.startswith(start)), "")
    assert (scrubbed(page) != scrubbed(bare)) == seen


def test_pictures_and_hashes_are_a_word() -> None:
    picture = f"<img src='data:image/png;base64,{'A' * 200}' alt='a digit'>"
    assert scrubbed(picture) == '<img src="data:image/png;base64,…" alt="a digit">\n'
    assert scrubbed("<meta content=\"script-src 'sha256-abc='\">") == "<meta content=\"script-src 'sha256-…'\">\n"


def test_command_compares_and_accepts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from tests.gold import __main__ as command

    monkeypatch.setattr(command, "gold_texts", lambda: {"a.txt": "one\n"})
    gold, actual = tmp_path / "accepted", tmp_path / "actual"
    monkeypatch.setattr(command, "compare", lambda texts: compare(texts, gold=gold, actual=actual))
    monkeypatch.setattr(command, "accept", lambda texts: accept(texts, gold=gold, actual=actual))
    assert command.main([]) == 1
    assert "--accept" in capsys.readouterr().out
    assert command.main(["--accept"]) == 0
    assert capsys.readouterr().out == "Changed a.txt\n"
    assert command.main([]) == 0
