"""What a gzip bomb of 260 KB costs a client whose limit is 1 MiB: measured in a process of its own."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from ron.transport._body import Body
from ron.transport._framing import Framing
from tests.bounds.caller import names, sockets
from tests.bounds.memory_probe import LIMIT, PLAIN, STREAMED
from tests.bounds.wire_cases import ES, GZ, bomb, chunked
from tests.transport.conformance.adapters import Adapter
from tests.transport.raw_server import PATIENCE, Peer, RawServer, answer

ROOT = Path(__file__).resolve().parents[2]
PAIRS = sockets(without="closed idle")  # each bomb ends its connection
MOST = 8 * 1024  # KiB
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """The answers, by path."""
    small = b"x" * (LIMIT - 2)
    ordinary = gzip.compress(b'"' + small + b'"')
    whole = bomb(256)
    assert 255_000 < len(whole) < 270_000
    return {
        "warm-up": answer(ordinary, GZ),
        "warm-up-refusal": answer(ordinary, GZ, status=b"400 No"),
        "counted": answer(whole, GZ),
        "chunked": chunked(*(whole[at : at + 1000] for at in range(0, len(whole), 1000)), fields=GZ + b"\r\n"),
        "closed": HEAD + GZ + b"\r\n\r\n" + whole,
        "one-read": HEAD + GZ + b"\r\nContent-Length: %d\r\n\r\n" % len(whole) + whole[: 1 << 16],
        "refusal": answer(whole, GZ, status=b"503 Bomb"),
        "events": answer(whole, GZ, ES),
        "event": answer(bomb(256, b"data:" + b"x" * 1018 + b"\n"), GZ, ES),
        "stream-refusal": answer(whole, GZ, status=b"503 Bomb"),
    }


@pytest.mark.parametrize(("adapter", "colour"), PAIRS, ids=names(PAIRS))
def test_a_bomb_costs_less_than_8_mib(adapter: Adapter, colour: str, bombs: dict[str, bytes]) -> None:
    """256 MB in 260 KB add less than 8 MiB, in answers, error answers and streams; each ends in the error it should."""

    def handle(peer: Peer) -> None:
        peer.send(bombs[peer.request().line.split(b" ")[1].decode()[1:]])

    with RawServer(handle) as node:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bounds.memory_probe", adapter.name, colour, str(node.port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE,
            check=False,
        )
    assert "" == done.stderr
    found = {path: (int(grown), raised) for path, grown, raised in map(str.split, done.stdout.splitlines())}
    assert [*PLAIN, *STREAMED] == list(found)
    expected = {**dict.fromkeys(found, "RonResponseTooLargeError"), "stream-refusal": "RonServerError"}
    assert expected == {path: raised for path, (_, raised) in found.items()}
    assert {} == {path: grown for path, (grown, _) in found.items() if grown >= MOST}, "KiB"


def test_tiny_pieces_cost_what_they_hold() -> None:
    """A body that comes in pieces of two bytes takes about twice its size while it is read, and no object a piece."""
    pieces = [b"%02d" % (number % 100) for number in range(100)]
    body = Body(Framing(None, True, b"", True), LIMIT)
    tracemalloc.start()
    try:
        for number in range(100_000):
            body.feed(bytes(bytearray(pieces[number % 100])))  # an object of its own, as the network gives them
        whole = body.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert b"".join(pieces) * 1000 == whole
    assert peak < 3 * len(whole)
