"""The connection to a Dask scheduler: what is its loss, what is another error, and what is said where there is none."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from tests.kit.processes.dask_processes import mnist_tune
from tuner.core.errors import RunFailed, UsageError

distributed = pytest.importorskip("distributed")

from distributed.client import ClosedClientError  # noqa: E402
from distributed.comm.core import CommClosedError  # noqa: E402

from tuner.workers.dask import connection as cluster_connection  # noqa: E402
from tuner.workers.dask.connection import Connection, connect, is_broken_connection  # noqa: E402


class Comm:
    def __init__(self, is_closed: bool) -> None:
        self._is_closed = is_closed

    def closed(self) -> bool:
        return self._is_closed


class Client:
    """As far as a connection asks it."""

    def __init__(self, status: str, comm: Comm | None) -> None:
        self.status, self.scheduler_comm = status, comm


STATES: dict[str, tuple[Client, bool]] = {
    "connected": (Client("running", Comm(False)), True),
    "comm closed": (Client("running", Comm(True)), False),
    "comm gone": (Client("running", None), False),
    "connecting": (Client("connecting", None), False),
    "closed": (Client("closed", None), False),
}


def connection_to(client: Client, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(cluster_connection, "connect", lambda address: client)
    return Connection("tcp://10.0.0.1:8786")


@pytest.mark.parametrize(
    ("error", "broken"),
    [
        (CommClosedError("in <TCP>"), True),
        (OSError("Timed out trying to connect"), True),
        (ConnectionResetError(errno.ECONNRESET, "reset"), True),
        (TimeoutError("timed out after 10 s."), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (RuntimeError("no"), False),
        (ClosedClientError("Client is closed."), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_errors_of_a_connection(error: Exception, broken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_broken_connection(error) == broken
    connection = connection_to(STATES["connected"][0], monkeypatch)
    if broken:
        with connection.may_break():
            raise error
    else:
        with pytest.raises(type(error)), connection.may_break():
            raise error


@pytest.mark.parametrize("state", STATES)
def test_an_error_counts_while_the_scheduler_is_there(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, alive = STATES[state]
    connection = connection_to(client, monkeypatch)
    assert connection.alive == alive
    if alive:
        with pytest.raises(RuntimeError, match="no"), connection.may_break():
            raise RuntimeError("no")
    else:
        with connection.may_break():
            raise RuntimeError("IOLoop is closed")
    with pytest.raises(KeyError), connection.may_break():
        raise KeyError("never of a connection")


@pytest.mark.parametrize("state", STATES)
def test_a_scheduler_that_stays_away_is_told(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, alive = STATES[state]
    connection = connection_to(client, monkeypatch)
    connection.check()
    monkeypatch.setattr(cluster_connection, "_LOST_AFTER_S", -1.0)
    if alive:
        connection.check()
    else:
        with pytest.raises(RunFailed, match=r"scheduler at tcp://10\.0\.0\.1:8786 is gone"):
            connection.check()


CERTIFICATE = {"distributed.comm.tls.ca-file": "no/ca.pem", "distributed.comm.tls.client.cert": "no/client.pem"}


@pytest.mark.parametrize(
    ("address", "given", "expected"),
    [
        ("tls://127.0.0.1:9", {}, "names no certificates"),
        ("tls://127.0.0.1:9", {"distributed.comm.tls.ca-file": "no/ca.pem"}, "names no certificates"),
        ("tls://127.0.0.1:9", CERTIFICATE, "certificates that Dask's configuration names can't be used"),
        ("tcp://127.0.0.1:9", {"distributed.comm.require-encryption": True}, "requires encryption"),
        ("127.0.0.1:9", {"distributed.comm.require-encryption": True}, "requires encryption"),
    ],
)
def test_a_configuration_that_does_not_suit_is_told_at_once(address: str, given: Any, expected: str) -> None:
    import dask

    with dask.config.set(given), pytest.raises(UsageError, match=expected) as caught:
        connect(address)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [OSError("Timed out"), ValueError("no scheme"), RuntimeError("no"), TypeError("no"), AssertionError("short")],
)
def test_whatever_keeps_dask_from_connecting_is_told_in_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*arguments: Any, **named: Any) -> Any:
        raise error

    monkeypatch.setattr(cluster_connection, "_Client", refuses)
    with pytest.raises(
        UsageError, match=f"No Dask scheduler answers at this address .*{type(error).__name__}: {error}"
    ):
        connect("tcp://127.0.0.1:9")


@pytest.mark.slow
@pytest.mark.parametrize("address", ["gopher://x:1", "tls://127.0.0.1:9"])
def test_a_command_that_can_not_connect_ends_in_one_line(address: str, tmp_path: Path) -> None:
    """At the process's end too: a client that never began would complain then."""
    words = ["--space", "compact8k", "--data", "digits", "--out", str(tmp_path / "run"), "--scheduler", address]
    done = mnist_tune(words, {"DASK_CONFIG": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"Received: --scheduler {address}" in line
    assert not (tmp_path / "run").exists()
