"""The knobs of the reference node, as one frozen value; a test replaces the whole value at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from typing_extensions import Literal

Dialect = Literal["gateway", "omnigate", "documents", "text", "empty"]
Role = Literal["gateway", "micronode", "omnigate"]
Readiness = Literal["ready", "not ready", "busy", "timeout"]


@dataclass(frozen=True)
class Knobs:
    """How the node behaves until the next `configure()` or `reset()`.

    The defaults are those of a healthy svc-gateway in front of a service that streams. A stream
    reads the knobs once, when it opens.
    """

    role: Role = "gateway"
    """Whose health and version answers are given: text, or omnigate's JSON."""
    ready: Readiness = "ready"
    ready_retry_after: Optional[str] = None
    """The `Retry-After` of an unready answer; omnigate always sends its own `3`."""
    dialect: Dialect = "gateway"
    """The form of the node's own errors."""
    mirror_ids: bool = True
    """Whether `x-request-id` and `x-correlation-id` come back; facets may carry neither."""

    require_token: Optional[str] = None
    scheme: Literal["Bearer", "Macro"] = "Bearer"
    """The only `Authorization` scheme that is read; a micronode treats `Bearer` as absent."""

    idempotent: bool = False
    """Whether a POST with a known `Idempotency-Key` gets the stored answer again."""
    numbers: bool = False
    """Whether strings that look like a u64 are sent as JSON numbers, as nodes mostly do."""
    keep_encoding: bool = False
    """Whether keys keep their percent-encoding on the way in; the gateway decodes them."""

    heartbeat: Optional[float] = None
    """Seconds between heartbeat comments on an idle stream."""
    retry_ms: Optional[int] = None
    """The `retry:` field that opens a stream."""
    no_ids: bool = False
    """Whether events come without `id:`, as those of registry's stream do."""
    expire: Optional[int] = None
    """How many changes of a collection the log keeps for resuming; None keeps all."""
    end_after: Optional[int] = None
    """The number of events after which a stream ends."""
    stream_204: bool = False
    """Whether opening a stream is answered 204, which tells a client to stop reconnecting."""
    buffer_streams: bool = False
    """Whether nothing arrives before the stream ends, as behind gateway and micronode proxies."""
    deleted_whole: bool = False
    """Whether a `deleted` event carries the last document instead of the key alone."""
