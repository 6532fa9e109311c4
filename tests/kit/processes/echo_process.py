"""A child process for tests: it returns requests, and ends as they ask."""

from __future__ import annotations

import os
import sys

from tuner.processes.serving import Parent

if __name__ == "__main__":
    parent = Parent()
    while True:
        request = parent.receive()
        sys.stdout.write(f"{request.get('print', '')}\n")
        sys.stdout.flush()
        if "exit" in request:
            os._exit(request["exit"])
        parent.send({"echo": request, "arguments": sys.argv[1:]})
