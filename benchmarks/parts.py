"""Where the time of one typed get goes, on the default transport: processor time of what it is made of."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any, Optional
from urllib.parse import urlsplit

from benchmarks._content import ITEM
from benchmarks._engines import PATH
from benchmarks._loops import concurrently, running
from benchmarks._registry import Figures
from benchmarks._report import report
from benchmarks._rounds import interleaved
from benchmarks._server import serving
from benchmarks._shop import TOKEN, Item
from ron import RonClient
from ron._plan import plain_plan
from ron._values import Reply

__all__ = ["run"]

SOCKET, SEND, DECIDED, VALIDATED, WHOLE = "socket", "send", "decided", "validated", "whole"
FAR = 1e6  # seconds


class _Wire(asyncio.Protocol):
    """The least that asyncio can do: bytes out, a future for the bytes that come."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._answer: Optional[asyncio.Future[bytes]] = None

    def connection_made(self, transport: Any) -> None:
        """See ``asyncio.Protocol``."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``; an answer this small comes in one piece."""
        assert self._answer is not None
        self._answer.set_result(data)

    async def ask(self, request: bytes) -> bytes:
        """One request, one answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer


class _NoWire:
    """A channel that has the answer already: what is left is what we decide, and the validation."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    async def send(self, exchange: Any, credential: Any) -> Reply:
        """See ``ron.transport.AsyncChannel``."""
        del exchange, credential
        return self._reply

    async def aclose(self) -> None:
        """See ``ron.transport.AsyncChannel``."""


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del draw
    with serving() as server, running("asyncio") as loop:
        client, idle = (RonClient(server.url, token=TOKEN, allow_insecure_http=True) for _ in range(2))
        calls = loop.run_until_complete(_calls(server.url, client, idle))
        contestants = {name: concurrently(loop, call) for name, call in calls.items()}
        rounds, seconds = (1, 0.01) if smoke else (11, 0.25)
        times = interleaved(contestants, rounds=rounds, seconds=seconds, clock=time.process_time)
        for one in (client, idle):
            loop.run_until_complete(one.aclose())
    middle = {name: statistics.median(found) for name, found in times.items()}
    parts = {
        "the event loop and the socket": middle[SOCKET],
        "HTTP: httpcore, h11, the lane": middle[SEND] - middle[SOCKET],
        "the policy: plan, flow, driver, origin": middle[DECIDED] - middle[VALIDATED],
        "validation": middle[VALIDATED],
    }
    parts["what these leave out when they run alone"] = middle[WHOLE] - sum(parts.values())
    series = {"seconds": {name: float(f"{value:.4g}") for name, value in {**parts, WHOLE: middle[WHOLE]}.items()}}
    return report("parts", _table(parts, middle[WHOLE]), server=server.what, series=series)


async def _calls(url: str, client: RonClient, idle: RonClient) -> dict[str, Callable[[], Any]]:
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(_Wire, place.hostname, place.port)
    session, body = client._session, ITEM.encode("utf-8")
    exchange = session.exchange(plain_plan("GET", PATH), "0" * 32, loop.time() + FAR)
    lines = [b"GET " + exchange.target + b" HTTP/1.1", b"Host: " + place.netloc.encode("ascii")]
    request = b"\r\n".join([*lines, *(name + b": " + value for name, value in exchange.headers), b"", b""])
    channel = client._ports.channel
    reply: Reply = await channel.send(exchange, session.credential)
    idle._ports.channel = _NoWire(reply)
    validator = Item.__pydantic_validator__

    async def validated() -> object:
        return validator.validate_json(body)

    return {
        SOCKET: lambda: wire.ask(request),
        SEND: lambda: channel.send(exchange, session.credential),
        DECIDED: lambda: idle.objects(Item).get("i-1"),
        VALIDATED: validated,
        WHOLE: lambda: client.objects(Item).get("i-1"),
    }


def _table(parts: dict[str, float], whole: float) -> str:
    rows = ["| part | processor time | share |", "|---|---|---|"]
    for name, seconds in {**parts, "the whole call": whole}.items():
        rows.append(f"| {name} | {seconds * 1e6:.1f} µs | {seconds / whole:.0%} |")
    return "\n".join(rows)
