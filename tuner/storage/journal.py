"""The journal of a run: an append-only file, one checked line an event. It is the only state of a run.

Lines are chained: each holds the checksum of the line before it (`previous`), which its own checksum covers. So a line that was
removed, moved or inserted breaks the chain. Lines of journals that were written before have no `previous`; they are read, and what is
appended to them is chained from there on.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from tuner.core.errors import JournalError, UsageError
from tuner.core.records import SCORE_KEYS, Json, Trial, TrialRecord, to_json
from tuner.storage.schema.documents import parse, readable, validate
from tuner.storage.schema.run import RunDocument
from tuner.storage.schema.trials import Finished, Started, as_floats

JOURNAL_NAME = "trials.jsonl"
MOST_LINES = 200_000
"""Two for each trial, and more where a run was resumed."""
MOST_LINE_BYTES = 32 * 2**20
PREVIOUS = "previous"
"""The key of a line that holds the checksum of the line before it."""
CHAIN_START = "0" * 16
"""`previous` of a journal's first line."""
_CHECK_DIGITS = 16
_LINES: dict[str, type[Started]] = {"started": Started, "finished": Finished}


class BrokenChain(JournalError):
    """A whole line that does not follow the line before it."""


@dataclass
class JournalState:
    """The state of a run by its journal."""

    finished: dict[str, TrialRecord] = field(default_factory=dict)
    """Trial → its record, in the order in which they ended."""
    started: dict[str, Trial] = field(default_factory=dict)
    """Trial → its start, of those that have not finished."""

    def apply(self, event: Started) -> None:
        """Take one event into account."""
        if isinstance(event, Finished):
            record = event.to_record()
            self.started.pop(record.trial, None)
            # A trial whose model was missing was trained again: its place is that of its last end.
            self.finished.pop(record.trial, None)
            self.finished[record.trial] = record
        else:
            self.started[event.trial] = event.to_trial()


class Journal:
    """A writer of events; each is on the disk when the call returns.

    Opening one for a run that was killed drops a torn last line first. Where a line can't be written whole, nothing of it
    stays.
    """

    def __init__(self, path: Path) -> None:
        self._previous = _drop_torn_line(path)
        # Unbuffered: bytes that a full disk rejected must not be written later, when the file is closed.
        self._file: FileIO = path.open("ab", buffering=0)

    def started(self, trial: Trial) -> None:
        """Append the start of a trial."""
        self._append("started", to_json(trial))

    def finished(self, record: TrialRecord) -> TrialRecord:
        """Append the end of a trial; return the record as a reader of the journal will see it."""
        document = to_json(record)
        document.pop("finished_at")
        line = self._append("finished", document)
        history = {metric: as_floats(values) for metric, values in document["history"].items()}
        scores: Json = {name: document.get(name) for name in ("val_loss", *SCORE_KEYS.values())}
        return replace(record, **scores, history=history, finished_at=line["time"])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, event: str, document: Json) -> Json:
        line = {"event": event, "time": now(), **document, PREVIOUS: self._previous}
        check = checksum(line)
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._write(encode(line, check))
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(end)
            raise
        self._previous = check
        return line

    def _write(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]
        os.fsync(self._file.fileno())


def now() -> str:
    """Return the time in UTC to the millisecond, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def checksum(event: Json) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the event without its check."""
    content = {key: value for key, value in event.items() if key != "check"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_CHECK_DIGITS]


def check_journal(folder: Path, document: RunDocument) -> None:
    """Raise where a run has lost its journal. One that has only begun has none yet.

    Args:
        folder: of the run.
        document: its run.json.

    Raises:
        UsageError: where trials were planned or the run has a result, and trials.jsonl is not there.
    """
    begun = document.status == "completed" or document.plan.trials or os.path.lexists(folder / "result.json")
    if begun and not os.path.lexists(folder / JOURNAL_NAME):
        raise UsageError(
            f"This run has lost its journal, of which everything else is made. Expected {JOURNAL_NAME}. "
            f"Received: {folder} without it. Restore it from a copy, or begin the run again (--force)."
        )


def read_state(path: Path, *, to_show: bool = False) -> JournalState:
    """Replay a journal.

    Args:
        path: of the journal.
        to_show: replace the characters that no page can show.

    Raises:
        JournalError: where a line is damaged, does not follow the line before it or is not what an event must be, naming it.
    """
    state = JournalState()
    for number, event in enumerate(journal_events(path), start=1):
        try:
            state.apply(validate(readable(event) if to_show else event, _LINES[event["event"]]))
        except (ValueError, RecursionError) as error:
            raise JournalError(
                f"{path.name}, line {number}, is not an event that this version knows: {error}."
            ) from error
    return state


def _canonical(document: Json) -> str:
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def encode(event: Json, check: str) -> bytes:
    """Return an event as a line of the journal, its checksum last."""
    return (_canonical({**event, "check": check}) + "\n").encode()


def journal_events(path: Path) -> Iterator[Json]:
    """Yield the events of a journal, oldest first. A torn last line is left out; a missing file has none.

    Raises:
        JournalError: where a line is damaged or does not follow the line before it, naming it.
    """
    if not path.exists():
        return
    before: Json | None = None
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file, path), start=1):
            event = _decode(path, number, line)
            _check_link(path, number, event, before)
            yield event
            before = event


def _check_link(path: Path, number: int, event: Json, before: Json | None) -> None:
    """Raise `BrokenChain` where a line's `previous` is missing or not the checksum of the line before it."""
    if PREVIOUS in event:
        follows = event[PREVIOUS] == (CHAIN_START if before is None else before["check"])
    else:
        follows = before is None or PREVIOUS not in before
    if not follows:
        raise BrokenChain(
            f"{path.name}, line {number}, does not follow the line before it: a line was removed, moved or inserted. "
            "The journal can't be trusted; restore it from a copy, or start a new run."
        )


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the complete lines; a torn line after the last newline is left out."""
    for number in itertools.count(1):
        line = file.readline(MOST_LINE_BYTES)
        if len(line) == MOST_LINE_BYTES or (line and number > MOST_LINES):
            raise JournalError(
                f"{path.name}, line {number}, is more than is read. "
                f"Expected at most {MOST_LINES:,} lines of {MOST_LINE_BYTES // 2**20} MiB. No run of mnist-tune has a journal like that."
            )
        if not line.endswith(b"\n"):
            return
        yield line[:-1]


def _decode(path: Path, number: int, line: bytes) -> Json:
    damaged = JournalError(
        f"{path.name}, line {number}, is damaged: its checksum does not match. The journal can't be trusted; "
        "restore it from a copy, or start a new run."
    )
    try:
        event = parse(line)
        sound = isinstance(event, dict) and event.get("check") == checksum(event)
    except ValueError as error:
        raise damaged from error
    if not sound or event.get("event") not in ("started", "finished"):
        raise damaged
    return cast(Json, event)


def _drop_torn_line(path: Path) -> str:
    """Truncate a torn line after the last newline; return the checksum of the last line."""
    if not path.exists():
        return CHAIN_START
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
    if not whole:
        return CHAIN_START
    start = content.rfind(b"\n", 0, whole - 1) + 1
    check: str = _decode(path, content.count(b"\n"), content[start : whole - 1])["check"]
    return check
