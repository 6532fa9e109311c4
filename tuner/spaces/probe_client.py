"""The process that builds a user's HyperModel, as the parent of a run sees it."""

from __future__ import annotations

import atexit
import dataclasses
import queue
import re
import tempfile
from typing import Any

from tuner.core.errors import RunFailed
from tuner.core.records import Json
from tuner.processes.child import ChildProcess
from tuner.processes.environment import worker_environment
from tuner.processes.tasks import SpaceRef

ANSWER_S = 120.0
"""The timeout of a request, the rehearsal included."""
_BACKEND_LOG = re.compile(r"[IWEF]\d{4} \d\d:\d\d|WARNING: All log messages")
"""The beginning of a line of TensorFlow's own log."""


class ProbeProcess:
    """The process that builds a user's HyperModel. It starts with the first request."""

    def __init__(self, ref: SpaceRef) -> None:
        self._ref = ref
        self._child: ChildProcess | None = None
        self._answers: queue.SimpleQueue[Json | None] = queue.SimpleQueue()

    def ask(self, what: str, **details: Any) -> Json:
        """Return its reply, with the key `answer` or `error`.

        Raises:
            RunFailed: where it takes longer than two minutes.
        """
        child = self._started()
        try:
            child.send({"do": what, **details})
            answer = self._answers.get(timeout=ANSWER_S)
        except queue.Empty as error:
            self.close()
            raise RunFailed(
                f"{self._ref.name} did not build and train a model on a few images within {ANSWER_S:g} s."
            ) from error
        except OSError:
            answer = None
        return {"error": _format_last(child)} if answer is None else answer

    def close(self) -> None:
        """End the process."""
        atexit.unregister(self.close)
        if self._child is not None:
            self._child.end()
            self._child = None

    def _started(self) -> ChildProcess:
        if self._child is None:
            atexit.register(self.close)
            self._answers = queue.SimpleQueue()  # an earlier queue may hold the end of an earlier process
            # A file without a name, which is deleted with the process.
            log = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process runs
            self._child = ChildProcess(["tuner.rehearsal.probe"], worker_environment(0, 0), log, self._answers.put)
            self._child.send(dataclasses.asdict(self._ref))
        return self._child


def _format_last(child: ChildProcess) -> str:
    words = [line for line in child.last_lines() if not _BACKEND_LOG.match(line)]
    return words[-1] if words else "its process ended without a message"
