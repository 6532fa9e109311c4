"""From Python, in a notebook too: `search` and `load_run`, the same options and defaults as on the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_tune.progress import progress_for
from mnist_tune.report_writer import ReportWriter
from tuner.errors import MnistTuneError, UsageError
from tuner.observer import Observers
from tuner.options import SearchOptions, flag, merge_for_resume, parse_duration
from tuner.records import Json
from tuner.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """A run that has been made: its winner, its trials, its model, its page.

    In a notebook it shows its headline and its best configurations.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._folder.path

    @property
    def best(self) -> Json:
        """The winner, as in result.json: configuration, parameters, validation, test.

        Raises:
            MnistTuneError: where the run has no winner yet.
        """
        result = self._folder.read_result()
        if result is None:
            raise MnistTuneError(f"This run has no winner yet. Go on with it: mnist-tune --out {self.path} --resume")
        return result

    @property
    def info(self) -> Json:
        """What was asked for, of whom and with what, as in run.json."""
        return self._folder.read_run()

    def trials(self) -> pd.DataFrame:
        """One row a trial that has ended, best first within a phase; hyperparameters are columns `hp.<name>`."""
        from reports.trials_csv import trials_frame

        return trials_frame(self.path)

    def model(self) -> Any:
        """The exported model as a Keras model (untyped): uint8 images (n, 28, 28) to probabilities (n, classes)."""
        self.best  # noqa: B018 - says what is missing where there is no winner
        import keras

        return keras.models.load_model(self._folder.keras_model)

    def report(self) -> Path:
        """Renders report.html again and returns its path."""
        from reports.page import write_report
        from reports.trials_csv import write_trials_csv

        write_trials_csv(self.path)
        return write_report(self.path)

    def figures(self) -> dict[str, str]:
        """The report's figures: name → SVG."""
        from reports.page import figures

        return figures(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from reports.notebook import run_card

        return run_card(self.path)


def search(
    space: str,
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
    quiet: bool = False,
    **options: Any,  # those of `tuner.options.SearchOptions`, which checks them
) -> Run:
    """Searches a space, confirms and exports the winner, and writes the report.

    Args:
        space: "compact8k".
        out: the run's folder; by default runs/<space>-<date>-<time>.
        resume: go on with the run in `out`.
        force: write over the run in `out`.
        quiet: print nothing but the result.
        **options: the command line's, with underscores: `data="mnist"`, `max_epochs=15`, `time_budget="45m"`,
            `references=False`, `test=False`.

    Raises:
        UsageError: where options are wrong or don't fit together.
        RunFailed: where the run can't go on.
    """
    return run_search({"space": space, **options}, out=out, resume=resume, force=force, quiet=quiet)


def load_run(path: str | os.PathLike[str]) -> Run:
    """A run from its folder.

    Raises:
        UsageError: where the folder is not a run's.
    """
    folder = RunFolder(Path(path))
    folder.read_run()
    return Run(folder)


def run_search(
    given: Mapping[str, Any],
    *,
    out: str | os.PathLike[str] | None,
    resume: bool,
    force: bool,
    quiet: bool,
    command: Sequence[str] | None = None,
) -> Run:
    """What `search` and the command line both do. `given`: the options that were given, and no others."""
    if resume and out is None:
        raise UsageError("--resume needs the folder of the run. Expected --out DIR. Received: none")
    if resume and force:
        raise UsageError("--resume goes on with a run, --force writes over it. Give one of them.")
    from tuner import search as engine

    given = _durations(given)
    if resume:
        folder = RunFolder(Path(str(out)))
        options = merge_for_resume(SearchOptions.from_json(folder.read_run()["options"]), dict(given))
    else:
        options = make_options(given)
        folder = RunFolder(Path(out) if out is not None else _default_folder(options))
    words = list(command) if command is not None else command_line(options, folder.path)
    writer = ReportWriter(folder.path)
    with progress_for(folder.path, quiet=quiet) as progress, writer:
        observer = Observers([writer, progress])
        if resume:
            result = engine.resume(options, folder, observer)
            if result is None:
                progress.note("This run was done already; its report is rendered again.")
                writer.write()
        else:
            engine.start(options, folder, observer, command=words, force=force)
    progress.summary(folder)
    return Run(folder)


def make_options(given: Mapping[str, Any]) -> SearchOptions:
    """Checked options.

    Raises:
        UsageError: where one is unknown, missing or out of range.
    """
    if "space" not in given:
        raise UsageError("A search needs a space. Expected --space NAME, such as --space compact8k. Received: none")
    try:
        return SearchOptions(**given)
    except TypeError as error:
        raise UsageError(f"Unknown option: {error}") from error


def _durations(given: Mapping[str, Any]) -> dict[str, Any]:
    """Durations as text become seconds; elsewhere "auto" is None."""
    values = dict(given)
    for name in ("time_budget", "trial_timeout"):
        if isinstance(values.get(name), str):
            values[name] = parse_duration(values[name])
    if values.get("workers") == "auto":
        values["workers"] = None
    return values


def _default_folder(options: SearchOptions) -> Path:
    return Path("runs") / f"{options.space.replace(':', '.')}-{datetime.now():%Y%m%d-%H%M%S}"


def command_line(options: SearchOptions, out: Path) -> list[str]:
    """The command line that would do the same as a call from Python."""
    defaults = SearchOptions(space=options.space)
    words = ["mnist-tune", "--space", options.space]
    for name, value in options.to_json().items():
        if name == "space" or value == getattr(defaults, name):
            continue
        words += [flag(name)] if value is False else [flag(name), f"{value}"]
    return [*words, "--out", str(out)]
