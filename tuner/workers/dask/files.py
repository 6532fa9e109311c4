"""Files that travel between a run and a cluster's workers: contents by name. Knows nothing of Dask."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

from tuner.storage.files import write_bytes
from tuner.storage.run_folder import MODEL_SUFFIX, WEIGHTS_SUFFIX

Files = dict[str, bytes]
"""Contents by name."""
SUFFIXES = (".npz", MODEL_SUFFIX, WEIGHTS_SUFFIX)
"""The endings of a training's files; the model or its weights last, since they are what says that both are there."""


def read_files(folder: Path) -> Files:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def write_files(files: Files, folder: Path) -> None:
    """Write files into a new folder, which is there whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    for name, content in files.items():
        (partial / os.path.basename(name)).write_bytes(content)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def content_key(files: Files) -> str:
    """Return the SHA-256 of files' names and contents."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def taken(kept: Path) -> Files:
    """Return a training's files, and remove them here."""
    files = {suffix: kept.with_suffix(suffix).read_bytes() for suffix in SUFFIXES if kept.with_suffix(suffix).exists()}
    for suffix in files:
        with contextlib.suppress(OSError):
            kept.with_suffix(suffix).unlink()
    return files


def keep(files: Files, path: Path) -> None:
    """Write a training's files at a path without suffix, the model last, each whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix in SUFFIXES:
        if suffix in files:
            write_bytes(path.with_suffix(suffix), files[suffix])
