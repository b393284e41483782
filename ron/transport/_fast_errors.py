"""What exceptions of pyreqwest mean: each becomes a ``Failure``. Nothing here may do I/O.

Its classes alone don't tell: a head that comes too late is a ``ConnectTimeoutError`` there. The chain of causes does,
whose texts come from hyper; what they say is never passed on, for they quote the URL. Only an error of hyper's
connector counts as "not sent"; a text that is not known counts as "maybe sent".
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from pyreqwest import exceptions as of

from ron._values import Failure
from ron.transport._mapping import bare
from ron.transport._wire import CLIENT_CLOSED

if TYPE_CHECKING:
    from ron.transport._fast_site import FastSite

__all__ = ["failure_of"]

_CONNECTING = "client error (Connect)"
_ERRNO = re.compile(r"\(os error ([0-9]{1,3})\)$")
_CERTIFICATE = "invalid peer certificate"
_CERTIFICATE_REASONS = {
    "UnknownIssuer": "its issuer is not trusted",
    "not valid for name": "it is for another host",
    "NotValidForName": "it is for another host",
    "expired": "it has expired",
    "Expired": "it has expired",
    "not valid yet": "it is not valid yet",
    "NotValidYet": "it is not valid yet",
    "Revoked": "it was revoked",
}
_CUT_SHORT = ("end of file before message length reached", "unexpected EOF", "connection closed before message")
_LATE = "no answer came in time"


def failure_of(error: Exception, site: FastSite, *, reading: bool) -> Failure:
    """The ``Failure`` that says what ``error`` means. ``reading``: the head had arrived."""
    if isinstance(error, Failure):
        bare(error)
        return error
    kind, text, flags = _meaning(error, _causes(error), site.https, reading)
    return Failure(kind, f"{site.peer}: {text}", **{"sent": True, **flags})


def _causes(error: Exception) -> list[str]:
    details = getattr(error, "details", None) or {}
    return [str(cause.get("message", "")) for cause in details.get("causes") or ()]


def _meaning(error: Exception, causes: list[str], https: bool, reading: bool) -> tuple[str, str, dict[str, Any]]:
    late = {"timed_out": True}
    if isinstance(error, of.PoolTimeoutError):
        return "timeout", "none of max_concurrency= connections became free in time", {"sent": False, **late}
    if _CONNECTING in causes:
        return _not_connected(error, causes, https)
    if isinstance(error, of.RequestTimeoutError):
        return "timeout", _LATE, late
    if isinstance(error, of.ClientClosedError):
        return "read", CLIENT_CLOSED, {"permanent": True}
    if isinstance(error, of.BuilderError):
        return "protocol", "pyreqwest can't send this request", {"sent": False, "permanent": True}
    if isinstance(error, of.WriteError):
        return "write", "the connection broke while the request was written", {}
    if any(known in cause for cause in causes for known in _CUT_SHORT):
        if reading or "error reading a body from connection" in causes:
            return "truncated", "the connection ended in the middle of the answer", {}
        return "read", "the node closed the connection without an answer", {}
    if isinstance(error, of.NetworkError):
        return "read", "the connection broke while the answer was read", {}
    if isinstance(error, of.DecodeError):
        return "protocol", "the answer is not HTTP/1.1", {}
    return "protocol", f"pyreqwest failed with {type(error).__name__}", {}


def _not_connected(error: Exception, causes: list[str], https: bool) -> tuple[str, str, dict[str, Any]]:
    if isinstance(error, of.RequestTimeoutError):
        return "connect", "the connection could not be made in time", {"sent": False, "timed_out": True}
    if "dns error" in causes:
        return "dns", "the host's name could not be resolved", {"sent": False}
    last = causes[-1]
    if last.startswith(_CERTIFICATE):
        known = (text for word, text in _CERTIFICATE_REASONS.items() if word in last)
        reason = next(known, "rustls refuses it")
        text = (
            f"the node's certificate does not verify: {reason}; check the host in base_url, the node's certificate and "
            "the authorities of the system or SSL_CERT_FILE"
        )
        return "certificate", text, {"sent": False, "permanent": True}
    if https and "tcp connect error" not in causes:
        return "tls", "the TLS handshake did not succeed", {"sent": False}
    errno = _ERRNO.search(last)
    reason = f" ({os.strerror(int(errno[1]))})" if errno else ""
    return "connect", f"the connection could not be made{reason}", {"sent": False}
