"""Hosts of their own: scheduler, workers and our command each in a network namespace, joined by a bridge. Nothing is trained.

Namespaces within a user namespace need no rights and leave nothing behind; where a system refuses them the tests skip.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.processes.crash import RUNS, Crashes, contents, result_of
from tests.kit.processes.dask_processes import kill, running, scheduler, worker

pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's"),
]

SOON = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s"}
"""After so long without an answer a connection counts as broken; 30 s by default, 11 s at least."""


@dataclass(frozen=True)
class Host:
    """A network namespace, as long as its process lives."""

    process: subprocess.Popen[bytes]
    address: str = ""

    @property
    def prefix(self) -> tuple[str, ...]:
        """Of a command that is to run on it."""
        return ("nsenter", "--target", str(self.process.pid), "--user", "--net", "--preserve-credentials", "--")

    def do(self, words: str) -> None:
        done = subprocess.run([*self.prefix, *words.split()], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{words}: {done.stderr.strip()}")


def hold(*words: str) -> subprocess.Popen[bytes]:
    """A process in new namespaces that lives until its input ends; it is there once it answers."""
    process = subprocess.Popen(
        [*words, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("It has pipes.")
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"\n")
        process.stdin.flush()
    if not process.stdout.readline():
        process.communicate()
        pytest.skip("Namespaces are not permitted here: unshare --user --net failed.")
    return process


@contextlib.contextmanager
def joined_hosts(count: int) -> Iterator[tuple[Host, list[Host]]]:
    """A bridge, and so many hosts that are plugged into its ports port0, port1, ….

    Skips where that is not permitted, or what it takes is not installed.
    """
    if missing := [name for name in ("unshare", "nsenter", "ip") if shutil.which(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}")
    with contextlib.ExitStack() as held:

        def host(*words: str, address: str = "") -> Host:
            process = hold(*words)
            held.callback(process.communicate)
            return Host(process, address)

        bridge = host("unshare", "--user", "--map-root-user", "--net")
        bridge.do("ip link add bridge type bridge")
        bridge.do("ip link set bridge up")
        hosts = [host(*bridge.prefix, "unshare", "--net", address=f"10.77.0.{n + 1}") for n in range(count)]
        for number, one in enumerate(hosts):
            bridge.do(f"ip link add port{number} type veth peer name wire netns {one.process.pid}")
            bridge.do(f"ip link set port{number} master bridge up")
            one.do(f"ip addr add {one.address}/24 dev wire")
            one.do("ip link set wire up")
            one.do("ip link set lo up")
        yield bridge, hosts


@contextlib.contextmanager
def after_trials(journal: Path, count: int, act: Callable[[], None]) -> Iterator[None]:
    """Does something beside a run, once so many of its trials have finished."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            if journal.exists() and journal.read_text(encoding="utf-8").count('"event":"finished"') >= count:
                act()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("end", ["killed", "unplugged"])
def test_a_host_that_is_lost_in_the_middle_changes_nothing(end: str, tmp_path: Path) -> None:
    lost: list[str] = []
    with joined_hosts(4) as (bridge, (first, own, *others)):
        address = f"tcp://{first.address}:8786"
        places = [str(tmp_path / one.address) for one in others]
        commands = [
            [*one.prefix, *worker(address, "--no-nanny", "--local-directory", place)]
            for one, place in zip(others, places, strict=True)
        ]
        environment = {**SOON, "FAKE_SLEEP": "0.5"}
        with (
            Crashes(tmp_path / "logs", {**os.environ, **SOON}, prefix=own.prefix) as runs,
            running([*first.prefix, *scheduler(address)], *commands, environment=environment) as processes,
        ):

            def lose() -> None:
                if end == "killed":
                    kill(processes[-1])
                else:
                    bridge.do("ip link set port3 down")
                lost.append(end)

            here = runs.run(RUNS["hyperband"], tmp_path / "here")
            with after_trials(tmp_path / "there" / "trials.jsonl", 3, lose):
                there = runs.run([*RUNS["hyperband"], "--scheduler", address], tmp_path / "there")
    assert (here.code, there.code) == (0, 0), here.output + there.output
    assert lost == [end]
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert result_of(tmp_path / "there") == result_of(tmp_path / "here")


def test_hosts_reach_each_other_by_the_bridge_alone(tmp_path: Path) -> None:
    """Else the test above would say nothing."""
    code = "import socket; print(socket.create_connection(('{}', 9), 1))"
    with joined_hosts(2) as (bridge, (one, other)):

        def knock(address: str) -> str:
            words = [*one.prefix, sys.executable, "-c", code.format(address)]
            return subprocess.run(words, capture_output=True, text=True, check=False).stderr

        assert "ConnectionRefusedError" in knock(other.address)
        assert "unreachable" in knock("10.78.0.1")
        bridge.do("ip link set port1 down")
        time.sleep(0.2)
        assert "ConnectionRefusedError" not in knock(other.address)
