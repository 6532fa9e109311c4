"""Runs started and resumed: options, data, space and folder brought together. What a run does is its session's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tuner.core.disk_full import is_no_space
from tuner.core.errors import DataError, NoSpace, UsageError
from tuner.data.dataset import Dataset, load_dataset, open_copy, save_arrays, splits_hash
from tuner.images.ood_images import are_digits
from tuner.images.user_images import OwnImages, load_own_images, read_own_images
from tuner.options.run_options import RunOptions, SearchOptions, StudyOptions, TrainOptions
from tuner.processes.environment import count_gpus
from tuner.processes.tasks import SpaceRef
from tuner.run.lost_files import find_lack
from tuner.run.observer import Observer
from tuner.run.restoration import Restoration, restore_without_training
from tuner.run.run_document import add_nondeterminism, new_run
from tuner.run.sessions.search import Search
from tuner.run.sessions.study import Study
from tuner.run.sessions.train import Training
from tuner.spaces.user_space import UserSpace, make_family
from tuner.storage.run_folder import RunFolder, remove
from tuner.storage.run_lock import lock_run, refuse_if_held
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument
from tuner.study.plan import make_study
from tuner.workers.local import WORKER_MODULE

_SAME_DATA = "Give the same data, or start a new run."
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
    notes: Sequence[str] = (),
    force: bool = False,
    worker_module: str = WORKER_MODULE,
) -> ResultDocument:
    """Begin a run in a new folder, and runs it to its end.

    Args:
        options: what is searched, trained or studied, and how.
        folder: where; must not hold anything yet, unless `force`.
        observer: hears of everything that happens.
        command: the command line, for run.json.
        notes: what the reader should know of how the run was asked for.
        force: write over the run that is there.
        worker_module: what worker processes run; tests give one that trains nothing.

    Returns:
        The run's result, as in result.json but for the digests of files.

    Raises:
        UsageError: where options, data, images and space don't go together, the folder is taken, or a process works on it.
        RunFailed: where no trial completed.
        Interrupted: after Ctrl-C; what finished is kept.
    """
    refuse_if_held(folder.path)
    folder.check_free(force=force)
    data = load_dataset(
        options.data, validation=options.validation, seed=options.seed, train_samples=options.train_samples
    )
    space = make_run_space(options, data)
    if isinstance(space, UserSpace) and isinstance(options, SearchOptions):
        # Caps that nothing keeps are told before anything is written.
        space.sample(np.random.default_rng(options.seed))
    study = make_study(options, space) if isinstance(options, StudyOptions) else None
    own = _own_images(options, data)
    gpus = usable_gpus(options)
    check_scheduler(options)
    run = new_run(options, data, space, command, gpus, study=study)
    _note(run, observer, (*notes, *data.notes, *(own.notes if own is not None else ()), *_space_notes(space)))
    with lock_run(folder.path):
        # Somebody may have been quicker while the data were read.
        folder.check_free(force=force)
        _begin(folder, data, own, run)
        return _go(options, folder, observer, data, space, run, gpus, worker_module)


def resume(
    options: RunOptions,
    folder: RunFolder,
    observer: Observer,
    *,
    notes: Sequence[str] = (),
    worker_module: str = WORKER_MODULE,
) -> ResultDocument | None:
    """Goes on with a run; makes again what a completed one lacks. None where nothing is to be done.

    Args:
        options: the run's own, but for those that may change.
        folder: where it is.
        observer: hears of everything that happens.
        notes: what the reader should know of how it was asked to go on.
        worker_module: as in `start`.

    Raises:
        UsageError: where the data have changed since the run began, or a process works on it.
        JournalError: where its journal is damaged.
    """
    folder.read_run_to_resume()
    with lock_run(folder.path):
        run = folder.read_run_to_resume()
        lack = find_lack(options, folder, run) if run.status == "completed" else None
        if lack is not None:
            if not lack.parts:
                # It may have been killed when only its report was wanting.
                folder.clean()
                return None
            if isinstance(options, StudyOptions) or not lack.needs_training:
                return restore_without_training(options, folder, observer, run, lack)
        folder.sweep()
        try:
            data, damages = _data_again(options, folder, run)
        except UsageError as error:
            if lack is None:
                raise
            raise UsageError(
                f"{', '.join(lack.parts)} can't be made again without the data of the run. {error}"
            ) from error
        _note(run, observer, (*notes, *damages, *_own_images_again(options, folder, data)))
        space = make_run_space(options, data)
        _note(run, observer, _space_notes(space))
        gpus = usable_gpus(options)
        check_scheduler(options)
        add_nondeterminism(run, options, gpus)
        if lack is not None:
            return Restoration(options, folder, observer, data, space, run, gpus, worker_module).execute()
        return _go(options, folder, observer, data, space, run, gpus, worker_module)


def _begin(folder: RunFolder, data: Dataset, own: OwnImages | None, run: RunDocument) -> None:
    """Leave all that a run needs, or nothing."""
    try:
        folder.make()
        save_arrays(data, folder.work / "data")
        if own is not None:
            own.save(folder.own_images)
        folder.write_run(run)
    except BaseException as error:
        folder.discard()
        if is_no_space(error):
            raise NoSpace(f"The run could not begin: the disk is full. Received: {folder.path}. Make space.") from error
        if isinstance(error, OSError):
            raise UsageError(
                f"The folder of the run can't be written: {error.strerror or error}. Received: {folder.path}"
            ) from error
        raise


def _space_notes(space: Any) -> Sequence[str]:
    return space.notes if isinstance(space, UserSpace) else ()


def make_run_space(options: RunOptions, data: Dataset) -> Any:
    """Return what of a run's space needs no Keras (untyped: each family has its own class); a user's own is rehearsed.

    Raises:
        UsageError: where the space is unknown, or no network of it fits the caps.
    """
    ref = SpaceRef(name=options.space, max_params=options.max_params, max_macs=options.max_macs, classes=data.classes)
    try:
        return make_family(ref, data)
    except ValueError as error:
        raise UsageError(str(error)) from error


def usable_gpus(options: RunOptions) -> int:
    """Return how many GPUs of this machine the run uses; a cluster's workers look at their own.

    Raises:
        UsageError: where one was asked for and none is there.
    """
    if options.scheduler is not None:
        return 0
    gpus = 0 if options.device == "cpu" else count_gpus()
    if options.device == "gpu" and not gpus:
        raise UsageError(
            "--device gpu needs a GPU that nvidia-smi lists. Received: none. Leave the option out to use the CPU."
        )
    return gpus


def check_scheduler(options: RunOptions) -> None:
    """Ask the scheduler of a cluster whether it is there, before anything is written.

    Raises:
        UsageError: where none answers, or Dask is missing here.
    """
    if options.scheduler is None:
        return
    try:
        from tuner.workers.dask.connection import connect
    except ImportError as error:
        raise UsageError(
            f'--scheduler needs Dask ({error}). Install it: pip install "mnist-tune[cluster]". '
            f"Received: --scheduler {options.scheduler}"
        ) from error
    connect(options.scheduler).close()


def _go(options: RunOptions, *arguments: Any) -> ResultDocument:
    result: ResultDocument = _SESSIONS[type(options)](options, *arguments).execute()
    return result


def _note(run: RunDocument, observer: Observer, notes: Sequence[str]) -> None:
    """Tell the user, and the reader of the report; once, however often a run is resumed."""
    for note in notes:
        observer.note(note)
        if note not in run.notes:
            run.notes.append(note)


def _own_images(options: RunOptions, data: Dataset) -> OwnImages | None:
    given = getattr(options, "images", None)
    if given is None:
        return None
    return read_own_images(given, data.class_names, digits=are_digits(data.name, data.class_names))


def _own_images_again(options: RunOptions, folder: RunFolder, data: Dataset) -> Sequence[str]:
    """Keep the user's images again where what was kept is lost; says what can't be had any more, for the run goes on."""
    if folder.own_images.exists():
        with contextlib.suppress(DataError):
            load_own_images(folder.own_images)
            return ()
        remove(folder.own_images)
    try:
        own = _own_images(options, data)
    except UsageError as error:
        return (f"The images are gone, and the run goes on without them. {error}",)
    if own is None:
        return ()
    own.save(folder.own_images)
    return own.notes


def _data_again(options: RunOptions, folder: RunFolder, run: RunDocument) -> tuple[Dataset, tuple[str, ...]]:
    """Return the data of a run that is resumed, and a note where its copy is damaged: then they come from the source again."""
    kept, expected = folder.work / "data", run.data.splits_sha256
    damage: DataError | None = None
    if os.path.lexists(kept):
        try:
            data = open_copy(kept, expected)
        except DataError as error:
            damage = error
        else:
            check_same_data(data, run, _SAME_DATA)
            return data, ()
    try:
        data = load_dataset(
            options.data, validation=options.validation, seed=options.seed, train_samples=options.train_samples
        )
    except DataError as error:
        raise DataError(" ".join(str(each) for each in (damage, error) if each is not None)) from error
    check_same_data(data, run, _SAME_DATA)
    if expected is not None and splits_hash(data) != expected:
        raise UsageError(
            f"The data are split in another way than when this run began. Received: {options.data}. Start a new run."
        )
    remove(kept)
    save_arrays(data, kept)
    return data, () if damage is None else (
        f"The run's copy of the data was damaged; it was made again from {options.data}.",
    )


def check_same_data(data: Dataset, run: RunDocument, do: str) -> None:
    """
    Raises:
        UsageError: where the data are not those that run.json names; `do`: what to do then.
    """
    if data.sha256 != run.data.sha256:
        raise UsageError(
            f"The data have changed since this run began. Expected sha256 {run.data.sha256[:16]}…. "
            f"Received: {data.sha256[:16]}…. {do}"
        )
