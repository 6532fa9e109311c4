"""`python -m benchmarks.tflm_arena FILE…`: the smallest arena in which TFLM's interpreter prepares each model.

A process without TensorFlow, since every trial of an arena size is a fork of it: TFLM may end or hang in one that is too
small. Needs tflite-micro.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tflite_micro.python.tflite_micro import runtime

_AMPLE = 1 << 23
_STEP = 16
_WAIT_S = 5
_RECORDED = re.compile(r"Arena allocation total (\d+)")


def smallest_arena(model: bytes) -> int:
    """Return the bytes of the smallest arena, to 16.

    Raises:
        ValueError: where TFLM lacks an operation of the model.
    """
    with tempfile.TemporaryFile() as log:
        _forked(lambda: _record(model), log)
        log.seek(0)
        match = _RECORDED.search(log.read().decode(errors="replace"))
    if not match:
        raise ValueError("TFLM can't prepare the model.")
    # What it has allocated in the end; preparing may have needed more for a while.
    below, above = int(match[1]) - _STEP, int(match[1])
    while not _fits(model, above):
        below, above = above, above + 1024
    while above - below > _STEP:
        middle = below + (above - below) // (2 * _STEP) * _STEP
        below, above = (below, middle) if _fits(model, middle) else (middle, above)
    return above


def _record(model: bytes) -> None:
    runtime.Interpreter.from_bytes(model, arena_size=_AMPLE).print_allocations()


def _fits(model: bytes, arena: int) -> bool:
    with open(os.devnull, "wb") as nowhere:
        return _forked(lambda: runtime.Interpreter.from_bytes(model, arena_size=arena), nowhere)


def _forked(call: Callable[[], object], errors: IO[bytes]) -> bool:
    """Return whether a call succeeds in a fork of this process, whose standard error goes to a file."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    signal.alarm(_WAIT_S)
    os.dup2(errors.fileno(), sys.stderr.fileno())
    try:
        call()
    except RuntimeError:
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Print the arenas as a JSON list; null where TFLM can't prepare the model."""
    arenas: list[int | None] = []
    for name in sys.argv[1:]:
        try:
            arenas.append(smallest_arena(Path(name).read_bytes()))
        except ValueError:
            arenas.append(None)
    sys.stdout.write(json.dumps(arenas) + "\n")


if __name__ == "__main__":
    main()
