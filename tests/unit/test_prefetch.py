"""The page ahead: an async listing fetches the next page while the caller works on this one."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Optional, Union

import pytest

from ron import Resource, RonClient, RonServerError, RonTimeoutError, iter_pages, server
from ron._values import Credential, Exchange, Failure, Reply
from ron.testing import FakeClock
from ron.transport import Capabilities, Endpoint
from tests.unit.rig import late, refused, reply


class Thing(Resource, path="/app/things"):
    """What is listed."""

    id: str = server()


class Held:
    """A transport whose answers come when the test releases them; `log` has the page tokens that were asked for."""

    capabilities = Capabilities(deadline=True, not_sent=True, surplus_check=True, stream_close=True, tls_info=False)
    needs_url = False

    def __init__(self, pages: int, **instead: Union[Reply, Failure]) -> None:
        self.pages = pages
        self.instead = instead
        self.log: list[str] = []
        self.cancelled: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def open_async(self, endpoint: Endpoint) -> Held:
        return self

    def open_sync(self, endpoint: Endpoint) -> Any:
        raise AssertionError("these tests are async")

    def hold(self, token: str) -> asyncio.Event:
        """Lets the answer to this token wait for the returned event."""
        gate = self.gates[token] = asyncio.Event()
        return gate

    async def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        token = exchange.target.decode().partition("page_token=")[2] or "1"
        self.log.append(token)
        if token in self.gates:
            try:
                await self.gates[token].wait()
            except asyncio.CancelledError:
                self.cancelled.append(token)
                raise
        outcome = self.instead.pop(f"page{token}", None)
        if isinstance(outcome, Failure):
            raise outcome
        if outcome is not None:
            return outcome
        number = int(token)
        following = str(number + 1) if number < self.pages else None
        items = [{"id": f"{number}{letter}"} for letter in "ab"]
        return reply(200, json.dumps({"items": items, "next_page_token": following}).encode())

    async def stream(self, exchange: Exchange, credential: Optional[Credential]) -> Any:
        raise AssertionError("nothing streams here")

    async def aclose(self) -> None:
        for gate in self.gates.values():
            gate.set()


def client(node: Held, **options: Any) -> RonClient:
    """A client of that node, on a clock that waits for nobody."""
    return RonClient(transport=node, clock=FakeClock(), **options)


async def turns(count: int = 20) -> None:
    """Lets the event loop go on for some turns."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.anyio
async def test_the_next_page_is_on_its_way_while_this_one_is_worked_on() -> None:
    """When the first item is handed over, the second page has been asked for already, and nothing beyond it."""
    node = Held(4)
    seen = []
    async with client(node) as ron:
        async for thing in ron.objects(Thing).list():
            seen.append((thing.id, len(node.log)))
    expected = [("1a", 2), ("1b", 2), ("2a", 3), ("2b", 3), ("3a", 4), ("3b", 4), ("4a", 4), ("4b", 4)]
    assert expected == seen
    assert ["1", "2", "3", "4"] == node.log


@pytest.mark.anyio
async def test_prefetch_false_asks_only_when_needed() -> None:
    """With `prefetch=False` a page is asked for when its first item is."""
    node = Held(2)
    async with client(node) as ron:
        counts = [len(node.log) async for _ in ron.objects(Thing).list(prefetch=False)]
    assert [1, 1, 2, 2] == counts


@pytest.mark.anyio
@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
async def test_no_page_is_fetched_beyond_the_limit(limit: int, pages: int) -> None:
    """Once the pages at hand meet `limit`, none is asked for ahead."""
    node = Held(9)
    async with client(node) as ron:
        assert limit == len(await ron.objects(Thing).list(limit=limit).all())
    assert pages == len(node.log)


@pytest.mark.anyio
async def test_leaving_the_loop_cancels_the_page_ahead() -> None:
    """After a `break` the request under way is cancelled, no other begins, and no task is left."""
    node = Held(3)
    node.hold("2")
    before = asyncio.all_tasks()
    async with client(node) as ron:
        pages = ron.objects(Thing).list().pages()
        async for _ in pages:
            break
        await pages.aclose()
        assert (["1", "2"], ["2"], before) == (node.log, node.cancelled, asyncio.all_tasks())


