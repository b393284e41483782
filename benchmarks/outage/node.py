"""The node of the simulation: one queue, a fixed capacity, and no memory of who asked."""

from __future__ import annotations

import random
from email.utils import formatdate
from typing import TYPE_CHECKING, Union

from ron._values import Failure, Reply

if TYPE_CHECKING:
    from benchmarks.outage.scenarios import Scenario

__all__ = ["EPOCH", "Node"]

#: what the wall clock shows when the simulation begins, seconds since the epoch
EPOCH = 1_700_000_000.0
_JSON = ((b"Content-Type", b"application/json"),)


class Node:
    """Serves in order of arrival. What a client has given up waiting for is served all the same.

    Service times are exponential around ``1 / capacity``. As nobody overtakes, the moment at which a request will be
    answered is known when it arrives, and ``free_at`` is all the state there is.
    """

    def __init__(self, scenario: Scenario, seed: str) -> None:
        self._scenario = scenario
        self._random = random.Random(f"node {seed}")
        self._free_at = 0.0
        self._ok = Reply(200, _JSON, b'{"ok":true}')
        hint = "" if scenario.hint_ms is None else f',"retry_after_ms":{scenario.hint_ms}'
        body = f'{{"code":"overloaded","message":"try later"{hint}}}'.encode()
        self._no = Reply(503, _JSON, body)
        date = formatdate(EPOCH + scenario.bad_ends, usegmt=True).encode("ascii")
        self._restarting = Reply(503, (*_JSON, (b"Retry-After", date)), b'{"code":"restarting","message":"try later"}')

    def arrive(self, now: float) -> tuple[float, Union[Reply, Failure]]:
        """A request comes in: when its answer will be with the client, and which."""
        scenario = self._scenario
        back = now + scenario.network
        if self._is_down(now):
            if scenario.down == "refuse":
                return back, Failure("connect", "the connection was refused", sent=False)
            return back, self._restarting
        begin = max(now, self._free_at)
        if begin - now > scenario.queue:
            self._free_at = begin + scenario.refusal_cost / scenario.capacity
            return back, self._no
        self._free_at = begin + self._random.expovariate(scenario.capacity)
        return self._free_at + scenario.network, self._ok

    def _is_down(self, now: float) -> bool:
        scenario = self._scenario
        if scenario.down is None or not scenario.bad_begins <= now < scenario.bad_ends:
            return False
        return scenario.down_share >= 1.0 or self._random.random() < scenario.down_share
