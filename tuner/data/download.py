"""Downloading a data set with `keras.datasets`, in a separate process: this one neither imports Keras nor hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

SILENCE_S = 30.0
"""The timeout of a download that receives nothing."""
_POLL_S = 0.1
_PROGRAM = """
import pathlib, sys
name, started, *archive = sys.argv[1:]
import keras.datasets
pathlib.Path(started).touch()
(x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
if archive:
    import numpy
    numpy.savez(archive[0], x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
"""


def download(name: str, home: Path, *, archive: Path | None = None, silence_s: float = SILENCE_S) -> str | None:
    """Download a data set into `home`/datasets, in Keras's layout; return None, or in one line why it failed.

    Args:
        name: a module of `keras.datasets`.
        home: Keras's home in that process: an empty folder, or one that holds a copy of what Keras has downloaded before.
        archive: an `.npz` file in which the process keeps the arrays, besides; None: no such file. CIFAR's files are pickled:
            only that process reads them, by Keras, which admits nothing but arrays.
        silence_s: the timeout: seconds without a new byte or file.
    """
    log = home / "log.txt"
    with log.open("wb") as stream:
        process = _start(name, home, archive, stream.fileno())
        try:
            answered = _wait(process, home, silence_s)
        finally:
            process.kill()
            process.wait()
    if not answered:
        return f"no answer for {silence_s:g} s"
    return None if process.returncode == 0 else _reason(log)


def _start(name: str, home: Path, archive: Path | None, log: int) -> subprocess.Popen[bytes]:
    """Start the interpreter without the current folder on its path, where a `keras.py` would hide Keras."""
    return subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-c",
            _PROGRAM,
            name,
            str(home / "started"),
            *([] if archive is None else [str(archive)]),
        ],
        env={**os.environ, "KERAS_HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log,
    )


def _wait(process: subprocess.Popen[bytes], home: Path, silence_s: float) -> bool:
    """Wait for the end of the process; False when its folder has not grown for `silence_s`."""
    seen, seen_at = _growth(home), time.monotonic()
    while process.poll() is None:
        now, growth = time.monotonic(), _growth(home)
        if growth != seen:
            seen, seen_at = growth, now
        elif now - seen_at > silence_s:
            return False
        time.sleep(_POLL_S)
    return True


def _growth(folder: Path) -> list[int]:
    """Return the number of files and their bytes; files may vanish meanwhile."""
    sizes = []
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except OSError:
            continue
    return [len(sizes), sum(sizes)]


def _reason(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "no reason given"