@pytest.mark.anyio
async def test_leaving_a_loop_over_items_cancels_too() -> None:
    """The same when the loop goes over items and nobody closes anything: the turns of the loop that follow do it."""
    node = Held(3)
    node.hold("2")
    async with client(node) as ron:
        before = asyncio.all_tasks()
        async for _ in ron.objects(Thing).list():
            break
        await turns()
        assert (["1", "2"], ["2"], before) == (node.log, node.cancelled, asyncio.all_tasks())


@pytest.mark.anyio
async def test_a_cancelled_consumer_takes_the_page_ahead_with_it() -> None:
    """Cancelling the task that waits for the next page cancels the request, and nothing goes on."""
    node = Held(3)
    node.hold("2")
    async with client(node) as ron:
        before = asyncio.all_tasks()
        task = asyncio.ensure_future(ron.objects(Thing).list().all())
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await turns()
        assert (["1", "2"], ["2"], before) == (node.log, node.cancelled, asyncio.all_tasks())


@pytest.mark.anyio
async def test_an_error_ahead_waits_for_its_turn() -> None:
    """The items at hand are given first; the error comes when its page is asked for, with that page's token."""
    node = Held(3, page2=reply(500, b'{"code":"broken","message":"no","retryable":false}'))
    seen = []
    async with client(node) as ron:
        listing = ron.objects(Thing).list()
        with pytest.raises(RonServerError) as raised:
            async for thing in listing:
                seen.append((thing.id, listing.checkpoint))
    assert [("1a", None), ("1b", None)] == seen
    assert "2" == raised.value.checkpoint
    assert 1 == ron.metrics.snapshot()["total_errors"]


@pytest.mark.anyio
async def test_a_page_that_ran_out_of_time_ahead_is_asked_for_again() -> None:
    """A timeout beside the caller's own work is no error: the page is fetched when it is needed."""
    node = Held(3, page2=late(sent=True))
    async with client(node, max_retries=0) as ron:
        assert 6 == len(await ron.objects(Thing).list().all())
    assert ["1", "2", "2", "3"] == node.log


@pytest.mark.anyio
async def test_a_timeout_of_a_page_that_is_needed_is_an_error() -> None:
    """Asked for again, the page gets a deadline of its own, and its timeout is the caller's."""
    node = Held(3, page1=late(sent=True))
    async with client(node, max_retries=0) as ron:
        with pytest.raises(RonTimeoutError):
            await ron.objects(Thing).list().all()
    assert ["1"] == node.log


@pytest.mark.anyio
async def test_an_error_that_nobody_comes_back_for_is_silent() -> None:
    """A page ahead that fails after the consumer has gone says nothing, also not to asyncio's own log."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    node = Held(3, page2=refused())
    async with client(node, max_retries=0) as ron:
        pages = ron.objects(Thing).list().pages()
        await pages.advance()
        await asyncio.sleep(0)
        del pages
    assert [] == complaints


def test_pages_go_on_in_another_loop() -> None:
    """A page ahead that died with its event loop is asked for again in the next one."""
    node = Held(2)
    ron = client(node)
    pages = ron.objects(Thing).list().pages()

    async def first() -> Any:
        node.hold("2")
        return await pages.advance()

    async def second() -> Any:
        node.gates.clear()
        return await pages.advance()

    assert ["1a", "1b"] == [one.id for one in asyncio.run(first())]
    assert ["2a", "2b"] == [one.id for one in asyncio.run(second())]
    assert ["1", "2", "2"] == node.log


@pytest.mark.anyio
async def test_iter_pages_asks_only_when_asked() -> None:
    """The seed's `iter_pages` is the plain loop: a page is asked for when the caller comes for it."""
    node = Held(3)
    async with client(node) as ron:
        counts = [len(node.log) async for _ in iter_pages(ron, "/app/things")]
    assert [1, 2, 3] == counts
