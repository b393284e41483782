"""The flows of untyped calls: what ``client.get(...)`` and its kin do, once for both clients. Nothing here may do
I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional, Union

from ._decode import decode_plain
from ._flow import perform
from ._plan import checked_key, plain_plan
from ._values import UNSET
from .errors import RonParseError

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._effects import Effect
    from ._session import Session

__all__ = ["HealthReport", "health", "node_metrics", "plain_call"]

ANY_STATUS = frozenset(range(200, 600)) - {401, 403}
MAX_TEXT = 500


@dataclass(frozen=True)
class HealthReport:
    """What ``/healthz`` or ``/readyz`` said (protocol.md "Reaching the app plane").

    Attributes:
        ok: whether the status was 2xx and a JSON body did not say otherwise.
        status: the HTTP status.
        text: the body's text, at most 500 characters.
        details: the body's members where it is a JSON object (omnigate, macronode), else empty.
    """

    ok: bool
    status: int
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.ok


def plain_call(
    session: Session,
    method: str,
    path: str,
    *,
    json: Any = UNSET,
    query: Optional[Mapping[str, Any]] = None,
    headers: Optional[Mapping[str, str]] = None,
    timeout: Optional[float] = None,
    idempotency_key: Union[str, bool, None] = None,
) -> Generator[Effect, Any, Any]:
    """Sends one untyped request; the result is the answer's JSON value, None for an empty body."""
    plan = plain_plan(
        method,
        path,
        json=json,
        query=query,
        headers=headers,
        timeout=timeout,
        key=checked_key(idempotency_key, session.new_id),
    )
    return decode_plain((yield from perform(session, plan)))


def health(session: Session, path: str, timeout: Optional[float]) -> Generator[Effect, Any, HealthReport]:
    """Asks ``/healthz`` or ``/readyz``. Any status is a report, not an error; 401 and 403 are errors."""
    plan = plain_plan("GET", path, headers={"Accept": "*/*"}, timeout=timeout, accept=ANY_STATUS)
    answer = yield from perform(session, plan)
    details: Mapping[str, Any] = {}
    try:
        value = decode_plain(answer)
        details = value if isinstance(value, dict) else {}
    except RonParseError:
        pass  # most nodes answer in plain text
    text = answer.reply.body[: MAX_TEXT * 4].decode("utf-8", "replace").strip()[:MAX_TEXT]
    status = answer.reply.status
    said_no = details.get("ready") is False or details.get("ok") is False
    return HealthReport(200 <= status < 300 and not said_no, status, text, details)


def node_metrics(session: Session, timeout: Optional[float]) -> Generator[Effect, Any, str]:
    """The node's ``/metrics``, as the Prometheus text it is."""
    plan = plain_plan("GET", "/metrics", headers={"Accept": "text/plain"}, timeout=timeout)
    answer = yield from perform(session, plan)
    text: str = answer.reply.body.decode("utf-8", "replace")
    return text
