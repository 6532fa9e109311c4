"""Manipulated runs: folders like those of mnist-tune, with one value changed. Nothing here asserts."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.journal_files import encode_line, read_journal
from tests.kit.run_builder import FakeRun, build_run

# `Any`: JSON, and wrong JSON at that.

MARKUP = '</script><script>window.stranger=1</script><img src=x onerror="window.stranger=2">\'"{{ 7*7 }}$\\frac{}'
"""Markup that a page must show as text, and not execute."""
CONTROLS = "\x1b[31m\x1b]0;owned\x07\x00\x9b\u202e\ud800"
"""Control characters that must not reach a terminal, and characters that are not text."""
SMALL: dict[str, Any] = {
    "brackets": ((0, ((3, 2), (1, 3))),),
    "failed": 1,
    "finalists": 1,
    "seeds": 2,
    "classes": 3,
    "validation": 60,
    "test": 90,
}
"""A run that is rendered fast."""
WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 3, 10**6, 10**12, 2**63, 10**400, -0.5, 0.5, 1e300, float("nan"), float("inf"),
    "", "x", "../../x", "/etc/passwd", MARKUP, CONTROLS, "9" * 5000, [], {}, [1], ["x"], [[[]]], {"a": 1}, {"": None}, [None],
)  # fmt: skip
"""Wrong values for any place of a document."""

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """A change of one value."""

    file: str
    """run.json, result.json or trials.jsonl."""
    place: Place
    """The keys that lead to the value; in trials.jsonl the line's number comes first."""
    value: Any
    removed: bool = False

    def __str__(self) -> str:
        value = (
            "removed"
            if self.removed
            else repr(self.value)[:40]
            if not isinstance(self.value, int)
            else f"{self.value:.3e}"
        )
        return f"{self.file} {'.'.join(map(str, self.place))} {value}"


def built(folder: Path, **changes: Any) -> Path:
    """Return the folder of a sound run."""
    return build_run(folder, FakeRun(**{**SMALL, **changes}))


def changed(folder: Path, change: Change) -> None:
    """Make one change in a run's folder, and correct the journal's checksums, as a forger would."""
    path = folder / change.file
    if change.file == "trials.jsonl":
        events = read_journal(path)
        _put(events, change)
        path.write_bytes(b"".join(_line(event) for event in events))
    else:
        document = json.loads(path.read_bytes())
        _put(document, change)
        path.write_text(text_of(document))


def text_of(document: Any) -> str:
    """Return JSON of anything, NaN and numbers of 400 digits included."""
    return json.dumps(document, allow_nan=True)


def _line(event: Any) -> bytes:
    try:
        return encode_line(event)
    except (ValueError, TypeError, AttributeError):
        return text_of(event).encode() + b"\n"


def _put(document: Any, change: Change) -> None:
    for name in change.place[:-1]:
        document = document[name]
    if change.removed:
        del document[change.place[-1]]
    else:
        document[change.place[-1]] = copy.deepcopy(change.value)


def places(document: Any, before: Place = ()) -> Iterator[Place]:
    """Yield every place of a document: of long lists only the first and the last element."""
    if before:
        yield before
    if isinstance(document, dict):
        for name, item in document.items():
            yield from places(item, (*before, name))
    elif isinstance(document, list):
        for place in sorted({0, len(document) - 1} & set(range(len(document)))):
            yield from places(document[place], (*before, place))


def every_place(folder: Path) -> list[tuple[str, Place]]:
    """Return every place of a run's documents; of the journal's events: a start, an end and a failure in the search, and the last event."""
    found: list[tuple[str, Place]] = []
    for name in ("run.json", "result.json"):
        found += [(name, place) for place in places(json.loads((folder / name).read_bytes()))]
    events = read_journal(folder / "trials.jsonl")
    for number in sorted({0, 1, 3, len(events) - 1}):
        found += [("trials.jsonl", (number, *place)) for place in places(events[number])]
    return found
