"""Digests of what a run leaves beside result.json, which holds them: whether a file is still the one that the run wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.result import ResultDocument


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
    for path in (folder.journal, folder.evaluation, folder.keras_model, folder.weights):
        if path.is_file():
            yield path
    yield from sorted(path for path in folder.saved_model.rglob("*") if path.is_file())
