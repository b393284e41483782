"""``iter_many`` and its like: back-pressure, order, and nothing left behind however the loop ends."""

from __future__ import annotations

import asyncio
import itertools
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, Optional

import pytest

from ron import Resource, RonClient, RonClientSync, RonConfigError, server
from ron._values import Exchange, Reply
from ron.testing import FakeClock, MemoryNode, stored
from ron.transport import Capabilities, Endpoint
from tests.unit.rig import reply


class Thing(Resource, path="/app/things"):
    id: str = server()
    name: str


class Gate:
    """A transport whose answers are let out by key, or all at once; it counts what is under way."""

    needs_url = False
    capabilities = Capabilities(deadline=True, not_sent=True, surplus_check=True, stream_close=True, tls_info=False)

    def __init__(self, *held: str) -> None:
        self.held = {key: asyncio.Event() for key in held}
        self.under_way = self.most = self.sent = self.ended = 0

    def open_async(self, endpoint: Endpoint) -> Any:
        return self

    async def send(self, exchange: Exchange, credential: Any) -> Reply:
        self.sent += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        key = exchange.target.decode().rpartition("/")[2]
        try:
            await asyncio.sleep(0)
            if key in self.held:
                await self.held[key].wait()
        finally:
            self.under_way -= 1
        self.ended += 1
        return reply(200, b'{"id":"%b","name":"a"}' % key.encode())

    async def aclose(self) -> None:
        """Nothing to close."""

    def open_sync(self, endpoint: Endpoint) -> Any:
        raise RonConfigError("async only")


def workers() -> list[threading.Thread]:
    """The threads that bulk calls have left."""
    return [thread for thread in threading.enumerate() if thread.name == "ron-many"]


def tasks() -> list[Any]:
    """The tasks that bulk calls have left."""
    return [task for task in asyncio.all_tasks() if "FanOut" in repr(task.get_coro())]


async def turns(count: int = 20) -> None:
    """Gives the loop so many turns."""
    for _ in range(count):
        await asyncio.sleep(0)


class Counted:
    """An endless iterable of keys that counts how many were taken; ``closed`` once it is let go."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[str]:
        try:
            for number in itertools.count():
                self.taken += 1
                yield f"t-{number % 5}"
        finally:
            self.closed = True


class CountedAsync(Counted):
    """The same, async."""

    __iter__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    async def __aiter__(self) -> AsyncIterator[str]:
        try:
            for number in itertools.count():
                self.taken += 1
                await asyncio.sleep(0)
                yield f"t-{number % 5}"
        finally:
            self.closed = True


def filled() -> MemoryNode:
    """A node with five things."""
    node = MemoryNode(Thing)
    node.add(*(stored(Thing, id=f"t-{n}", name=f"n{n}") for n in range(5)))
    return node


@pytest.mark.anyio
@pytest.mark.parametrize("source", [Counted, CountedAsync])
@pytest.mark.parametrize("ordered", [True, False])
async def test_an_endless_input_is_read_only_a_little_ahead(source: type[Any], ordered: bool) -> None:
    """However long the input, at most twice the concurrency is in hand; leaving the loop ends it all."""
    keys = source()
    async with RonClient(transport=filled()) as client:
        outcomes = client.objects(Thing).iter_many(keys, concurrency=3, ordered=ordered)
        taken = 0
        async for outcome in outcomes:
            taken += 1
            assert keys.taken <= taken + 6
            assert outcome.error is None
            if taken == 40:
                break
        await outcomes.aclose()
        assert [] == tasks()
    assert keys.closed
    assert [] == [one async for one in outcomes]


@pytest.mark.parametrize("ordered", [True, False])
def test_an_endless_input_is_read_only_a_little_ahead_by_threads(ordered: bool) -> None:
    """The same of threads, and none is left when the loop is left."""
    keys = Counted()
    with RonClientSync(transport=filled()) as client:
        outcomes = client.objects(Thing).iter_many(keys, concurrency=3, ordered=ordered)
        for taken, outcome in enumerate(outcomes, 1):
            assert keys.taken <= taken + 6
            assert len(workers()) <= 3
            assert outcome.error is None
            if taken == 40:
                break
        assert [] == workers()
    assert keys.closed


@pytest.mark.anyio
async def test_outcomes_come_in_order_or_as_they_are_done() -> None:
    """A slow first key holds the others back where order is asked for, and only there."""
    for ordered, expected in ((True, ["a", "b", "c"]), (False, ["b", "c", "a"])):
        gate = Gate("a")
        async with RonClient(transport=gate) as client:
            seen: list[str] = []
            async with client.objects(Thing).iter_many(["a", "b", "c"], ordered=ordered) as outcomes:
                step: Any = asyncio.ensure_future(outcomes.__anext__())
                await turns()
                assert step.done() is not ordered
                if ordered:
                    gate.held["a"].set()
                seen.append((await step).given)
                seen.append((await outcomes.__anext__()).given)
                gate.held["a"].set()
                seen += [one.given async for one in outcomes]
        assert expected == seen


@pytest.mark.anyio
async def test_so_many_are_under_way_at_once() -> None:
    """``concurrency`` bounds what is under way, and so does the client's ``max_concurrency``."""
    for most, expected in ((100, 5), (2, 2)):
        gate = Gate()
        async with RonClient(transport=gate, max_concurrency=most) as client:
            await client.objects(Thing).get_many([str(n) for n in range(40)], concurrency=5)
        assert (expected, 40) == (gate.most, gate.ended)


