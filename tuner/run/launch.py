"""Starting and resuming a run: options, data, space and folder are checked and handed to its session."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from tuner.core.disk_full import is_no_space
from tuner.core.errors import DataError, NoSpace, UsageError
from tuner.core.machine import validate_jax
from tuner.data.dataset import Dataset, open_copy, save_arrays, splits_hash
from tuner.data.picture_options import OnProgress
from tuner.images.input_form import InputForm
from tuner.images.user_images import OwnImages, load_own_images, read_own_images
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions
from tuner.processes.environment import count_gpus
from tuner.processes.tasks import SpaceRef
from tuner.run.lost_files import find_lack
from tuner.run.observer import Observer
from tuner.run.restoration import Restoration, restore_without_training
from tuner.run.run_data import few_steps_note, load_run_data
from tuner.run.run_document import add_nondeterminism, new_run
from tuner.run.sessions.quantisation import check_quantisation
from tuner.run.sessions.search import Search
from tuner.run.sessions.study import Study
from tuner.run.sessions.train import Training
from tuner.spaces.user_space import make_family, validate_space
from tuner.storage.run_folder import RunFolder, remove
from tuner.storage.run_lock import lock_run, refuse_if_held
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument
from tuner.study.plan import make_study
from tuner.workers.local import WORKER_MODULE

_SAME_DATA = "Give the same data, or start a new run."
_SESSIONS: dict[type[RunOptions], Callable[..., Search | Study | Training]] = {
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
    """Begin a run in a new folder, and run it to its end.

    Args:
        options: the options of a search, a training or a study.
        folder: the run's folder; must be empty, unless `force`.
        observer: receives the run's events.
        command: the command line, for run.json.
        notes: for the reader, about the request.
        force: overwrite an existing run.
        worker_module: the module of worker processes; tests give one that trains nothing.

    Returns:
        The run's result, as in result.json but without the digests of files.

    Raises:
        UsageError: where options, data, images and space don't fit together, or the folder is taken or locked.
        RunFailed: where no trial completed.
        Interrupted: after Ctrl-C; what finished is kept.
    """
    refuse_if_held(folder.path)
    folder.check_free(force=force)
    check_quantisation(options)
    validate_space(options.space)  # before the data are read, which takes seconds, or a download
    data = load_run_data(options, on_progress=observer.pictures_decoded)
    space = make_run_space(options, data)
    if isinstance(options, SearchOptions):
        space.check_caps(options.seed)  # before anything is written
    study = make_study(options, space) if isinstance(options, StudyOptions) else None
    user_images = _own_images(options, data)
    gpus = usable_gpus(options)
    check_scheduler(options)
    run = new_run(options, data, space, command, gpus, study=study)
    about_images = user_images.notes if user_images is not None else ()
    about_data = (*data.notes, *few_steps_note(options, data, study), *about_images)
    _note(run, observer, (*notes, *about_data, *space.notes))
    with lock_run(folder.path):
        # Another process may have begun a run here while the data were read.
        folder.check_free(force=force)
        _begin(folder, data, user_images, run)
        return _go(options, folder, observer, data, space, run, gpus, worker_module)


def resume(
    options: RunOptions,
    folder: RunFolder,
    observer: Observer,
    *,
    notes: Sequence[str] = (),
    worker_module: str = WORKER_MODULE,
) -> ResultDocument | None:
    """Resume a run, or restore the missing files of a completed one; return None where nothing is to be done.

    Args:
        options: the run's options, with those that may change.
        folder: the run's folder.
        observer: receives the run's events.
        notes: notes for the reader about the request.
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
                # It may have been killed while only its report was missing.
                folder.clean()
                return None
            if isinstance(options, StudyOptions) or not lack.needs_training:
                return restore_without_training(options, folder, observer, run, lack)
        folder.sweep()
        check_quantisation(options)
        try:
            data, damages = _data_again(options, folder, run, observer.pictures_decoded)
        except UsageError as error:
            if lack is None:
                raise
            raise UsageError(
                f"{', '.join(lack.parts)} can't be made again without the data of the run. {error}"
            ) from error
        _note(run, observer, (*notes, *damages, *_own_images_again(options, folder, data)))
        space = make_run_space(options, data)
        _note(run, observer, space.notes)
        gpus = usable_gpus(options)
        check_scheduler(options)
        add_nondeterminism(run, options, gpus)
        if lack is not None:
            return Restoration(options, folder, observer, data, space, run, gpus, worker_module).execute()
        return _go(options, folder, observer, data, space, run, gpus, worker_module)


