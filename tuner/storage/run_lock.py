"""The lock of a run's folder: one process at a time works on a run. Reading one needs no lock.

The operating system holds it (`filelock`: `flock`, on Windows `msvcrt.locking`), so that it ends with its process however
that ends: after a SIGKILL or a reboot, or where the process id is another program's by now, nothing is in the way. What
stands in the file beside it says who holds it; it is only told, never believed. Over a network file system it is worth
what the file system's locks are worth (NFS: those of its server).
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from tuner.core.disk_full import is_no_space
from tuner.core.errors import UsageError
from tuner.storage.journal import now

LOCK_NAME, HOLDER_NAME = ".lock", ".holder.json"
LOCK_FILES = frozenset({LOCK_NAME, HOLDER_NAME})
_PATIENCE_S = 0.3
"""Somebody may be looking whether it is held."""


@contextlib.contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Works on a run: makes its folder where there is none, and leaves no lock behind, nor an empty folder that it made.

    Raises:
        UsageError: where another process works on it, or the folder can't be made or written.
    """
    made = _make(folder)
    try:
        lock = _locked(folder)
        try:
            _write_holder(folder / HOLDER_NAME)
            yield
        finally:
            _release(folder, lock)
    finally:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _locked(folder: Path) -> FileLock:
    lock = FileLock(folder / LOCK_NAME, timeout=_PATIENCE_S, poll_interval=0.05)
    try:
        lock.acquire()
    except Timeout as error:
        raise _refused(folder) from error
    except OSError as error:
        if is_no_space(error):
            raise
        raise UsageError(
            f"The folder of the run can't be locked: {error.strerror or error}. Expected a folder that can be written. "
            f"Received: {folder}"
        ) from error
    return lock


def refuse_if_held(folder: Path) -> None:
    """
    Raises:
        UsageError: where a process works on this run.
    """
    if not os.path.exists(folder / LOCK_NAME):  # never raises, whatever the name
        return
    lock = FileLock(folder / LOCK_NAME, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise _refused(folder) from error
    except OSError:  # of somebody else, or gone by now
        return
    lock.release()


def _make(folder: Path) -> bool:
    try:
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The folder of the run can't be made: {getattr(error, 'strerror', None) or error}. Received: {folder}"
        ) from error
    return made


def _write_holder(path: Path) -> None:
    holder = {"pid": os.getpid(), "host": platform.node(), "since": now()}
    with contextlib.suppress(OSError):  # a full disk: who holds it is not told then
        path.unlink(missing_ok=True)
        path.write_text(json.dumps(holder), encoding="utf-8")


def _release(folder: Path, lock: FileLock) -> None:
    """The files go while the lock is held: a process that has opened them meanwhile sees that they are gone."""
    for name in (HOLDER_NAME, LOCK_NAME):
        with contextlib.suppress(OSError):  # Windows keeps open files; the lock's goes after its release
            (folder / name).unlink(missing_ok=True)
    lock.release()
    with contextlib.suppress(OSError):
        if os.name == "nt":
            (folder / LOCK_NAME).unlink(missing_ok=True)


def _refused(folder: Path) -> UsageError:
    return UsageError(
        f"Another process works on this run: {_holder(folder / HOLDER_NAME)}. Expected a run that nobody works on. "
        f"Received: {folder}. Wait until it has ended, end it, or give another folder (--out)."
    )


def _holder(path: Path) -> str:
    """Who holds the lock, by its own words."""
    try:
        said = json.loads(path.read_bytes())
        return f"pid {int(said['pid'])} on {str(said['host'])[:80]!r} since {str(said['since'])[:40]}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said which one"
