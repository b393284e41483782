"""Who is tried, and which cases each of them is left out of: those on a gap that it declares."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ron.transport._protocol import Capabilities, Transport

__all__ = ["ADAPTERS", "Adapter", "everyone", "on_a_socket"]

_TRUST = ssl.create_default_context()  # making one takes longer than most cases
Make = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Adapter:
    """A transport under test; `make(colour, node)` gives what it is made around, if anything."""

    name: str
    make: Make
    wire: bool = True
    colours: tuple[str, ...] = ("async", "sync")
    own: str = ""
    gaps: frozenset[str] = frozenset()  # what its docstring says it can't do, and no capability speaks of

    def transport(self, foreign: Any) -> Transport:
        """The transport itself."""
        if self.own:
            module, _, name = self.own.rpartition(".")
            transport: Transport = getattr(importlib.import_module(module), name)()
            return transport
        from ron.transport import HttpxTransport

        return HttpxTransport(foreign)

    @functools.lru_cache(maxsize=64)  # noqa: B019 - there are ten of them
    def capabilities(self, colour: str) -> Capabilities:
        """What it declares in that colour; nothing is sent to find out."""
        return self.transport(self.make(colour, None)).capabilities


def _httpx_adapters(name: str) -> list[Adapter]:
    library = importlib.import_module(name)

    def transport(colour: str, node: Any) -> Any:
        made = library.AsyncHTTPTransport if colour == "async" else library.HTTPTransport
        return made(verify=_trust(node))

    def client(colour: str, node: Any) -> Any:
        # Everything that a user may have set and that must not show.
        settings: dict[str, Any] = {
            "headers": {"X-Client": "user", "Accept-Encoding": "br"},
            "cookies": {"client": "cookie"},
            "auth": ("user", "password"),
            "params": {"client": "1"},
            "follow_redirects": True,
            "trust_env": False,
            "verify": _trust(node),
        }
        return (library.AsyncClient if colour == "async" else library.Client)(**settings)

    def mock(colour: str, node: Any) -> Any:
        return library.MockTransport(None if node is None else node.handler(library))

    def asgi(colour: str, node: Any) -> Any:
        return library.ASGITransport(None if node is None else node.app)

    return [
        Adapter(f"{name}-transport", transport),
        Adapter(f"{name}-client", client),
        Adapter(f"{name}-mock", mock, wire=False),
        Adapter(f"{name}-asgi", asgi, wire=False, colours=("async",)),
    ]


def _trust(node: Any) -> ssl.SSLContext:
    context: ssl.SSLContext = getattr(node, "trust", None) or _TRUST
    return context


# It takes its authorities from SSL_CERT_FILE; sends an Accept and a User-Agent of its own in place of missing ones,
# which no exchange of a session lacks; and refuses targets that WHATWG's URL standard would change. Its connections are
# looked after by another thread, which may not have seen yet that one was closed, or have put it back. The head of an
# answer is seen with its body: one of unknown framing when its connection ends.
_FAST_GAPS = frozenset({"ssl context", "bare exchange", "apostrophe", "closed idle", "prompt reuse", "unknown framing"})


def _adapters() -> list[Adapter]:
    found = [Adapter("lanes", lambda colour, node: None, own="ron.transport.LanesTransport")]
    found += _httpx_adapters("httpx")
    if importlib.util.find_spec("pyreqwest") is not None:
        found.append(Adapter("fast", lambda colour, node: None, own="ron.transport.FastTransport", gaps=_FAST_GAPS))
    # httpx2 needs Python 3.11; a developer's machine may do without.
    if importlib.util.find_spec("httpx2") is not None:
        found += _httpx_adapters("httpx2")
    return found


ADAPTERS = _adapters()
Pair = tuple[Adapter, str]


def everyone(able_to: str = "", without: str = "") -> list[Pair]:
    """Adapter and colour of all that declare the capability, and not the gap."""
    return [
        (adapter, colour)
        for adapter in ADAPTERS
        for colour in adapter.colours
        if (not able_to or getattr(adapter.capabilities(colour), able_to)) and without not in adapter.gaps
    ]


def on_a_socket(able_to: str = "", without: str = "") -> list[Pair]:
    """Those of `everyone` that reach a socket."""
    return [(adapter, colour) for adapter, colour in everyone(able_to, without) if adapter.wire]
