"""No error leads to the token: all kinds, on all transports, in both colours."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any, Optional

import pytest

from ron import RonClient, RonClientSync
from ron import errors as e
from ron.testing import MemoryNode, stored
from tests.secrets.canary import TOKEN, leaks_of_error
from tests.secrets.kinds import ANSWERS, FAULTS, Item, Kind, drain
from tests.secrets.rig import (
    COLOURS,
    IN_PROCESS,
    INTERRUPTIBLE,
    ON_A_SOCKET,
    caught,
    close,
    error_of,
    make_client,
    node_for,
    run,
)
from tests.transport.raw_server import PACE, Peer, RawServer, Tls, keep_alive

Found = tuple[type, list[str]]


def look(error: BaseException) -> Found:
    """An error's class, and the ways from it to the token."""
    return type(error), leaks_of_error(error)


def played(kind: Kind, transport: str, colour: str) -> Found:
    """What comes of one kind of error."""
    with node_for(kind, transport) as node:
        client = make_client(transport, colour, node, **kind.options)
        found: Found = caught(lambda: kind.act(client), look, client)
        return found


@pytest.mark.parametrize("kind", ANSWERS, ids=str)
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", [*ON_A_SOCKET, *IN_PROCESS])
def test_answers(transport: str, colour: str, kind: Kind) -> None:
    """An error for an answer leads to no token, wherever the node has quoted it."""
    assert (kind.error, []) == played(kind, transport, colour)


@pytest.mark.parametrize("kind", FAULTS, ids=str)
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", ON_A_SOCKET)
def test_faults(transport: str, colour: str, kind: Kind) -> None:
    """An error for a fault of the wire leads to no token."""
    assert (kind.error, []) == played(kind, transport, colour)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", ON_A_SOCKET)
