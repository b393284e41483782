"""``HttpxTransport``: your own httpx (or httpx2) transport or client under a client of ours."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Optional

from ron.errors import RonConfigError
from ron.transport._httpx_request import Guest, library_of
from ron.transport._protocol import Capabilities

if TYPE_CHECKING:
    from ron.transport._protocol import AsyncChannel, Endpoint, SyncChannel

__all__ = ["HttpxTransport"]

# These are the node themselves, or stand for it.
_IN_PROCESS = frozenset({"ASGITransport", "MockTransport", "WSGITransport"})


class HttpxTransport:
    """Sends through an httpx transport or client that you made: a proxy, an ASGI app, a mock, your
    instrumentation.

    ::

        RonClient(transport=HttpxTransport(httpx.ASGITransport(app=app)))
        RonClientSync("https://node.example", transport=HttpxTransport(your_httpx_client))
        RonClient(
            "https://node.example",
            transport=HttpxTransport(httpx.AsyncHTTPTransport(proxy="http://proxy:3128")),
        )

    An object of httpx2 does as well. The object stays yours: it is never closed here (the event
    streams that ``ron`` opened on it are), and its TLS settings, pool limits and proxies hold, not
    ``verify=``. What ``ron`` decides itself is not delegated: redirects are not followed, a
    client's ``auth``, base URL, default headers, cookies and timeouts are not used, a content
    coding is removed within ``max_response_bytes``. Your transport and event hooks do see the
    request with its ``Authorization``.

    Cookies are never sent. But an httpx *client* keeps what a node sets in its own jar, and sends
    it with requests that you make on it yourself; hand over a transport, or a client used for
    nothing else, where that matters. A client of httpx 0.28 and older also fails on a redirect
    whose ``Location`` is no URL.

    Args:
        transport_or_client: what to send through.
        needs_url: whether a base URL is needed; False for an object that is the node itself. By
            default False for ``ASGITransport``, ``WSGITransport`` and ``MockTransport``, True for
            everything else.

    Raises:
        RonConfigError: if it is neither, with what to write instead.
    """

    capabilities: Capabilities
    needs_url: bool

    def __init__(self, transport_or_client: Any, *, needs_url: Optional[bool] = None) -> None:
        obj = transport_or_client
        is_client = _has(obj, "send") and _has(obj, "build_request")
        if is_client:
            self._async, self._sync = (
                _has(obj, "aclose"),
                _has(obj, "close") and not _has(obj, "aclose"),
            )
        else:
            self._async, self._sync = _has(obj, "handle_async_request"), _has(obj, "handle_request")
        if isinstance(obj, type) or not (self._async or self._sync):
            raise RonConfigError(_not_httpx(obj))
        in_process = any(cls.__name__ in _IN_PROCESS for cls in type(obj).__mro__)
        self.needs_url = not in_process if needs_url is None else needs_url
        self._guest = Guest(obj, is_client, library_of(obj))
        # An async call is cancelled by a timer. A sync one can only be stopped where httpx looks at
        # its own timeouts, which a node that dribbles the head of an answer outlasts; a mock serves
        # both colours.
        self.capabilities = Capabilities(
            deadline=self._async and not self._sync,
            not_sent=True,
            surplus_check=False,
            stream_close=True,
            tls_info=False,
        )

    def open_async(self, endpoint: Endpoint) -> AsyncChannel:
        """A channel for ``RonClient``. Raises ``RonConfigError`` if the object is sync."""
        if not self._async:
            raise RonConfigError(self._wrong_colour("sync", "RonClient", "AsyncClient", "RonClientSync"))
        from ron.transport._httpx_async import AsyncHttpxChannel

        return AsyncHttpxChannel(self._guest, endpoint, in_process=not self.needs_url)

    def open_sync(self, endpoint: Endpoint) -> SyncChannel:
        """A channel for ``RonClientSync``. Raises ``RonConfigError`` if the object is async."""
        if not self._sync:
            raise RonConfigError(self._wrong_colour("async", "RonClientSync", "Client", "RonClient"))
        from ron.transport._httpx_sync import SyncHttpxChannel

        return SyncHttpxChannel(self._guest, endpoint, in_process=not self.needs_url)

    def __repr__(self) -> str:
        return f"HttpxTransport({type(self._guest.obj).__name__})"

    def _wrong_colour(self, colour: str, ours: str, client: str, other: str) -> str:
        name, library = type(self._guest.obj).__name__, self._guest.library.__name__
        wanted = client if self._guest.is_client else f"{client.replace('Client', '')}HTTPTransport"
        return (
            f"HttpxTransport holds a {name}, which is {colour}: {ours} needs {library}.{wanted} "
            f"or the like; or use {other} with this one"
        )


def _has(obj: object, name: str) -> bool:
    return callable(getattr(obj, name, None))


def _not_httpx(obj: Any) -> str:
    if isinstance(obj, type):
        return f"HttpxTransport takes an object, not a class: write HttpxTransport({obj.__name__}(...))"
    if inspect.isfunction(obj) or callable(obj):
        return (
            "HttpxTransport takes an httpx transport or client: for an ASGI app write "
            "HttpxTransport(httpx.ASGITransport(app=app)), for a handler "
            "HttpxTransport(httpx.MockTransport(handler))"
        )
    return (
        f"HttpxTransport takes an httpx transport or client, not {type(obj).__name__}: "
        "write for instance HttpxTransport(httpx.AsyncClient(...))"
    )
