"""A process that has imported the fake workers and forks one for each request: milliseconds, where a fresh interpreter imports for a
quarter of a second. What serves, and its pipes, environment, signals and exit codes, is the same.

`install` makes `tuner.processes.child` start the modules of `tests.kit.processes` this way; every other module is started as before.
`python -m tests.kit.processes.forked_workers` is the process that forks.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from types import SimpleNamespace
from typing import IO, Any

from tuner.processes import child

FORKED = ("tests.kit.processes.fake_worker", "tests.kit.processes.verifiable_worker", "tests.kit.processes.fake_stacked_worker")  # fmt: skip
_LONGEST = 2**20
"""The most bytes of a request."""


def install() -> None:
    """Start fake workers by a fork; where the system has none, as before."""
    if hasattr(os, "fork"):
        vars(child)["subprocess"] = SimpleNamespace(Popen=_start, PIPE=subprocess.PIPE)


def _start(command: Sequence[str], **settings: Any) -> subprocess.Popen[bytes] | ForkedProcess:
    module, *arguments = command[command.index("-m") + 1 :]
    if module not in FORKED:
        return subprocess.Popen(command, **settings)
    return ForkedProcess(module, arguments, settings["stderr"], settings["env"])


class ForkedProcess:
    """A forked process, with the part of `subprocess.Popen` that its user needs."""

    def __init__(self, module: str, arguments: list[str], log: IO[bytes], environment: dict[str, str]) -> None:
        read_in, write_in = os.pipe()
        read_out, write_out = os.pipe()
        read_status, write_status = os.pipe()
        request = {"module": module, "arguments": arguments, "environment": environment, "folder": os.getcwd()}
        descriptors = [read_in, write_out, log.fileno(), write_status]
        _forker().request(request, descriptors)
        for descriptor in (read_in, write_out, write_status):
            os.close(descriptor)
        self.stdin, self.stdout = os.fdopen(write_in, "wb"), os.fdopen(read_out, "rb")
        self._status = os.fdopen(read_status, "r")
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def kill(self) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Return the exit code; a signal's number less than 0."""
        if self.returncode is None:
            with self._status:
                self.returncode = int(self._status.readline())
        return self.returncode

    def poll(self) -> int | None:
        return self.returncode


class _Forker:
    """A client of the process that forks, which ends when its socket closes."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            variables = {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.kit.processes.forked_workers", str(theirs.fileno())],
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._close)

    def request(self, request: dict[str, Any], descriptors: list[int]) -> None:
        socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
        if not self._socket.recv(1):
            raise RuntimeError("The process that forks workers has ended.")

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def _forker() -> _Forker:
    return _Forker()


# --- the process that forks ------------------------------------------------------------------------------------------


def main(descriptor: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal's Ctrl-C, pytest ends it
    with socket.socket(fileno=descriptor) as requests:
        while True:
            content, descriptors, _, _ = socket.recv_fds(requests, _LONGEST, 4)
            if not content:
                return
            request = json.loads(content)
            importlib.import_module(request["module"])
            watcher = os.fork()
            if watcher == 0:
                requests.close()
                _watch(request, descriptors)
            for own in descriptors:
                os.close(own)
            requests.send(b".")
            _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _watch(request: dict[str, Any], descriptors: list[int]) -> None:
    """Fork the worker, say its id, wait for its end and say its exit code: only a parent may ask for it."""
    *streams, status = descriptors
    worker = os.fork()
    if worker == 0:
        os.close(status)
        _serve(request, streams)
    for own in streams:
        os.close(own)
    with contextlib.suppress(BrokenPipeError):
        os.write(status, f"{worker}\n".encode())
        _, code = os.waitpid(worker, 0)
        os.write(status, f"{os.waitstatus_to_exitcode(code)}\n".encode())
    os._exit(0)


def _serve(request: dict[str, Any], streams: list[int]) -> None:
    """Become the worker."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.argv = [request["module"], *request["arguments"]]
    code = 1
    try:
        importlib.import_module(request["module"]).main(*request["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
