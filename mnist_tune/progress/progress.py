"""Progress on the terminal: a live view, or plain lines where the output is not a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mnist_tune.progress.decoding_bar import DecodingBar
from mnist_tune.progress.ending import RESULT, ending_lines
from mnist_tune.progress.run_state import LiveTrial, RunState
from mnist_tune.terminal.encoding import encodable, printable_path
from reports.formatting import duration, plural, rough_duration
from tuner.core.records import SHORT_WORDS, Trial, TrialRecord, tidy_epochs
from tuner.core.text import escape_unprintable
from tuner.run.observer import Observer
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.run import Plan, RunDocument

_REFRESH_PER_S = 4
_WORTH_SAYING_S = 60
"""The shortest remaining time that is shown."""


class Progress(Observer):
    """An observer that shows a run on a console."""

    def __init__(self, console: Console, folder: Path, *, quiet: bool) -> None:
        self._console = console
        self._folder = folder
        self._quiet = quiet
        self._standing = RunState()
        self._live: Live | None = None
        self._decoding: DecodingBar | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_decoding()
        if self._live is not None:
            self._live.stop()

    def pictures_decoded(self, done: int, total: int) -> None:
        """Show a bar of the pictures that are decoded, on a terminal."""
        if self._quiet or not self._console.is_terminal:
            return
        if self._decoding is None:
            self._decoding = DecodingBar(self._console)
        self._decoding.update(done, total)
        if done >= total:
            self._end_decoding()

    def _end_decoding(self) -> None:
        if self._decoding is not None:
            self._decoding.stop()
            self._decoding = None

    def run_began(self, run: RunDocument) -> None:
        """Print the data and the report's path, and start the live view."""
        self._standing.run = run
        data = run.data
        if data.fallback:
            self._print(Text("MNIST is unavailable: these are scikit-learn's 8×8 digits, NOT MNIST.", style="bold red"))
        self._print(
            f"{run.space.name}{_format_cap(run)} on {data.name}: "
            f"{data.train:,} images to train, {data.validation:,} to validate, {_format_test(run)}"
        )
        budget_s = run.options.get("time_budget")
        if isinstance(budget_s, int | float):
            self._print(f"Time budget: {duration(budget_s)}")
        self._print(f"Report: {printable_path(self._folder / 'report.html')}")
        if self._console.is_terminal and not self._console.is_dumb_terminal and not self._quiet:
            self._live = Live(
                get_renderable=self._view, console=self._console, refresh_per_second=_REFRESH_PER_S, transient=True
            )
            self._live.start()

    def phase_began(self, phase: str, trials: int) -> None:
        """Print the phase."""
        self._standing.phase, self._standing.expected = phase, trials
        count = plural(trials, "trial")
        words = {
            "search": f"Search: {count}",
            "confirm": f"Confirmation: {count} of the finalists",
            "refit": f"Refit: {plural(trials, 'training')} of the winner on all images, the validation images too",
            "train": f"Training: {plural(trials, 'seed')}",
            "study": f"Study: {count}",
            "evaluate": self._evaluation(),
        }
        self._print(words.get(phase, phase))

    def _evaluation(self) -> str:
        run = self._standing.run
        if run is not None and run.kind == "study":
            return "Evaluation: the arms are compared on validation data"
        if run is not None and not run.options["test"]:
            return "Evaluation, without the test set"
        return "Evaluation: the winner on the test set, once"

    def plan_changed(self, run: RunDocument) -> None:
        """Count to the new number of trials."""
        self._standing.expected = run.plan.trials or 0

    def trial_started(self, trial: Trial) -> None:
        """Add the trial to the live view."""
        self._standing.running[trial.trial] = LiveTrial(trial)

    def epoch_ended(self, trial: Trial, worker: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Update the trial's epoch and accuracy."""
        self._standing.running[trial.trial] = LiveTrial(trial, worker, epoch, metrics.get("val_accuracy"))

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        """Print a line, where there is no live view."""
        self._standing.take(record)
        if self._live is None:
            self._print(self._line(record) + ("  from the journal" if restored else ""))

    def note(self, text: str) -> None:
        """Print the note."""
        self._print(Text(escape_unprintable(text), style="yellow"))

    def run_ended(self, run: RunDocument) -> None:
        """End the live view."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def summary(self, folder: RunFolder) -> None:
        """Print the result and the files, even when quiet."""
        result = folder.read_result()
        if result is None:
            return
        for label, words in ending_lines(folder, result):
            style = "bold" if label == RESULT else ""
            self._console.print(Text.assemble((f"{label:<8}", "dim"), (self._shown(words), style)), soft_wrap=True)

    def _print(self, line: str | Text) -> None:
        if not self._quiet:
            text = line if isinstance(line, Text) else Text(escape_unprintable(line))
            self._console.print(Text(self._shown(text.plain), style=text.style), soft_wrap=True)

    def _shown(self, words: str) -> str:
        """Return words in the console's encoding: a script that calls `search` has no other protection."""
        return encodable(words, self._console.encoding)

    def _line(self, record: TrialRecord) -> str:
        standing = self._standing
        place = "" if record.rung is None else f"bracket {record.bracket} rung {record.rung}  "
        expected = f"/{standing.expected}" if standing.expected else ""
        count = f"[{standing.ended_in_phase()}{expected}]"
        epochs = plural(record.epochs_spent, "epoch")
        words = f"{count} {record.trial}  {place}{epochs}  {record.parameters:,} parameters  {_outcome(record)}"
        words += f"  {record.duration_s:.0f} s"
        left = standing.seconds_left()
        return words if left is None or left < _WORTH_SAYING_S else f"{words}  about {rough_duration(left)} left"

    def _view(self) -> RenderableType:
        standing = self._standing
        parts: list[RenderableType] = []
        if standing.phase == "search" and standing.run is not None and standing.run.plan.rungs:
            parts.append(self._brackets(standing.run.plan))
        if standing.running:
            parts.append(self._running())
        best = standing.best
        if best is not None and best.score is not None:
            parts.append(
                Text(
                    f"Best so far: {_format_score(best)} on validation data, trial {best.trial}, "
                    f"{best.parameters:,} parameters"
                )
            )
        parts.append(Text(self._shown(self._footer()), style="dim"))
        return Group(*parts)

    def _footer(self) -> str:
        standing = self._standing
        words = [f"{duration(time.monotonic() - standing.began)} so far"]
        if standing.expected:
            words.insert(0, f"{standing.ended_in_phase()} of {standing.expected} trials")
        left = standing.seconds_left()
        if left is None and standing.phase == "search":
            words.append("estimating the time left")
        elif left is not None and left >= _WORTH_SAYING_S:
            words.append(f"about {rough_duration(left)} left")
        if standing.failed:
            words.append(f"{standing.failed} failed")
        return " · ".join(words)

    def _brackets(self, plan: Plan) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("bracket", "rung", "epochs", "trials", "best"):
            table.add_column(heading, justify="right" if heading in ("epochs", "best") else "left")
        for rung in plan.rungs:
            records = self._standing.ended_in_rung(rung.bracket, rung.rung)
            scores = [record.score for record in records if record.score is not None]
            table.add_row(
                str(rung.bracket),
                str(rung.rung),
                str(rung.epochs),
                self._shown("●" * len(records) + "·" * (rung.size - len(records))),
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
    """Return the progress on standard output."""
    return Progress(Console(highlight=False), folder, quiet=quiet)


def _format_cap(run: RunDocument) -> str:
    cap = run.space.max_params
    return "" if cap is None else f", at most {cap:,} parameters,"


def _format_test(run: RunDocument) -> str:
    return f"{run.data.test:,} to test once" if run.options["test"] else "the test set left alone"


def _outcome(record: TrialRecord) -> str:
    if not record.completed:
        return f"failed: {record.error}"
    return "refitted" if record.val_accuracy is None else f"val {_format_score(record)}"


def _format_score(record: TrialRecord) -> str:
    """Return the validation accuracy, and the other score where the trial is ranked by one."""
    accuracy = "" if record.val_accuracy is None else f"{record.val_accuracy:.2%}"
    if record.objective == "val_accuracy" or record.score is None:
        return accuracy
    return f"{accuracy}, {SHORT_WORDS[record.objective]} {record.score:.2%}"
