"""``Explanation``: the request that a call would send, redacted. Nothing here may do I/O."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from .._html import cell, pairs_table
from .._values import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._plan import Plan
    from .._url import BaseURL
    from .._values import Exchange

__all__ = ["FRESH", "Explanation", "explanation", "nothing_to_send"]

#: stands where each call has an id or a key of its own
FRESH = "(made for each call)"
HIDDEN = "**********"
MAX_BODY = 2000
_SECRET = re.compile(r"auth|cookie|credential|key|passw|secret|session|signature|token", re.IGNORECASE)
_OPEN = frozenset({"idempotency-key"})


@dataclass(frozen=True, repr=False)
class Explanation:
    """The first request that a call would send; nothing was sent.

    Attributes:
        call: what was explained, such as ``Item.get``.
        method: the HTTP method; ``""`` where the call would send nothing.
        url: where it would go; without the host for a node in the process.
        headers: its fields; the token and whatever else sounds like a secret are hidden, and so are the token's traces
            elsewhere. Middleware's ``before`` was not asked: what it would add is missing, and ``note`` says so.
        body: the JSON text; None without one.
        repeatable: whether it may be sent again although it may have reached the node (docs/reliability.md).
        conditional: whether it carries ``If-Match``.
        idempotency_key: the key of all its attempts; None without one.
        max_retries: how often it may be sent again.
        timeout: seconds for the whole call, all attempts and waits included.
        note: what else the call does; ``""`` if nothing.
    """

    call: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Optional[str]
    repeatable: bool
    conditional: bool
    idempotency_key: Optional[str]
    max_retries: int
    timeout: float
    note: str

    @property
    def json(self) -> Any:
        """The body's value; None without a body."""
        return None if self.body is None else json.loads(self.body)

    @property
    def repeats(self) -> str:
        """When it would be sent again, as a sentence."""
        if not self.method:
            return "nothing is sent"
        if not self.max_retries:
            return "never sent again"
        often = f"sent again up to {self.max_retries} times"
        if not self.repeatable:
            return (
                f"{often}, but only while it cannot have reached the node; to repeat a lost {self.method} too, give "
                "idempotency_key=True or declare idempotent=True, if the service honours keys"
            )
        reason = f"{self.method} is idempotent"
        if self.method in ("POST", "PATCH"):
            reason = "If-Match lets only one of them through" if self.conditional else "its idempotency key counts"
        return f"{often}, also after a lost answer, 408, 425, 429, 500, 502, 503 or 504: {reason}"

    def __str__(self) -> str:
        if not self.method:
            return f"{self.call}: {self.note}"
        lines = [f"{self.method} {self.url}", *(f"{name}: {value}" for name, value in self.headers.items())]
        if self.body is not None:
            lines += ["", cell(self.body, MAX_BODY)]
        lines += ["", f"repeats: {self.repeats}", f"deadline: {self.timeout:g} s"]
        return "\n".join([*lines, f"note: {self.note}"] if self.note else lines)

    def __repr__(self) -> str:
        if not self.method:
            return f"<Explanation of {self.call}: nothing to send>"
        size = "" if self.body is None else f", {len(self.body)} characters of JSON"
        return f"<Explanation of {self.call}: {self.method} {cell(self.url)}{size}>"

    def _repr_html_(self) -> str:
        if not self.method:
            return pairs_table(self.call, [("note", self.note)])
        pairs = [
            ("request", f"{self.method} {self.url}"),
            ("headers", "\n".join(f"{name}: {value}" for name, value in self.headers.items())),
        ]
        pairs += [] if self.body is None else [("body", cell(self.body, MAX_BODY))]
        pairs += [("repeats", self.repeats), ("deadline", f"{self.timeout:g} s")]
        return pairs_table(self.call, [*pairs, ("note", self.note)] if self.note else pairs)


def explanation(call: str, client: Any, plan: Plan, exchange: Exchange, note: str) -> Explanation:
    """What an exchange is, seen from outside; ``exchange.deadline`` counts from 0."""
    session, credential = client._session, client._session.credential
    sent = Reply(200, (*exchange.headers, (b"target", exchange.target)), exchange.body)
    if credential is not None:
        sent = credential.scrub(sent)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent.headers}
    target = headers.pop("target")
    shown = {name: _hidden(name, value) for name, value in headers.items()}
    if credential is not None or session.renewable:
        shown["Authorization"] = f"{client.config.auth_scheme} {HIDDEN}"
    return Explanation(
        call=call,
        method=exchange.method,
        url=f"{_origin(client._parts.url)}{target}",
        headers=shown,
        body=sent.body.decode("utf-8") if sent.body else None,
        repeatable=plan.repeatable,
        conditional=plan.conditional,
        idempotency_key=headers.get("Idempotency-Key"),  # as scrubbed as the field
        max_retries=session.max_retries if plan.max_retries is None else plan.max_retries,
        timeout=exchange.deadline,
        note=note,
    )


def nothing_to_send(call: str) -> Explanation:
    """What there is to say of a call that would send nothing."""
    return Explanation(call, "", "", {}, None, False, False, None, 0, 0.0, "nothing would be sent: nothing has changed")


def _origin(url: Optional[BaseURL]) -> str:
    """Scheme, host, and a port that the scheme doesn't imply; ``""`` for a node in the process."""
    if url is None:
        return ""
    text = str(url._replace(path=""))
    return text.rpartition(":")[0] if (url.scheme, url.port) in (("https", 443), ("http", 80)) else text


def _hidden(name: str, value: str) -> str:
    return HIDDEN if _SECRET.search(name) and name.lower() not in _OPEN else value
