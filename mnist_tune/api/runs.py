"""`search`, `train` and `study` for scripts and notebooks, with the options and defaults of the command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_tune.api.given_options import (
    command_line,
    default_folder,
    make_options,
    make_study_options,
    make_train_options,
    plain_values,
)
from mnist_tune.api.run import Run
from mnist_tune.progress.progress import Progress, progress_for
from mnist_tune.progress.report_writer import ReportWriter
from mnist_tune.version import __version__
from tuner.core.errors import UsageError
from tuner.core.machine import validate_environment
from tuner.core.resume_compatibility import check_version
from tuner.options.resume import merge_for_resume, read_options
from tuner.options.run_options import RunOptions
from tuner.run.observer import Observers
from tuner.spaces.named_configurations import refuse_unnamed_code
from tuner.storage.run_folder import RunFolder

if TYPE_CHECKING:
    pass


def search(
    space: str,
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
    quiet: bool = False,
    **options: Any,  # those of `tuner.options.SearchOptions`, which checks them
) -> Run:
    """Search a space, confirm and export the winner, and write the report.

    Args:
        space: a name that `mnist-tune spaces` lists, or "package.module:Class".
        out: the run's folder; by default runs/<space>-<date>-<time>.
        resume: resume the run in `out`.
        force: write over the run in `out`.
        quiet: print nothing but the result.
        **options: the command line's, with underscores: `data="mnist"`, `max_epochs=15`, `time_budget="45m"` (a number
            is in seconds), `target=99.4`, `refit=True`, `references=False`, `test=False`.

    Raises:
        UsageError: where options are wrong or don't fit together.
        RunFailed: where the run can't continue.
    """
    return run_search({"space": space, **options}, out=out, resume=resume, force=force, quiet=quiet)


def train(
    name: str,
    *,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
    quiet: bool = False,
    **options: Any,  # those of `tuner.options.TrainOptions`, which checks them
) -> Run:
    """Train one configuration with several seeds, evaluate and export it, and write the report.

    Args:
        name: a reference's name, a network such as "C8s S16 P GAP 1x1:10", a JSON file of hyperparameters, a run's folder
            (its winner), or "RUN:TRIAL".
        out: the run's folder; by default runs/<name>-<date>-<time>.
        resume: resume the run in `out`.
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
    """Compare several values of one factor, several seeds each, and write the report. The test set is not used.

    Args:
        name: a preset ("dropout", "optimizer", …), or a hyperparameter together with `values`.
        out: the run's folder; by default runs/<name>-<date>-<time>.
        resume: resume the run in `out`.
        force: write over the run in `out`.
        quiet: print nothing but the conclusion.
        **options: the command line's, with underscores: `values=[0, 0.1]`, `space="dense"`, `base="dense128"`,
            `seeds=5`.

    Raises:
        UsageError: where options are wrong or don't fit together.
        RunFailed: where no trial completed.
    """
    if options.get("values") is not None:
        options["values"] = tuple(str(value) for value in options["values"])
    return run_study({"name": name, **options}, out=out, resume=resume, force=force, quiet=quiet)


def run_search(given: Mapping[str, Any], **how: Any) -> Run:
    """Run a search. `given` has only the options that the user gave."""
    return _run(given, make_options, **how)


def run_training(given: Mapping[str, Any], **how: Any) -> Run:
    """Run a training."""
    return _run(given, make_train_options, **how)


def run_study(given: Mapping[str, Any], **how: Any) -> Run:
    """Run a study."""
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
    validate_environment()
    if resume:
        return _resume(given, out, force=force, quiet=quiet, notes=notes)
    from tuner.run import launch

    options = make(given)
    folder = RunFolder(Path(out) if out is not None else default_folder(options))
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
        raise UsageError("--resume continues a run, --force writes over it. Expected one of them. Received: both")
    from tuner.run import launch

    folder = RunFolder(Path(out))
    run = folder.read_run_to_resume()
    check_version(run.program.version, __version__)
    options = merge_for_resume(read_options(run), dict(given))
    refuse_unnamed_code(options.space, given.get("space"), folder.path)
    with _watched(folder, quiet) as (progress, observer, writer):
        if launch.resume(options, folder, observer, notes=notes) is None:
            progress.note("This run was done already; its report is rendered again.")
            writer.write()
    progress.summary(folder)
    return Run(folder)


@contextlib.contextmanager
def _watched(folder: RunFolder, quiet: bool) -> Iterator[tuple[Progress, Observers, ReportWriter]]:
    """Yield the observers of a run: progress on the terminal or in the notebook, and the report."""
    writer = ReportWriter(folder.path)
    with progress_for(folder.path, quiet=quiet) as progress, writer:
        yield progress, Observers([writer, progress]), writer
