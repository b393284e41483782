"""Faults of a memory node, and who may use it at once."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import ron
from ron import RonClient, RonClientSync
from ron.testing import FakeClock, MemoryNode
from tests.testing.raw import ask
from tests.testing.shop import ITEMS, Item, Note


def test_fail_answers_with_a_problem() -> None:
    """A failure is the gateway's Problem, as often as asked; nothing is carried out."""
    node = MemoryNode(Item)
    node.fail(times=2, status=429, retry_after_ms=50, code="slow_down")
    replies = [ask(node, "POST", ITEMS, json={"name": "a"}) for _ in range(3)]
    assert [429, 429, 201] == [reply.status for reply in replies]
    expected = {
        "code": "slow_down",
        "message": "the node was told to fail",
        "retryable": True,
        "retry_after_ms": 50,
    }
    assert expected == json.loads(replies[0].body)
    assert 3 == len(node.requests)
    assert 1 == len(node.items(Item))


def test_faults_come_in_order() -> None:
    """Each request takes one fault, in the order in which they were asked for."""
    node, clock = MemoryNode(Item, clock=FakeClock()), FakeClock()
    node.fail()
    node.refuse()
    node.lose_response()
    with RonClientSync(transport=node, clock=clock) as client:
        client.objects(Item).create(name="a")
    assert 3 == len(node.requests), "the refused one never arrived"
    assert 3 == len(clock.sleeps)
    assert 1 == len(node.items(Item)), "the key counts here: the lost create was not done twice"


def test_a_lost_create_without_honoured_keys() -> None:
    """Where keys mean nothing the lost create is not repeated, unless the caller gives his word."""
    node = MemoryNode(Note)
    with RonClientSync(transport=node, clock=FakeClock()) as client:
        node.lose_response()
        with pytest.raises(ron.RonOutcomeUnknownError):
            client.objects(Note).create(text="a")
        node.lose_response()
        client.objects(Note).create(text="b", idempotency_key=True)
    assert ["a", "b", "b"] == [note.text for note in node.items(Note)]


def test_a_refused_request_may_always_be_repeated() -> None:
    """What was not sent is sent again, whatever it is."""
    node = MemoryNode(Note)
    node.refuse(times=2)
    with RonClientSync(transport=node, clock=FakeClock()) as client:
        client.objects(Note).create(text="a")
        assert 1 == len(node.requests)
        node.refuse(times=9)
        with pytest.raises(ron.RonNetworkError, match="refused"):
            client.objects(Note).create(text="b")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda node: node.fail(status=200), "400 to 599"),
        (lambda node: node.fail(times=0), "times"),
        (lambda node: node.lose_response(times=-1), "times"),
        (lambda node: node.refuse(times=True), "times"),
    ],
)
def test_a_fault_that_is_none_is_refused(call: Any, says: str) -> None:
    """Wrong arguments are `RonInputError`."""
    with pytest.raises(ron.RonInputError, match=says):
        call(MemoryNode())


def test_one_node_for_many_clients() -> None:
    """Clients of both colours, in threads and loops, share one node; every key is given once."""
    node = MemoryNode(Note)

    def in_a_thread(number: int) -> None:
        with RonClientSync(transport=node) as client:
            for _ in range(20):
                client.objects(Note).create(text=str(number))

    async def in_a_loop() -> None:
        async with RonClient(transport=node) as client:
            notes = client.objects(Note)
            await asyncio.gather(*(notes.create(text="loop") for _ in range(20)))

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(in_a_thread, number) for number in range(6)]
        jobs += [pool.submit(asyncio.run, in_a_loop()) for _ in range(2)]
        for job in jobs:
            job.result()
    assert {f"n-{number}" for number in range(1, 161)} == {note.id for note in node.items(Note)}


def test_a_cancelled_call_is_not_carried_out() -> None:
    """A task that is cancelled before its request left leaves the node as it was."""
    node = MemoryNode(Note)

    async def main() -> None:
        async with RonClient(transport=node) as client:
            task = asyncio.ensure_future(client.objects(Note).create(text="a"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert [] == node.items(Note)
