"""Requests to a memory node as a transport gets them, without a client that keeps them tidy."""

from __future__ import annotations

import json as _json
from typing import Any, Optional

from pydantic import SecretStr

from ron._values import Credential, Exchange, Reply
from ron.testing import FakeClock, MemoryNode
from ron.transport import Endpoint

__all__ = ["ask", "endpoint", "exchange", "problem"]

JSON = {"Content-Type": "application/json"}


def endpoint(**limits: Any) -> Endpoint:
    """Where a memory node is: nowhere. `limits` are fields of the endpoint."""
    fields: dict[str, Any] = {
        "scheme": "http",
        "host": "memory",
        "port": 80,
        "connect_timeout": 1.0,
        "read_timeout": 1.0,
        "write_timeout": 1.0,
        "max_concurrency": 4,
        "max_streams": 4,
        "max_response_bytes": 1 << 20,
        "verify": True,
        "clock": FakeClock(),
        **limits,
    }
    return Endpoint(**fields)


def exchange(
    method: str,
    target: str,
    *,
    json: Any = None,
    body: bytes = b"",
    headers: Optional[dict[str, str]] = None,
    length: bool = True,
) -> Exchange:
    """A request; with a right Content-Length unless `length` says otherwise."""
    if json is not None:
        body = _json.dumps(json).encode("utf-8")
    fields = {**(JSON if body else {}), **(headers or {})}
    if length and (body or method not in ("GET", "HEAD", "OPTIONS")):
        fields.setdefault("Content-Length", str(len(body)))
    raw = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items())
    return Exchange(method, target.encode("latin-1"), raw, body, 60.0)


def ask(node: MemoryNode, method: str, target: str, *, token: Optional[str] = None, **request: Any) -> Reply:
    """The node's answer to a raw request."""
    credential = None if token is None else Credential("Bearer", SecretStr(token))
    return node.open_sync(endpoint()).send(exchange(method, target, **request), credential)


def problem(reply: Reply) -> tuple[int, str, str]:
    """Status, code and message of a Problem, which has the gateway's members and no others."""
    data = _json.loads(reply.body)
    assert {"code", "message", "retryable"} == set(data) - {"retry_after_ms"}
    return reply.status, data["code"], data["message"]
