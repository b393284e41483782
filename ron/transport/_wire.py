"""What both colours of wire know about the call that is on them. Nothing here may do I/O.

A wire is the network under one lane: httpcore's backend and its stream in one object, so that it knows the call it
serves. It is the only one who does: the deadline, whether a byte of the request can have left, what was read.
"""

from __future__ import annotations

import math
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any, Optional, Union

from ron._values import Failure
from ron.transport._framing import Meter

if TYPE_CHECKING:
    from ron.transport._site import Site

__all__ = ["CLIENT_CLOSED", "CLOSED", "FORKED", "HIGH_WATER", "SLICE", "Wire", "addresses", "share"]

CLOSED = "the connection was closed on this side"
#: Why a call that was under way has failed.
CLIENT_CLOSED = "the client was closed while the call was under way"
FORKED = "the connection belongs to the process that this one was forked off"

#: Unread bytes that may pile up on this side before the node is made to wait.
HIGH_WATER = 256 * 1024
#: One write: large enough for few calls, small enough that ``write_timeout`` bounds progress and not the whole upload.
SLICE = 64 * 1024

_STEPS = {
    "dns": "the host's name could not be resolved",
    "connect": "the connection could not be made",
    "tls": "the TLS handshake did not succeed",
}


class Wire:
    """The state of one connection and of the call on it. Times are absolute, on the clock that waits.

    Attributes:
        peer: ``host:port``, for messages.
        pid: the process that the connection belongs to.
        deadline: when the call must be over.
        read_timeout: seconds that one read may wait.
        sent: whether a byte of the call's request can have left.
        active: whether the call has touched the network at all (a mock of httpcore's connection doesn't).
        received: whether a byte of the answer came.
        ended: whether the node has ended the connection, in order or not.
        read_out: whether the parser was told of that end.
        meter: tells whether exactly one answer was read.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.pid = os.getpid()
        self.peer = site.peer
        self.deadline = math.inf
        self.read_timeout = site.read_timeout
        self.sent = self.active = self.received = self.ended = self.read_out = False
        self.meter = Meter()
        self._closed: Union[str, Failure, None] = None
        self._connect_by = math.inf
        self._write_failed = False

    def begin(self, deadline: float) -> None:
        """A new call begins, to be over by ``deadline``."""
        self.deadline = deadline
        self.sent = self.active = self.received = False
        self.meter = Meter()

    def begin_stream(self, read_timeout: Optional[float]) -> None:
        """The body of a stream has no deadline; one read of it waits for ``read_timeout`` seconds (None: for ever)."""
        self.deadline = math.inf
        self.read_timeout = math.inf if read_timeout is None else read_timeout

    def failure(self, kind: str, text: str, *, timed_out: bool = False, permanent: bool = False) -> Failure:
        """A ``Failure`` of this wire, with the truth about ``sent``."""
        return Failure(kind, f"{self.peer}: {text}", sent=self.sent, timed_out=timed_out, permanent=permanent)

    def closed_here(self) -> Failure:
        """What was under way when this side closed the wire ends with this, or with the failure it was closed for."""
        if isinstance(self._closed, Failure):
            return self._closed
        # A client that was closed does not come back: there is nothing to try again with.
        permanent = self._closed == CLIENT_CLOSED
        return self.failure("read" if self.sent else "connect", self._closed or CLOSED, permanent=permanent)

    def inherited(self) -> bool:
        """Whether the connection is the parent's: this process was forked off with it, and must not touch it."""
        return self.pid != os.getpid()

    def read_late(self) -> Failure:
        """The ``Failure`` for a read that passed its timeout or the deadline."""
        return self.failure("timeout", "no answer came in time", timed_out=True)

    def write_late(self) -> Failure:
        """The ``Failure`` for a write that passed its timeout or the deadline."""
        return self.failure("timeout", "the request could not be written in time", timed_out=True)

    def broken(self) -> Failure:
        """The ``Failure`` for a connection that did not end in order."""
        if self._write_failed:
            return self.failure("write", "the connection broke while the request was written")
        return self.failure("read", "the connection broke while the answer was read")

    def not_connected(self, step: str, error: Optional[BaseException]) -> Failure:
        """What it means that a step towards the connection failed, or (None) did not end in time.

        ``step`` is the kind of failure that it ends with when the exception tells nothing finer: "dns", "connect",
        "tls".
        """
        if isinstance(error, Failure):
            return error
        text = _STEPS[step]
        if error is None:
            return self.failure(step, f"{text} in time", timed_out=True)
        if isinstance(error, ssl.SSLCertVerificationError):
            text = (
                f"the node's certificate does not verify: {error.verify_message.rstrip('.')}; check the host in "
                "base_url, the node's certificate and verify="
            )
            return self.failure("certificate", text, permanent=True)
        if isinstance(error, ssl.SSLError):
            return self.failure(step, f"{text} ({error.reason or 'the node broke it off'})")
        if isinstance(error, OSError) and error.errno and step != "dns":
            return self.failure(step, f"{text} ({os.strerror(error.errno)})")
        return self.failure(step, text)


def addresses(host: str, port: int, *, literal: bool) -> list[tuple[Any, ...]]:
    """``getaddrinfo`` for a stream socket. ``literal``: only if the host is an address already; otherwise nothing."""
    try:
        flags = socket.AI_NUMERICHOST if literal else 0
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))
    except (OSError, UnicodeError):
        if literal:
            return []
        raise


def share(now: float, limit: float, addresses_left: int) -> float:
    """Until when one of a host's addresses may be tried, so that a dead one leaves time for the others."""
    return now + max(0.0, limit - now) / addresses_left
