"""Who looks at what `ron` is made of sees no token: reprs, attributes, what middleware is given, the wire."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

import pytest

from ron import ClientConfig, HttpxTransport, Put, RonClient, RonClientSync, meta
from ron._plan import plain_plan
from ron.testing import MemoryNode, stored
from tests.secrets.canary import TOKEN, holds, leaks
from tests.secrets.kinds import ANSWERS, Item, drain, echo
from tests.secrets.rig import COLOURS, IN_PROCESS, ON_A_SOCKET, close, make_client, run
from tests.transport.raw_server import Peer, RawServer, answer, keep_alive

EVENTS = b'event: added\nid: 1\ndata: {"id": "i-1", "name": "n"}\n\n'
#: until the stream is closed httpx itself holds the request, of which the token is a part
OURS = [name for name in ON_A_SOCKET if not name.startswith("httpx")]


def test_configuration() -> None:
    """No text, dump or attribute of a configuration holds the token but the SecretStr."""
    config = ClientConfig(base_url="https://node.example", token=TOKEN)
    assert [] == leaks(config, config.model_dump(), config.model_dump(mode="json"), config.model_dump_json())
    assert [] == leaks(vars(config), config.__repr_args__(), ClientConfig.model_json_schema())
    assert "token" not in repr(config)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", [*ON_A_SOCKET, *IN_PROCESS])
def test_idle_clients(transport: str, colour: str) -> None:
    """From a client with a warm connection nothing leads to the token: channel, connections, loop, manager, listing."""

    async def main() -> list[str]:
        await client.get("/app/x")
        found = leaks(client, *views(client))
        await close(client)
        return found

    with RawServer(keep_alive()) as node:
        client = make_client(transport, colour, node if transport in ON_A_SOCKET else _REPLY)
        if colour == "async":
            assert [] == asyncio.run(main())
            return
        client.get("/app/x")
        assert [] == leaks(client, *views(client))
        close(client)


_REPLY = next(kind.reply for kind in ANSWERS if kind.name == "cycle")


def views(client: Any) -> list[Any]:
    """Everything that a client gives away to be looked at."""
    items = client.objects(Item)
    return [
        client.config,
        client.metrics,
        client.facet("shop"),
        client.with_options(timeout=1.0),
        client.activate(),
        client.subscribe("/app/e"),
        items,
        items.list(),
        items.watch(),
        plain_plan("GET", "/app/x"),
        client._session,
        client._session.authority,
        client._session.credential,
        client._ports.tokens,
        client._ports.channel,
    ]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", OURS)
def test_busy_clients(transport: str, colour: str) -> None:
    """Nor from a client with an open stream, the watch on it, and the tasks that wait for it."""

    def handle(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + EVENTS)
        peer.wait_closed()

    async def main() -> list[str]:
        async with client.objects(Item).watch() as changes:
            change = await changes.__anext__()
            waiting = asyncio.ensure_future(changes.__anext__())
            await asyncio.sleep(0)
            found = leaks(client, changes, change, waiting, asyncio.all_tasks())
            waiting.cancel()
            await asyncio.wait([waiting])
        await close(client)
        return found

    with RawServer(handle) as node:
        client = make_client(transport, colour, node)
        if colour == "async":
            assert [] == asyncio.run(main())
            return
        with client.objects(Item).watch() as changes:
            change = next(iter(changes))
            assert isinstance(change, Put)
            assert [] == leaks(client, changes, change)
        close(client)


class Looking:
    """Middleware that keeps whatever it is given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def before(self, request: Any) -> dict[str, str]:
        self.given.append(request)
        return {"X-Seen": "1"}

    def after(self, request: Any, response: Any) -> None:
        self.given += [request, response]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", IN_PROCESS[:1])
@pytest.mark.parametrize("kind", [kind for kind in ANSWERS if kind.name.startswith(("status", "redirect"))], ids=str)
def test_middleware(transport: str, colour: str, kind: Any) -> None:
    """Middleware sees neither Authorization nor what an error answer quotes of it."""
    looking = Looking()
    client = make_client(transport, colour, kind.reply)
    client.add_middleware(looking)

    async def main() -> None:
        with pytest.raises(kind.error):
            await client.get("/app/x")

    if colour == "async":
        asyncio.run(main())
    else:
        with pytest.raises(kind.error):
            client.get("/app/x")
    assert 3 == len(looking.given)
    assert [] == leaks(looking.given)
    assert "authorization" not in {name.lower() for name in looking.given[0].headers}


