"""A TCP proxy with weather: what goes through it is delayed, sliced, stalled or cut. TLS is bytes to it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import NamedTuple, Optional

from tests.transport.raw_server import PATIENCE, Peer, RawServer

__all__ = ["CLEAR", "Carried", "Proxy", "Way", "Weather"]


class Way(NamedTuple):
    """What happens to the bytes of one direction.

    Attributes:
        latency: seconds that every piece waits.
        piece: bytes of one write.
        stall: bytes after which no more are read from where they come from.
        cut: bytes after which the connection ends, towards both sides: when the next byte comes, which is lost.
        at_once: the cut doesn't wait for that next byte.
        how: that end, towards the client: "fin" or "rst".
    """

    latency: float = 0.0
    piece: int = 65536
    stall: Optional[int] = None
    cut: Optional[int] = None
    at_once: bool = False
    how: str = "fin"


class Weather(NamedTuple):
    """Both directions of one connection: ``up`` is from the client to the node."""

    up: Way = Way()
    down: Way = Way()


CLEAR = Weather()


class Carried(NamedTuple):
    """What was passed on over one connection, in each direction."""

    up: bytearray
    down: bytearray


class _Flow:
    """One direction of one connection."""

    def __init__(self, source: socket.socket, sink: socket.socket, way: Way, stopping: threading.Event) -> None:
        self.source = source
        self.sink = sink
        self.way = way
        self.passed = bytearray()
        self.open = True
        self._stopping = stopping

    @property
    def reads(self) -> bool:
        """Whether its source is to be read."""
        stall = self.way.stall
        return self.open and (stall is None or len(self.passed) < stall)

    def carry(self) -> bool:
        """Passes on what has come; False when the connection is to be cut."""
        way = self.way
        data = self.source.recv(65536)
        if not data:
            self.open = False
            self.sink.shutdown(socket.SHUT_WR)
            return True
        limit = len(data) if way.cut is None else way.cut - len(self.passed)
        if way.latency and self._stopping.wait(way.latency):
            raise EOFError
        kept = data[:limit]
        # Noted first: who gets it may look at once.
        self.passed += kept
        for at in range(0, len(kept), way.piece):
            self.sink.sendall(kept[at : at + way.piece])
        return not (limit < len(data) or (way.at_once and limit == len(data)))


class Proxy(RawServer):
    """Listens on a port of its own and carries each connection to the node's, whose bytes it does not understand."""

    def __init__(self, node_port: int) -> None:
        super().__init__(self._carry)
        self.carried: list[Carried] = []
        self._node_port = node_port
        self._coming: list[Weather] = [CLEAR]

    def forecast(self, *weathers: Weather) -> None:
        """Sets what the next connections meet, each in its turn; the last one stays."""
        self._coming = list(weathers)
        self.carried = []

    def _carry(self, peer: Peer) -> None:
        weather = self._coming.pop(0) if len(self._coming) > 1 else self._coming[0]
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with socket.create_connection(("127.0.0.1", self._node_port), PATIENCE) as node:
            node.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers.append(node)  # so that the end of the proxy wakes who waits for it
            up = _Flow(peer.sock, node, weather.up, self.stopping)
            down = _Flow(node, peer.sock, weather.down, self.stopping)
            self.carried.append(Carried(up.passed, down.passed))
            cut = self._carry_on(up, down)
        if cut is not None and cut.how == "rst":
            peer.reset()
        elif cut is not None:
            peer.finish()
            peer.wait_closed()

    def _carry_on(self, up: _Flow, down: _Flow) -> Optional[Way]:
        """Carries both directions until both have ended; the way that cut them, if one did."""
        for flow in (up, down):
            if flow.way.at_once and flow.way.cut == 0:
                return flow.way
        with selectors.DefaultSelector() as selector, contextlib.suppress(EOFError):
            for flow in (up, down):
                selector.register(flow.source, selectors.EVENT_READ, flow)
            while selector.get_map():
                for key, _ in selector.select(PATIENCE):
                    flow = key.data
                    if not flow.carry():
                        cut: Way = flow.way
                        return cut
                    if not flow.reads:
                        selector.unregister(flow.source)
                if up.open and down.open and not selector.get_map():
                    self.stopping.wait(PATIENCE)
                if self.stopping.is_set():
                    break
        return None
