"""The page ahead, over a real socket: its request is out before the caller begins to work."""

from __future__ import annotations

import json
import threading

import pytest

from ron import Resource, RonClient, server
from tests.transport.raw_server import Peer, RawServer, answer

#: only reached when the test has failed
PATIENCE = 10.0


class Thing(Resource, path="/app/things"):
    """What is listed."""

    id: str = server()


@pytest.mark.anyio
async def test_the_next_page_is_asked_for_while_the_caller_computes() -> None:
    """A caller that never gives way to the event loop while it works has the next page asked for all the same."""
    asked = [threading.Event() for _ in range(4)]

    def handle(peer: Peer) -> None:
        for _ in asked:
            number = int(peer.request().line.partition(b"page_token=")[2].split(b" ")[0] or b"0")
            asked[number].set()
            page = {"items": [{"id": f"i-{number}"}], "next_page_token": str(number + 1) if number < 3 else None}
            peer.send(answer(json.dumps(page).encode("ascii")))

    with RawServer(handle) as node:
        client = RonClient(f"http://127.0.0.1:{node.port}", allow_insecure_http=True)
        seen: list[bool] = []
        async for _ in client.objects(Thing).list():
            number = len(seen)
            seen.append(number == 3 or asked[number + 1].wait(PATIENCE))
        await client.aclose()
    assert [True] * 4 == seen
