"""The seam: what ``ron`` asks of a transport, in values of its own. No type of another library stands here.

A user hands over a *transport* (``Transport``): something that, told where the node is (``Endpoint``), opens a
channel of the client's colour. A channel sends exchanges and opens streams; that is all it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Optional, Protocol, Union

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from .._clock import Clock
    from .._values import Credential, Exchange, Reply

__all__ = [
    "AsyncChannel",
    "AsyncReplyStream",
    "Capabilities",
    "Endpoint",
    "SyncChannel",
    "SyncReplyStream",
    "TlsInfo",
    "Transport",
]


@dataclass(frozen=True)
class Capabilities:
    """What a transport can promise; the conformance suite skips exactly what is False here.

    Attributes:
        deadline: a call returns by its deadline whatever the node does (a dribbled byte at a time included).
        not_sent: a failure tells whether the request can have left; without it every failure is "maybe sent".
        surplus_check: bytes after the end of an answer never become the next request's answer.
        stream_close: closing a stream closes its connection at once.
        tls_info: the negotiated TLS parameters can be told; its channels then have
            ``tls_info() -> Optional[TlsInfo]``, None while no TLS connection was made.
        cancel: a call that is cancelled (async) or whose client is closed closes its connection at once.
    """

    deadline: bool
    not_sent: bool
    surplus_check: bool
    stream_close: bool
    tls_info: bool
    cancel: bool = True


class TlsInfo(NamedTuple):
    """What a TLS handshake agreed on; None for what the engine doesn't tell.

    ``protocol`` such as ``TLSv1.3``, ``cipher`` the suite's name, ``group`` the key exchange's (Python tells it from
    3.15 on, built with OpenSSL 3.2 or newer).
    """

    protocol: Optional[str]
    cipher: Optional[str]
    group: Optional[str]


@dataclass(frozen=True)
class Endpoint:
    """Where the node is, and the bounds within which a channel talks to it. Times are in seconds.

    ``host`` is without brackets; ``scheme`` is ``http`` or ``https``. ``verify`` is True (system trust store), the
    path of a CA bundle (PEM), or an ``ssl.SSLContext``.
    """

    scheme: str
    host: str
    port: int
    connect_timeout: float
    read_timeout: float
    write_timeout: float
    max_concurrency: int
    max_streams: int
    max_response_bytes: int
    verify: Union[bool, str, ssl.SSLContext]
    clock: Clock

    @property
    def authority(self) -> str:
        """The ``Host`` field's value: brackets around IPv6, no default port (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


class AsyncReplyStream(Protocol):
    """An answer whose body is read as it comes. The head has arrived when one exists."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]

    async def read(self, timeout: Optional[float]) -> bytes:
        """The next bytes, content coding removed; ``b""`` at the end.

        Raises ``Failure``; ``kind="timeout"`` when nothing came for ``timeout`` seconds (None: wait for ever).
        """
        ...

    async def aclose(self) -> None:
        """Closes the connection under the stream. Idempotent; never raises."""
        ...


class AsyncChannel(Protocol):
    """One client's way to one node, async. Raises nothing but ``Failure``, ``RonConfigError`` and cancellation."""

    async def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """Sends one request and reads its whole answer, by ``exchange.deadline``."""
        ...

    async def stream(self, exchange: Exchange, credential: Optional[Credential]) -> AsyncReplyStream:
        """Sends one request and reads the head of its answer by ``exchange.deadline``; the body has no deadline.

        Streams use connections of their own, outside ``max_concurrency``, at most ``max_streams`` at once.
        """
        ...

    async def aclose(self) -> None:
        """Closes everything promptly. Idempotent."""
        ...


class SyncReplyStream(Protocol):
    """``AsyncReplyStream`` for threads; ``close()`` may be called from another thread and wakes ``read``."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]

    def read(self, timeout: Optional[float]) -> bytes:
        """See ``AsyncReplyStream.read``."""
        ...

    def close(self) -> None:
        """See ``AsyncReplyStream.aclose``."""
        ...


class SyncChannel(Protocol):
    """``AsyncChannel`` for threads; safe to use from many at once."""

    def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``AsyncChannel.send``."""
        ...

    def stream(self, exchange: Exchange, credential: Optional[Credential]) -> SyncReplyStream:
        """See ``AsyncChannel.stream``."""
        ...

    def close(self) -> None:
        """See ``AsyncChannel.aclose``."""
        ...


class Transport(Protocol):
    """What ``RonClient(transport=...)`` takes. Opens a channel when the client is made; opens no connection then.

    ``needs_url`` is False for a transport that is the node itself (``MemoryNode``, an ASGI app): the client then needs
    no base URL and no opt-in to plain http.
    """

    capabilities: Capabilities
    needs_url: bool

    def open_async(self, endpoint: Endpoint) -> AsyncChannel:
        """A channel for ``RonClient``. Raises ``RonConfigError`` if this transport has none."""
        ...

    def open_sync(self, endpoint: Endpoint) -> SyncChannel:
        """A channel for ``RonClientSync``. Raises ``RonConfigError`` if this transport has none."""
        ...
