"""A run's folder: its files' names, and how they are written. Every file appears whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from tuner.core.errors import UsageError
from tuner.storage.files import reject_symlinks
from tuner.storage.journal import JOURNAL_NAME, check_journal
from tuner.storage.run_lock import LOCK_FILES
from tuner.storage.schema.documents import read_document, write_document
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument, RunHead

MODEL_SUFFIX, WEIGHTS_SUFFIX = ".keras", ".weights.h5"
"""The endings of a training's kept files: the model of a space that comes along, the weights of a user's own network."""
INT8_SUFFIX = ".tflite"
"""The ending of a training's int8 file, where the objective is int8."""
_OF_A_START = LOCK_FILES | {".work", ".run.json.partial"}
"""The names of files that may exist before run.json."""
_HALF_WRITTEN = frozenset(
    {
        ".run.json.partial",
        ".result.json.partial",
        ".best.keras.partial",
        ".best.partial",
        ".best-int8.tflite.partial",
        ".evaluation.partial.npz",
    }
)
_OF_A_PROCESS = re.compile(r"\.(?:(?:report\.html|trials\.csv)\.|export-)(\d{1,10})(?:\.partial)?")
"""A page, a table or a folder of exports while the process of this number writes it."""
_WRITING_S = 60.0


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run."""

    path: Path

    @property
    def run_json(self) -> Path:
        return self.path / "run.json"

    @property
    def journal(self) -> Path:
        return self.path / JOURNAL_NAME

    @property
    def result_json(self) -> Path:
        return self.path / "result.json"

    @property
    def evaluation(self) -> Path:
        return self.path / "evaluation.npz"

    @property
    def saved_model(self) -> Path:
        return self.path / "best"

    @property
    def keras_model(self) -> Path:
        return self.path / "best.keras"

    @property
    def weights(self) -> Path:
        """The winner's weights alone, where its network can't be written as a Keras file."""
        return self.path / "best.weights.h5"

    @property
    def int8_model(self) -> Path:
        """The int8 file of the exported model, where the objective is int8."""
        return self.path / "best-int8.tflite"

    @property
    def exports(self) -> Path:
        """Return the default folder of `mnist-tune export`."""
        return self.path / "export"

    @property
    def work(self) -> Path:
        """Return the folder of files that only a running run needs."""
        return self.path / ".work"

    @property
    def own_images(self) -> Path:
        """Return the file of the user's own images, prepared, which is kept until the winner has classified them."""
        return self.work / "own_images.npz"

    def kept(self, trial: str) -> Path:
        """Return where a confirmation's trial leaves its model and arrays, without suffix."""
        return self.work / "models" / trial

    def kept_model(self, trial: str) -> Path | None:
        """Return the file of a trial's model or its weights; None where there is none."""
        files = (self.kept(trial).with_suffix(suffix) for suffix in (MODEL_SUFFIX, WEIGHTS_SUFFIX))
        return next((file for file in files if file.exists()), None)

    def kept_int8(self, trial: str) -> Path:
        """Return where a trial leaves its int8 file."""
        return self.kept(trial).with_suffix(INT8_SUFFIX)

    def check_free(self, *, force: bool) -> None:
        """Check that a run may begin here. Nothing is written, nor removed.

        Raises:
            UsageError: where the folder holds something already and `force` is not set, or holds what is not a run's.
        """
        try:
            if self._is_free():
                return
            is_run = not self.path.is_symlink() and self.run_json.is_file()
        except (OSError, ValueError) as error:
            raise UsageError(
                f"The folder of the run can't be made: {getattr(error, 'strerror', None) or error}. Received: {self.path}"
            ) from error
        if not force:
            raise UsageError(
                f"The folder of the run is taken. Received: {self.path}. "
                "Go on with its run (--resume), write over it (--force), or choose another (--out)."
            )
        if not is_run:
            raise UsageError(
                f"--force writes over a run's folder only. Received a link, or a folder without run.json: {self.path}"
            )

    def _is_free(self) -> bool:
        """Return whether it holds nothing, or only what a start left that was cut short before run.json was there."""
        if not os.path.lexists(self.path):
            return True
        return self.path.is_dir() and {path.name for path in self.path.iterdir()} <= _OF_A_START

    def make(self) -> None:
        """Make an empty folder of it, whatever it held; its lock stays. To be called by the lock's holder."""
        # run.json is removed last: after an interruption the folder is still a run's, and may be overwritten again.
        for path in sorted(self.path.iterdir(), key=lambda path: path == self.run_json):
            if path.name not in LOCK_FILES:
                remove(path)
        self.work.mkdir()

    def discard(self) -> None:
        """Remove what a start left that failed before run.json was there."""
        if not self.run_json.exists():
            for name in _OF_A_START - LOCK_FILES:
                remove(self.path / name)

    def read_run(self) -> RunDocument:
        """Return run.json.

        Raises:
            UsageError: where there is none.
            JournalError: where it is damaged or of another schema.
        """
        reject_symlinks(self.path)
        if not os.path.isfile(self.run_json):  # never raises, whatever the name
            raise UsageError(
                f"This is not a run's folder: it has no run.json. Received: {self.path}.{self._hint_of_a_start()}"
            )
        return read_document(self.run_json, RunDocument)

    def _hint_of_a_start(self) -> str:
        try:
            begun = not (os.path.isdir(self.path) and self._is_free())
        except OSError:  # it can't be looked into
            begun = True
        if begun:
            return ""
        return (
            " Nothing had begun in it, so nothing is lost: give the command that was to begin the run again, without --resume "
            f"(such as mnist-tune --space NAME --out {shlex.quote(str(self.path))})."
        )

    def read_run_to_resume(self) -> RunDocument:
        """Return run.json of a run that is resumed, whose folder must hold nothing but its own files.

        Raises:
            UsageError: where there is none, or something in the folder is a link.
            JournalError: where it is damaged or of another schema.
        """
        document = self.read_run()
        reject_symlinks(self.path, below=True)
        check_journal(self.path, document)
        return document

    def read_head(self) -> RunHead:
        """Return the part of run.json that a model needs, readable. Nothing else of it is looked at.

        Raises:
            UsageError: where a file of the run is a link.
            JournalError: where run.json is damaged or of another schema.
        """
        reject_symlinks(self.path)
        return read_document(self.run_json, RunHead, to_show=True)

    def read_result(self) -> ResultDocument | None:
        """Return result.json, or None."""
        return read_document(self.result_json, ResultDocument) if self.result_json.is_file() else None

    def write_run(self, document: RunDocument) -> None:
        """Replace run.json."""
        write_document(self.run_json, document)

    def write_result(self, document: ResultDocument) -> None:
        """Replace result.json."""
        write_document(self.result_json, document)

    def clean(self) -> None:
        """Remove what only a running run needs, and what processes that were killed left half-written."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.sweep()

    def sweep(self) -> None:
        """Remove what processes that were killed left half-written. To be called by the lock's holder."""
        for path in self.path.iterdir():
            if path.name in _HALF_WRITTEN:
                remove(path)
        for folder in (self.path, self.exports):
            if folder.is_dir() and not folder.is_symlink():
                remove_abandoned(folder)


