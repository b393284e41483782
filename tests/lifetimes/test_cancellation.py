"""A call that is cancelled, at whatever moment, leaves nothing behind and takes nothing from the next one.

Node and client share one event loop, so a call takes the same turns of it each time: it is cancelled in its first turn,
in its second, and so on, until it is over sooner than it is cancelled.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Optional, cast

import anyio
import pytest

from ron import RonClient
from ron.testing import MemoryNode, stored
from tests.lifetimes.cases import CALLS, TRANSPORTS, Item, Loop, Made, descriptors, make, run, turns
from tests.lifetimes.echo_node import EchoNode
from tests.transport.raw_server import Tls

#: More turns than any call takes; only reached when a test has failed.
MANY = 2000
#: Seconds that nothing waits for, unless a test has failed.
PATIENCE = 40.0
#: Turns in which what was given up may close itself.
SETTLE = 300
#: Seconds that the clock is put forward to fire a timeout of less, within deadlines of more.
LEAP, LIMIT = 6.0, 5.0

TLS = Tls()
Call = Callable[[], Awaitable[str]]
Ending = Callable[[Call, int], Awaitable[Optional[str]]]


async def cancelled(call: Call, after: int) -> Optional[str]:
    """What the call gives; None if it ended, as it must, because its task was cancelled in that turn."""
    loop = asyncio.get_running_loop()
    task: asyncio.Future[str] = asyncio.ensure_future(call())
    asked = False

    def tick(left: int) -> None:
        nonlocal asked
        if task.done():
            return
        if left:
            loop.call_soon(tick, left - 1)
        else:
            asked = task.cancel()

    loop.call_soon(tick, after)
    await asyncio.wait([task])
    assert asked == task.cancelled(), "the cancellation was swallowed, or turned into something else"
    return None if asked else task.result()


def _leap_after(count: int) -> Callable[[], None]:
    """Puts the clock forward after so many turns; gives a function that calls this off."""
    loop = cast("Loop", asyncio.get_running_loop())
    over = False

    def tick(left: int) -> None:
        if over:
            return
        if left:
            loop.call_soon(tick, left - 1)
        else:
            loop.ahead += LEAP

    def call_off() -> None:
        nonlocal over
        over = True

    loop.call_soon(tick, count)
    return call_off


async def waited_for(call: Call, after: int) -> Optional[str]:
    """As `cancelled`, by `asyncio.wait_for`."""
    call_off = _leap_after(after)
    try:
        return await asyncio.wait_for(call(), LIMIT)
    except asyncio.TimeoutError:
        return None
    finally:
        call_off()


async def timed_out(call: Call, after: int) -> Optional[str]:
    """As `cancelled`, by `asyncio.timeout`."""
    call_off = _leap_after(after)
    try:
        async with getattr(asyncio, "timeout")(LIMIT):  # noqa: B009 - new in 3.11
            return await call()
    except asyncio.TimeoutError:
        pass
    finally:
        call_off()
    return None


async def moved_on(call: Call, after: int) -> Optional[str]:
    """As `cancelled`, by a scope of AnyIO, which cancels again and again until it is left."""
    call_off = _leap_after(after)
    result: Optional[str] = None
    with anyio.move_on_after(LIMIT) as scope:
        result = await call()
    call_off()
    assert (result is None) == scope.cancelled_caught
    return result


ENDINGS: list[Ending] = [waited_for, moved_on]
if hasattr(asyncio, "timeout"):
    ENDINGS.append(timed_out)


class Trial:
    """One call, ended in one turn after the other, on a client that must be as good as new each time."""

    def __init__(self, node: EchoNode, open_client: Callable[[], Made], call: str, warm: bool) -> None:
        self._node = node
        self._open = open_client
        self._call = CALLS[call]
        self._warm = warm
        self._nonces = 0

    async def run(self, ending: Ending) -> int:
        """How many turns the call takes."""
        gc.collect()
        unused = descriptors()
        made: Optional[Made] = None
        for after in range(MANY):
            if made is None:
                made = self._open()
                if self._warm:
                    await self._ask(made)
            nonce = self._nonce()
            call, client = self._call, made.client
            result = await ending(lambda: call(client, nonce), after)  # noqa: B023 - awaited here
            assert result in (None, nonce), f"turn {after}: another call's answer"
            await self._settle(made, unused, f"turn {after}")
            await self._ask(made)
            await self._settle(made, unused, f"turn {after}, the next call")
            if not self._warm or result is not None:
                await made.close()
                made = None
            if result is not None:
                return after
        raise AssertionError("the call does not end")

    async def _settle(self, made: Made, unused: int, when: str) -> None:
        """Gives everything that ends the turns that this takes; then nothing may be left but idle connections."""
        for _ in range(SETTLE):
            if not self._left(made, unused):
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{when}: {self._left(made, unused)}")

    def _left(self, made: Made, unused: int) -> dict[str, Any]:
        """What there should not be."""
        node, idle = self._node, made.idle()
        found = {
            "calls, waiters, permits": made.busy() if made.busy() != (0, 0, 0) else None,
            "tasks": asyncio.all_tasks() - {asyncio.current_task()},
            "exchanges": [each for each in node.connections if each.exchanging],
            "connections": idle is not None and len(node.connections) - idle,
            "descriptors": descriptors() - 2 * len(node.connections) - unused,
        }
        return {name: value for name, value in found.items() if value}

    async def _ask(self, made: Made) -> None:
        """A call that must get its own answer."""
        nonce = self._nonce()
        assert nonce == await CALLS["get"](made.client, nonce)

    def _nonce(self) -> str:
        self._nonces += 1
        return f"n-{self._nonces}"


async def _try(
    kind: str,
    call: str,
    ending: Ending,
    *,
    tls: bool = False,
    warm: bool = False,
    **fields: Any,
) -> int:
    node = EchoNode(slices=3, tls=TLS.server if tls else None)
    await node.start()
    trust = TLS.client() if tls else True
    trial = Trial(node, lambda: make(kind, node.url, trust, **fields), call, warm)
    try:
        return await trial.run(ending)
    finally:
        node.stop()
        await turns(5)


# What a user's httpx object does while it connects is not ours to promise: under AnyIO a cancelled TLS handshake keeps
# its socket until the garbage collector comes, and before Python 3.11, or with an older AnyIO, a cancellation in the
# turn in which the connection stands is swallowed.
_ANYIO = tuple(int(part) for part in importlib.metadata.version("anyio").split(".")[:2])
_CLEAN_CONNECT = sys.version_info >= (3, 11) and _ANYIO >= (4, 13)
_UNDER_OUR_HAND = [
    pytest.param(kind, tls, warm, call, id=f"{kind}-{'https' if tls else 'http'}-{'warm' if warm else 'cold'}-{call}")
    for kind in TRANSPORTS
    for tls in (False, True)
    for warm in (False, True)
    for call in (CALLS if kind == "lanes" else ("get", "watch"))
    if kind == "lanes" or warm or (not tls and _CLEAN_CONNECT)
]


@pytest.mark.parametrize(("kind", "tls", "warm", "call"), _UNDER_OUR_HAND)
def test_cancelled_at_every_turn(kind: str, tls: bool, warm: bool, call: str) -> None:
    """Whenever its task is cancelled, a call ends so, leaves nothing, and the next one gets its own answer."""
    assert 4 < run(_try(kind, call, cancelled, tls=tls, warm=warm))


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_ended_from_outside_at_every_turn(kind: str, ending: Ending) -> None:
    """The timeouts of asyncio and AnyIO end a call as cleanly as a cancellation, whenever they strike."""
    assert 4 < run(_try(kind, "get", ending, warm=kind != "lanes"))


async def _slow_token() -> str:
    await turns(3)
    return "t-2"


@pytest.mark.parametrize("provider", [_slow_token, lambda: "t-3"], ids=["async", "sync"])
def test_cancelled_while_a_token_is_fetched(provider: Any) -> None:
    """A provider that is asked by a cancelled call alone is cancelled with it, and asked again by the next one."""
    assert 4 < run(_try("lanes", "get", cancelled, token_provider=provider))


def test_a_provider_that_nobody_waits_for_is_cancelled() -> None:
    """Two calls wait for one token: cancelling one leaves the provider at work, cancelling both ends it."""

    async def main() -> None:
        asked: list[str] = []

        async def provider() -> str:
            asked.append("asked")
            if len(asked) > 1:
                return "t-2"
            try:
                await asyncio.sleep(PATIENCE)
            except asyncio.CancelledError:
                asked.append("cancelled")
                raise
            return "t-1"

        node = EchoNode()
        await node.start()
        made = make("lanes", node.url, token_provider=provider)
        calls = [asyncio.ensure_future(made.client.get("/app/echo/1")) for _ in range(2)]
        for call, expected in zip(calls, (["asked"], ["asked", "cancelled"])):
            await turns(5)
            call.cancel()
            await turns(5)
            assert call.cancelled()
            assert expected == asked
        assert "Bearer t-2" == (await made.client.get("/app/echo/1"))["authorization"]
        await made.close()
        node.stop()
        await turns(5)

    run(main())


@pytest.mark.parametrize("call", ["get", "create", "list", "watch"])
def test_cancelled_on_a_memory_node(call: str) -> None:
    """An in-process node has no connections to lose; a call on it ends as cleanly, and the next one is answered."""

    async def main() -> None:
        node = MemoryNode(Item)
        for key in ("n-1", "n-2"):
            node.add(stored(Item, id=key, name="n-1"))
        async with RonClient(transport=node) as client:
            items = client.objects(Item)

            async def watch() -> str:
                async with items.watch() as changes:
                    await items.create(name="n-1")
                    change: Any = await changes.__anext__()
                    name: str = change.item.name
                    return name

            def ask() -> Awaitable[str]:
                return watch() if call == "watch" else CALLS[call](client, "n-1")

            result: Optional[str] = None
            after = 0
            while result is None:
                result = await cancelled(ask, after)
                assert "n-1" == (await items.get("n-1")).name
                assert {asyncio.current_task()} == asyncio.all_tasks()
                after += 1
            assert "n-1" == result
            assert after > 1

    run(main())


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_cancelled_in_line(kind: str, victim: int) -> None:
    """Of three calls on one connection, the one that is cancelled, in line or not, costs the others nothing."""

    async def main() -> None:
        node = EchoNode(slices=3)
        await node.start()
        made = make(kind, node.url, max_concurrency=1)
        after = 0
        for after in range(MANY):
            names = [f"n-{after}-{number}" for number in range(3)]
            calls = [lambda name=name: CALLS["get"](made.client, name) for name in names]
            endings = [cancelled(call, after if number == victim else MANY * MANY) for number, call in enumerate(calls)]
            results = await asyncio.gather(*endings)
            over = results[victim] is not None
            expected = [None if number == victim and not over else name for number, name in enumerate(names)]
            assert expected == results
            assert (0, 0, 0) == made.busy()
            if over:
                break
        await made.close()
        node.stop()
        await turns(5)
        assert 4 < after < MANY - 1

    run(main())
