"""A run's folder: its files' names, and how they are written. Every file appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tuner.errors import JournalError, UsageError
from tuner.journal import JOURNAL_NAME
from tuner.records import SCHEMA, Json


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps what it writes."""

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
    def work(self) -> Path:
        """What is needed only while the run goes on."""
        return self.path / ".work"

    @property
    def own_images(self) -> Path:
        """The user's own images, prepared, until the winner has met them."""
        return self.work / "own_images.npz"

    def kept(self, trial: str) -> Path:
        """Where a confirmation's trial leaves its model and arrays, without suffix."""
        return self.work / "models" / trial

    def create(self, *, force: bool) -> None:
        """Makes the folder.

        Raises:
            UsageError: where it holds something already and `force` is not set, or holds what is not a run's.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            if not force:
                raise UsageError(
                    f"The folder of the run is taken. Received: {self.path}. "
                    "Go on with its run (--resume), write over it (--force), or choose another (--out)."
                )
            if not self.run_json.exists():
                raise UsageError(
                    f"--force writes over a run's folder only. Received a folder without run.json: {self.path}"
                )
            shutil.rmtree(self.path)
        try:
            self.work.mkdir(parents=True)
        except OSError as error:
            raise UsageError(
                f"The folder of the run can't be made: {error.strerror or error}. Received: {self.path}"
            ) from error

    def read_run(self) -> Json:
        """The content of run.json.

        Raises:
            UsageError: where there is none.
            JournalError: where it is damaged or of another schema.
        """
        if not self.run_json.is_file():
            raise UsageError(f"This is not a run's folder: it has no run.json. Received: {self.path}")
        return _checked(self.run_json)

    def read_result(self) -> Json | None:
        """The content of result.json, or None."""
        return _checked(self.result_json) if self.result_json.is_file() else None

    def write_run(self, document: Json) -> None:
        """Replaces run.json."""
        write_json(self.run_json, document)

    def clean(self) -> None:
        """Removes what only a running run needs."""
        shutil.rmtree(self.work, ignore_errors=True)


def write_json(path: Path, document: Json) -> None:
    """Writes a document under a temporary name, and renames it."""
    write_bytes(path, (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes bytes under a temporary name, flushes them to the disk, and renames."""
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _checked(path: Path) -> Json:
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise JournalError(f"{path} is damaged: {error}.") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise JournalError(f"{path} was written by another version. Expected schema {SCHEMA}. Received: {found}")
    return cast(Json, document)
