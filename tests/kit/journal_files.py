"""Reading and writing of journals in tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tuner.core.records import Json
from tuner.storage.journal import CHAIN_START, PREVIOUS, checksum, encode, journal_events


def encode_line(event: Json) -> bytes:
    """Return an event as a line of the journal, its checksum last."""
    return encode(event, checksum(event))


def chain_lines(events: Iterable[Json]) -> bytes:
    """Return events as the lines of a whole chained journal, whatever chain they were in before."""
    lines, previous = [], CHAIN_START
    for event in events:
        linked = {**event, PREVIOUS: previous}
        previous = checksum(linked)
        lines.append(encode({key: value for key, value in linked.items() if key != "check"}, previous))
    return b"".join(lines)


def read_journal(path: Path) -> list[Json]:
    """Return all events of a journal, oldest first."""
    return list(journal_events(path))
