"""``FastTransport``: calls through pyreqwest, which is hyper and rustls (``ron[fast]``)."""

from __future__ import annotations

import ssl
import sys
from typing import TYPE_CHECKING

from ron.errors import RonConfigError
from ron.transport._protocol import Capabilities

if TYPE_CHECKING:
    from ron.transport._fast_async import AsyncFastChannel
    from ron.transport._fast_sync import SyncFastChannel
    from ron.transport._protocol import Endpoint

__all__ = ["FastTransport"]

_OTHERWISE = "or leave `transport` out (and RON_SDK_TRANSPORT unset) to use the default"


class FastTransport:
    """What ``transport="fast"`` is: several times the calls a second, and TLS that offers X25519MLKEM768.

    HTTP/1.1. No proxies, no netrc, no redirects, no cookies, no referer, no decompression but our own. Python 3.11 and
    newer, on ``asyncio`` and ``uvloop``. The connections of calls belong to no event loop; two clients share none.

    Where it differs from the default transport:

    * ``verify`` is True: the system's certificate authorities, on Linux those of ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``
      alone where either is set when the first call is made. An ``ssl.SSLContext`` or the path of a bundle is refused:
      rustls takes no context, and pyreqwest adds a bundle to the system's authorities instead of trusting it alone.
    * A call whose task is cancelled ends at once, but pyreqwest goes on with the request behind it until the answer or
      the call's deadline; until then it counts against ``max_concurrency`` and its connection stays open
      (``capabilities.cancel`` is False). The same holds for calls under way when the client is closed.
    * Idle connections are watched by a thread of pyreqwest's, which a call may overtake. One that the node closed a
      moment ago is used once more: that call was "maybe sent", so a write without a key that counts ends as
      ``RonOutcomeUnknownError``. And what a node sends a moment after its answer, unasked, can be taken for the next
      call's answer (``capabilities.surplus_check`` is False). Use it with nodes that you trust to speak HTTP.
    * ``write_timeout`` is not looked at: writing a request counts towards ``read_timeout``, as connecting does.
    * Streams use connections of the default transport, with its TLS: of pyreqwest's own, one whose head never comes
      could not be closed, and a blocking read could be ended by nothing, neither a timeout nor another thread.
    * The head of an answer is looked at when its body is there. So one with a ``Transfer-Encoding`` other than chunked
      is refused when its connection ends, or else counts as late; and one whose ``Content-Length`` or gzip data pass
      ``max_response_bytes`` counts as cut short, and is asked for again, where its connection ends first.
    * How large a head may be is for hyper to say (about 400 KB), which reads interim answers (1xx) without end, refuses
      control characters in the reason, and takes any number of zeros before a chunk's size.
    * A sync call can't be interrupted (Ctrl-C) before its answer or its deadline.
    * In a forked process it works only if nothing had used pyreqwest before the fork: make connections after it.
    * Header names go out in Title-Case and come back in lower case; fields of different names may come back in another
      order; fields of an answer whose value is not ASCII are left out. A header value to be sent that is not ASCII, and
      a target that pyreqwest would not send as it stands (an apostrophe in a query), are refused.
    * respx does not see its requests: use ``ron.testing.MemoryNode`` or the default transport in tests.

    Raises:
        RonConfigError: on Python 3.10 and older, and if pyreqwest is not installed, with what to write instead.
    """

    capabilities = Capabilities(
        deadline=True, not_sent=True, surplus_check=False, stream_close=True, tls_info=False, cancel=False
    )
    needs_url = True

    def __init__(self) -> None:
        check_available()

    def open_async(self, endpoint: Endpoint) -> AsyncFastChannel:
        """A channel for ``RonClient``. Raises ``RonConfigError`` if ``verify`` is not True."""
        _check_verify(endpoint)
        from ron.transport._fast_async import AsyncFastChannel

        return AsyncFastChannel(endpoint)

    def open_sync(self, endpoint: Endpoint) -> SyncFastChannel:
        """A channel for ``RonClientSync``. Raises ``RonConfigError`` if ``verify`` is not True."""
        _check_verify(endpoint)
        from ron.transport._fast_sync import SyncFastChannel

        return SyncFastChannel(endpoint)

    def __repr__(self) -> str:
        return "FastTransport()"


def check_available(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Raises ``RonConfigError`` where pyreqwest can't be had."""
    if version < (3, 11):
        raise RonConfigError(
            f"transport='fast' needs Python 3.11 or newer, and this is {version[0]}.{version[1]}: upgrade, {_OTHERWISE}"
        )
    try:
        import pyreqwest.client  # noqa: F401 - whether it can be imported is the question
    except ImportError:
        missing = True
    else:
        missing = False
    if missing:
        raise RonConfigError(
            "transport='fast' needs pyreqwest, which can't be imported: run `pip install 'ron-app-sdk-py[fast]'`, "
            f"{_OTHERWISE}"
        )


def _check_verify(endpoint: Endpoint) -> None:
    if isinstance(endpoint.verify, ssl.SSLContext):
        raise RonConfigError(
            "transport='fast' can't use an ssl.SSLContext, its TLS is rustls: leave verify out for the system's "
            "certificate authorities, or use transport='default'"
        )
    if endpoint.verify is not True:
        raise RonConfigError(
            "transport='fast' would trust the system's certificate authorities beside those of verify=...: leave "
            "verify out and name your bundle in the environment variable SSL_CERT_FILE, or use transport='default'"
        )
