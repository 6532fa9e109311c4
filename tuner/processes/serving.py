"""The child's side of its parent: requests arrive on standard input, answers go to the original standard output."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading

from tuner.core.records import Json


class Parent:
    """The parent's pipes. Libraries' prints go to standard error, which the parent keeps in a file.

    When standard input ends, the parent has ended, and this process ends at once.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._requests: queue.SimpleQueue[Json] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def receive(self) -> Json:
        """Wait for the next request, and return it."""
        return self._requests.get()

    def send(self, document: Json) -> None:
        """Send an answer; raise, and send nothing, where it is no JSON."""
        self._out.write(json.dumps(document) + "\n")
        self._out.flush()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._requests.put(json.loads(line))
        os._exit(0)
