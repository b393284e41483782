"""The user's httpx object, and how an ``Exchange`` becomes a request of its library. Nothing here
may do I/O.

The library is the module that the object's class comes from (``httpx``, ``httpx2``, a fork):
whichever has the names that are needed. Wrappers of the user's own that inherit from none of them
are given httpx's classes.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ron._values import Failure
from ron.errors import RonConfigError

if TYPE_CHECKING:
    from ron._values import Credential, Exchange
    from ron.transport._protocol import Endpoint

__all__ = ["Guest", "Process", "detach", "forget", "forked", "library_of", "timeouts", "too_late"]

_NEEDED = ("Request", "ByteStream", "TransportError", "URL")


def library_of(obj: object) -> Any:
    """The module whose ``Request`` and exceptions belong to ``obj``."""
    for cls in type(obj).__mro__:
        module = sys.modules.get(cls.__module__.partition(".")[0])
        if module is not None and all(hasattr(module, name) for name in _NEEDED):
            return module
    import httpx

    return httpx


class Guest(NamedTuple):
    """What the user handed over: a client or a transport, and its library."""

    obj: Any
    is_client: bool
    library: Any

    def check_open(self) -> None:
        """Raises ``RonConfigError`` if the user's client is closed already."""
        if self.is_client and getattr(self.obj, "is_closed", False):
            raise RonConfigError(
                f"the {type(self.obj).__name__} given to HttpxTransport is closed: close it after "
                "the ron client, and give each ron client an open one"
            )

    def request(
        self,
        endpoint: Endpoint,
        exchange: Exchange,
        credential: Optional[Credential],
        limits: dict[str, Any],
    ) -> Any:
        """The request, its header fields exactly those of the exchange, ``Host`` and
        ``Authorization``.

        Raises ``Failure`` if httpx would not send the target as it stands (it is longer than 64
        KiB).
        """
        headers = [(b"Host", endpoint.authority.encode("ascii")), *exchange.headers]
        if credential is not None:
            headers.append(credential.header())
        request: Any = None
        try:
            url = self.library.URL(f"{endpoint.scheme}://{endpoint.authority}{exchange.target.decode('ascii')}")
            if url.raw_path == exchange.target:
                request = self.library.Request(
                    exchange.method,
                    url,
                    headers=headers,
                    content=exchange.body,
                    extensions={"timeout": limits},
                )
        except Exception:  # noqa: BLE001 - its text would quote the target
            request = None
        finally:
            del headers
        if request is None:
            raise Failure("protocol", "httpx can't send this target unchanged", sent=False, permanent=True)
        return request


def timeouts(endpoint: Endpoint, remaining: float) -> dict[str, Any]:
    """The four timeouts of httpx in seconds, none beyond what the deadline leaves."""
    return {
        "connect": min(endpoint.connect_timeout, remaining),
        "read": min(endpoint.read_timeout, remaining),
        "write": min(endpoint.write_timeout, remaining),
        "pool": remaining,
    }


def too_late(*, sent: bool) -> Failure:
    """The ``Failure`` of a call whose deadline passed."""
    return Failure("timeout", "the deadline passed", sent=sent, timed_out=True)


def forked() -> Failure:
    """The ``Failure`` of a stream that a forked child has inherited: its bytes are the parent's."""
    return Failure("read", "this stream belongs to the process that this one was forked off", sent=True)


def forget(request: Any) -> None:
    """Takes the token out of a request that failed: frames of its exception may keep it."""
    if request is not None:
        request.headers.pop("Authorization", None)


def detach(response: Any) -> None:
    """Lets go of the request, token and all, behind an answer that is kept (a client adds them)."""
    response.request = None
    response.next_request = None


class Process:
    """Where a channel was opened: sockets of another process are not ours to use."""

    __slots__ = ("_pid",)

    def __init__(self) -> None:
        self._pid = os.getpid()

    def left(self) -> bool:
        """Whether this is another process: a child that was forked off it."""
        return os.getpid() != self._pid

    def check(self) -> None:
        """Raises ``RonConfigError`` after a fork."""
        if self.left():
            raise RonConfigError(
                "this client was made before a fork: make the ron client, and the httpx object "
                "in its HttpxTransport, in the process that uses them"
            )
