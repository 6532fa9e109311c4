"""Downloading a data set by `keras.datasets`, in a process of its own, so that nobody else imports Keras or hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

SILENCE_S = 30.0
"""A download is given up when nothing has arrived for so long."""
_POLL_S = 0.1
_PROGRAM = """
import pathlib, sys
name, started = sys.argv[1:]
import keras.datasets
pathlib.Path(started).touch()
getattr(keras.datasets, name).load_data()
"""


def download(name: str, home: Path, *, silence_s: float = SILENCE_S) -> str | None:
    """Download a data set into `home`/datasets, as Keras lays it out; return None, or why it failed in one line.

    Args:
        name: `mnist` or `fashion_mnist`, a module of `keras.datasets`.
        home: an empty folder, Keras's home in that process.
        silence_s: seconds without a byte or a sign of life before it is given up.
    """
    log = home / "log.txt"
    with log.open("wb") as stream:
        process = _start(name, home, stream.fileno())
        try:
            answered = _wait(process, home, silence_s)
        finally:
            process.kill()
            process.wait()
    if not answered:
        return f"no answer for {silence_s:g} s"
    return None if process.returncode == 0 else _reason(log)


def _start(name: str, home: Path, log: int) -> subprocess.Popen[bytes]:
    """Start the interpreter without the current folder on its path: a `keras.py` there is none of ours."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM, name, str(home / "started")],
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
    """Return the number of files and their bytes; files may vanish while one looks."""
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
