"""A run's folder: its files' names, and how they are written. Every file appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tuner.documents import (
    NAMES_OF_CLASSES,
    RESULT,
    RUN,
    RUN_TO_RESUME,
    check_shape,
    read_document,
    readable,
    refuse_links,
)
from tuner.errors import UsageError
from tuner.files import write_bytes
from tuner.journal import JOURNAL_NAME
from tuner.records import Json


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

    def kept(self, trial: str) -> Path:
        """Where a confirmation's trial leaves its model and arrays, without suffix."""
        return self.work / "models" / trial

    def create(self, *, force: bool) -> None:
        """Makes the folder.

        Raises:
            UsageError: where it holds something already and `force` is not set, or holds what is not a run's.
        """
        try:
            self._make_room(force=force)
            self.work.mkdir(parents=True)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"The folder of the run can't be made: {getattr(error, 'strerror', None) or error}. Received: {self.path}"
            ) from error

    def _make_room(self, *, force: bool) -> None:
        if not os.path.lexists(self.path) or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if not force:
            raise UsageError(
                f"The folder of the run is taken. Received: {self.path}. "
                "Go on with its run (--resume), write over it (--force), or choose another (--out)."
            )
        if self.path.is_symlink() or not self.run_json.is_file():
            raise UsageError(
                f"--force writes over a run's folder only. Received a link, or a folder without run.json: {self.path}"
            )
        shutil.rmtree(self.path)

    def read_run(self) -> Json:
        """The content of run.json.

        Raises:
            UsageError: where there is none.
            JournalError: where it is damaged or of another schema.
        """
        refuse_links(self.path)
        if not os.path.isfile(self.run_json):  # never raises, whatever the name
            raise UsageError(f"This is not a run's folder: it has no run.json. Received: {self.path}")
        return read_document(self.run_json, RUN)

    def read_run_to_resume(self) -> Json:
        """The content of run.json of a run that is gone on with: everything that is there is the run's own.

        Raises:
            UsageError: where there is none, or something in the folder is a link.
            JournalError: where it is damaged or of another schema.
        """
        document = self.read_run()
        refuse_links(self.path, below=True)
        check_shape(self.run_json, document, RUN_TO_RESUME)
        return document

    def class_names(self) -> tuple[str, ...] | None:
        """Of the run's data; None where run.json doesn't tell them. Nothing else of it is looked at.

        Raises:
            UsageError: where a file of the run is a link.
            JournalError: where run.json is damaged or of another schema.
        """
        refuse_links(self.path)
        names = read_document(self.run_json, NAMES_OF_CLASSES).get("data", {}).get("class_names")
        return None if names is None else tuple(readable(names))

    def read_result(self) -> Json | None:
        """The content of result.json, or None."""
        return read_document(self.result_json, RESULT) if self.result_json.is_file() else None

    def write_run(self, document: Json) -> None:
        """Replaces run.json."""
        write_json(self.run_json, document)

    def clean(self) -> None:
        """Removes what only a running run needs."""
        shutil.rmtree(self.work, ignore_errors=True)


def write_json(path: Path, document: Json) -> None:
    """Writes a document under a temporary name, and renames it."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # A file's name that is no UTF-8 has lone surrogates, whose escapes are JSON's too.
    write_bytes(path, text.encode("utf-8", "backslashreplace"))
