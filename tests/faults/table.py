"""What a cut must lead to, derived from the rules of retrying and from nothing that a transport does.

* A failure is *not sent* (before the request can have left) or *maybe sent*.
* Not sent: any call is repeated. Maybe sent: GET, PUT, DELETE, a write under ``If-Match``, and a write whose
  idempotency key is known to be honoured; nothing else.
* An answer that arrived whole is an answer, whatever becomes of its connection.
* A call that ends without an answer is ``RonNetworkError``; if it may have changed something,
  ``RonOutcomeUnknownError``.
* After an attempt that may have been carried out, a DELETE answered 404 is success, and a write under ``If-Match``
  answered 412 is ``RonOutcomeUnknownError``.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from ron.errors import RonError, RonNetworkError, RonOutcomeUnknownError
from tests.faults.calls import Call
from tests.faults.node import Cut

__all__ = ["Expected", "ends_itself", "expected", "is_whole"]

IDEMPOTENT = ("GET", "PUT", "DELETE")


class Expected(NamedTuple):
    """How a call ends: with ``error``, None for a result, after so many attempts."""

    error: Optional[type[RonError]]
    attempts: int


def expected(call: Call, *, whole: bool, sent: bool, carried_out: bool, every: bool, retries: int) -> Expected:
    """The end of a call whose first attempt, or (``every``) whose every attempt, is cut.

    Args:
        call: which one.
        whole: the answer had arrived whole before the cut.
        sent: the transport can't exclude that the request has left.
        carried_out: the request had arrived whole, and the node tells so when it comes again.
        every: see above; otherwise the second attempt is answered.
        retries: how many the client is allowed.
    """
    if whole:
        return Expected(None, 1)
    may_repeat = not sent or call.method in IDEMPOTENT or call.conditional or call.key_counts
    unknown = RonOutcomeUnknownError if sent and call.method != "GET" else RonNetworkError
    if not may_repeat:
        return Expected(unknown, 1)
    if every:
        return Expected(unknown, 1 + retries)
    if sent and carried_out and call.conditional:
        return Expected(RonOutcomeUnknownError, 2)
    return Expected(None, 2)


def is_whole(answer: bytes, cut: Cut) -> bool:
    """Whether that cut leaves the answer whole. Without a length and without chunks, only FIN says that it is."""
    if cut.way != "answer" or cut.at < len(answer):
        return False
    return ends_itself(answer) or cut.how == "fin"


def ends_itself(answer: bytes) -> bool:
    """Whether the answer says where it ends, by a length, by chunks, or by having no body (RFC 9112 §6.3)."""
    head = answer.partition(b"\r\n\r\n")[0]
    return b"Content-Length" in head or b"chunked" in head or head.startswith(b"HTTP/1.1 204")
