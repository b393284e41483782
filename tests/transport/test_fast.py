"""What is particular to the fast transport: what it refuses, how it is cancelled, forked and closed, what it offers."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import threading
from pathlib import Path
from typing import Any

import anyio
import pyreqwest.client
import pytest

from ron import RonClient, RonClientSync, RonConfigError, RonNetworkError, RonTimeoutError
from ron._values import Failure
from ron.transport import Endpoint, FastTransport, LanesTransport
from ron.transport._fast_errors import failure_of
from ron.transport._fast_site import FastSite
from tests.transport.client_hello import X25519MLKEM768, what_ssl_offers
from tests.transport.lane_cases import LIMIT, SOON, TOKEN, endpoint, exchange, frames_of
from tests.transport.raw_server import OK, PATIENCE, Peer, RawServer, Tls, answer, keep_alive
from tests.transport.test_tls_info import offer_of

COLOURS = ["async", "sync"]


class Caller:
    """A channel of either colour; every async call has an event loop of its own, which the connections outlive."""

    def __init__(self, colour: str, end: Endpoint) -> None:
        transport = FastTransport()
        self.channel: Any = transport.open_async(end) if colour == "async" else transport.open_sync(end)
        self.is_async = colour == "async"

    def send(self, *args: Any, **kwargs: Any) -> Any:
        """One call."""
        sending = self.channel.send(exchange(*args, **kwargs), TOKEN)
        return asyncio.run(_awaited(sending)) if self.is_async else sending

    def close(self) -> None:
        """Closes the channel."""
        asyncio.run(_awaited(self.channel.aclose())) if self.is_async else self.channel.close()


def silent(peer: Peer) -> None:
    """Takes a request and says nothing."""
    peer.request()
    peer.wait_closed()


async def _awaited(call: Any) -> Any:
    return await call


@pytest.mark.parametrize("colour", COLOURS)
def test_offers_the_hybrid_group(colour: str) -> None:
    """X25519MLKEM768 is among its groups whatever Python's OpenSSL is, and a key for it is sent at once."""
    offer = offer_of("fast", colour)
    assert X25519MLKEM768 in offer.groups
    assert X25519MLKEM768 in offer.key_shares


