"""Writing files whole or not at all, never through a link, and the check of a run's files."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tuner.core.disk_full import is_no_space
from tuner.core.errors import UsageError

_FILES = ("run.json", "trials.jsonl", "result.json", "evaluation.npz", "best.keras", "trials.csv", "report.html")
_MOST_BYTES = 2**30
"""The most bytes of an archive once unpacked; a model of ours is smaller."""
_FOLDERS = ("best", "export", ".work")


@contextlib.contextmanager
def whole_file(path: Path, temporary_name: str) -> Iterator[Path]:
    """Yield a temporary path in the same folder to write to; the file written there then replaces `path`.

    It is flushed to the disk before it is renamed. A link at either path is replaced, not followed. Where writing
    fails, it is removed.
    """
    temporary = path.with_name(temporary_name)
    _check_name(temporary)
    try:
        temporary.unlink(missing_ok=True)
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes under a temporary name, flush them to the disk, and rename the file."""
    with whole_file(path, f".{path.name}.partial") as temporary:
        _write_new(temporary, content)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all; lone surrogates are written as escapes. Several processes may do it at the same time."""
    with whole_file(path, f".{path.name}.{os.getpid()}") as temporary:
        _write_new(temporary, text.encode("utf-8", "backslashreplace"))


@contextlib.contextmanager
def os_errors_as_usage(path: Path) -> Iterator[None]:
    """Turn an `OSError` while writing a file into a `UsageError`, except that of a full disk."""
    try:
        yield
    except OSError as error:
        if is_no_space(error):
            raise
        raise UsageError(f"{path} can't be written: {error.strerror or error}.") from error


def _check_name(path: Path) -> None:
    """Raise `OSError` where no file can have this name because it holds a lone surrogate."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise OSError(errno.EINVAL, "no file can have this name") from error


def _write_new(path: Path, content: bytes) -> None:
    """Write a new file; a link that another program made meanwhile is not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        file.write(content)


def _flush(path: Path) -> None:
    """Flush a file to the disk before it is renamed: else it may be empty after a power failure."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def reject_symlinks(folder: Path, *, below: bool = False) -> None:
    """Raise where a run's file is a link or a device, or a folder in its place: that may hold a program.

    Args:
        folder: the run's folder; it may itself be reached by a link.
        below: check everything below it too, not only a run's known files.

    Raises:
        UsageError: names the link, pipe or device, or the folder in a file's place (or the reverse).
    """
    for path in _everything(folder) if below else (folder / name for name in (*_FILES, *_FOLDERS)):
        mode = _mode(path)
        if mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UsageError(
                f"A run's files are its own. Expected files and folders only, no links and no devices. Received: {path}. "
                "Copy the run with what its links lead to (cp -rL)."
            )
    _check_kinds(folder)


def _check_kinds(folder: Path) -> None:
    for names, expected, other in ((_FILES, "a file", stat.S_ISDIR), (_FOLDERS, "a folder", stat.S_ISREG)):
        for path in (folder / name for name in names):
            mode = _mode(path)
            if mode is not None and other(mode):
                raise UsageError(
                    f"{path.name} of a run is of another kind. Expected {expected}. "
                    f"Received a {'folder' if stat.S_ISDIR(mode) else 'file'}: {path}. Restore the run from a copy."
                )


def is_regular_file(path: Path) -> bool:
    """Return whether there is a file at a path: no link to one, no folder, no pipe. Never raises, whatever the name."""
    mode = _mode(path)
    return mode is not None and stat.S_ISREG(mode)


def is_whole_archive(path: Path) -> bool:
    """Return whether there is a zip file (a Keras model is one) whose members all have the right checksum."""
    if not is_regular_file(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            return sum(member.file_size for member in members) <= _MOST_BYTES and archive.testzip() is None
    except (OSError, ValueError, RuntimeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False


def is_whole_model(path: Path) -> bool:
    """Return whether there is a complete Keras file, or a file of weights that can be read to its end."""
    if path.suffix != ".h5":
        return is_whole_archive(path)
    if not is_regular_file(path):
        return False
    import h5py

    def read(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            item[()]

    try:
        with h5py.File(path) as file:
            file.visititems(read)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError):
        return False
    return True


def _mode(path: Path) -> int | None:
    """Return the mode of a path, links not followed; None where there is no file, or the name is impossible."""
    try:
        return os.lstat(path).st_mode
    except (OSError, ValueError):
        return None


def _everything(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        yield from (Path(where, name) for name in (*folders, *files))
