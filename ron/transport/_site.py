"""What all lanes of one channel share, worked out once: where the node is, its bounds, how a request is put."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Optional

import httpcore
from typing_extensions import override

from ron._values import Failure
from ron.errors import RonConfigError
from ron.transport._tls import Trust

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ron._values import Credential, Exchange
    from ron.transport._protocol import Endpoint, TlsInfo

__all__ = ["Site", "closed_client", "no_free_lane", "too_many_streams"]


class _NoBody:
    """A request body without any chunk. Stateless: one serves all."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


_NO_BODY = _NoBody()


class _Url(httpcore.URL):
    """A URL of the site: its parts are bytes already, and the origin, which httpcore asks for twice a request, is made
    once.
    """

    def __init__(self, site: Site, target: bytes) -> None:
        self.scheme = site.origin.scheme
        self.host = site.origin.host
        self.port = site.origin.port
        self.target = target
        self._origin = site.origin

    @property
    @override
    def origin(self) -> httpcore.Origin:
        """The site's."""
        return self._origin


class Site:
    """An endpoint as the lanes need it; ``tls_info`` is of the newest handshake."""

    __slots__ = (
        "_host_field",
        "_trust",
        "clock",
        "connect_timeout",
        "max_concurrency",
        "max_response_bytes",
        "max_streams",
        "origin",
        "peer",
        "read_timeout",
        "tls_info",
        "write_timeout",
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self._host_field = (b"Host", endpoint.authority.encode("ascii"))
        self._trust = Trust(endpoint.verify) if endpoint.scheme == "https" else None
        self.origin = httpcore.Origin(endpoint.scheme.encode("ascii"), endpoint.host.encode("ascii"), endpoint.port)
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        self.peer = f"{host}:{endpoint.port}"
        self.tls_info: Optional[TlsInfo] = None
        self.clock = endpoint.clock
        self.connect_timeout = endpoint.connect_timeout
        self.read_timeout = endpoint.read_timeout
        self.write_timeout = endpoint.write_timeout
        self.max_concurrency = endpoint.max_concurrency
        self.max_streams = endpoint.max_streams
        self.max_response_bytes = endpoint.max_response_bytes

    def ssl_context(self) -> Optional[ssl.SSLContext]:
        """The channel's one context, None for plain http."""
        return None if self._trust is None else self._trust.context()

    def request(self, exchange: Exchange, credential: Optional[Credential]) -> httpcore.Request:
        """The request as httpcore wants it. Its list of headers holds the token: clear it when the head has arrived."""
        url = _Url(self, exchange.target)
        request = httpcore.Request(exchange.method, url, content=exchange.body or _NO_BODY)
        # Set afterwards: the constructor would check every field's type once more.
        request.headers = [self._host_field, *exchange.headers]
        if credential is not None:
            request.headers.append(credential.header())
        return request


def closed_client() -> RonConfigError:
    """The error for use after close."""
    return RonConfigError("the client is closed: make a new one, or move the call inside the client's `with` block")


def too_many_streams(limit: int) -> RonConfigError:
    """The error for one stream more than ``max_streams``: streams have no end, so waiting for one to end would hang."""
    return RonConfigError(
        f"max_streams={limit} streams are open already: close one, or give the client a larger max_streams="
    )


def no_free_lane(site: Site) -> Failure:
    """The ``Failure`` of a call that found no free lane before its deadline."""
    text = f"{site.peer}: none of max_concurrency={site.max_concurrency} connections became free in time"
    return Failure("timeout", text, sent=False, timed_out=True)