@pytest.mark.anyio
async def test_one_slow_item_doesnt_hold_the_others_up() -> None:
    """While one is under way, the other places go on with further items."""
    gate = Gate("0")
    async with RonClient(transport=gate) as client:
        call = asyncio.ensure_future(client.objects(Thing).get_many([str(n) for n in range(50)], concurrency=2))
        await turns(300)
        assert 49 == gate.ended
        gate.held["0"].set()
        assert 50 == len((await call).ok)


@pytest.mark.anyio
async def test_cancelling_the_caller_cancels_what_is_under_way() -> None:
    """A cancelled ``get_many`` is over when nothing of it is left: no request, no task."""
    gate = Gate(*map(str, range(4)))
    async with RonClient(transport=gate) as client:
        call = asyncio.ensure_future(client.objects(Thing).get_many([str(n) for n in range(40)], concurrency=4))
        await turns()
        assert 4 == gate.under_way
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (0, 4, 0) == (gate.under_way, gate.sent, gate.ended)
        assert [] == tasks()


@pytest.mark.anyio
async def test_a_break_cancels_what_is_under_way() -> None:
    """After a break nothing new is sent, and what is under way is cancelled by the loop's next turns."""
    gate = Gate(*map(str, range(1, 4)))
    async with RonClient(transport=gate) as client:
        async for _ in client.objects(Thing).iter_many([str(n) for n in range(40)], concurrency=4):
            break
        await turns()
        sent = gate.sent
        await turns()
        assert (0, sent) == (gate.under_way, gate.sent)
        assert gate.ended < sent < 40
        assert [] == tasks()


@pytest.mark.anyio
async def test_an_error_of_the_callers_ends_it() -> None:
    """What a progress callback or the input raises is raised, and nothing is left."""

    def progress(done: int, total: Optional[int]) -> None:
        raise ZeroDivisionError

    def keys() -> Iterator[str]:
        yield "a"
        raise KeyError("mine")

    async def keys_async() -> AsyncIterator[str]:
        yield "a"
        raise KeyError("mine")

    gate = Gate("b")
    async with RonClient(transport=gate) as client:
        things = client.objects(Thing)
        with pytest.raises(ZeroDivisionError):
            await things.get_many(["a", "b"], progress=progress)
        assert [] == tasks()
        for source in (keys, keys_async):
            with pytest.raises(KeyError, match="mine"):
                async for _ in things.iter_many(source()):
                    pass
            assert [] == tasks()
    with RonClientSync(transport=filled()) as sync, pytest.raises(KeyError, match="mine"):
        list(sync.objects(Thing).iter_many(keys()))
    assert [] == workers()


@pytest.mark.anyio
async def test_progress_counts_what_was_handed_out() -> None:
    """A stream tells how many outcomes it gave, of how many where the input has a length."""
    told: list[tuple[int, Optional[int]]] = []
    keys = ["t-1", "t-2"]
    async with RonClient(transport=filled()) as client:
        things = client.objects(Thing)
        for given in (keys, iter(keys)):
            async for _ in things.iter_many(given, progress=lambda *numbers: told.append(numbers)):
                assert told
    with RonClientSync(transport=filled()) as sync:
        for given in (keys, iter(keys)):
            list(sync.objects(Thing).iter_many(given, progress=lambda *numbers: told.append(numbers)))
    assert [(1, 2), (2, 2), (1, None), (2, None)] * 2 == told


@pytest.mark.anyio
async def test_one_consumer_at_a_time() -> None:
    """A second consumer is told to make an iterator of its own."""
    gate = Gate("a")
    async with RonClient(transport=gate) as client:
        outcomes = client.objects(Thing).iter_many(["a"])
        step: Any = asyncio.ensure_future(outcomes.__anext__())
        await turns()
        with pytest.raises(RonConfigError, match="being read by another task"):
            await outcomes.__anext__()
        gate.held["a"].set()
        assert "a" == (await step).given


def test_a_loop_that_is_never_finished_keeps_no_thread() -> None:
    """An iterator that somebody holds and never asks again has no threads, so the program can end."""
    with RonClientSync(transport=filled()) as client:
        outcomes = iter(client.objects(Thing).iter_many(Counted(), concurrency=3))
        next(outcomes)
        for thread in workers():
            thread.join()
        assert [] == workers()
        assert next(outcomes).error is None


def test_threads_are_used_again() -> None:
    """A thread takes item after item: hundreds of items need few threads."""
    threads: set[threading.Thread] = set()

    class Notes:
        def before(self, request: Any) -> None:
            threads.add(threading.current_thread())

    with RonClientSync(transport=filled()) as client:
        client.add_middleware(Notes())
        assert 500 == len(client.objects(Thing).get_many(["t-1"] * 500, concurrency=3).ok)
    assert len(threads) < 50  # 3, unless the machine has held one up for longer than threads wait for work


def test_ctrl_c_ends_a_sync_call() -> None:
    """Ctrl-C in the caller's thread ends the call, and no thread is left."""

    def progress(done: int, total: Optional[int]) -> None:
        if done == 2:
            signal.raise_signal(signal.SIGINT)

    with RonClientSync(transport=filled(), clock=FakeClock()) as client:
        with pytest.raises(KeyboardInterrupt):
            client.objects(Thing).get_many(["t-1"] * 500, progress=progress)
        assert [] == workers()
        assert client.metrics.snapshot()["total_requests"] < 100


def test_a_stopped_call_waits_for_no_back_off() -> None:
    """A thread that waits to repeat its request is woken when the loop is left, instead of waiting on."""
    node = filled()
    node.fail(times=1, status=503, retry_after_ms=50_000)
    with RonClientSync(transport=node, overall_timeout_ms=60_000) as client:
        for _ in client.objects(Thing).iter_many(["t-1", "t-2"], concurrency=2, ordered=False):
            break
        assert [] == workers()