def test_refused(transport: str, colour: str) -> None:
    """An error for a node that does not listen leads to no token."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = make_client(transport, colour, None, base_url=url, allow_insecure_http=True)
    assert (e.RonNetworkError, []) == caught(lambda: client.get("/app/x"), look, client)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", ON_A_SOCKET)
def test_certificate(transport: str, colour: str, stranger: Tls) -> None:
    """An error for a certificate that nobody has vouched for leads to no token."""
    with RawServer(keep_alive(), stranger) as server:
        client = make_client(transport, colour, server)
        assert (e.RonNetworkError, []) == caught(lambda: client.post("/app/x"), look, client)
        assert [] == server.seen


@pytest.fixture(scope="module")
def stranger() -> Tls:
    """An authority that no client trusts."""
    return Tls()


MOMENTS = ["head", "body", "stream-head", "stream-body"]


def stalls(moment: str, arrived: Callable[[], Any]) -> Callable[[Peer], None]:
    """A node that stops answering before the head, or in the middle of the body."""

    def handle(peer: Peer) -> None:
        peer.request()
        if moment.endswith("body"):
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\n: hello\n")
            peer.server.stopping.wait(PACE)  # it has read that and waits for more
        arrived()
        peer.wait_closed()

    return handle


def stalled(client: Any, moment: str) -> Any:
    """The call that such a node keeps waiting."""
    return drain(client.subscribe("/app/e")) if moment.startswith("stream") else client.post("/app/x", json={})


@pytest.mark.parametrize("transport", ON_A_SOCKET)
@pytest.mark.parametrize("moment", MOMENTS)
def test_cancellation(transport: str, moment: str) -> None:
    """A cancelled call leads to no token: neither its exception, nor the task, nor what is left of the connection."""

    async def main(server: RawServer, arrived: asyncio.Event) -> Found:
        client = make_client(transport, "async", server)
        task = asyncio.ensure_future(stalled(client, moment))
        await arrived.wait()
        for _ in range(20):  # it gets to wait for what won't come
            await asyncio.sleep(0)
        task.cancel()
        found = look(await error_of(task))
        await close(client)
        return found

    async def serve() -> Found:
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        with RawServer(stalls(moment, lambda: loop.call_soon_threadsafe(arrived.set))) as server:
            return await main(server, arrived)

    assert (asyncio.CancelledError, []) == asyncio.run(serve())


# A stream of the fast transport's is one of the default's.
INTERRUPTED = [(name, at) for at in MOMENTS for name in ON_A_SOCKET if name in INTERRUPTIBLE or at.startswith("stream")]


@pytest.mark.parametrize(("transport", "moment"), INTERRUPTED)
def test_interrupt(transport: str, moment: str) -> None:
    """Ctrl-C in the middle of a sync call leads to no token."""
    main = threading.get_ident()
    with RawServer(stalls(moment, lambda: signal.pthread_kill(main, signal.SIGINT))) as server:
        client = make_client(transport, "sync", server)
        assert (KeyboardInterrupt, []) == caught(lambda: stalled(client, moment), look, client)


# --- Errors of other ways --------------------------------------------------------------------------------------------


def node(act: Callable[[MemoryNode], object] = lambda node: None, token: Optional[str] = None) -> MemoryNode:
    """A memory node that asks for a token, or for none, after `act` was done to it."""
    made = MemoryNode(Item, token=token)
    made.add(stored(Item, id="i-1", name="kettle"))
    act(made)
    return made


def after_closing(client: Any) -> Any:
    """A call on a client that is closed."""
    run(client.aclose() if hasattr(client, "aclose") else client.close())
    return client.get("/app/items")


MEMORY: dict[str, tuple[type[e.RonError], MemoryNode, Callable[[Any], Any]]] = {
    "wrong-token": (e.RonAuthError, node(token="another-token-altogether"), lambda c: c.objects(Item).get("i-1")),
    "failing": (e.RonServerError, node(lambda n: n.fail(times=9, status=500)), lambda c: c.get("/app/items")),
    "lost": (e.RonOutcomeUnknownError, node(lambda n: n.lose_response(9)), lambda c: c.objects(Item).create(name="n")),
    "refused": (e.RonNetworkError, node(lambda n: n.refuse(9)), lambda c: c.get("/app/items")),
    "missing": (e.RonNotFoundError, node(), lambda c: c.objects(Item).get("i-9")),
    "input": (e.RonInputError, node(), lambda c: c.objects(Item).create(count=1)),
    "unassigned": (e.RonUnassignedError, node(), lambda c: c and Item(name="n").id),
    "path": (e.RonConfigError, node(), lambda c: c.get("app")),
    "closed": (e.RonConfigError, node(), after_closing),
}


@pytest.mark.parametrize("case", MEMORY)
@pytest.mark.parametrize("colour", COLOURS)
def test_memory_node(colour: str, case: str) -> None:
    """An error of a client of a memory node leads to no token, nor do wrong use and wrong data."""
    error, memory, act = MEMORY[case]
    client: Any = (RonClient if colour == "async" else RonClientSync)(transport=memory, token=TOKEN, max_retries=0)
    assert (error, []) == caught(lambda: act(client), look, client)


def raising(*arguments: object) -> Any:
    """Does what careless code does: quotes its secret."""
    raise ValueError(f"no session for {TOKEN}", *arguments)


def encoded() -> bytes:
    """A token read from a file in binary mode."""
    return TOKEN.encode()


PROVIDERS: dict[str, tuple[Callable[[], Any], str]] = {
    "raises": (raising, "token_provider raised ValueError; its text is not shown because it may hold the token"),
    "line-end": (lambda: TOKEN + "\n", "what token_provider returned is no token: it is empty, or holds a blank"),
    "bytes": (encoded, "what token_provider returned must be a str or a SecretStr, not bytes"),
    "json": (lambda: {"access_token": TOKEN}, "what token_provider returned must be a str or a SecretStr, not dict"),
}


@pytest.mark.parametrize("case", PROVIDERS)
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("wait", [False, True])
def test_providers(colour: str, case: str, wait: bool) -> None:
    """A provider that fails, or gives what is no token, is told of by type only, and nothing keeps what it gave."""
    provide, text = PROVIDERS[case]

    async def awaited() -> Any:
        await asyncio.sleep(0)
        return provide()

    # In either colour the test's own function is reached only through its globals, which hold the token anyway.
    given = awaited if wait and colour == "async" else provide
    client: Any = (RonClient if colour == "async" else RonClientSync)(transport=node(), token_provider=given)

    def told(error: BaseException) -> tuple[Found, bool]:
        return look(error), str(error).startswith(text)

    assert ((e.RonConfigError, []), True) == caught(lambda: client.get("/app/items"), told, client)


def test_a_node_that_asks_for_another_token() -> None:
    """The first token stays hidden when the provider fails to give a second one."""
    given = iter([TOKEN])
    kind = ANSWERS[1]
    assert e.RonAuthError is kind.error
    client = make_client(IN_PROCESS[0], "sync", kind.reply, token_provider=lambda: next(given))
    assert (e.RonConfigError, []) == caught(lambda: client.get("/app/x"), look, client)


@pytest.mark.parametrize("colour", COLOURS)
def test_middleware_that_fails(colour: str) -> None:
    """An exception of middleware, which reaches the caller as it is, leads to no token either."""

    class Failing:
        def after(self, request: Any, response: Any) -> None:
            raise LookupError(response.status)

    client = make_client(IN_PROCESS[0], colour, ANSWERS[0].reply)
    client.add_middleware(Failing())
    assert (LookupError, []) == caught(lambda: client.get("/app/x"), look, client)


def test_every_class_of_error_was_walked() -> None:
    """The cases of this module lead to each class of `ron.errors` that a call can raise."""
    walked = {kind.error for kind in (*ANSWERS, *FAULTS)} | {error for error, *_ in MEMORY.values()}
    classes = {getattr(e, name) for name in e.__all__} - {e.Problem, e.RonError, e.RonBulkError}
    assert set() == classes - walked
