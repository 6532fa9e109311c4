"""A bar on the terminal while a data set's pictures are decoded; it disappears when they are."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class DecodingBar:
    """The progress of decoding pictures on a console."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("Reading pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("")
        self._progress.start()

    def update(self, done: int, total: int) -> None:
        """Show that so many pictures of all are decoded."""
        self._progress.update(self._task, completed=done, total=total)

    def stop(self) -> None:
        """Remove the bar."""
        self._progress.stop()
