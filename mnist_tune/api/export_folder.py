"""The folder of exports: its checks, its atomic writes, and export.json."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from tuner.core.errors import JournalError, UsageError
from tuner.storage.files import is_regular_file, write_bytes
from tuner.storage.run_folder import remove, remove_abandoned
from tuner.storage.schema.documents import read_document, write_document
from tuner.storage.schema.export import EXPORT_NAME, ExportDocument

CARD = "model_card.md"


@dataclass(frozen=True)
class ExportFolder:
    """The folder of one model's exported formats."""

    path: Path
    model: Path
    """The exported Keras file."""

    def check(self, files: Sequence[str], *, force: bool) -> None:
        """Raise UsageError where the folder is not writable, or has another model's exports or a file of that name."""
        self._check_writable()
        self._check_links()
        known = self.known()
        if known is not None and known.model_sha256 != self.model_sha256:
            raise UsageError(
                f"The folder holds exports of another model. Choose another one (-o). Received: {self.path}"
            )
        for name in files:
            if os.path.lexists(self.path / name) and not force:
                raise UsageError(
                    f"-o: {name} exists already. Write over it (--force), or choose another folder. "
                    f"Received: {self.path}"
                )
        if self._card_is_foreign(known) and not force:
            raise UsageError(
                f"-o: {CARD} was not written by mnist-tune, or was edited since. Write over it (--force), move it, "
                f"or choose another folder. Received: {self.path}"
            )

    def _check_writable(self) -> None:
        if os.path.lexists(self.path) and not os.path.isdir(self.path):
            raise UsageError(f"-o: expected a folder. Received: {self.path}")
        nearest = next((path for path in (self.path, *self.path.absolute().parents) if os.path.lexists(path)), None)
        if nearest is None or not os.path.isdir(nearest) or not os.access(nearest, os.W_OK | os.X_OK):
            raise UsageError(f"-o: expected a folder that can be written to. Received: {self.path}")

    def _check_links(self) -> None:
        """Reject a symbolic link in the model's folder, which in a stranger's run may lead anywhere."""
        for part in (self.path, *self.path.parents):
            if part.is_symlink() and part.parent.resolve().is_relative_to(self.model.parent.resolve()):
                raise UsageError(f"-o: expected a folder. Received a link in the run's folder: {part}")

    def _card_is_foreign(self, known: ExportDocument | None) -> bool:
        card = self.path / CARD
        if not os.path.lexists(card):
            return False
        return known is None or not is_regular_file(card) or sha256(card.read_bytes()) != known.card_sha256

    @property
    def model_sha256(self) -> str:
        """The SHA-256 of the Keras file's bytes."""
        return sha256(self.model.read_bytes())

    def known(self) -> ExportDocument | None:
        """Return export.json; None where there is none.

        Raises:
            UsageError: where it is damaged or of another version of the program.
        """
        path = self.path / EXPORT_NAME
        if not os.path.lexists(path):
            return None
        if not is_regular_file(path):
            raise UsageError(f"{EXPORT_NAME}: expected a regular file. Received a folder or a link: {path}")
        try:
            return read_document(path, ExportDocument)
        except JournalError as error:
            reason = str(error).partition(". Restore")[0]
            raise UsageError(f"{reason}. Choose another folder (-o), or remove it.") from error

    def document(self, new: ExportDocument) -> ExportDocument:
        """Return export.json with its formats added to those that are there already."""
        known = self.known()
        formats = {} if known is None else known.formats
        kept = {name: entry for name, entry in formats.items() if os.path.lexists(self.path / entry.file)}
        return replace(new, formats={**kept, **new.formats})

    @contextlib.contextmanager
    def staged(self) -> Iterator[Path]:
        """Yield a temporary folder inside; remove it afterwards, and every new folder that is still empty."""
        made = [path for path in (self.path, *self.path.parents) if not os.path.lexists(path)]
        stage = self.path / f".export-{os.getpid()}.partial"
        if os.path.isdir(self.path):
            remove_abandoned(self.path)
        try:
            stage.mkdir(parents=True)
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def place(self, stage: Path, document: ExportDocument, card: str) -> ExportDocument:
        """Move the staged files to their place, write the card and export.json; return it with the card's hash."""
        for staged in sorted(stage.iterdir()):
            _replace(staged, self.path / staged.name)
        content = card.encode("utf-8", "backslashreplace")
        write_bytes(self.path / CARD, content)
        document = replace(document, card_sha256=sha256(content))
        write_document(self.path / EXPORT_NAME, document)
        return document


def _replace(staged: Path, place: Path) -> None:
    """Replace a file or folder. A folder can't be renamed onto another, so the old one is moved aside first."""
    aside = staged.with_name(f"{staged.name}.old")
    if os.path.lexists(place):
        place.rename(aside)
    staged.rename(place)
    remove(aside)


def sha256(content: bytes) -> str:
    """Return the hash as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
