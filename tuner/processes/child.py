"""The parent's side of a child process: start a module, send and receive messages, end it, read why it ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, cast

from tuner.core.records import Json

OUT_OF_MEMORY_CODE = 12
"""The exit code of a child that has no memory left."""
_LAST_BYTES = 2**16
"""Bytes at the end of a process's output in which its last lines are looked for."""
_JOIN_S = 5.0
"""The timeout of the listener's end: a process that the child has left behind may keep its pipe open."""


class ChildProcess:
    """A process that runs a module.

    Args:
        words: the module's name and its arguments.
        environment: its variables.
        log: a file, open for reading and writing, for the process's output; closed when the process is ended.
        hear: called by a thread with each message, and with None when the process has ended.
    """

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        log: IO[bytes],
        hear: Callable[[Json | None], None],
    ) -> None:
        self._log, self._log_start, self._hear = log, log.tell(), hear
        self.popen = subprocess.Popen(
            [sys.executable, "-P", "-m", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def send(self, document: Json) -> None:
        """Send a request.

        Raises:
            OSError: where the process has ended.
        """
        stream = cast(IO[bytes], self.popen.stdin)
        stream.write(json.dumps(document).encode() + b"\n")
        stream.flush()

    def end(self) -> None:
        """Kill the process, and wait for its end."""
        self.popen.kill()
        self.popen.wait()
        with contextlib.suppress(OSError):
            cast(IO[bytes], self.popen.stdin).close()
        self._listener.join(_JOIN_S)
        self._log.close()

    def exit_reason(self) -> str:
        """Return why the process ended by itself, in words."""
        code = self.popen.wait()
        if code == -9:
            return "it was killed (signal 9; out of memory?)"
        if code == OUT_OF_MEMORY_CODE:
            return "it ran out of memory"
        return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"

    def last_lines(self) -> list[str]:
        """Return the last lines that the process printed before it ended, without blank ones."""
        self._log.seek(max(self._log_start, self._log.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = self._log.read().decode(errors="replace").split("\n")
        return [line.strip() for line in lines if line.strip()]

    def _listen(self) -> None:
        with cast(IO[bytes], self.popen.stdout) as stream:
            for line in stream:
                with contextlib.suppress(ValueError):  # a line torn by the death of its process
                    self._hear(json.loads(line))
        self._hear(None)
