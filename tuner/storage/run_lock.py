"""The lock of a run's folder: one process at a time works on a run. Reading one needs no lock.

The operating system holds it (`filelock`: `flock`, on Windows `msvcrt.locking`), so it is released when its process
ends, even by SIGKILL or a reboot. The file beside it names the holder for messages only. Over a network file system the
lock is as reliable as that system's locks (NFS: those of its server).
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
"""The timeout: another process may be testing the lock."""


@contextlib.contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Lock a run's folder, which is made if missing; remove the lock, and an empty new folder, at the end.

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
    """Raise `UsageError` where a process works on this run."""
    if not os.path.exists(folder / LOCK_NAME):  # never raises, whatever the name
        return
    lock = FileLock(folder / LOCK_NAME, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise _refused(folder) from error
    except OSError:  # another user's, or removed by now
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
    with contextlib.suppress(OSError):  # a full disk: the holder is unknown then
        path.unlink(missing_ok=True)
        path.write_text(json.dumps(holder), encoding="utf-8")


def _release(folder: Path, lock: FileLock) -> None:
    """Remove the files while the lock is held, so that a process that has opened them sees that they are gone."""
    for name in (HOLDER_NAME, LOCK_NAME):
        with contextlib.suppress(OSError):  # Windows can't remove open files; it removes the lock's file below
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
    """Return the lock's holder in words, as its own file names it."""
    try:
        holder = json.loads(path.read_bytes())
        return f"pid {int(holder['pid'])} on {str(holder['host'])[:80]!r} since {str(holder['since'])[:40]}"
    except (OSError, ValueError, KeyError, TypeError):
        return "an unknown one"
