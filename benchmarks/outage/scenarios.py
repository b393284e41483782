"""The bad days that are played: a node, its load over time, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

__all__ = ["BASE", "SCENARIOS", "VARIATIONS", "Scenario", "small"]


@dataclass(frozen=True)
class Scenario:
    """One bad day. Times are in seconds.

    Loads are those of first attempts, as shares of the node's capacity, and don't depend on how calls end: users come
    whether or not others were served (an open loop). The bad phase stands between a phase before and a phase after.

    Attributes:
        clients: how many clients there are, each with a session and a retry budget of its own.
        call_rate: calls per second of one client that would use the capacity up.
        load, bad_load: the load before and after, and in the bad phase.
        before, bad, after: how long each phase is.
        queue: how long the node's queue may be; a request that would wait longer is answered 503.
        refusal_cost: the work in such an answer, as a share of the work in a good one.
        hint_ms: ``retry_after_ms`` in these answers, None for no hint.
        down: what the node does in the bad phase instead of serving: "refuse" connections, or answer 503 with a
            "date" in ``Retry-After``, the end of the phase in whole seconds; None if it goes on serving.
        down_share: which share of the requests it does that to, at random.
        read_timeout: how long each policy waits for the answer to one attempt.
        deadline: what ``ron`` has for a whole call; the other policies have none.
        network: from the client to the node and back.
    """

    name: str
    title: str
    clients: int = 1000
    call_rate: float = 1.0
    load: float = 0.7
    bad_load: float = 1.3
    before: float = 30.0
    bad: float = 60.0
    after: float = 120.0
    queue: float = 0.2
    refusal_cost: float = 0.05
    hint_ms: Optional[int] = None
    down: Optional[str] = None
    down_share: float = 1.0
    read_timeout: float = 2.0
    deadline: float = 10.0
    network: float = 0.02

    @property
    def capacity(self) -> float:
        """Requests per second that the node can serve."""
        return self.clients * self.call_rate

    @property
    def bad_begins(self) -> float:
        """When the bad phase begins."""
        return self.before

    @property
    def bad_ends(self) -> float:
        """When the bad phase ends."""
        return self.before + self.bad

    @property
    def ends(self) -> float:
        """When no more calls begin."""
        return self.before + self.bad + self.after


BASE = Scenario("base", "30 % overload")

SCENARIOS = (
    replace(
        BASE,
        name="sheds",
        title="30 % overload, node sheds: 503 at once, retry_after_ms=1000",
        hint_ms=1000,
    ),
    replace(BASE, name="sheds_silently", title="30 % overload, node sheds: 503 at once, no hint"),
    replace(BASE, name="queues", title="30 % overload, node queues up to 10 s: calls time out after 2 s", queue=10.0),
    replace(
        BASE,
        name="flickers",
        title="no overload, every tenth connection is refused",
        bad_load=0.7,
        down="refuse",
        down_share=0.1,
    ),
    replace(BASE, name="down", title="total outage: every connection is refused", bad_load=0.7, down="refuse"),
    replace(
        BASE,
        name="restarts",
        title="5 s restart: 503, Retry-After names the second of its end",
        bad_load=0.7,
        bad=5.0,
        down="date",
        hint_ms=1000,
    ),
)

_SHEDS, _QUEUES, _DOWN = SCENARIOS[1], SCENARIOS[2], SCENARIOS[4]

#: Does the verdict hang on the parameters? The same load from fewer and from more clients, and other nodes.
VARIATIONS = (
    *(
        replace(day, name=f"{day.name}, {clients} clients of {rate:g} calls/s", clients=clients, call_rate=rate)
        for day in (_SHEDS, _QUEUES, _DOWN)
        for clients, rate in ((100, 10.0), (10_000, 0.1))
    ),
    replace(_SHEDS, name="sheds_silently, refusing costs nothing", refusal_cost=0.0),
    replace(_SHEDS, name="sheds_silently, refusing costs 20 %", refusal_cost=0.2),
    replace(_SHEDS, name="sheds_silently, 100 % overload", bad_load=2.0),
    replace(_QUEUES, name="queues, 10 % overload", bad_load=1.1),
    replace(_QUEUES, name="queues, up to 1 s only", queue=1.0),
)


def small(scenario: Scenario) -> Scenario:
    """The same with few clients and short phases: for tests and smoke runs, not for figures."""
    return replace(scenario, clients=20, before=3.0, bad=min(scenario.bad, 10.0), after=10.0)
