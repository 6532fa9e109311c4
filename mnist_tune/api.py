"""From Python, in a notebook too: `search`, `train`, `study` and `load_run`, the same options and defaults as on the command line."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_tune import __version__
from mnist_tune.progress import Progress, progress_for
from mnist_tune.report_writer import ReportWriter
from tuner.configurations import known_configuration, refuse_unnamed_code
from tuner.errors import MnistTuneError, UsageError
from tuner.observer import Observers
from tuner.options import (
    Options,
    RunOptions,
    SearchOptions,
    StudyOptions,
    TrainOptions,
    flag,
    merge_for_resume,
    options_from_json,
    parse_duration,
)
from tuner.records import Json
from tuner.run_folder import RunFolder
from tuner.studies import PRESETS, preset_space
from tuner.versions import check_version

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

    def export(
        self, format: str = "savedmodel", out: str | os.PathLike[str] | None = None, *, force: bool = False
    ) -> Path:
        """Writes the model in a format, verified, with its card; returns the file's path (a SavedModel's folder).

        Args:
            format: "savedmodel", "keras", "litert", "litert-int8" or "onnx".
            out: the folder; by default `export` in the run's own.
            force: write over what is there.

        Raises:
            UsageError: where the format, the folder or the run's data can't be used, or a library is missing.
            ExportError: where the file disagrees with the Keras model; then it is gone.
        """
        from mnist_tune.export import export, make_request

        request = make_request(self.path, [format], out=out, force=force)
        export(request)
        (wanted,) = request.formats
        return request.folder.path / wanted.file

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
        space: a name that `mnist-tune spaces` lists, or "package.module:Class".
        out: the run's folder; by default runs/<space>-<date>-<time>.
        resume: go on with the run in `out`.
        force: write over the run in `out`.
        quiet: print nothing but the result.
        **options: the command line's, with underscores: `data="mnist"`, `max_epochs=15`, `time_budget="45m"`,
            `target=99.4`, `refit=True`, `references=False`, `test=False`.

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


def train(
    name: str,
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
    quiet: bool = False,
    **options: Any,  # those of `tuner.options.TrainOptions`, which checks them
) -> Run:
    """Trains one configuration with several seeds, evaluates and exports it, and writes the report.

    Args:
        name: a reference's name, a JSON file of hyperparameters, a run's folder (its winner), or "RUN:TRIAL".
        out: the run's folder; by default runs/<name>-<date>-<time>.
        resume: go on with the run in `out`.
        force: write over the run in `out`.
        quiet: print nothing but the result.
        **options: the command line's, with underscores: `epochs=15`, `seeds=3`, `data="mnist"`, `test=False`.

    Raises:
        UsageError: where options are wrong or don't fit together.
        RunFailed: where no trial completed.
    """
    return run_training({"name": name, **options}, out=out, resume=resume, force=force, quiet=quiet)


def study(
    name: str,
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
    quiet: bool = False,
    **options: Any,  # those of `tuner.options.StudyOptions`, which checks them
) -> Run:
    """Varies one thing over several values, several seeds each, and writes the report. The test set is not met.

    Args:
        name: a preset ("dropout", "optimizer", …), or a hyperparameter together with `values`.
        out: the run's folder; by default runs/<name>-<date>-<time>.
        resume: go on with the run in `out`.
        force: write over the run in `out`.
        quiet: print nothing but the conclusion.
        **options: the command line's, with underscores: `values=[0, 0.1]`, `space="dense"`, `base="dense128"`, `seeds=5`.

    Raises:
        UsageError: where options are wrong or don't fit together.
        RunFailed: where no trial completed.
    """
    if options.get("values") is not None:
        options["values"] = tuple(str(value) for value in options["values"])
    return run_study({"name": name, **options}, out=out, resume=resume, force=force, quiet=quiet)


def run_search(given: Mapping[str, Any], **how: Any) -> Run:
    """What `search` and the command line both do. `given`: the options that were given, and no others."""
    return _run(given, make_options, **how)


def run_training(given: Mapping[str, Any], **how: Any) -> Run:
    """What `train` and the command line both do."""
    return _run(given, make_train_options, **how)


def run_study(given: Mapping[str, Any], **how: Any) -> Run:
    """What `study` and the command line both do."""
    return _run(given, make_study_options, **how)


def _run(
    given: Mapping[str, Any],
    make: Callable[[Mapping[str, Any]], RunOptions],
    *,
    out: str | os.PathLike[str] | None,
    resume: bool,
    force: bool,
    quiet: bool,
    command: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Run:
    given = plain_values(given)
    if resume:
        return _resume(given, out, force=force, quiet=quiet, notes=notes)
    from tuner import launch

    options = make(given)
    folder = RunFolder(Path(out) if out is not None else _default_folder(options))
    words = list(command) if command is not None else command_line(options, folder.path)
    with _watched(folder, quiet) as (progress, observer, _):
        launch.start(options, folder, observer, command=words, notes=notes, force=force)
    progress.summary(folder)
    return Run(folder)


def _resume(
    given: Mapping[str, Any],
    out: str | os.PathLike[str] | None,
    *,
    force: bool,
    quiet: bool,
    notes: Sequence[str] = (),
) -> Run:
    if out is None:
        raise UsageError("--resume needs the folder of the run. Expected --out DIR. Received: none")
    if force:
        raise UsageError("--resume goes on with a run, --force writes over it. Give one of them.")
    from tuner import launch

    folder = RunFolder(Path(out))
    run = folder.read_run_to_resume()
    check_version(str(run["program"]["version"]), __version__)
    options = merge_for_resume(options_from_json(run), dict(given))
    refuse_unnamed_code(options.space, given.get("space"), folder.path)
    with _watched(folder, quiet) as (progress, observer, writer):
        if launch.resume(options, folder, observer, notes=notes) is None:
            progress.note("This run was done already; its report is rendered again.")
            writer.write()
    progress.summary(folder)
    return Run(folder)


@contextlib.contextmanager
def _watched(folder: RunFolder, quiet: bool) -> Iterator[tuple[Progress, Observers, ReportWriter]]:
    """Who watches a run: the terminal or the notebook, and the report."""
    writer = ReportWriter(folder.path)
    with progress_for(folder.path, quiet=quiet) as progress, writer:
        yield progress, Observers([writer, progress]), writer


def make_options(given: Mapping[str, Any]) -> SearchOptions:
    """Checked options of a search.

    Raises:
        UsageError: where one is unknown, missing or out of range.
    """
    if "space" not in given:
        raise UsageError("A search needs a space. Expected --space NAME, such as --space compact8k. Received: none")
    return _checked(SearchOptions, given)


def make_train_options(given: Mapping[str, Any]) -> TrainOptions:
    """Checked options of a training, its configuration found.

    Raises:
        UsageError: where one is unknown, missing or out of range, or the name stands for nothing.
    """
    if "name" not in given:
        raise UsageError(
            "A training needs a configuration. Expected a reference's name, a JSON file, or RUN:TRIAL. Received: none"
        )
    _refuse_no_text(given)
    known = known_configuration(given["name"], given.get("space"))
    if given.get("space", known.space) != known.space:
        raise UsageError(
            f"{given['name']} is of another space. Expected --space {known.space}, or none. Received: {given['space']}"
        )
    found: dict[str, Any] = {"space": known.space, "configuration": dict(known.configuration)}
    if known.epochs is not None:
        found["epochs"] = known.epochs
    return _checked(TrainOptions, {**found, **given})


def make_study_options(given: Mapping[str, Any]) -> StudyOptions:
    """Checked options of a study.

    Raises:
        UsageError: where one is unknown, missing or out of range.
    """
    if "name" not in given:
        raise UsageError(
            f"A study needs a name. Expected one of {', '.join(PRESETS)}, or a hyperparameter with --values. Received: none"
        )
    _refuse_no_text(given)
    return _checked(StudyOptions, {"space": preset_space(given["name"]), **given})


def _refuse_no_text(given: Mapping[str, Any]) -> None:
    for name in ("name", "space"):
        if not isinstance(given.get(name, ""), str):
            raise UsageError(f"{name} has a wrong type. Expected a text. Received: {given[name]!r}")


def _checked(kind: type[Options], given: Mapping[str, Any]) -> Options:
    try:
        return kind(**given)
    except TypeError as error:
        raise UsageError(f"Unknown option: {error}") from error


def plain_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Durations as text become seconds, paths text; elsewhere "auto" is None."""
    values = dict(given)
    for name in ("time_budget", "trial_timeout"):
        if isinstance(values.get(name), str):
            values[name] = parse_duration(values[name])
    if values.get("workers") == "auto":
        values["workers"] = None
    if isinstance(values.get("images"), os.PathLike):
        values["images"] = os.fspath(values["images"])
    return values


def _default_folder(options: RunOptions) -> Path:
    name = options.space if isinstance(options, SearchOptions) else Path(str(getattr(options, "name", ""))).stem
    return Path("runs") / f"{name.replace(':', '.')}-{datetime.now():%Y%m%d-%H%M%S}"


def command_line(options: RunOptions, out: Path) -> list[str]:
    """The command line that would do the same as a call from Python."""
    words = ["mnist-tune"]
    if isinstance(options, (TrainOptions, StudyOptions)):
        words += [options.kind, options.name]
    defaults = {field.name: field.default for field in dataclasses.fields(options)}
    # Switches last, as somebody would type them.
    for name, value in sorted(options.to_json().items(), key=lambda item: isinstance(item[1], bool)):
        if name in ("name", "configuration") or value == defaults[name]:
            continue
        if name == "space" and isinstance(options, TrainOptions):
            continue
        text = ",".join(value) if isinstance(value, (list, tuple)) else f"{value}"
        words += [flag(name)] if isinstance(value, bool) else [flag(name), text]
    return [*words, "--out", str(out)]
