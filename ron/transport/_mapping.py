"""What ends a call on a lane, said as a ``Failure`` or passed on bare. Nothing here may do I/O.

The wires raise ``Failure`` themselves. What is left are the few exceptions of httpcore's own, and those that a mock
(respx) raises in its place: httpcore's, httpx's, or httpx2's, which have the same names. None of their texts is used:
they may quote a header or the payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional

from ron._values import Failure

if TYPE_CHECKING:
    from ron.transport._wire import Wire

__all__ = ["bare", "settle"]


class _Meaning(NamedTuple):
    kind: str
    text: str
    never_sent: bool = False
    timed_out: bool = False


_NO_CONNECTION = "the connection could not be made"
_NOT_HTTP = "the answer is not HTTP/1.1"
_MEANINGS = {
    "ConnectError": _Meaning("connect", _NO_CONNECTION, never_sent=True),
    "ConnectTimeout": _Meaning("connect", _NO_CONNECTION, never_sent=True, timed_out=True),
    "PoolTimeout": _Meaning("timeout", "no connection became free in time", never_sent=True, timed_out=True),
    "ReadTimeout": _Meaning("timeout", "no answer came in time", timed_out=True),
    "WriteTimeout": _Meaning("timeout", "the request could not be written in time", timed_out=True),
    "TimeoutException": _Meaning("timeout", "a timeout passed", timed_out=True),
    "ReadError": _Meaning("read", "the connection broke while the answer was read"),
    "WriteError": _Meaning("write", "the connection broke while the request was written"),
    "NetworkError": _Meaning("read", "the connection broke"),
    "ProxyError": _Meaning("connect", "the proxy did not make the connection"),
    "LocalProtocolError": _Meaning("protocol", "the request is not valid HTTP/1.1", never_sent=True),
    "RemoteProtocolError": _Meaning("protocol", _NOT_HTTP),
    "ProtocolError": _Meaning("protocol", _NOT_HTTP),
    "UnsupportedProtocol": _Meaning("protocol", "the scheme is not supported", never_sent=True),
    "DecodingError": _Meaning("encoding", "the content coding of the answer is damaged"),
    "RequestError": _Meaning("protocol", "the request failed"),
}
_LIBRARIES = frozenset({"httpcore", "httpx", "httpx2", "httpcore2"})


def settle(error: BaseException, wire: Wire, *, reading: bool) -> BaseException:
    """What a call ends with: a ``Failure``, or ``error`` itself if it is no failure of the network (a cancellation).

    Either way without traceback, cause and context, whose frames hold the request. ``reading`` says that the head of
    the answer had arrived.
    """
    if not isinstance(error, Failure):
        meaning = _meaning(error)
        if meaning is None:
            return bare(error)
        error = _failure(meaning, wire, reading)
    return bare(error)


def bare(error: BaseException) -> BaseException:
    """The exception without the frames and the chain that it came with."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _meaning(error: BaseException) -> Optional[_Meaning]:
    for cls in type(error).__mro__:
        if cls.__module__.partition(".")[0] in _LIBRARIES and cls.__name__ in _MEANINGS:
            return _MEANINGS[cls.__name__]
    # A mock may raise what a socket would.
    return _MEANINGS["NetworkError"] if isinstance(error, OSError) else None


def _failure(meaning: _Meaning, wire: Wire, reading: bool) -> Failure:
    kind, text = meaning.kind, meaning.text
    if meaning is _MEANINGS["RemoteProtocolError"] and wire.read_out:
        # The parser calls it a protocol error that the connection ended where an answer does not.
        kind, text = "truncated", "the connection ended in the middle of the answer"
        if not (reading or wire.received):
            kind, text = "read", "the node closed the connection without an answer"
    # The wire knows best. Without any activity on it, the exception was not raised by a connection.
    sent = wire.sent if wire.active else not meaning.never_sent
    return Failure(kind, f"{wire.peer}: {text}", sent=sent, timed_out=meaning.timed_out)
