"""A public client of either colour over any transport behind one sync face, with the raw server that it talks to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from ron import Resource, RonClient, RonClientSync, RonError, server
from tests.transport.conformance.adapters import Adapter, on_a_socket
from tests.transport.raw_server import PATIENCE, Peer, RawServer, answer

__all__ = ["LIMIT", "Caller", "Item", "Script", "called", "names", "sockets"]

#: max_response_bytes of the clients here.
LIMIT = 64 * 1024
_TRIED = frozenset({"lanes", "httpx-transport", "httpx2-client", "fast"})
GOOD = answer(b'{"good": true}')


class Item(Resource, path="/items"):
    """What typed calls read."""

    id: str = server()
    name: str = ""
    size: int = 0
    weight: float = 0.0


class Script(NamedTuple):
    """What the server writes to a request, and whether it then ends the connection."""

    data: bytes
    ends: bool = True


class Caller:
    """A client; every call gives its result, or raises what the client raised."""

    def __init__(self, adapter: Adapter, colour: str, node: RawServer, **fields: Any) -> None:
        self.adapter = adapter
        self.colour = colour
        self.node = node
        self._loop = asyncio.new_event_loop() if colour == "async" else None
        self._foreign = adapter.make(colour, None)
        self._settings: dict[str, Any] = {
            "transport": adapter.transport(self._foreign),
            "allow_insecure_http": True,
            "token": "cap-0123456789abcdef",
            "overall_timeout_ms": int(PATIENCE * 1000),
            "read_timeout_ms": int(PATIENCE * 1000),
            "max_retries": 0,
            "max_streams": 1,  # a stream that is left open is noticed
            "max_response_bytes": LIMIT,
            **fields,
        }
        self.client = self._open()

    def _open(self) -> Any:
        url = f"http://127.0.0.1:{self.node.port}"
        return (RonClient if self.colour == "async" else RonClientSync)(url, **self._settings)

    def refresh(self) -> None:
        """A client of its own for the next case, where it might meet a connection that the node has closed."""
        if "closed idle" in self.adapter.gaps:
            self._close_client()
            self.client = self._open()

    def _close_client(self) -> None:
        self.run(self.client.aclose() if self.colour == "async" else self.client.close())

    def run(self, result: Any) -> Any:
        """What an async call gives in the end, or what a sync one has given."""
        if self._loop is None or not asyncio.iscoroutine(result):
            return result
        return self._loop.run_until_complete(_within(result))

    def get(self, path: str, **options: Any) -> Any:
        """A plain GET."""
        return self.run(self.client.get(path, **options))

    def works(self) -> bool:
        """Whether the client still gets an answer; it may find that the node closed a connection after a good one."""
        good: Any = self.run(self.client.with_options(max_retries=3).get("/good"))
        return bool(good == {"good": True})

    def post(self, path: str, **options: Any) -> Any:
        """A plain POST."""
        return self.run(self.client.post(path, **options))

    def item(self, key: str = "x") -> Any:
        """A typed GET."""
        return self.run(self.client.objects(Item).get(key))

    def page(self) -> Any:
        """A typed page."""
        return self.run(self.client.objects(Item).list().page())

    def events(self, path: str, count: int = 1) -> list[Any]:
        """The first events of one stream, decoded as JSON; fewer if it ends."""
        from ron import sse_event_stream

        return self._take(lambda: sse_event_stream(self.client, path), count, lambda event: event.json_data())

    def changes(self, count: int = 1, **options: Any) -> list[Any]:
        """The first changes of a watch that gives up at once."""
        options = {"max_failures": 0, "strict": True, **options}
        return self._take(lambda: self.client.objects(Item).watch(**options), count, lambda change: change)

    def _take(self, opened: Any, count: int, read: Any) -> list[Any]:
        found: list[Any] = []
        if self._loop is None:
            with contextlib.closing(iter(opened())) as source:
                for one in source:
                    found.append(read(one))
                    if len(found) == count:
                        break
            return found

        async def take() -> None:
            source = opened().__aiter__()
            try:
                async for one in source:
                    found.append(read(one))
                    if len(found) == count:
                        break
            finally:
                await source.aclose()

        self.run(take())
        return found

    def close(self) -> None:
        """Closes client, foreign object and loop."""
        self._close_client()
        closing = getattr(self._foreign, "aclose" if self.colour == "async" else "close", None)
        if closing is not None:
            self.run(closing())
        if self._loop is not None:
            self._loop.run_until_complete(_turns())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


async def _within(result: Any) -> Any:
    return await asyncio.wait_for(result, 2 * PATIENCE)


async def _turns() -> None:
    """Lets the loop finalise what httpx nests: each async generator a turn or two after its outer."""
    for _ in range(50):
        await asyncio.sleep(0)


class Node(RawServer):
    """Plays the script that ``plays`` holds; ``/good`` is always answered well."""

    def __init__(self) -> None:
        super().__init__(self._handle)
        self.plays = Script(GOOD, ends=False)

    def _handle(self, peer: Peer) -> None:
        while True:
            script = Script(GOOD, ends=False) if b" /good " in peer.request().line else self.plays
            peer.send(script.data)
            if script.ends:
                return


@contextlib.contextmanager
def called(adapter: Adapter, colour: str, **fields: Any) -> Iterator[Caller]:
    """A caller with its node, both closed at the end."""
    with Node() as node:
        caller = Caller(adapter, colour, node, **fields)
        try:
            yield caller
        finally:
            caller.close()


def sockets(able_to: str = "", without: str = "") -> list[tuple[Adapter, str]]:
    """Adapters and colours that reach a socket and declare the capability, and not the gap: ours, and of each httpx one
    kind of object.

    How the other kind (client, transport) behaves is the conformance suite's matter.
    """
    return [(adapter, colour) for adapter, colour in on_a_socket(able_to, without) if adapter.name in _TRIED]


def names(pairs: list[tuple[Adapter, str]]) -> list[str]:
    """Ids of the pairs."""
    return [f"{adapter.name}-{colour}" for adapter, colour in pairs]


def error_of(call: Any, *arguments: Any) -> Optional[RonError]:
    """The ``RonError`` that a call raises, None if it gives a result; anything else escapes."""
    try:
        call(*arguments)
    except RonError as error:
        return error
    return None
