"""Renews report.html while a run goes on, beside the loop."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import TracebackType

from tuner.observer import Observer
from tuner.records import Json


class ReportWriter(Observer):
    """Writes the page when a run begins, at every rung's end and when the run has ended.

    While the run goes on it is written by a thread of its own, so that no worker waits for it, and a page that can't be
    written is left for the next time. At the end it is written before the command returns.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wanted = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> ReportWriter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def run_began(self, run: Json) -> None:
        """The page can be opened at once."""
        self._wanted.set()

    def phase_began(self, phase: str, trials: int) -> None:
        """The page tells the phase."""
        self._wanted.set()

    def rung_ended(self, bracket: int, rung: int) -> None:
        """The page shows the rung."""
        self._wanted.set()

    def run_ended(self, run: Json) -> None:
        """The last page."""
        self._close()
        self.write()

    def write(self) -> None:
        """Writes trials.csv and report.html now."""
        from reports.page import write_report
        from reports.trials_csv import write_trials_csv

        write_trials_csv(self._folder)
        write_report(self._folder)

    def _close(self) -> None:
        self._closing = True
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def _renew(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closing:
                return
            try:
                self.write()
            except Exception:
                import traceback

                with contextlib.suppress(OSError):  # no space for this either
                    (self._folder / ".work" / "report.log").write_text(traceback.format_exc())