@pytest.mark.parametrize("colour", COLOURS)
def test_streams_offer_what_the_default_transport_does(colour: str) -> None:
    """As its docstring says, the TLS of streams is Python's."""
    assert what_ssl_offers() == offer_of("fast", colour, stream=True)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("verify", "message"),
    [
        (
            ssl.create_default_context(),
            "transport='fast' can't use an ssl.SSLContext, its TLS is rustls: leave verify out for the system's "
            "certificate authorities, or use transport='default'",
        ),
        (
            __file__,
            "transport='fast' would trust the system's certificate authorities beside those of verify=...: leave "
            "verify out and name your bundle in the environment variable SSL_CERT_FILE, or use transport='default'",
        ),
    ],
    ids=["context", "bundle"],
)
def test_other_trust_than_the_systems_is_refused(colour: str, verify: Any, message: str) -> None:
    """A context or a bundle that it could not honour is a `RonConfigError` when the client is made."""
    with pytest.raises(RonConfigError) as caught:
        (RonClient if colour == "async" else RonClientSync)("https://node.example", transport="fast", verify=verify)
    assert message == str(caught.value)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_bundle_that_cannot_be_loaded_is_named(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in SSL_CERT_FILE trusts nobody, least of all everybody's authorities."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/bundle.pem")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    caller = Caller(colour, endpoint(1, verify=True))
    with pytest.raises(RonConfigError) as caught:
        caller.send()
    assert (
        "transport='fast' could load no certificate authority: SSL_CERT_FILE must name a bundle in PEM form, and "
        "SSL_CERT_DIR a folder of certificates; unset them to use the system's"
    ) == str(caught.value)


_UNSENDABLE = [
    (b"/a/../b", (), "would not send this path or query as it stands"),
    (b"/a/%2e%2e/b", (), "would not send this path or query as it stands"),
    (b"/x?q='canary'", (), "would not send this path or query as it stands"),
    (b"/x", ((b"X-Name", "canary\xe9".encode("latin-1")),), "sends header fields of ASCII characters only"),
    (b"/x", ((b"X-Name", b"canary\r\nX-Other: 1"),), "sends header fields of ASCII characters only"),
]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(("target", "fields", "message"), _UNSENDABLE)
def test_what_would_be_changed_is_refused(colour: str, target: bytes, fields: Any, message: str) -> None:
    """A request that would not go out byte for byte does not go out; the message shows nothing of it."""
    with RawServer(keep_alive()) as server:
        caller = Caller(colour, endpoint(server.port))
        wanted = exchange(target=target)._replace(headers=fields)
        with pytest.raises(RonConfigError, match=message) as caught:
            sending = caller.channel.send(wanted, TOKEN)
            asyncio.run(_awaited(sending))
        caller.close()
    assert [] == server.seen
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("colour", COLOURS)
def test_a_session_sends_its_own_fields_alone(colour: str) -> None:
    """With the fields that every session gives, nothing of pyreqwest's own is added."""
    with RawServer(keep_alive()) as server:
        url = f"http://127.0.0.1:{server.port}"
        made: Any = [
            {"transport": "default", "allow_insecure_http": True, "token": "canary-0123456789"},
            {"transport": "fast", "allow_insecure_http": True, "token": "canary-0123456789"},
        ]
        for options in made:
            if colour == "sync":
                with RonClientSync(url, **options) as client:
                    client.post("/x", json={"a": 1}, headers={"X-Request-Id": "0" * 32})
            else:
                asyncio.run(_post(url, options))
    default, fast = server.seen
    assert (default.line, sorted(default.fields()), default.body) == (fast.line, sorted(fast.fields()), fast.body)


async def _post(url: str, options: Any) -> None:
    async with RonClient(url, **options) as client:
        await client.post("/x", json={"a": 1}, headers={"X-Request-Id": "0" * 32})


@pytest.mark.parametrize("colour", COLOURS)
def test_fields_that_are_not_ascii_are_left_out(colour: str) -> None:
    """The answer is good, and its other fields are there."""
    with RawServer(keep_alive(answer(b"{}", b"X-A: 1", b"X-B: caf\xe9", b"X-A: 2"))) as server:
        caller = Caller(colour, endpoint(server.port))
        reply = caller.send()
        caller.close()
    assert [(b"x-a", b"1"), (b"x-a", b"2"), (b"content-length", b"2")] == sorted(
        reply.headers, key=lambda field: field[0] == b"content-length"
    )


def test_connections_outlive_an_event_loop() -> None:
    """Calls from one event loop after the other are right, and share a connection."""
    with RawServer(keep_alive(answer(b"[1]"))) as server:
        caller = Caller("async", endpoint(server.port))
        assert [b"[1]"] * 3 == [caller.send().body for _ in range(3)]
        caller.close()
    assert 1 == server.accepted


def test_two_clients_share_no_connection() -> None:
    """Each has connections of its own, which go when it is closed."""
    with RawServer(keep_alive()) as server:
        callers = [Caller("sync", endpoint(server.port)) for _ in range(2)]
        for caller in callers:
            caller.send()
        assert 2 == server.accepted
        callers[0].close()
        server.wait_closed(1)
        callers[1].send()
        assert 2 == server.accepted
        callers[1].close()
        server.wait_closed(2)


def test_waiting_calls_go_out_in_turn_or_not_at_all() -> None:
    """Beyond `max_concurrency` a call waits; one that waited until its deadline sent nothing."""
    arrived, free = threading.Event(), threading.Event()

    def handle(peer: Peer) -> None:
        peer.request()
        arrived.set()
        assert free.wait(PATIENCE)
        peer.send(OK)
        keep_alive()(peer)

    async def run(port: int) -> None:
        channel = FastTransport().open_async(endpoint(port, max_concurrency=1))
        first = asyncio.create_task(_awaited(channel.send(exchange(), TOKEN)))
        await asyncio.to_thread(arrived.wait, PATIENCE)
        with pytest.raises(Failure) as caught:
            await channel.send(exchange(seconds=SOON), TOKEN)
        assert ("timeout", False, True) == (caught.value.kind, caught.value.sent, caught.value.timed_out)
        free.set()
        assert 200 == (await first).status
        await channel.aclose()

    with RawServer(handle) as server:
        asyncio.run(run(server.port))
    assert 1 == len(server.seen)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_refused_flood_gives_its_place_back(colour: str) -> None:
    """An answer without end is closed when it is refused, and the next call has the one place there is."""

    def flood(peer: Peer) -> None:
        peer.request()
        if peer.number > 1:
            peer.send(OK)
            return
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.send(b"%x\r\n%b\r\n" % (LIMIT + 1, bytes(LIMIT + 1)))
        peer.wait_closed()

    with RawServer(flood) as server:
        caller = Caller(colour, endpoint(server.port, max_concurrency=1))
        with pytest.raises(Failure) as caught:
            caller.send(seconds=3 * PATIENCE)
        server.wait_closed(1)
        assert 200 == caller.send().status
        caller.close()
    assert ("too_large", True) == (caught.value.kind, caught.value.permanent)


def test_a_cancelled_call_ends_at_once_and_gives_way_at_its_deadline() -> None:
    """The task ends with the cancellation that it was given; the connection is closed by the call's deadline."""
    arrived = threading.Event()

    def handle(peer: Peer) -> None:
        peer.request()
        arrived.set()
        peer.wait_closed()

    async def run(port: int) -> None:
        channel = FastTransport().open_async(endpoint(port, max_concurrency=1))
        call = asyncio.create_task(_awaited(channel.send(exchange(seconds=2 * SOON), TOKEN)))
        await asyncio.to_thread(arrived.wait, PATIENCE)
        call.cancel("why")
        with pytest.raises(asyncio.CancelledError) as caught:
            await call
        assert ("why",) == caught.value.args
        await asyncio.to_thread(server.wait_closed, 1)
        with pytest.raises(Failure):
            await channel.send(exchange(seconds=SOON), TOKEN)
        await channel.aclose()

    with RawServer(handle) as server:
        asyncio.run(run(server.port))
    assert 2 == len(server.seen), "the place of the cancelled call was not given back"


def test_scopes_of_anyio_end_a_call() -> None:
    """A cancel scope knows its own cancellation again."""

    async def run(port: int) -> bool:
        async with RonClient(
            f"http://127.0.0.1:{port}", transport="fast", allow_insecure_http=True, overall_timeout_ms=2000
        ) as client:
            with anyio.move_on_after(SOON) as scope:
                await client.get("/x")
        return scope.cancelled_caught

    with RawServer(silent) as server:
        assert asyncio.run(run(server.port))


def test_closing_ends_a_blocking_call() -> None:
    """A sync call that waits in another thread ends when the client is closed."""
    ended: list[BaseException] = []

    def call() -> None:
        try:
            client.post("/x", json={})
        except RonNetworkError as error:
            ended.append(error)

    with RawServer(silent) as server:
        url = f"http://127.0.0.1:{server.port}"
        client = RonClientSync(url, transport="fast", allow_insecure_http=True, overall_timeout_ms=2000)
        waiting = threading.Thread(target=call)
        waiting.start()
        while not server.seen:
            assert not server.stopping.wait(0.001)
        client.close()
        waiting.join(PATIENCE)
        assert not waiting.is_alive()
    assert "the client was closed while the call was under way" in str(ended[0])


def test_the_deadline_reaches_the_caller() -> None:
    """A node that is silent gives a `RonTimeoutError`, without anything of pyreqwest's on it."""
    with RawServer(silent) as server:
        url = f"http://127.0.0.1:{server.port}/secret-path"
        with (
            RonClientSync(url, transport="fast", allow_insecure_http=True, token="canary-0123456789") as client,
            pytest.raises(RonTimeoutError) as caught,
        ):
            client.get("/x", timeout=SOON)
    texts = "".join(frames_of(caught.value))
    assert "canary" not in texts
    assert "error sending request" not in texts


@pytest.mark.parametrize("colour", COLOURS)
def test_a_failure_shows_nothing_of_the_request(colour: str) -> None:
    """Neither its chain nor its frames hold the token, the URL or an exception of pyreqwest's."""
    with RawServer(lambda peer: peer.request()) as server:
        caller = Caller(colour, endpoint(server.port))
        with pytest.raises(Failure) as caught:
            caller.send(target=b"/secret-path")
        caller.close()
    failure = caught.value
    texts = "".join(frames_of(failure.with_traceback(None)))
    assert "secret-path" not in texts
    assert "pyreqwest" not in texts
    assert failure.__context__ is None


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12 warns of threads
def test_after_a_fork_the_old_client_is_refused(tmp_path: Path) -> None:
    """In a child of a process that has used it, old and new clients say so, instead of hanging; closing is fine."""
    with RawServer(keep_alive()) as server:
        end = endpoint(server.port)
        caller, unused = Caller("sync", end), Caller("sync", end)
        caller.send()
        child = os.fork()
        if child == 0:  # pragma: no cover - coverage does not see the child
            _report(tmp_path, [caller, unused])
        assert 0 == os.waitpid(child, 0)[1]
        assert 200 == caller.send().status
        caller.close()
    expected = (
        "transport='fast' was used before a fork, and its threads are not in this process: make the first call after "
        "the fork (multiprocessing's 'spawn' does not fork), or use transport='default'"
    )
    assert [expected] * 2 == (tmp_path / "said").read_text(encoding="utf-8").splitlines()


def _report(folder: Path, callers: list[Caller]) -> None:  # pragma: no cover - as above
    """Writes down what the channels say in a forked child, which then is gone."""
    said = []
    signal.alarm(int(PATIENCE))  # only reached when the test has failed
    try:
        for caller in callers:
            try:
                caller.send()
            except RonConfigError as error:
                said.append(str(error))
            caller.close()
        (folder / "said").write_text("\n".join(said), encoding="utf-8")
    finally:
        os._exit(0)


def test_every_error_of_pyreqwest_is_mapped() -> None:
    """Whatever class it raises becomes a `Failure` of a known kind, and "maybe sent" unless it tells better."""
    from pyreqwest import exceptions

    site = FastSite(endpoint(1), pyreqwest.client.SyncClientBuilder, ("__enter__", "__exit__"))
    classes = [cls for cls in vars(exceptions).values() if isinstance(cls, type) and issubclass(cls, Exception)]
    made = [cls("secret", {"causes": [{"message": "secret"}]}) for cls in classes if _is_detailed(cls)]
    assert len(made) > 10
    for error in made:
        failure = failure_of(error, site, reading=False)
        assert "secret" not in failure.detail
        assert failure.sent != isinstance(error, (exceptions.PoolTimeoutError, exceptions.BuilderError))


def _is_detailed(cls: type) -> bool:
    from pyreqwest.exceptions import DetailedPyreqwestError, JSONDecodeError

    return issubclass(cls, DetailedPyreqwestError) and cls is not JSONDecodeError


_NOT_VERIFIED = (
    "the node's certificate does not verify: {}; check the host in base_url, the node's certificate and the "
    "authorities of the system or SSL_CERT_FILE"
)
_CAUSES = [
    (["invalid peer certificate: Expired"], "certificate", _NOT_VERIFIED.format("it has expired")),
    (["invalid peer certificate: odd"], "certificate", _NOT_VERIFIED.format("rustls refuses it")),
    (["tcp connect error", "gone (os error 111)"], "connect", "the connection could not be made (Connection refused)"),
    (["received corrupt message"], "tls", "the TLS handshake did not succeed"),
    (["dns error", "secret.example"], "dns", "the host's name could not be resolved"),
]


@pytest.mark.parametrize(("causes", "kind", "text"), _CAUSES)
def test_why_no_connection_was_made(causes: list[str], kind: str, text: str) -> None:
    """The causes tell which step failed; none of them has sent anything."""
    from pyreqwest.exceptions import ConnectError

    site = FastSite(endpoint(1, verify=True), pyreqwest.client.SyncClientBuilder, ("__enter__", "__exit__"))
    chain: Any = [{"message": cause} for cause in ["error sending request", "client error (Connect)", *causes]]
    failure = failure_of(ConnectError("x", {"causes": chain}), site, reading=False)
    assert (kind, f"127.0.0.1:1: {text}", False) == (failure.kind, failure.detail, failure.sent)


def test_no_event_loop_is_said() -> None:
    """Driven by something that is no asyncio event loop, a call names what to use."""
    channel = FastTransport().open_async(endpoint(1))
    with pytest.raises(RonConfigError, match="no asyncio event loop is running, and transport='fast' runs on no other"):
        channel.send(exchange(), None).send(None)


def test_it_declares_what_it_cannot() -> None:
    """Its capabilities lack what the default has beyond it, and nothing else."""
    fast, default = vars(FastTransport().capabilities), vars(LanesTransport().capabilities)
    assert {"surplus_check", "tls_info", "cancel"} == {name for name in default if fast[name] != default[name]}
    assert "FastTransport()" == repr(FastTransport())


@pytest.mark.parametrize("colour", COLOURS)
def test_a_node_trusted_by_the_environment_is_talked_to(
    colour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSL_CERT_FILE` names the authorities of calls; without it the same node is a stranger."""
    tls = Tls()
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(tls.authority.cert_pem.bytes())
    with RawServer(keep_alive(), tls) as server:
        stranger = Caller(colour, endpoint(server.port, verify=True))
        with pytest.raises(Failure) as caught:
            stranger.send()
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        monkeypatch.delenv("SSL_CERT_DIR", raising=False)
        caller = Caller(colour, endpoint(server.port, verify=True))
        assert 200 == caller.send().status
        for each in (stranger, caller):
            each.close()
    assert ("certificate", True, False) == (caught.value.kind, caught.value.permanent, caught.value.sent)