def remove_abandoned(folder: Path) -> None:
    """Remove unfinished files of processes that have ended."""
    for path in folder.iterdir():
        if _is_abandoned(path):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, where there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _is_abandoned(path: Path) -> bool:
    """Return whether its writing process has ended: `report` and `export` may run beside a run."""
    match = _OF_A_PROCESS.fullmatch(path.name)
    if match is None:
        return False
    if os.name == "posix":
        return not _lives(int(match[1]))
    with contextlib.suppress(OSError):  # gone meanwhile
        return time.time() - path.stat().st_mtime > _WRITING_S
    return False


def _lives(pid: int) -> bool:
    """Return whether there is a process of this number (POSIX)."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def with_digests(folder: RunFolder, result: ResultDocument) -> ResultDocument:
    """Return result.json with the digests of the journal, the exported model and evaluation.npz."""
    return replace(result, files=file_digests(folder))


def file_digests(folder: RunFolder) -> dict[str, str]:
    """Return path within the run's folder ("best/saved_model.pb") → SHA-256, 64 hexadecimal digits."""
    return {path.relative_to(folder.path).as_posix(): sha256_of(path) for path in _files(folder)}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: RunFolder) -> Iterator[Path]:
    for path in (folder.journal, folder.evaluation, folder.keras_model, folder.weights, folder.int8_model):
        if path.is_file():
            yield path
    yield from sorted(path for path in folder.saved_model.rglob("*") if path.is_file())
