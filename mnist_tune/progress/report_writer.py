"""Updates of report.html during a run, in a thread."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tuner.core.records import TrialRecord
from tuner.run.observer import Observer
from tuner.storage.schema.run import RunDocument

_SHARE = 0.02
"""The fraction of one core's time for updates after single trials: training needs the cores."""


class ReportWriter(Observer):
    """An observer that writes the page at the start, after trials, after each phase and rung, and at the end.

    During the run a thread writes it, so that no worker waits; a failed update is retried at the next one. Updates
    after trials are limited to a fiftieth of the time. The last page is written before the command returns.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wanted, self._at_once = threading.Event(), threading.Event()
        self._due = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def run_began(self, run: RunDocument) -> None:
        """Write the first page."""
        self._request_update(at_once=True)

    def phase_began(self, phase: str, trials: int) -> None:
        """Update the page."""
        self._request_update(at_once=True)

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        """Update the page, if the last update is long enough ago."""
        self._request_update()

    def rung_ended(self, bracket: int, rung: int) -> None:
        """Update the page for the rung."""
        self._request_update(at_once=True)

    def run_ended(self, run: RunDocument) -> None:
        """Write the last page."""
        self._close()
        self.write()

    def write(self) -> None:
        """Write trials.csv and report.html now."""
        from reports.pages.page import write_report
        from reports.pages.trials_csv import write_trials_csv

        write_trials_csv(self._folder)
        write_report(self._folder)

    def _close(self) -> None:
        self._closing = True
        self._request_update(at_once=True)
        if self._thread.is_alive():
            self._thread.join()

    def _request_update(self, *, at_once: bool = False) -> None:
        if at_once:
            self._at_once.set()
        self._wanted.set()

    def _renew(self) -> None:
        while True:
            self._wanted.wait()
            self._at_once.wait(max(0.0, self._due - time.monotonic()))
            self._wanted.clear()
            self._at_once.clear()
            if self._closing:
                return
            began = time.thread_time()
            self._try_write()
            self._due = time.monotonic() + (time.thread_time() - began) / _SHARE

    def _try_write(self) -> None:
        try:
            self.write()
        except Exception:
            import traceback

            with contextlib.suppress(OSError):  # the disk may be full
                (self._folder / ".work" / "report.log").write_text(
                    traceback.format_exc(), encoding="utf-8", errors="backslashreplace"
                )
