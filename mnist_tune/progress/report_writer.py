"""Renews report.html while a run goes on, beside the loop."""

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
"""The share of one core's time that renewing the page for single trials may take: training needs the cores."""


class ReportWriter(Observer):
    """Writes the page when a run begins, as trials end, at every rung's end and when the run has ended.

    While the run goes on it is written by a thread of its own, so that no worker waits for it, and a page that can't be
    written is left for the next time. A trial's end waits until the last page's writing is a fiftieth of the time since; phases and
    rungs don't. At the end it is written before the command returns.
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
        """The page can be opened at once."""
        self._ask(at_once=True)

    def phase_began(self, phase: str, trials: int) -> None:
        """The page tells the phase."""
        self._ask(at_once=True)

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        """The page shows the trial, when it is time."""
        self._ask()

    def rung_ended(self, bracket: int, rung: int) -> None:
        """The page shows the rung."""
        self._ask(at_once=True)

    def run_ended(self, run: RunDocument) -> None:
        """The last page."""
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
        self._ask(at_once=True)
        if self._thread.is_alive():
            self._thread.join()

    def _ask(self, *, at_once: bool = False) -> None:
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
            self._try_to_write()
            self._due = time.monotonic() + (time.thread_time() - began) / _SHARE

    def _try_to_write(self) -> None:
        try:
            self.write()
        except Exception:
            import traceback

            with contextlib.suppress(OSError):  # no space for this either
                (self._folder / ".work" / "report.log").write_text(
                    traceback.format_exc(), encoding="utf-8", errors="backslashreplace"
                )
