"""A journal that was cut, changed or doubled: read as far as it can be trusted, else refused with the line's number."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.journal_files import chain_lines, encode_line, read_journal
from tests.kit.records import record, trial
from tuner.core.errors import JournalError
from tuner.storage.journal import CHAIN_START, Journal, JournalState, checksum, read_state


def written(path: Path, trials: int = 3) -> bytes:
    with Journal(path) as journal:
        for number in range(1, trials + 1):
            journal.started(trial(number))
            journal.finished(record(number, val_accuracy=0.5 + number / 100))
    return path.read_bytes()


def whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def state_of(path: Path, content: bytes) -> JournalState:
    path.write_bytes(content)
    return read_state(path)


@pytest.mark.slow
def test_cut_at_any_byte_of_its_last_two_lines_the_state_is_that_of_the_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    content = written(path)
    start = len(b"".join(content.splitlines(keepends=True)[:-2]))
    for cut in range(start, len(content) + 1):
        torn = content[:cut]
        state = state_of(path, torn)
        assert state == state_of(path, whole_lines(torn)), cut
        path.write_bytes(torn)
        with Journal(path) as journal:
            assert path.read_bytes() == whole_lines(torn), cut
            journal.finished(record(9))
        assert path.read_bytes().startswith(whole_lines(torn))
        assert list(read_state(path).finished) == [*state.finished, "0009"], cut


def test_the_reader_in_its_own_process_takes_every_cut(tmp_path: Path) -> None:
    """As the report reads it while it is being written: never an error, never a trial that is not whole."""
    path = tmp_path / "trials.jsonl"
    content = written(path)
    start = len(b"".join(content.splitlines(keepends=True)[:-2]))
    code = (
        "import sys; from pathlib import Path; from tuner.storage.journal import read_state\n"
        "path, start = Path(sys.argv[1]), int(sys.argv[2]); content = path.read_bytes()\n"
        "for cut in range(start, len(content) + 1):\n"
        "    path.write_bytes(content[:cut]); state = read_state(path)\n"
        "    print(cut, len(state.finished), len(state.started))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(start)], capture_output=True, text=True, check=True
    )
    last = len(content.splitlines(keepends=True)[-1])
    found = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(found) == len(content) - start + 1
    assert found == [
        (cut, 3, 0) if cut == len(content) else (cut, 2, 1) if cut >= len(content) - last else (cut, 2, 0)
        for cut in range(start, len(content) + 1)
    ]


def _sealed(line: bytes, **changes: object) -> bytes:
    """A line with other content, whose checksum fits."""
    event = {**json.loads(line), **changes}
    event.pop("check")
    return encode_line({key: value for key, value in event.items() if value is not ...})


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a digit of a score": lambda line: line.replace(b'"val_accuracy":0.52', b'"val_accuracy":0.53'),
    "a letter": lambda line: line.replace(b"completed", b"Completed"),
    "a bit": lambda line: line[:40] + bytes([line[40] ^ 1]) + line[41:],
    "a byte more": lambda line: line[:40] + b"7" + line[40:],
    "a byte less": lambda line: line[:40] + line[41:],
    "its checksum": lambda line: line.replace(b'"check":"', b'"check":"0'),
    "no checksum": lambda line: (
        json.dumps({k: v for k, v in json.loads(line).items() if k != "check"}).encode() + b"\n"
    ),
    "its second half gone": lambda line: line[: len(line) // 2] + b"\n",
    "its end gone, joined to the next": lambda line: line[:-20],
    "its newline gone": lambda line: line[:-1],
    "an empty line before": lambda line: b"\n" + line,
    "zeros": lambda line: bytes(len(line) - 1) + b"\n",
    "no UTF-8": lambda line: b"\xff\xfe" + line,
    "a text": lambda line: b'"event"\n',
    "a list": lambda line: b"[" + line[:-1] + b"]\n",
    "another event": lambda line: _sealed(line, event="paused"),
    "a number that is none": lambda line: line.replace(b'"val_accuracy":0.52', b'"val_accuracy":NaN'),
    "a key of a trial missing, sealed": lambda line: _sealed(line, epochs=...),
    "layers of no kind, sealed": lambda line: _sealed(line, layers=[1]),
    "a history of no numbers, sealed": lambda line: _sealed(line, history={"loss": ["a"]}),
    "a history of no lists, sealed": lambda line: _sealed(line, history=[]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_line_changed_in_the_middle_is_refused_by_its_number(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "trials.jsonl"
    lines = written(path).splitlines(keepends=True)
    changed = change(lines[3])
    assert changed != lines[3]
    path.write_bytes(b"".join([*lines[:3], changed, *lines[4:]]))
    with pytest.raises(JournalError, match=r"trials\.jsonl, line 4") as caught:
        read_state(path)
    assert "\n" not in str(caught.value)


def unchained(content: bytes) -> bytes:
    """A journal as version 0.1.0 wrote it at first."""
    return b"".join(_sealed(line, previous=...) for line in content.splitlines(keepends=True))


MOVES: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "the first line gone": (lambda lines: lines[1:], 1),
    "a line gone": (lambda lines: [*lines[:3], *lines[4:]], 4),
    "two lines gone": (lambda lines: [*lines[:1], *lines[3:]], 2),
    "two lines swapped": (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
    "a line moved to the end": (lambda lines: [*lines[:2], *lines[3:], lines[2]], 3),
    "a line twice": (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3),
    "the last line twice": (lambda lines: [*lines, lines[-1]], 7),
    "a line inserted": (lambda lines: [*lines[:2], encode_line(json.loads(unchained(lines[1]))), *lines[2:]], 3),
    "another line, sealed": (lambda lines: [*lines[:2], _sealed(lines[2], seed=5), *lines[3:]], 4),
    "another line, sealed and no more chained": (
        lambda lines: [*lines[:2], _sealed(lines[2], previous=...), *lines[3:]],
        3,
    ),
    "the first lines no more chained": (lambda lines: [unchained(lines[0]), *lines[1:]], 2),
    "the last line no more chained": (lambda lines: [*lines[:-1], unchained(lines[-1])], 6),
    "a link that is no text": (lambda lines: [_sealed(lines[0], previous=None), *lines[1:]], 1),
}
"""How lines are removed, moved or inserted, and which line shows it."""


@pytest.mark.parametrize(("move", "number"), MOVES.values(), ids=MOVES.keys())
def test_a_line_that_was_removed_moved_or_inserted_is_seen(
    tmp_path: Path, move: Callable[[list[bytes]], list[bytes]], number: int
) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(b"".join(move(written(path).splitlines(keepends=True))))
    with pytest.raises(JournalError, match=rf"line {number}, does not follow the line before it"):
        read_state(path)


def test_every_line_holds_the_checksum_of_the_line_before_it(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    for number in (1, 2):  # two invocations: the second continues the chain
        with Journal(path) as journal:
            journal.started(trial(number))
            journal.finished(record(number))
    path.write_bytes(path.read_bytes()[:-9])
    with Journal(path) as journal:  # after a torn line the chain goes on from the last whole one
        journal.finished(record(2))
    events = read_journal(path)
    assert [event["previous"] for event in events] == [CHAIN_START, *(event["check"] for event in events[:-1])]
    assert path.read_bytes() == chain_lines(events)


def test_a_journal_that_was_not_chained_is_chained_from_its_next_line_on(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    whole = state_of(path, written(path))
    assert state_of(path, unchained(path.read_bytes())) == whole
    with Journal(path) as journal:
        journal.finished(record(4))
    assert ["previous" in event for event in read_journal(path)] == [False] * 6 + [True]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:5], lines[6]]))
    with pytest.raises(JournalError, match="line 6, does not follow"):
        read_state(path)


def test_what_a_journal_without_a_chain_cannot_see_costs_nothing_but_time(tmp_path: Path) -> None:
    """Its checksums are of lines. Whole lines that are gone or elsewhere leave a journal whose trials are right or run again."""
    path = tmp_path / "trials.jsonl"
    lines = unchained(written(path)).splitlines(keepends=True)
    whole = state_of(path, b"".join(lines))
    without_started = state_of(path, b"".join(lines[1:]))
    assert without_started == whole
    swapped = state_of(path, b"".join([lines[1], lines[0], *lines[2:]]))
    assert swapped.finished == whole.finished
    without_finished = state_of(path, b"".join([*lines[:3], *lines[4:]]))
    assert set(whole.finished) - set(without_finished.finished) == set(without_finished.started) == {"0002"}


def test_a_finished_line_twice_is_one_trial_and_a_later_one_holds(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    lines = unchained(written(path)).splitlines(keepends=True)
    whole = state_of(path, b"".join(lines))
    doubled = state_of(path, b"".join([*lines, lines[1]]))
    assert doubled.finished == whole.finished
    assert not doubled.started
    with Journal(path) as journal:
        journal.finished(record(1, val_accuracy=0.75))
    assert read_state(path).finished["0001"].val_accuracy == 0.75
    assert list(read_state(path).finished) == ["0002", "0003", "0001"]


def test_a_finished_line_without_its_started_counts(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    with Journal(path) as journal:
        journal.finished(record(7))
    assert list(read_state(path).finished) == ["0007"]


def test_a_line_that_cannot_be_written_whole_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trials.jsonl"
    before = written(path)

    class Small:
        """A file on a disk with room for 100 bytes more."""

        def __init__(self, file: object) -> None:
            self._file, self._left = file, 100

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

        def write(self, content: memoryview) -> int:
            if not self._left:
                raise OSError(28, "No space left on device")
            count: int = self._file.write(content[: self._left])  # type: ignore[attr-defined]
            self._left = 0
            return count

    with Journal(path) as journal:
        monkeypatch.setattr(journal, "_file", Small(journal._file))
        with pytest.raises(OSError, match="No space"):
            journal.finished(record(4))
    assert path.read_bytes() == before


def test_the_checksum_is_of_what_a_line_says_not_of_how_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    started, line = written(path, 1).splitlines()
    event = json.loads(line)
    path.write_text(started.decode() + "\n" + json.dumps(event, sort_keys=True, indent=None) + "\n")
    assert read_journal(path)[1] == event
    assert event["check"] == checksum(event)
