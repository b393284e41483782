"""What both colours of the fast transport share: its settings, and how an ``Exchange`` becomes a request of
pyreqwest's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Optional

from pyreqwest.exceptions import BuilderError
from pyreqwest.http import Url

from ron._values import Failure
from ron.errors import RonConfigError
from ron.transport._framing import Framing, read_framing
from ron.transport._ledger import IDLE_SECONDS
from ron.transport._site import closed_client

if TYPE_CHECKING:
    from ron._values import Credential, Exchange
    from ron.transport._protocol import Endpoint

__all__ = ["Doors", "FastSite", "fields_of"]

_FORKED = (
    "transport='fast' was used before a fork, and its threads are not in this process: make the first call after the "
    "fork (multiprocessing's 'spawn' does not fork), or use transport='default'"
)

_NO_AUTHORITY = (
    "transport='fast' could load no certificate authority: SSL_CERT_FILE must name a bundle in PEM form, and "
    "SSL_CERT_DIR a folder of certificates; unset them to use the system's"
)

#: How a request is sent and how its answer is let go of. No request is kept: its repr shows a header or fails.
Doors = tuple[Callable[[], Any], Callable[..., Any]]


class FastSite:
    """An endpoint as pyreqwest needs it, and the client for it.

    ``builder`` is pyreqwest's class for the colour, ``doors`` the names of the methods that send a request and let go
    of its answer. The client is made when the first request needs it (which takes some 12 ms): the process may fork
    before.
    """

    __slots__ = (
        "_builder",
        "_client",
        "_closed",
        "_doors",
        "_endpoint",
        "_lock",
        "_origin",
        "_pid",
        "clock",
        "https",
        "limit",
        "peer",
    )

    def __init__(self, endpoint: Endpoint, builder: Any, doors: tuple[str, str]) -> None:
        self._endpoint = endpoint
        self._builder = builder
        self._doors = doors
        self._origin = str(Url(f"{endpoint.scheme}://{endpoint.authority}/"))[:-1]
        self._client: Any = None
        self._closed = False
        self._lock = threading.Lock()
        self._pid = 0
        self.clock = endpoint.clock
        self.https = endpoint.scheme == "https"
        self.limit = endpoint.max_response_bytes
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        self.peer = f"{host}:{endpoint.port}"

    def begin(self, exchange: Exchange, credential: Optional[Credential]) -> Doors:
        """A request that ends by the exchange's deadline, its body read with the head, to one byte over the limit.

        Raises ``Failure`` if it is too late, ``RonConfigError`` on what can't be sent, after close, after a fork.
        """
        client = self._client if self._pid == os.getpid() else None
        if client is None:
            client = self._open()
        remaining = exchange.deadline - self.clock.monotonic()
        if remaining <= 0:
            raise Failure("timeout", f"{self.peer}: the deadline has passed", sent=False, timed_out=True)
        builder = self._request(client, exchange, credential).timeout(timedelta(seconds=remaining))
        request = builder.streamed_read_buffer_limit(self.limit + 1).build_streamed()
        send, let_go = self._doors
        return getattr(request, send), getattr(request, let_go)

    def framing(self, method: str, status: int, headers: list[tuple[bytes, bytes]]) -> Framing:
        """How an answer is framed. Raises ``Failure`` on a transfer coding that hyper left in its body, and on 101."""
        framing = read_framing(method, status, headers)
        if status < 200 or (framing.length is None and not (framing.chunked or framing.clear)):
            raise Failure("protocol", f"{self.peer}: the answer is not HTTP/1.1", sent=True)
        return framing

    def close(self) -> Any:
        """No request begins any more. Returns the client to be closed, if any; idle connections go when it does."""
        self._closed = True
        if self._pid not in (0, os.getpid()):
            return None  # it is the parent's; the threads that serve it, or hold the lock, aren't in this process
        with self._lock:
            client, self._client = self._client, None
        return client

    def check_open(self) -> None:
        """Raises ``RonConfigError`` after close."""
        if self._closed:
            raise closed_client()

    def _open(self) -> Any:
        """The client, made if there is none."""
        if self._pid not in (0, os.getpid()):
            raise RonConfigError(_FORKED)
        with self._lock:
            self.check_open()
            if self._client is None:
                self._client = self._build()
                self._pid = os.getpid()
            return self._client

    def _build(self) -> Any:
        client, problem = _built(self._settings())
        named = any(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
        if problem is _NO_AUTHORITY and not named:
            # A system without a store (a slim container): certifi's authorities, as the default transport has it.
            import certifi

            with open(certifi.where(), "rb") as bundle:
                client, problem = _built(self._settings().add_root_certificate_pem(bundle.read()))
        if client is None:
            raise RonConfigError(problem)
        return client

    def _settings(self) -> Any:
        """A builder for a client that adds, follows, remembers and decodes nothing."""
        end, most = self._endpoint, self._endpoint.max_concurrency
        builder = self._builder().http1_only().follow_redirects(False).referer(False).no_proxy()
        builder.default_cookie_store(False).gzip(False).brotli(False).zstd(False).deflate(False)
        builder.max_connections(most).pool_max_idle_per_host(most)
        builder.pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
        builder.connect_timeout(timedelta(seconds=end.connect_timeout))
        return builder.read_timeout(timedelta(seconds=end.read_timeout))

    def _request(self, client: Any, exchange: Exchange, credential: Optional[Credential]) -> Any:
        address = self._origin + exchange.target.decode("ascii")
        url = Url(address)
        if str(url) != address:
            raise RonConfigError(
                "transport='fast' would not send this path or query as it stands (it has a dot segment, or characters "
                "such as an apostrophe that are to be percent-encoded): encode it, or use transport='default'"
            )
        try:
            headers = [(name.decode("ascii"), value.decode("ascii")) for name, value in exchange.headers]
            builder = client.request(exchange.method, url).headers(headers)
            if credential is not None:
                builder.header("Authorization", credential.header()[1].decode("ascii"), is_sensitive=True)
        except ValueError:  # its text quotes the value: raised outside, below, so that it is not chained
            builder = None
        if builder is None:
            raise RonConfigError(
                "transport='fast' sends header fields of ASCII characters only: encode the value, or use "
                "transport='default'"
            )
        return builder.body_bytes(exchange.body) if exchange.body else builder


def _built(builder: Any) -> tuple[Any, str]:
    """The client, or None and the reason. The texts of pyreqwest tell its reasons apart, nothing else does."""
    try:
        return builder.build(), ""
    except (BuilderError, RuntimeError) as error:
        text = str(error)
    if "fork()" in text:
        return None, _FORKED  # its own guard: another client of its was made before the fork
    if "No CA certificates" in text:
        return None, _NO_AUTHORITY
    return None, "pyreqwest could not make a client: use transport='default'"


def fields_of(response: Any) -> list[tuple[bytes, bytes]]:
    """The header fields of an answer; those that pyreqwest can't give, because they are not ASCII, are left out."""
    try:
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in response.headers.items()]
    except ValueError:
        return _readable(iter(response.headers.items()))


def _readable(items: Any) -> list[tuple[bytes, bytes]]:
    fields: list[tuple[bytes, bytes]] = []
    while True:
        try:
            name, value = next(items)
        except StopIteration:
            return fields
        except ValueError:
            continue
        fields.append((name.encode("ascii"), value.encode("ascii")))
