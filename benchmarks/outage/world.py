"""The engine: a fake clock that jumps from event to event, clients that call, one node. No I/O, no real time."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from benchmarks.outage.measures import Tally
from benchmarks.outage.node import EPOCH, Node
from ron._effects import Now, Send
from ron._plan import plain_plan
from ron._session import Session
from ron._values import Failure
from ron.errors import RonError

if TYPE_CHECKING:
    from benchmarks.outage.policies import Flow, Policy
    from benchmarks.outage.scenarios import Scenario

__all__ = ["simulate"]

RETRIES = 3


def simulate(scenario: Scenario, policy: Policy, seed: str = "1") -> Tally:
    """Plays one bad day with one policy. The same arguments give the same figures."""
    world = _World(scenario, seed)
    plan = plain_plan("GET", "/app/items")
    sessions = [_session(scenario, f"{seed} {index}") for index in range(scenario.clients)]
    chosen = random.Random(f"callers {seed}")
    for now in _arrivals(scenario, random.Random(f"arrivals {seed}")):
        world.run_until(now)
        world.begin(policy(chosen.choice(sessions), plan))
    world.run_until(float("inf"))
    return world.tally


def _session(scenario: Scenario, seed: str) -> Session:
    ids = itertools.count()
    return Session(
        base_path="",
        facet_prefix="/app",
        timeout=scenario.deadline,
        max_retries=RETRIES,
        random=random.Random(f"jitter {seed}").random,
        new_id=lambda: f"{next(ids):032x}",
    )


def _arrivals(scenario: Scenario, draw: random.Random) -> Iterator[float]:
    """When calls begin. Each client's are a Poisson process; together they are one, whose calls fall on clients at
    random.
    """
    now = 0.0
    for until, load in (
        (scenario.bad_begins, scenario.load),
        (scenario.bad_ends, scenario.bad_load),
        (scenario.ends, scenario.load),
    ):
        rate = load * scenario.capacity
        now += draw.expovariate(rate)
        while now < until:
            yield now
            now += draw.expovariate(rate)
        now = until  # the process has no memory


class _Call:
    """One logical call on its way."""

    __slots__ = ("began", "flow")

    def __init__(self, flow: Flow, began: float) -> None:
        self.flow = flow
        self.began = began


class _World:
    """The clock and what is to come: attempts that leave, and answers that arrive."""

    def __init__(self, scenario: Scenario, seed: str) -> None:
        self.tally = Tally(scenario)
        self._scenario = scenario
        self._node = Node(scenario, seed)
        self._now = 0.0
        self._order = itertools.count()  # two events of one moment happen in the order in which they were planned
        self._events: list[tuple[float, int, _Call, Any]] = []

    def run_until(self, until: float) -> None:
        """Everything that happens up to then."""
        events = self._events
        while events and events[0][0] <= until:
            self._now, _, call, what = heapq.heappop(events)
            if type(what) is Send:
                self._send(call, what)
            else:
                self._resume(call, what)
        if until < float("inf"):
            self._now = until

    def begin(self, flow: Flow) -> None:
        """A call begins now."""
        self.tally.began(self._now)
        self._resume(_Call(flow, self._now), None)

    def _resume(self, call: _Call, answer: Any) -> None:
        """Gives a flow what it waits for, and plans what it wants next."""
        flow = call.flow
        try:
            effect = flow.throw(answer) if isinstance(answer, Failure) else flow.send(answer)
            while isinstance(effect, Now):
                effect = flow.send(self._now + (EPOCH if effect.wall else 0.0))
        except StopIteration:
            self.tally.ended(call.began, self._now, succeeded=True)
            return
        except RonError:
            self.tally.ended(call.began, self._now, succeeded=False)
            return
        assert isinstance(effect, Send), effect
        if effect.wait:
            self._plan(self._now + effect.wait, call, effect)
        else:
            self._send(call, effect)

    def _send(self, call: _Call, effect: Send) -> None:
        """One attempt leaves. As a transport does, it waits for the answer up to its timeout and the deadline."""
        self.tally.sent(self._now)
        when, outcome = self._node.arrive(self._now)
        limit = min(self._now + self._scenario.read_timeout, effect.exchange.deadline)
        if when > limit:
            when, outcome = limit, Failure("timeout", "no answer came in time", sent=True, timed_out=True)
        self._plan(when, call, outcome)

    def _plan(self, when: float, call: _Call, what: Any) -> None:
        heapq.heappush(self._events, (when, next(self._order), call, what))
