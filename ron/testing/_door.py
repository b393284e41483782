"""What is checked before a route sees a request: framing, header fields, the token. No I/O here."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Optional

from pydantic import SecretStr

from ._answers import problem, text_reply

if TYPE_CHECKING:
    from .._values import Credential, Exchange, Reply
    from ._received import Received

__all__ = ["Door"]

MAX_BODY = 2 * 1024 * 1024
"""What passes through the gateway's ``/app``, in bytes."""
_METHODS = frozenset("GET HEAD OPTIONS POST PUT PATCH DELETE".split())
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
#: fields that a transport adds or that the client may never send
_NOT_OURS = ("host", "authorization", "transfer-encoding", "connection")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,64}")


class Door:
    """Stands before all routes."""

    def __init__(self, token: Optional[SecretStr]) -> None:
        self._token = token

    def refusal(self, exchange: Exchange, request: Received, credential: Optional[Credential]) -> Optional[Reply]:
        """The answer to a request that must not pass, None to one that may."""
        return (
            _malformed(exchange) or _misframed(request) or self._unauthorized(request, credential) or _bad_key(request)
        )

    def _unauthorized(self, request: Received, credential: Optional[Credential]) -> Optional[Reply]:
        gated = request.path.startswith(("/app/", "/facets/")) and request.path != "/facets/meta"
        if self._token is None or not gated:
            return None
        if credential is not None:
            sent = credential.header()[1].partition(b" ")[2]
            if hmac.compare_digest(sent, self._token.get_secret_value().encode("ascii")):
                return None
        return problem(401, "the capability is missing or not valid")


def _malformed(exchange: Exchange) -> Optional[Reply]:
    """400 for what a server's HTTP parser would refuse."""
    if exchange.method not in _METHODS:
        return problem(400, "the method is none that is known")
    for name, value in exchange.headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            return problem(400, "a header field is malformed (RFC 9110, 5.5)")
        if name.decode("ascii").lower() in _NOT_OURS:
            return problem(400, f"header {name.decode('ascii')!r} may not be given")
    names = [name.lower() for name, _ in exchange.headers]
    if names.count(b"content-length") > 1:
        return problem(400, "Content-Length is given twice")
    return None


def _misframed(request: Received) -> Optional[Reply]:
    length = request.header("content-length")
    if length is None and (request.body or request.method in _WITH_BODY):
        return problem(411, "Content-Length is required", "length_required")
    if length is not None and length != str(len(request.body)):
        return problem(400, "Content-Length is not the length of the body")
    if request.header("content-encoding") not in (None, "identity"):
        return problem(415, "compressed bodies are not accepted", "unsupported_encoding")
    if len(request.body) > MAX_BODY:
        return text_reply("length limit exceeded", 413)
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if request.body and media_type != "application/json":
        return problem(415, "Content-Type must be application/json", "unsupported_media_type")
    return None


def _bad_key(request: Received) -> Optional[Reply]:
    key = request.header("idempotency-key")
    if key is None or _IDEMPOTENCY_KEY.fullmatch(key):
        return None
    return problem(400, "an Idempotency-Key is 1 to 64 printable ASCII characters")
