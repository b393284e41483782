"""What TLS agreed on, told by `client.tls_info()`; and what each engine offers, read from the wire."""

from __future__ import annotations

import asyncio
import importlib.util
import ssl
from typing import Any, Optional

import httpx
import pytest

from ron import HttpxTransport, RonClient, RonClientSync, RonConfigError, RonError
from ron.testing import MemoryNode
from ron.transport import TlsInfo
from ron.transport._tls import agreed
from tests.transport.client_hello import X25519MLKEM768, Offer, read_offer, record_length, what_ssl_offers
from tests.transport.raw_server import Peer, RawServer, Tls, keep_alive

FAST = importlib.util.find_spec("pyreqwest") is not None
COLOURS = ["async", "sync"]


def tell_and_get(colour: str, url: str, times: int = 1, **options: Any) -> list[Optional[TlsInfo]]:
    """What `tls_info()` gives at first, and after each of some calls."""
    told: list[Optional[TlsInfo]] = []
    if colour == "sync":
        with RonClientSync(url, **options) as client:
            told.append(client.tls_info())
            for _ in range(times):
                client.get("/x")
                told.append(client.tls_info())
        return told

    async def run() -> None:
        async with RonClient(url, **options) as client:
            told.append(client.tls_info())
            for _ in range(times):
                await client.get("/x")
                told.append(client.tls_info())

    asyncio.run(run())
    return told


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tells_what_the_handshake_agreed_on(colour: str, version: ssl.TLSVersion) -> None:
    """None before the first connection; then the protocol and cipher that the node sees, too."""
    seen: list[tuple[Optional[str], str]] = []

    def handle(peer: Peer) -> None:
        assert isinstance(peer.sock, ssl.SSLSocket)
        cipher = peer.sock.cipher()
        assert cipher is not None
        seen.append((peer.sock.version(), cipher[0]))
        keep_alive()(peer)

    tls = Tls()
    tls.server.maximum_version = version
    with RawServer(handle, tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        before, first, second = tell_and_get(colour, url, times=2, verify=tls.client())
    assert before is None
    assert first is not None
    assert seen == [(first.protocol, first.cipher)]
    assert {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name] == first.protocol
    assert first == second


@pytest.mark.parametrize("colour", COLOURS)
def test_plain_http_has_nothing_to_tell(colour: str) -> None:
    """Over plain http it stays None."""
    with RawServer(keep_alive()) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert [None, None] == tell_and_get(colour, url, allow_insecure_http=True)


_NOT_TOLD = "this client's transport does not tell what TLS agreed on: use transport='default', or ask the node"


@pytest.mark.parametrize("transport", ["memory", "httpx", *(["fast"] if FAST else [])])
def test_a_transport_that_cannot_tell_says_so(transport: str) -> None:
    """Where the capability is missing, asking is a `RonConfigError` that says what to do."""
    with (
        RonClientSync("https://node.example", transport=_transport(transport, "sync")) as client,
        pytest.raises(RonConfigError) as caught,
    ):
        client.tls_info()
    assert _NOT_TOLD == str(caught.value)


class _Handshake:
    """An `SSLObject` of a Python that knows the group."""

    def version(self) -> str:
        return "TLSv1.3"

    def cipher(self) -> Optional[tuple[str, str, int]]:
        return ("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128)

    def group(self) -> str:
        return "X25519MLKEM768"


def test_the_group_is_told_where_python_knows_it() -> None:
    """Newer Pythons name the group; a handshake that is gone tells nothing, one without a cipher tells the rest."""
    assert TlsInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519MLKEM768") == agreed(_Handshake())
    assert agreed(None) is None
    unfinished = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="x")
    info = agreed(unfinished)
    assert info is not None
    assert info.cipher is None


def _transport(engine: str, colour: str) -> Any:
    if engine == "memory":
        return MemoryNode()
    if engine == "httpx":
        return HttpxTransport(httpx.AsyncClient() if colour == "async" else httpx.Client())
    return engine


def offer_of(engine: str, colour: str, *, stream: bool = False) -> Offer:
    """The ClientHello of a call, captured by a server that never answers it."""
    records: list[bytes] = []

    def capture(peer: Peer) -> None:
        header = peer.sock.recv(5, 256)  # MSG_WAITALL
        records.append(peer.sock.recv(record_length(header), 256))

    async def call(client: RonClient) -> None:
        async with client:
            if not stream:
                await client.get("/x")
            async for _ in client.subscribe("/x"):
                pass

    with RawServer(capture) as server:
        made = _transport(engine, colour)
        options: dict[str, Any] = {"transport": made, "max_retries": 0}
        url = f"https://127.0.0.1:{server.port}"
        with pytest.raises(RonError):
            if colour == "async":
                asyncio.run(call(RonClient(url, **options)))
            else:
                with RonClientSync(url, **options) as client:
                    for _ in client.subscribe("/x") if stream else [client.get("/x")]:
                        pass
        return read_offer(records[0])


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("engine", ["default", "httpx"])
def test_python_offers_what_its_openssl_does(engine: str, colour: str) -> None:
    """Over Python's `ssl` the groups are OpenSSL's: X25519MLKEM768 is offered exactly where bare `ssl` offers it."""
    ours, bare = offer_of(engine, colour), what_ssl_offers()
    assert bare == ours
    assert (X25519MLKEM768 in bare.groups) == (X25519MLKEM768 in ours.groups)
