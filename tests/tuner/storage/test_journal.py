"""The journal: what it keeps, what a crash may do to it, what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.kit.journal_files import encode_line, read_journal
from tests.kit.records import record, trial
from tuner.core.errors import JournalError
from tuner.core.records import TrialRecord
from tuner.storage.journal import Journal, checksum, read_state


def write(path: Path, *records: TrialRecord) -> None:
    with Journal(path) as journal:
        for number, item in enumerate(records, start=1):
            journal.started(trial(number))
            journal.finished(item)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    with Journal(path) as journal:
        written = journal.finished(record(history={"loss": [0.5, 0.25]}, val_accuracy=0.1 + 0.2))
    assert read_state(path).finished == {"0001": written}
    assert written.val_accuracy == 0.1 + 0.2


def test_what_is_not_finite_is_null_in_the_file_and_no_number_again(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    write(path, record(history={"loss": [1.0, math.nan]}, val_loss=math.inf))
    assert "NaN" not in path.read_text()
    (found,) = read_state(path).finished.values()
    assert math.isnan(found.history["loss"][1])
    assert found.val_loss is None


def test_a_started_trial_is_running_until_it_finished(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    write(path, record(1))
    with Journal(path) as journal:
        journal.started(trial(2))
    state = read_state(path)
    assert (list(state.finished), list(state.started)) == (["0001"], ["0002"])


def test_each_line_has_the_checksum_that_is_documented(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    write(path, record())
    for line in path.read_text().splitlines():
        event = json.loads(line)
        assert event["check"] == checksum(event)


@pytest.mark.parametrize("cut", [1, 2, 40, 200])
def test_a_torn_last_line_is_dropped(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "trials.jsonl"
    write(path, record(1), record(2))
    path.write_bytes(path.read_bytes()[:-cut])
    state = read_state(path)
    assert (list(state.finished), list(state.started)) == (["0001"], ["0002"])
    with Journal(path) as journal:
        journal.finished(record(2))
    assert list(read_state(path).finished) == ["0001", "0002"]


def test_a_line_changed_in_the_middle_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    write(path, record(1), record(2))
    path.write_text(path.read_text().replace('"val_accuracy":0.9', '"val_accuracy":0.99', 1))
    with pytest.raises(JournalError, match="line 2"):
        read_journal(path)


@pytest.mark.parametrize("line", [b"[]\n", b"{}\n", b"\xff\n", b"\n", encode_line({"event": "other"})])
def test_what_is_no_event_is_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(line)
    with pytest.raises(JournalError, match="line 1"):
        read_journal(path)


def test_an_event_that_lacks_a_key_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(encode_line({"event": "finished", "trial": "0001"}))
    with pytest.raises(JournalError, match="line 1"):
        read_state(path)


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "trials.jsonl") == []
