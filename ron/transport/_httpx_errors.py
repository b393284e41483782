"""What exceptions of httpx, or of anything under it, mean: each becomes a ``Failure``. Nothing here
may do I/O.

Classes are looked up by name in the library that the user's object comes from, because httpx and
httpx2 have the same names for unrelated classes. No text of a foreign exception is passed on: it
may quote a header or a URL.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, TypeVar

from ron._values import Failure
from ron.transport._mapping import bare

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["failure_of"]

E = TypeVar("E", bound=BaseException)


class _Meaning(NamedTuple):
    kind: str
    detail: str
    sent: bool = True
    timed_out: bool = False
    permanent: bool = False


# The most specific class stands before its bases. Only what happens before a connection can be
# written to counts as "not sent": a pool that gave none, and a connection that was not made.
_MEANINGS = {
    "PoolTimeout": _Meaning("timeout", "no connection of the httpx pool became free in time", False, True),
    "ConnectTimeout": _Meaning("connect", "the connection was not made in time", False, True),
    "WriteTimeout": _Meaning("timeout", "the request could not be written in time", timed_out=True),
    "ReadTimeout": _Meaning("timeout", "nothing arrived in time", timed_out=True),
    "TimeoutException": _Meaning("timeout", "a timeout passed", timed_out=True),
    "ConnectError": _Meaning("connect", "the connection could not be made", False),
    "WriteError": _Meaning("write", "the request could not be written"),
    "ReadError": _Meaning("read", "the answer could not be read"),
    "NetworkError": _Meaning("read", "the connection failed"),
    "ProxyError": _Meaning("connect", "the proxy refused the connection"),
    "UnsupportedProtocol": _Meaning("protocol", "httpx does not speak this URL's scheme", permanent=True),
    "LocalProtocolError": _Meaning("protocol", "httpx could not send this request"),
    "RemoteProtocolError": _Meaning("protocol", "the answer is not HTTP, or there was none"),
    "DecodingError": _Meaning("encoding", "the answer's content coding is broken"),
}


def failure_of(error: Exception, library: Any, *, reading: bool) -> Failure:
    """The ``Failure`` that says what ``error`` means. ``reading``: the head had arrived."""
    if isinstance(error, Failure):
        bare(error)
        return error
    meaning = _meaning(error, library)
    certificate = _cause(error, ssl.SSLCertVerificationError)
    if certificate is not None:
        detail = (
            f"the node's certificate does not verify: {certificate.verify_message.rstrip('.')}; check the host in "
            "base_url, the node's certificate and what your httpx object trusts"
        )
        meaning = _Meaning("certificate", detail, meaning.sent, permanent=True)
    elif meaning.kind == "connect":
        meaning = _connecting(error, meaning)
    elif reading and isinstance(error, library.RemoteProtocolError):
        meaning = meaning._replace(kind="truncated", detail="the answer ended early, or its framing is broken")
    kind, detail, sent, timed_out, permanent = meaning
    return Failure(kind, detail, sent=sent, timed_out=timed_out, permanent=permanent)


def _meaning(error: Exception, library: Any) -> _Meaning:
    for name, meaning in _MEANINGS.items():
        if isinstance(error, getattr(library, name)):
            return meaning
    # Three classes up to Python 3.10, one since.
    if isinstance(error, (TimeoutError, asyncio.TimeoutError, socket.timeout)):
        return _MEANINGS["TimeoutException"]
    return _Meaning("protocol", f"the httpx transport failed with {type(error).__name__}")


def _connecting(error: Exception, meaning: _Meaning) -> _Meaning:
    """Says more about a connection that was not made: no address, no TLS, or errno."""
    if _cause(error, socket.gaierror) is not None:
        return meaning._replace(kind="dns", detail="the host's name could not be resolved")
    if _cause(error, ssl.SSLError) is not None:
        ended = "did not end in time" if meaning.timed_out else "failed"
        return meaning._replace(kind="tls", detail=f"the TLS handshake {ended}")
    system = next((each for each in _chain(error) if isinstance(each, OSError) and each.errno), None)
    if system is None or system.errno is None:
        return meaning
    return meaning._replace(detail=f"{meaning.detail} ({os.strerror(system.errno)})")


def _cause(error: BaseException, cls: type[E]) -> Optional[E]:
    return next((each for each in _chain(error) if isinstance(each, cls)), None)


def _chain(error: Optional[BaseException]) -> Iterator[BaseException]:
    """The exception and what it was raised from or in, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
