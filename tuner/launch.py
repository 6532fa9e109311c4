"""Runs begun and gone on with: options, data, space and folder brought together. What a run does is its session's."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import Any

from tuner.data import Dataset, load_dataset, open_arrays, save_arrays
from tuner.errors import UsageError
from tuner.observer import Observer
from tuner.options import RunOptions, SearchOptions, StudyOptions, TrainOptions
from tuner.records import Json
from tuner.run_document import new_run
from tuner.run_folder import RunFolder
from tuner.search import Search
from tuner.studies import make_study
from tuner.study import Study
from tuner.tasks import SpaceRef
from tuner.training import Training
from tuner.user_space import make_family
from tuner.workers import WORKER_MODULE, count_gpus

_SESSIONS: dict[type[RunOptions], Callable[..., Any]] = {
    SearchOptions: Search,
    TrainOptions: Training,
    StudyOptions: Study,
}


def start(
    options: RunOptions,
    folder: RunFolder,
    observer: Observer,
    *,
    command: Sequence[str],
    force: bool = False,
    worker_module: str = WORKER_MODULE,
) -> Json:
    """Begins a run in a new folder, and runs it to its end.

    Args:
        options: what is searched, trained or studied, and how.
        folder: where; must not hold anything yet, unless `force`.
        observer: hears of everything that happens.
        command: the command line, for run.json.
        force: write over the run that is there.
        worker_module: what worker processes run; tests give one that trains nothing.

    Returns:
        The run's result, as in result.json.

    Raises:
        UsageError: where options, data and space don't go together, or the folder is taken.
        RunFailed: where no trial completed.
        Interrupted: after Ctrl-C; what finished is kept.
    """
    data = load_dataset(
        options.data, validation=options.validation, seed=options.seed, train_samples=options.train_samples
    )
    space = make_space(options, len(data.class_names))
    study = make_study(options, space) if isinstance(options, StudyOptions) else None
    gpus = usable_gpus(options)
    run = new_run(options, data, space, command, gpus, study=study)
    _make_folder(folder, data, run, force=force)
    return _go(options, folder, observer, data, space, run, gpus, worker_module)


def resume(
    options: RunOptions, folder: RunFolder, observer: Observer, *, worker_module: str = WORKER_MODULE
) -> Json | None:
    """Goes on with a run; None where it was done already.

    Raises:
        UsageError: where the data have changed since the run began.
        JournalError: where its journal is damaged.
    """
    run = folder.read_run_to_resume()
    if run["status"] == "completed":
        return None
    data = _data_again(options, folder, run)
    space = make_space(options, len(data.class_names))
    return _go(options, folder, observer, data, space, run, usable_gpus(options), worker_module)


def _make_folder(folder: RunFolder, data: Dataset, run: Json, *, force: bool) -> None:
    """A folder with a run in it, or none."""
    folder.create(force=force)
    try:
        save_arrays(data, folder.work / "data")
        folder.write_run(run)
    except BaseException as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        if isinstance(error, OSError):
            raise UsageError(
                f"The folder of the run can't be written: {error.strerror or error}. Received: {folder.path}"
            ) from error
        raise


def make_space(options: RunOptions, classes: int) -> Any:
    """What of a run's space needs no Keras (untyped: each family has its own class).

    Raises:
        UsageError: where the space is unknown, or no network of it fits the caps.
    """
    ref = SpaceRef(name=options.space, max_params=options.max_params, max_macs=options.max_macs, classes=classes)
    try:
        return make_family(ref)
    except ValueError as error:
        raise UsageError(str(error)) from error


def usable_gpus(options: RunOptions) -> int:
    """How many GPUs the run uses.

    Raises:
        UsageError: where one was asked for and none is there.
    """
    gpus = 0 if options.device == "cpu" else count_gpus()
    if options.device == "gpu" and not gpus:
        raise UsageError(
            "--device gpu needs a GPU that nvidia-smi lists. Received: none. Leave the option out to use the CPU."
        )
    return gpus


def _go(options: RunOptions, *arguments: Any) -> Json:
    result: Json = _SESSIONS[type(options)](options, *arguments).go()
    return result


def _data_again(options: RunOptions, folder: RunFolder, run: Json) -> Dataset:
    """The data of a run that goes on: what its workers mapped, or the source again."""
    kept = folder.work / "data"
    if kept.is_dir():
        data = open_arrays(kept)
    else:
        data = load_dataset(
            options.data, validation=options.validation, seed=options.seed, train_samples=options.train_samples
        )
        save_arrays(data, kept)
    if data.sha256 != run["data"]["sha256"]:
        raise UsageError(
            f"The data have changed since this run began. Expected sha256 {run['data']['sha256'][:16]}…. "
            f"Received: {data.sha256[:16]}…. Give the same data, or start a new run."
        )
    return data
