"""Answers kept by ``Idempotency-Key``, for resources whose service honours it. No I/O here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Optional

from ._answers import problem

if TYPE_CHECKING:
    from .._values import Reply
    from ._received import Received

__all__ = ["Remembered"]

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Remembered:
    """What was answered to each key. Only what was carried out is kept: a refusal changed nothing."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[str, Reply]] = {}

    def recall(self, service: str, request: Received) -> Optional[Reply]:
        """The answer that this key got before; 422 if it was another request that had it."""
        key = request.header("idempotency-key")
        if key is None or request.method not in WRITES:
            return None
        known = self._answers.get((service, key))
        if known is None:
            return None
        asked, reply = known
        if asked != _digest(request):
            return problem(422, "this Idempotency-Key came with another request", "idempotency_key_reused")
        return reply

    def keep(self, service: str, request: Received, reply: Reply) -> None:
        """Keeps the answer to a write that was carried out."""
        key = request.header("idempotency-key")
        if key is not None and request.method in WRITES and 200 <= reply.status < 300:
            self._answers[service, key] = (_digest(request), reply)


def _digest(request: Received) -> str:
    head = f"{request.method} {request.path}\n".encode("ascii", "replace")
    return hashlib.sha256(head + request.body).hexdigest()
