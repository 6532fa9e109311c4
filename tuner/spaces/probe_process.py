"""The process that builds a user's HyperModel, as the parent of a run sees it."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
from typing import IO, Any

from tuner.errors import RunFailed
from tuner.records import Json
from tuner.tasks import SpaceRef
from tuner.worker_environment import worker_environment

ANSWER_S = 120.0
"""The longest that a question may take, the rehearsal among them."""
_BACKEND_LOG = re.compile(r"[IWEF]\d{4} \d\d:\d\d|WARNING: All log messages")
"""How a line of TensorFlow's own log begins."""
_LAST_BYTES = 2**16
"""Of what a process printed, in which its last words are looked for."""


class ProbeProcess:
    """The process that builds a user's HyperModel. It starts when it is first asked."""

    def __init__(self, ref: SpaceRef) -> None:
        self._ref = ref
        self._popen: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
        # A file without a name: nobody else finds it, and it is gone with the process.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process is asked
        atexit.register(self.close)

    def ask(self, what: str, **details: Any) -> Json:
        """What it answers: `answer` or `error`.

        Raises:
            RunFailed: where it takes longer than two minutes.
        """
        popen = self._started()
        try:
            self._say(popen, {"do": what, **details})
            answer = self._answers.get(timeout=ANSWER_S)
        except queue.Empty as error:
            self.close()
            raise RunFailed(
                f"{self._ref.name} did not build and train a model on a few images within {ANSWER_S:g} s."
            ) from error
        except OSError:
            answer = None
        return {"error": self._last_words()} if answer is None else answer

    def close(self) -> None:
        """Ends the process."""
        atexit.unregister(self.close)
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait()
            with contextlib.suppress(OSError):
                if self._popen.stdin is not None:
                    self._popen.stdin.close()
            self._popen = None
        self._log.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._popen is None:
            if self._log.closed:
                self._log = tempfile.TemporaryFile()  # noqa: SIM115
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-m", "tuner.spaces.probe"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=worker_environment(0, 0),
            )
            threading.Thread(target=self._listen, args=(self._popen.stdout,), daemon=True).start()
            self._say(self._popen, dataclasses.asdict(self._ref))
        return self._popen

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                with contextlib.suppress(ValueError):  # a line torn by the death of its process
                    self._answers.put(json.loads(line))
        self._answers.put(None)

    def _say(self, popen: subprocess.Popen[bytes], document: Json) -> None:
        if popen.stdin is not None:
            popen.stdin.write(json.dumps(document).encode() + b"\n")
            popen.stdin.flush()

    def _last_words(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        words = [line for line in lines if not _BACKEND_LOG.match(line)]
        return words[-1] if words else "its process ended without a word"
