"""Dask's own commands as processes, with mnist-tune's. For tests."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from tests.kit.paths import ROOT

CODE = ROOT


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def scheduler(address: str) -> list[str]:
    """Return the command of a scheduler at an address such as tls://127.0.0.1:8786."""
    scheme, place = address.split("://")
    host, port = place.split(":")
    served = ["--protocol", scheme, "--host", host, "--port", port, "--dashboard-address", ":0"]
    return [sys.executable, "-m", "distributed.cli.dask_scheduler", *served]


def worker(address: str, *options: str) -> list[str]:
    """Return the command of a worker of the scheduler at this address."""
    return [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard", *options]


@contextlib.contextmanager
def running(
    *commands: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run processes, each in its own group, and kill the groups in the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True, "cwd": CODE}
    given = {**os.environ, **(environment or {})}
    processes = [subprocess.Popen(command, env=given, **quiet) for command in commands]  # type: ignore[call-overload]
    try:
        yield processes
    finally:
        for process in processes:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def mnist_tune(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run mnist-tune as a process and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "mnist_tune", *words],
        cwd=CODE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
