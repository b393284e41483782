"""`FakeClock`: time that moves only when told."""

from __future__ import annotations

import asyncio

import pytest

import ron
from ron import RonClientSync
from ron.testing import FakeClock, MemoryNode
from tests.testing.shop import Note


def test_time_moves_when_told() -> None:
    """`advance` moves both clocks; nothing else does."""
    clock = FakeClock(start=1000.0)
    assert (1000.0, 0.0) == (clock.time(), clock.monotonic())
    clock.advance(2.5)
    assert (1002.5, 2.5) == (clock.time(), clock.monotonic())
    with pytest.raises(ron.RonConfigError, match="does not go back"):
        clock.advance(-1)


def test_sleeping_moves_it_at_once() -> None:
    """A sleep takes no time, and is noted."""
    clock = FakeClock()
    clock.sleep(3.0)
    asyncio.run(clock.asleep(4.0))
    assert ([3.0, 4.0], 7.0) == (clock.sleeps, clock.monotonic())


def test_an_async_sleep_lets_others_run() -> None:
    """Other tasks get their turn during a sleep that takes no time."""

    async def main() -> list[str]:
        order: list[str] = []

        async def other() -> None:
            order.append("other")

        task = asyncio.ensure_future(other())
        await FakeClock().asleep(1.0)
        order.append("slept")
        await task
        return order

    assert ["other", "slept"] == asyncio.run(main())


def test_chance_repeats() -> None:
    """`random` gives what it was told to, ids count up and are 32 hexadecimal digits."""
    clock = FakeClock(jitter=0.25)
    assert 0.25 == clock.random()
    clock.jitter = 0.75
    assert 0.75 == clock.random()
    ids = [clock.token_hex() for _ in range(3)]
    assert ["1", "2", "3"] == [one.lstrip("0") for one in ids]
    assert {32} == {len(one) for one in ids}


def test_who_waits_on_it_is_told() -> None:
    """Watchers are called after every move until they leave."""
    clock, calls = FakeClock(), []
    leave = clock.on_advance(lambda: calls.append(clock.monotonic()))
    clock.advance(1)
    clock.sleep(2)
    leave()
    clock.advance(3)
    assert [1.0, 3.0] == calls


def test_a_client_waits_on_it() -> None:
    """A client's back-off is the clock's sleeps: jitter of the range, on top of a hint."""
    node, clock = MemoryNode(Note), FakeClock()
    node.fail(status=503, retry_after_ms=1500)
    node.fail(status=503)
    with RonClientSync(transport=node, clock=clock) as client:
        assert [] == client.objects(Note).list().all()
    assert [1.875, 0.05] == clock.sleeps