def _begin(folder: RunFolder, data: Dataset, user_images: OwnImages | None, run: RunDocument) -> None:
    """Write all that a run needs, or nothing."""
    try:
        folder.make()
        save_arrays(data, folder.work / "data")
        if user_images is not None:
            user_images.save(folder.own_images)
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


def make_run_space(options: RunOptions, data: Dataset) -> Any:
    """Return the Keras-free part of a run's space (untyped: each family has its own class); a user's own is rehearsed.

    Raises:
        UsageError: where the space is unknown, no network of it fits the caps, or a network to train has no output for each class.
    """
    try:
        space = make_family(SpaceRef.for_options(options, data), data)
        if isinstance(options, TrainOptions):
            space.check_output(options.configuration)
        return space
    except ValueError as error:
        raise UsageError(str(error)) from error


def usable_gpus(options: RunOptions) -> int:
    """Return the number of GPUs of this machine that the run uses; a cluster's workers count their own.

    Raises:
        UsageError: where `--device gpu` finds none, or `--stack-trials` no JAX.
    """
    if getattr(options, "stack_trials", None) is not None:
        validate_jax()
    if options.scheduler is not None:
        return 0
    gpus = 0 if options.device == "cpu" else count_gpus()
    if options.device == "gpu" and not gpus:
        raise UsageError(
            "--device gpu needs a GPU that nvidia-smi lists. Received: none. Leave the option out to use the CPU."
        )
    return gpus


def check_scheduler(options: RunOptions) -> None:
    """Connect to a cluster's scheduler once, before anything is written.

    Raises:
        UsageError: where none answers, or Dask is not installed.
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
    return _SESSIONS[type(options)](options, *arguments).execute()


def _note(run: RunDocument, observer: Observer, notes: Sequence[str]) -> None:
    """Show notes to the user, and add each to run.json once, however often a run is resumed."""
    for note in notes:
        observer.note(note)
        if note not in run.notes:
            run.notes.append(note)


def _own_images(options: RunOptions, data: Dataset) -> OwnImages | None:
    if (given := getattr(options, "images", None)) is None:
        return None
    form = InputForm.of(data.input_shape, digits=data.shows_digits, how=options.resize)
    return read_own_images(given, data.class_names, form)


def _own_images_again(options: RunOptions, folder: RunFolder, data: Dataset) -> Sequence[str]:
    """Prepare the user's images again where the prepared ones are lost; return notes about unavailable ones."""
    if folder.own_images.exists():
        with contextlib.suppress(DataError):
            load_own_images(folder.own_images)
            return ()
        remove(folder.own_images)
    try:
        user_images = _own_images(options, data)
    except UsageError as error:
        return (f"The images are unavailable, and the run continues without them. {error}",)
    if user_images is None:
        return ()
    user_images.save(folder.own_images)
    return user_images.notes


def _data_again(
    options: RunOptions, folder: RunFolder, run: RunDocument, on_progress: OnProgress | None = None
) -> tuple[Dataset, tuple[str, ...]]:
    """Return the data of a resumed run; where its copy is damaged, load them again and return a note."""
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
        data = load_run_data(options, on_progress=on_progress)
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
    """Raise `UsageError` where the data are not those of run.json. `do`: the message's last sentence, what to do."""
    if data.sha256 != run.data.sha256:
        raise UsageError(
            f"The data have changed since this run began. Expected sha256 {run.data.sha256[:16]}…. "
            f"Received: {data.sha256[:16]}…. {do}"
        )
