"""When the page of a run that goes on is written anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_tune.progress import report_writer
from mnist_tune.progress.report_writer import ReportWriter
from tests.kit.run_builder import FakeRun, make_record, run_document

RUN = run_document(FakeRun(), [])
SOON_S = 10.0


class Counting(ReportWriter):
    """Writes nothing, slowly, and counts."""

    def __init__(self, folder: Path, busy_s: float) -> None:
        super().__init__(folder)
        self.written = threading.Semaphore(0)
        self.times = 0
        self._busy_s = busy_s

    def write(self) -> None:
        began = time.thread_time()
        while time.thread_time() - began < self._busy_s:
            pass
        self.times += 1
        self.written.release()


def end_a_trial(writer: ReportWriter) -> None:
    writer.trial_finished(make_record(), restored=False)


def test_a_trials_end_renews_the_page(tmp_path: Path) -> None:
    """Of any run: a random search, a training and a study have no rungs."""
    with Counting(tmp_path, busy_s=0.0) as writer:
        for _ in range(3):
            end_a_trial(writer)
            assert writer.written.acquire(timeout=SOON_S)


def test_trials_that_end_quickly_share_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_writer, "_SHARE", 0.05)
    with Counting(tmp_path, busy_s=0.02) as writer:
        writer.run_began(RUN)
        assert writer.written.acquire(timeout=SOON_S)
        began = time.monotonic()
        for _ in range(50):
            end_a_trial(writer)
        assert writer.written.acquire(timeout=SOON_S)
        assert time.monotonic() - began > 0.3
        assert writer.times == 2


def test_a_rungs_end_and_a_phase_do_not_wait(tmp_path: Path) -> None:
    with Counting(tmp_path, busy_s=0.5) as writer:
        asks: list[Callable[[], None]] = [
            lambda: writer.run_began(RUN),
            lambda: writer.rung_ended(0, 0),
            lambda: writer.phase_began("confirm", 6),
        ]
        for ask in asks:
            ask()
            assert writer.written.acquire(timeout=SOON_S)


def test_the_end_waits_for_no_page_that_is_due_later(tmp_path: Path) -> None:
    began = time.monotonic()
    with Counting(tmp_path, busy_s=0.5) as writer:
        writer.run_began(RUN)
        assert writer.written.acquire(timeout=SOON_S)
        end_a_trial(writer)
        writer.run_ended(RUN)
    assert time.monotonic() - began < SOON_S
    assert writer.times == 2


def test_a_page_that_cannot_be_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    class Failing(Counting):
        def write(self) -> None:
            super().write()
            if self.times == 1:
                raise OSError("no space")

    (tmp_path / ".work").mkdir()
    with Failing(tmp_path, busy_s=0.0) as writer:
        writer.run_began(RUN)
        assert writer.written.acquire(timeout=SOON_S)
        writer.rung_ended(0, 0)
        assert writer.written.acquire(timeout=SOON_S)
    assert "no space" in (tmp_path / ".work" / "report.log").read_text()
