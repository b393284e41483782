"""A node that ends an exchange's connection after exactly so many bytes of the request or of the answer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Optional

from tests.transport.raw_server import PATIENCE, Peer, RawServer

__all__ = ["Arrival", "Cut", "ScriptedNode", "Step"]


class Cut(NamedTuple):
    """An exchange's end: after ``at`` bytes of its ``way`` ("request", "answer"), by ``how`` ("fin", "rst")."""

    way: str
    at: int
    how: str


class Step(NamedTuple):
    """What one request is answered with, and where that is cut, if it is.

    ``once_done`` takes the answer's place if an earlier request of the same play arrived whole.
    """

    answer: bytes
    cut: Optional[Cut] = None
    once_done: Optional[bytes] = None


class Arrival(NamedTuple):
    """What arrived of one request, on which connection."""

    data: bytes
    connection: int


class ScriptedNode(RawServer):
    """Plays one step a request, whichever connection that comes on. One call at a time."""

    def __init__(self) -> None:
        super().__init__(self._converse)
        self.arrivals: list[Arrival] = []
        self._steps: deque[Step] = deque()
        self._done = False
        self._ended: set[int] = set()
        self._end_made = threading.Condition()

    def play(self, steps: Iterable[Step]) -> None:
        """Sets what the next requests meet; nothing has arrived or been carried out."""
        self._steps = deque(steps)
        self.arrivals = []
        self._done = False

    def wait_cut(self, connection: int) -> None:
        """Waits until that connection has been cut: its FIN or RST is at the client."""
        with self._end_made:
            assert self._end_made.wait_for(lambda: connection in self._ended, PATIENCE), "it was not cut"

    def _converse(self, peer: Peer) -> None:
        while peer.spoken_to():
            step = self._steps.popleft()
            cut = step.cut
            if cut is not None and cut.way == "request":
                # A request that arrived whole is carried out, whatever becomes of its answer.
                self.arrivals.append(Arrival(peer.take(cut.at), peer.number))
                self._done = True
                self._end(peer, cut)
                return
            seen = peer.request()
            self.arrivals.append(Arrival(seen.head + seen.body, peer.number))
            answer = step.answer if step.once_done is None or not self._done else step.once_done
            self._done = True
            if cut is not None:
                peer.send(answer[: cut.at])
                self._end(peer, cut)
                return
            peer.send(answer)

    def _end(self, peer: Peer, cut: Cut) -> None:
        if cut.how == "rst":
            # On one machine the bytes before are in the client's buffer by now, and reading comes before the error.
            peer.reset()
        else:
            # Half a close: a whole one with unread bytes of the request would be a reset.
            peer.finish()
        with self._end_made:
            self._ended.add(peer.number)
            self._end_made.notify_all()
        if cut.how == "fin":
            peer.wait_closed()
