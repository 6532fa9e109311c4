"""The terminal's view of a run: a live view, or plain lines where the output is no terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mnist_tune.progress.headline import format_headline
from reports.analysis.search.time_left import planned_work, seconds_left
from reports.formatting import duration, plural, rough_duration
from tuner.core.records import Trial, TrialRecord, tidy_epochs
from tuner.core.text import escape_unprintable
from tuner.run.observer import Observer
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.run import Plan, RunDocument

_REFRESH_PER_S = 4
_WORTH_SAYING_S = 60
"""The remaining time, in a line: a shorter run is over before one has read it."""


@dataclass
class _Live:
    trial: Trial
    worker: int | None = None
    epoch: int = 0
    val_accuracy: float | None = None


@dataclass
class _Standing:
    """The state of a run so far."""

    run: RunDocument | None = None
    phase: str = ""
    expected: int = 0
    running: dict[str, _Live] = field(default_factory=dict)
    ended: dict[tuple[int | None, int | None], list[TrialRecord]] = field(default_factory=dict)
    best: TrialRecord | None = None
    failed: int = 0
    began: float = field(default_factory=time.monotonic)

    def ended_in_phase(self) -> int:
        return sum(record.phase == self.phase for records in self.ended.values() for record in records)

    def take(self, record: TrialRecord) -> None:
        self.running.pop(record.trial, None)
        self.ended.setdefault((record.bracket, record.rung), []).append(record)
        self.failed += not record.completed
        if record.completed and record.phase not in ("confirm", "refit") and _better(record, self.best):
            self.best = record

    def seconds_left(self) -> float | None:
        """Return what the run may yet take; no more than the time budget has left. None until that is known."""
        if self.run is None:
            return None
        plan, options = self.run.plan, self.run.options
        left_s = seconds_left(
            planned_work(plan.epochs or 0, plan.trials, [rung.epochs for rung in plan.rungs], options),
            [record for records in self.ended.values() for record in records],
            running_epochs=sum(live.epoch * live.trial.share for live in self.running.values()),
        )
        budget_s = options.get("time_budget")
        if left_s is None or not isinstance(budget_s, (int, float)):
            return left_s
        return min(left_s, max(0.0, budget_s - (time.monotonic() - self.began)))


class Progress(Observer):
    """Follows a run on a console."""

    def __init__(self, console: Console, folder: Path, *, quiet: bool) -> None:
        self._console = console
        self._folder = folder
        self._quiet = quiet
        self._standing = _Standing()
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def run_began(self, run: RunDocument) -> None:
        """Say where everything goes, and starts the live view."""
        self._standing.run = run
        data = run.data
        if data.fallback:
            self._print(
                Text("MNIST can't be had here: these are scikit-learn's 8×8 digits, NOT MNIST.", style="bold red")
            )
        self._print(
            f"{run.space.name}{_format_cap(run)} on {data.name}: "
            f"{data.train:,} images to train, {data.validation:,} to choose by, {_format_test(run)}"
        )
        self._print(f"Report: {self._folder / 'report.html'}")
        if self._console.is_terminal and not self._quiet:
            self._live = Live(
                get_renderable=self._view, console=self._console, refresh_per_second=_REFRESH_PER_S, transient=True
            )
            self._live.start()

    def phase_began(self, phase: str, trials: int) -> None:
        """Name the phase."""
        self._standing.phase, self._standing.expected = phase, trials
        words = {
            "search": f"Search: {trials} trials",
            "confirm": f"Confirmation: {trials} trials of the finalists",
            "refit": f"Refit: {trials} trainings of the winner on all images, the validation images too",
            "train": f"Training: {trials} seeds",
            "study": f"Study: {trials} trials",
            "evaluate": self._evaluation(),
        }
        self._print(words.get(phase, phase))

    def _evaluation(self) -> str:
        run = self._standing.run
        if run is not None and run.kind == "study":
            return "Evaluation: the arms are compared on validation data"
        if run is not None and not run.options["test"]:
            return "Evaluation, without the test set"
        return "Evaluation: the winner meets the test set, once"

    def trial_started(self, trial: Trial) -> None:
        """Show it among the running ones."""
        self._standing.running[trial.trial] = _Live(trial)

    def epoch_ended(self, trial: Trial, worker: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Show its last accuracy."""
        self._standing.running[trial.trial] = _Live(trial, worker, epoch, metrics.get("val_accuracy"))

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        """One line, where the output is no terminal."""
        self._standing.take(record)
        if self._live is None:
            self._print(self._line(record) + ("  from the journal" if restored else ""))

    def note(self, text: str) -> None:
        """Print it."""
        self._print(Text(escape_unprintable(text), style="yellow"))

    def run_ended(self, run: RunDocument) -> None:
        """End the live view."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def summary(self, folder: RunFolder) -> None:
        """The answer, printed even when quiet."""
        result = folder.read_result()
        if result is None:
            return
        self._console.print(Text(escape_unprintable(format_headline(result, folder.read_run()))), soft_wrap=True)
        for path in (folder.path / "report.html", folder.saved_model, folder.keras_model):
            if path.exists():
                self._console.print(Text(escape_unprintable(f"Wrote {path}")), soft_wrap=True)

    def _print(self, line: str | Text) -> None:
        if not self._quiet:
            self._console.print(line if isinstance(line, Text) else Text(escape_unprintable(line)), soft_wrap=True)

    def _line(self, record: TrialRecord) -> str:
        standing = self._standing
        place = "" if record.rung is None else f"bracket {record.bracket} rung {record.rung}  "
        count = f"[{standing.ended_in_phase()}/{standing.expected}]"
        epochs = plural(record.epochs_spent, "epoch")
        words = f"{count} {record.trial}  {place}{epochs}  {record.parameters:,} parameters  {_outcome(record)}  {record.duration_s:.0f} s"
        left = standing.seconds_left()
        return words if left is None or left < _WORTH_SAYING_S else f"{words}  about {rough_duration(left)} left"

    def _view(self) -> RenderableType:
        standing = self._standing
        parts: list[RenderableType] = []
        if standing.phase == "search" and standing.run is not None and standing.run.plan.rungs:
            parts.append(self._brackets(standing.run.plan))
        parts.append(self._running())
        best = standing.best
        if best is not None and best.val_accuracy is not None:
            parts.append(
                Text(
                    f"Best so far: {best.val_accuracy:.2%} on validation data, trial {best.trial}, {best.parameters:,} parameters"
                )
            )
        parts.append(Text(self._footer(), style="dim"))
        return Group(*parts)

    def _footer(self) -> str:
        standing = self._standing
        left = standing.seconds_left()
        words = [
            f"{standing.ended_in_phase()} of {standing.expected} trials",
            f"{duration(time.monotonic() - standing.began)} so far",
        ]
        if left is not None:
            words.append(f"about {rough_duration(left)} left")
        if standing.failed:
            words.append(f"{standing.failed} failed")
        return " · ".join(words)

    def _brackets(self, plan: Plan) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("bracket", "rung", "epochs", "trials", "best"):
            table.add_column(heading, justify="right" if heading in ("epochs", "best") else "left")
        for rung in plan.rungs:
            records = self._standing.ended.get((rung.bracket, rung.rung), [])
            scores = [record.val_accuracy for record in records if record.val_accuracy is not None]
            table.add_row(
                str(rung.bracket),
                str(rung.rung),
                str(rung.epochs),
                "●" * len(records) + "·" * (rung.size - len(records)),
                f"{max(scores):.2%}" if scores else "",
            )
        return table

    def _running(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("running", "epoch", "parameters", "validation"):
            table.add_column(heading, justify="left" if heading == "running" else "right")
        for live in self._standing.running.values():
            score = "" if live.val_accuracy is None else f"{live.val_accuracy:.2%}"
            epochs = f"{tidy_epochs(live.epoch * live.trial.share)}/{live.trial.epochs}"
            table.add_row(live.trial.trial, epochs, f"{live.trial.parameters:,}", score)
        return table


def progress_for(folder: Path, *, quiet: bool) -> Progress:
    """A view on standard output."""
    return Progress(Console(highlight=False), folder, quiet=quiet)


def _format_cap(run: RunDocument) -> str:
    cap = run.space.max_params
    return "" if cap is None else f", at most {cap:,} parameters,"


def _format_test(run: RunDocument) -> str:
    return f"{run.data.test:,} to test once" if run.options["test"] else "the test set left alone"


def _outcome(record: TrialRecord) -> str:
    if not record.completed:
        return f"failed: {record.error}"
    return "refitted" if record.val_accuracy is None else f"val {record.val_accuracy:.2%}"


def _better(record: TrialRecord, best: TrialRecord | None) -> bool:
    if best is None:
        return True
    return (record.epochs, record.val_accuracy or 0.0) > (best.epochs, best.val_accuracy or 0.0)