@pytest.mark.parametrize("colour", COLOURS)
def test_health(colour: str) -> None:
    """A report of a node that is not well quotes no token."""

    async def main() -> Any:
        report = await client.health()
        await close(client)
        return report

    with RawServer(keep_alive(answer(json.dumps(echo()).encode(), status=b"503 Busy"))) as node:
        client = make_client("lanes", colour, node)
        report = asyncio.run(main()) if colour == "async" else client.health()
        run(close(client)) if colour == "sync" else None
    assert (503, False, []) == (report.status, report.ok, leaks(report, report.details, report.text))


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transport", ON_A_SOCKET)
def test_wire(transport: str, colour: str) -> None:
    """On the wire the token stands in one Authorization field and nowhere else: no target, no other field, no body."""
    calls: list[Any] = [
        lambda c: c.get("/app/x", query={"q": "a b"}, headers={"X-Own": "1"}),
        lambda c: c.post("/app/x", json={"a": 1}, idempotency_key=True),
        lambda c: c.objects(Item).create(name="n"),
        lambda c: drain(c.objects(Item).list(name="n")),
        lambda c: c.ready(),
    ]

    async def main() -> None:
        for call in calls:
            await call(client)
        await close(client)

    with RawServer(keep_alive(answer(b'{"items": [], "id": "i-1", "name": "n"}'))) as node:
        client = make_client(transport, colour, node)
        if colour == "async":
            asyncio.run(main())
        else:
            for call in calls:
                call(client)
            close(client)
    assert len(calls) == len(node.seen)
    for seen in node.seen:
        carrying = [name for name, value in seen.fields() if holds(value.decode("latin-1"))]
        assert [b"authorization"] == carrying
        assert (False, False) == (holds(seen.line.decode()), holds(seen.body.decode()))


@pytest.mark.parametrize("colour", COLOURS)
def test_answers_are_left_alone(colour: str) -> None:
    """A good answer is data: a service that issues tokens is quoted to the letter, also where it is this one."""

    async def main() -> Any:
        value = await client.get("/app/tokens")
        await close(client)
        return value

    body = b'{"token": "aRb3Nw8Xk5Cj0Ty6Wo", "echo": "' + TOKEN[:8].encode() + b'"}'
    with RawServer(keep_alive(answer(body))) as node:
        client = make_client("lanes", colour, node)
        value = asyncio.run(main()) if colour == "async" else client.get("/app/tokens")
        run(close(client)) if colour == "sync" else None
    assert {"token": TOKEN[-18:], "echo": TOKEN[:8]} == value


def test_memory_nodes_keep_no_token() -> None:
    """What a memory node records of requests shows the scheme and no token; objects lead to none."""
    node = MemoryNode(Item, token=TOKEN)
    node.add(stored(Item, id="i-1", name="kettle"))
    client = RonClientSync(transport=node, token=TOKEN)
    item = client.objects(Item).get("i-1")
    assert "Bearer [redacted]" == node.requests[-1].header("authorization")
    assert [] == leaks(node, node.requests, client, item, meta(item), client.objects(Item).list().page())


@pytest.mark.parametrize("kind", [RonClient, RonClientSync])
def test_closing_forgets(kind: Any) -> None:
    """A closed client has no token any more, in no wrapping."""
    client = kind(transport=MemoryNode(Item), token=TOKEN)
    closing = client.aclose() if kind is RonClient else client.close()
    assert inspect.isawaitable(closing) is (kind is RonClient)
    run(closing)
    assert (None, None) == (client.config.token, client._session.credential)


def test_transports_show_their_kind_only() -> None:
    """The repr of a transport names what it is made around."""
    import httpx

    own = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert "HttpxTransport(Client)" == repr(HttpxTransport(own))
    own.close()
