"""The connection to a Dask scheduler: making and securing it, and recognising its loss. `cluster` sends over it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import distributed
from distributed.client import ClosedClientError
from distributed.comm.core import FatalCommClosedError

from tuner.core.errors import RunFailed, UsageError
from tuner.core.failures import reason

_CONNECT_S = 20
_LOST_AFTER_S = 60.0
_WHERE = "See docs/cluster.md, Encryption."


@dataclass
class Connection:
    """To a scheduler, from its first answer on.

    Args:
        address: the scheduler's, such as tcp://10.0.0.1:8786 or tls://….

    Raises:
        UsageError: where none answers, or not to this machine.
    """

    address: str
    client: Any = field(init=False)
    """Dask's, untyped. One that has lost its scheduler looks for it again, and closes itself in the end."""
    _last_seen: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.client = connect(self.address)

    @property
    def alive(self) -> bool:
        """Return whether the client is connected, as far as it knows."""
        comm = self.client.scheduler_comm
        return bool(self.client.status == "running" and comm is not None and not comm.closed())

    def check(self) -> None:
        """To be called now and then.

        Raises:
            RunFailed: where the scheduler has been away for a minute.
        """
        if self.alive:
            self._last_seen = time.monotonic()
        elif time.monotonic() > self._last_seen + _LOST_AFTER_S:
            raise RunFailed(
                f"The cluster's scheduler at {self.address} is gone. Start it again, and go on with the run (--resume)."
            )

    @contextlib.contextmanager
    def may_break(self) -> Iterator[None]:
        """Return what is done within ends silently where a connection breaks; any other error is raised."""
        try:
            yield
        except (OSError, RuntimeError, ClosedClientError) as error:
            if self.alive and not is_broken_connection(error):
                raise


def is_broken_connection(error: BaseException) -> bool:
    """Return whether an error is of a connection, this one or one between the cluster's machines: what was asked may be asked again.

    Dask's own errors of this kind are without a number of the system's.
    """
    return isinstance(error, ConnectionError | TimeoutError) or (isinstance(error, OSError) and error.errno is None)


class _Client(distributed.Client):
    """Dask's, ended where it can't begin: else it complains with a traceback when Python ends."""

    def start(self, **kwargs: Any) -> None:
        itself: Any = super()  # Dask's methods have no types
        try:
            itself.start(**kwargs)
        except BaseException:
            itself.close()
            raise


def connect(address: str) -> Any:
    """Return a client of a scheduler (Dask's, untyped), secured as Dask's own configuration says.

    Raises:
        UsageError: where none answers, or not to this machine.
    """
    # Dask's own log repeats the error that is reported here in one line.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    _check_security(address)
    make: Any = _Client  # its constructor has no types
    try:
        return make(address, timeout=_CONNECT_S, set_as_default=False, name="mnist-tune")
    except FatalCommClosedError as error:
        raise UsageError(
            f"This machine and the scheduler don't accept each other's certificates ({reason(error)}). Expected both of "
            f"one authority (distributed.comm.tls of Dask's configuration). Received: --scheduler {address}. {_WHERE}"
        ) from error
    # Dask raises AssertionError if a time limit in its configuration is too short.
    except (OSError, ValueError, RuntimeError, TypeError, AssertionError) as error:
        raise UsageError(
            f"No Dask scheduler answers at this address ({reason(error)}). Expected one such as tcp://10.0.0.1:8786, or "
            f"tls://10.0.0.1:8786 where it is encrypted. Received: --scheduler {address}"
        ) from error


def _check_security(address: str) -> None:
    """Reject an address that doesn't fit this machine's Dask configuration."""
    try:
        make: Any = distributed.Security  # its constructor has no types
        given = make().get_connection_args("client")
    except OSError as error:
        raise UsageError(
            f"The certificates that Dask's configuration names can't be used ({reason(error)}). Expected ca-file, "
            f"client.cert and client.key of distributed.comm.tls to be PEM files. {_WHERE}"
        ) from error
    encrypted = address.startswith("tls://")
    if encrypted and given["ssl_context"] is None:
        raise UsageError(
            "Dask's configuration here names no certificates. Expected ca-file, client.cert and client.key in "
            f"distributed.comm.tls. Received: --scheduler {address}. {_WHERE}"
        )
    if given["require_encryption"] and not encrypted:
        raise UsageError(
            "Dask's configuration here requires encryption (distributed.comm.require-encryption). Expected an address "
            f"that begins with tls://. Received: --scheduler {address}"
        )
